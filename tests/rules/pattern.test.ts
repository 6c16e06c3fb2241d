import * as fc from 'fast-check';
import { InvalidInput } from '../../shared/domain/errors';
import { compareSpecificity, patternProblem, repositoryGlobs, tagPattern } from '../../shared/rules/pattern';

test.each([
  ['*', '.hidden', true],
  ['*', 'v1', true],
  ['v?', 'v1', true],
  ['v?', 'v12', false],
  ['v[0-9]', 'v5', true],
  ['v[!0-9]', 'v5', false],
  ['{a,b}-*', 'b-1', true],
  ['latest', 'latest', true],
  ['latest', 'LATEST', false],
  ['semver', 'semver', false],
  ['[s]emver', 'semver', true],
  ['/^v/', 'v1', true],
  ['/1$/', 'v1', true],
  ['/^(a+)+$/', `${'a'.repeat(200)}!`, false],
])('the tag pattern %s on %s is %s', (pattern, tag, expected) => {
  expect(tagPattern(pattern).matches(tag)).toBe(expected);
});

test.each([
  ['payments/**', 'payments/api', true],
  ['payments/**', 'payments/a/b', true],
  ['payments/**', 'payments', false],
  ['payments/**', 'payments-old/api', false],
  ['payments/*', 'payments/a/b', false],
  ['**', 'anything/at/all', true],
  ['**/api', 'api', true],
  ['{a,b}/x', 'b/x', true],
])('the repository pattern %s on %s is %s', (pattern, name, expected) => {
  expect(repositoryGlobs(pattern).some((glob) => glob.matches(name))).toBe(expected);
});

test.each([
  ['', /empty pattern/],
  ['[a', /"\[" is not closed/],
  ['{a', /"{" is not closed/],
  ['a}', /no "{" before it/],
  ['a{b}', /alternatives/],
  ['a'.repeat(257), /at most 256/],
  ['{1..1000}', /more than 100/],
  [`${'{a,b}'.repeat(20)}`, /more than 100/],
  ['^v1$', /write \/\^v1\$\//],
  ['a b', /stands in no tag/],
  ['!a', /stands in no tag/],
  ['a\\', /nothing follows/],
  ['//', /between two slashes/],
  ['/a', /between two slashes/],
  ['/a/i', /\(\?i\)/],
  ['/(?=a)/', /linear time: .*\(\?=/],
  ['/(?<!a)b/', /linear time/],
  ['/(a)\\1/', /linear time: invalid escape sequence: `\\1`/],
  ['/a{1001}/', /repeat count/],
])('the tag pattern %j is refused', (pattern, message) => {
  expect(() => tagPattern(pattern)).toThrow(InvalidInput);
  expect(() => tagPattern(pattern)).toThrow(message);
});

test.each([
  ['!a/**', /positive only/],
  ['/a/', /is a glob/],
  ['Payments/**', /lower case/],
])('the repository pattern %j is refused', (pattern, message) => {
  expect(() => repositoryGlobs(pattern)).toThrow(message);
});

test.each([
  ['payments/api', 'payments/*'],
  ['payments/*', 'payments/**'],
  ['payments/**', '**'],
  ['payments/**', '*/api'],
  ['payments/api-*', 'payments/*'],
])('%s is more specific than %s', (one, other) => {
  const [first, second] = [repositoryGlobs(one)[0]!, repositoryGlobs(other)[0]!];
  expect(compareSpecificity(first, second)).toBeGreaterThan(0);
  expect(compareSpecificity(second, first)).toBeLessThan(0);
});

const globLike = fc
  .array(
    fc.constantFrom(
      '*',
      '**',
      '?',
      '[',
      ']',
      '{',
      '}',
      ',',
      '..',
      '/',
      '\\',
      'a',
      'b',
      '0',
      '-',
      '!',
      '^',
      '9',
    ),
    { maxLength: 40 },
  )
  .map((parts) => parts.join(''));

test('a pattern is taken or refused in words, and answers at once either way', () => {
  const name = `${'ab-0'.repeat(60)}b`;
  void fc.assert(
    fc.property(fc.oneof(globLike, fc.string()), (text) => {
      const start = performance.now();
      for (const compile of [tagPattern, repositoryGlobs] as const) {
        if (patternProblem(text, compile) !== undefined) continue;
        const compiled = compile(text);
        for (const pattern of Array.isArray(compiled) ? compiled : [compiled])
          expect(typeof pattern.matches(name)).toBe('boolean');
      }
      expect(performance.now() - start).toBeLessThan(500);
    }),
    { numRuns: 2_000 },
  );
});

test('a glob that other libraries take minutes for answers at once', () => {
  const start = performance.now();
  expect(tagPattern('*a*a*a*a*a*a*a*b').matches('a'.repeat(256))).toBe(false);
  expect(performance.now() - start).toBeLessThan(200);
});
