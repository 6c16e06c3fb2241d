import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { emptyRecordLine, scanRecordLine } from '../../shared/audit/record-line';
import { canonicalJson } from '../../shared/domain/canonical-json';

const hex = (digit: string) => digit.repeat(64);
const core = {
  format: 1,
  hash: hex('a'),
  previousHash: hex('0'),
  record: 'tag#v1#000000000001',
  recordedAt: '2026-11-20T08:00:00.000Z',
  scope: '111122223333/eu-central-1/payments/api',
};
const canonical = (more: object = {}) => canonicalJson({ ...core, ...more });

function accepts(text: string | Buffer): boolean {
  const line = Buffer.concat([Buffer.from(text as string), Buffer.from('\n')]);
  return isUtf8(line) && scanRecordLine(line, 0, emptyRecordLine()) === line.length - 1;
}

/** Text as it could be written by someone who knows JSON and not RFC 8785. */
const anyText = fc.oneof(
  fc.constantFrom(
    'true',
    'false',
    'null',
    '0',
    '-0',
    '1.0',
    '1e3',
    '-7',
    '01',
    '12345678901234567890',
    '0.5',
    '""',
  ),
  fc.constantFrom(
    '"\\u0041"',
    '"\\/"',
    '"\\n"',
    '"\\u000a"',
    '"\\u001f"',
    '"\\b"',
    '"é"',
    '"\\ud800"',
    '"\t"',
    '"\\x"',
    '"',
  ),
  fc.constantFrom(
    '[]',
    '[ ]',
    '[1,]',
    '{}',
    '{"b":1,"a":2}',
    '{"a":1,"a":2}',
    '{"a":1}',
    '{"é":1}',
    '{a:1}',
    '[[[[]]]]',
  ),
  fc.json(),
  fc.jsonValue().map(canonicalJson),
);

describe('the scan of a record’s line', () => {
  test('accepts nothing that is not the canonical text of its value', () => {
    fc.assert(
      fc.property(
        anyText,
        fc.constantFrom('actions', 'h', 'holder', 'zeta', 'scope', 'hash'),
        (text, name) => {
          const members = Object.entries(core).map(([key, value]) => [key, JSON.stringify(value)] as const);
          const line = [...members, [name, text] as const]
            .sort(([one], [other]) => (one < other ? -1 : 1))
            .map(([key, value]) => `"${key}":${value}`)
            .join(',');
          if (accepts(`{${line}}`)) expect(canonicalJson(JSON.parse(`{${line}}`))).toBe(`{${line}}`);
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('accepts nothing else after any byte was changed', () => {
    const text = Buffer.from(
      canonical({ evidence: { a: [1, -2, 'x\n"\\'], b: null, c: { d: true, e: false } }, größe: 'é' }),
    );
    const ascii = Buffer.from(
      canonical({ evidence: { a: [10, -2, 'x\n"\\'], b: null, c: { d: true, e: false } } }),
    );
    let accepted = 0;
    for (const line of [text, ascii]) {
      for (let at = 0; at < line.length; at += 1) {
        for (let byte = 0; byte < 256; byte += 1) {
          const edited = Buffer.from(line);
          edited[at] = byte;
          if (!accepts(edited)) continue;
          accepted += 1;
          const value: unknown = JSON.parse(edited.toString());
          if (canonicalJson(value) !== edited.toString()) throw new Error(`accepted: ${edited}`);
        }
      }
    }
    expect(accepted).toBeGreaterThan(1000);
  });

  test('accepts what records are made of, so that few lines need more than the scan', () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.stringMatching(/^[a-z][a-zA-Z]{0,9}$/),
          fc.oneof(fc.string(), fc.nat(), fc.boolean(), fc.array(fc.nat())),
        ),
        fc.constantFrom(...'bcdefijkmnqtuvwxyz'),
        (value, name) => {
          const text = canonical({ [`${name}x`]: value });
          fc.pre(!text.includes('\\u'));
          expect(accepts(text)).toBe(true);
        },
      ),
    );
  });

  test('finds the members at the top and not those of the same name beneath', () => {
    const line = Buffer.from(
      `${canonical({ findings: [{ hash: hex('f'), scope: 'x' }], triggers: { record: 'y#000000000009' } })}\n`,
    );
    const found = emptyRecordLine();
    expect(scanRecordLine(line, 0, found)).toBe(line.length - 1);
    expect(line.toString('utf8', found.scope, found.scopeEnd)).toBe(core.scope);
    expect(line.toString('utf8', found.record, found.recordEnd)).toBe(core.record);
    expect(line.toString('utf8', found.hash, found.hash + 64)).toBe(core.hash);
    expect(line.toString('utf8', found.previousHash, found.previousHash + 64)).toBe(core.previousHash);
  });

  test.each([
    ['another format', { format: 2 }],
    ['no sequence', { record: 'tag#v1' }],
    ['the sequence zero', { record: 'tag#v1#000000000000' }],
    ['an empty scope', { scope: '' }],
    ['a short hash', { hash: 'abc' }],
    ['a time of another form', { recordedAt: '2026-11-20' }],
    ['a hash that is no text', { previousHash: 7 }],
  ])('does not accept %s', (_, members) => {
    expect(accepts(canonical())).toBe(true);
    expect(accepts(canonical(members))).toBe(false);
  });
});
