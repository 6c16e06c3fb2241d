import * as fc from 'fast-check';
import parseSemver from 'semver/functions/parse';
import { namedFormats } from '../../shared/rules/named-formats';

const matches = (format: string, tag: string): boolean | undefined => namedFormats.get(format)?.matches(tag);

describe.each([
  [
    'semver',
    [
      '1.2.3',
      'v1.2.3',
      '0.0.0',
      '1.2.3-rc.1',
      '1.2.3-alpine3.20',
      '1.0.0--',
      '1.0.0-0a.b',
      '99999999999999999999.0.0',
    ],
    [
      '1.2',
      '01.2.3',
      'V1.2.3',
      'vv1.2.3',
      '=1.2.3',
      ' 1.2.3',
      '1.2.3\n',
      '1.2.3-01',
      '1.2.3-',
      '1.2.3-a..b',
      '1.2.3_b',
      '1.2.3+b',
      '1.2.3.4',
      '',
    ],
  ],
  [
    'calver',
    [
      '2026.11',
      '26.04',
      '26.4.1',
      'v2026.11.24',
      '2026.11.24.3',
      '2026.11.24-1',
      '2024.02.29.1',
      '2026.11-rc.1',
    ],
    ['2026', '2026.13', '2026.0', '1.2.3', '2026.02.30.1', '2026-11-24', '2026.11.', '226.11', '2026.11_1'],
  ],
  [
    'git-sha',
    ['0a1b2c3', '0123456789abcdef0123456789abcdef01234567'],
    ['0a1b2c', '0A1B2C3', 'g123456', '0123456789abcdef0123456789abcdef012345678', '0a1b2c3\n'],
  ],
  [
    'date',
    ['2026-11-24', '20261124', '2024-02-29'],
    ['2026-11-31', '2023-02-29', '2026-1124', '2026.11.24', '0000000', '2026-11-24-1', '20261324'],
  ],
  [
    'digest-tag',
    [`sha256-${'a'.repeat(64)}`, `sha256-${'0'.repeat(64)}.sbom`],
    [
      `sha256-${'a'.repeat(63)}`,
      `sha256-${'A'.repeat(64)}`,
      `sha256:${'a'.repeat(64)}`,
      `sha256-${'a'.repeat(64)}.txt`,
    ],
  ],
])('%s', (format, accepted, refused) => {
  test.each(accepted)('takes %j', (tag) => expect(matches(format, tag)).toBe(true));
  test.each(refused)('refuses %j', (tag) => expect(matches(format, tag)).toBe(false));
});

// The expression of semver.org, with its build metadata left out.
const literal =
  /^v?(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?$/;
const versionLike = fc
  .array(fc.constantFrom('0', '1', '00', '10', '.', '.', '-', 'v', 'a', 'rc', 'Z', '_', '+', ' '), {
    maxLength: 12,
  })
  .map((parts) => parts.join(''));
const near = fc
  .tuple(fc.constantFrom('', 'v'), versionLike, versionLike)
  .map(([v, head, tail]) => `${v}1.2.3${head}${tail}`);

test('semver agrees with the expression of semver.org', () => {
  void fc.assert(
    fc.property(
      fc.oneof(versionLike, near, fc.string()),
      (tag) => matches('semver', tag) === literal.test(tag),
    ),
    { numRuns: 5_000 },
  );
});

test('semver agrees with the semver package on what both can hold', () => {
  void fc.assert(
    fc.property(fc.oneof(versionLike, near), (tag) => {
      const parsed = parseSemver(tag);
      const whole = parsed !== null && parsed.raw === tag && parsed.build.length === 0 && !tag.includes('+');
      expect(matches('semver', tag)).toBe(whole && tag === tag.trim());
    }),
    { numRuns: 3_000 },
  );
});

test('no tag makes a format slow', () => {
  const hostile = [
    '0'.repeat(300),
    `1.2.3-${'0'.repeat(290)}_`,
    `1.2.3-${'a-'.repeat(140)}!`,
    `1.2.3${'-a.1'.repeat(70)}_`,
  ];
  const start = performance.now();
  for (const tag of hostile) for (const format of namedFormats.values()) format.matches(tag);
  expect(performance.now() - start).toBeLessThan(200);
});
