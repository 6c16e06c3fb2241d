import { marshall } from '@aws-sdk/util-dynamodb';
import { hashOf } from '../../shared/audit/record';
import { streamEntry } from '../../shared/aws/audit-stream';
import { canonicalJson } from '../../shared/domain/canonical-json';
import { InvalidInput } from '../../shared/domain/errors';
import { evaluatedRecord, judged, openFinding } from '../builders/findings';

const record = evaluatedRecord(undefined, {
  results: [judged()],
  findings: [openFinding()],
  changes: [{ rule: 'tag-format', kind: 'opened' }],
  factsHash: Buffer.from('facts'),
});

/** As Lambda delivers it: through JSON, with binary as base64. */
function delivered(item: object) {
  const base64 = Object.entries(marshall(item)).map(([name, value]) => [
    name,
    value.B ? { B: Buffer.from(value.B).toString('base64') } : value,
  ]);
  const NewImage = JSON.parse(JSON.stringify(Object.fromEntries(base64)));
  return { eventName: 'INSERT', dynamodb: { SequenceNumber: '111', NewImage } };
}

test('a delivered record is the record that was inserted, its hashes included', () => {
  const entry = streamEntry(delivered(record));
  expect(entry.sequenceNumber).toBe('111');
  expect(canonicalJson(entry.record())).toBe(canonicalJson(record));
  expect(Buffer.from(hashOf(entry.record()))).toEqual(Buffer.from(record.hash));
});

test.each([
  ['a later format', delivered({ ...record, format: 2 }), 'has format 2; this version reads format 1'],
  ['no image', { dynamodb: { SequenceNumber: '111' } }, 'the stream entry 111 has no new image'],
])('%s fails only when the record is read, with a reason', (_, given, words) => {
  const entry = streamEntry(given);
  expect(entry.sequenceNumber).toBe('111');
  expect(() => entry.record()).toThrow(InvalidInput);
  expect(() => entry.record()).toThrow(words);
});
