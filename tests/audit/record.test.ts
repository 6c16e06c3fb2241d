import { nextRecord } from '../../shared/audit/next-record';
import { hashOf, hourOf, recordKey, resourceOf, sequenceOf } from '../../shared/audit/record';
import { imageResource, repositoryResource, tagResource, trigger } from '../builders/resources';

const now = Date.parse('2026-11-20T12:00:00Z');

describe('a record', () => {
  test.each([
    tagResource(),
    imageResource(),
    repositoryResource(),
    { kind: 'registry', account: '111122223333', region: 'eu-central-1' } as const,
  ])('of a $kind says which resource it is about', (resource) => {
    const record = nextRecord(undefined, { resource, triggers: [trigger({ resource })] }, now);
    expect(resourceOf(record)).toEqual(resource);
    expect(sequenceOf(record)).toBe(1);
    expect(record.record).toBe(recordKey(resource, 1));
  });

  test('of a sweep, a policy or a seal is about no resource', () => {
    expect(resourceOf({ scope: 'seal', record: 'seal#000000000001' })).toBeUndefined();
  });

  test('is chained by the hash of the one before, and its own covers everything else', () => {
    const first = nextRecord(undefined, { resource: tagResource(), triggers: [trigger()] }, now);
    const second = nextRecord(first, { resource: tagResource(), triggers: [trigger()] }, now);
    expect(second.previousHash).toEqual(first.hash);
    expect(hashOf(second)).toEqual(second.hash);
    for (const name of Object.keys(second).filter((one) => one !== 'hash')) {
      const { [name as keyof typeof second]: _, ...without } = second;
      expect(hashOf(without as typeof second)).not.toEqual(second.hash);
    }
  });

  test('spreads one hour over sixteen shards of the index', () => {
    const shards = new Set(
      Array.from({ length: 500 }, (_, index) => hourOf('2026-11-20T12:34:56.789Z', `key ${index}`)),
    );
    expect(shards.size).toBe(16);
    expect([...shards].every((one) => /^2026-11-20T12#[0-9a-f]$/.test(one))).toBe(true);
  });
});
