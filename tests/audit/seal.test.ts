import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { merkleRoot } from '../../shared/audit/merkle';
import { hashOf } from '../../shared/audit/record';
import { dueHours, hoursInReach, mostMembers, type SealEntry, sealsOf } from '../../shared/audit/seal';
import { verifyLive } from '../../shared/audit/verify';
import { canonicalJson } from '../../shared/domain/canonical-json';
import { memoryTrail } from '../builders/trails';

const at = (time: string) => Date.parse(`2026-11-20T${time}Z`);
const entry = (name: string, time: string): SealEntry => ({
  recordedAt: `2026-11-20T${time}.000Z`,
  hash: createHash('sha256').update(name).digest(),
});
const empty = (hour: string, previous?: Parameters<typeof sealsOf>[1]) =>
  sealsOf(hour, previous, [], [], at('12:00:00'))[0]!;

describe('the hours that are due', () => {
  test('end fifteen minutes ago, and begin with the newest where nothing is sealed', () => {
    expect(dueHours(undefined, at('12:14:59'))).toEqual(['2026-11-20T10']);
    expect(dueHours(undefined, at('12:15:00'))).toEqual(['2026-11-20T11']);
  });

  test('follow the newest seal without gap, however long nothing ran', () => {
    expect(dueHours(empty('2026-11-20T10'), at('12:14:59'))).toEqual([]);
    expect(dueHours(empty('2026-11-20T10'), at('12:15:00'))).toEqual(['2026-11-20T11']);
    expect(dueHours(empty('2026-11-18T22'), at('01:20:00'))).toHaveLength(26);
    expect(dueHours(empty('2026-11-18T22'), at('01:20:00')).slice(0, 3)).toEqual([
      '2026-11-18T23',
      '2026-11-19T00',
      '2026-11-19T01',
    ]);
  });

  test('are none where the clock stands before the newest seal', () => {
    expect(dueHours(empty('2026-11-20T10'), at('02:00:00'))).toEqual([]);
  });

  test('look back on a day of records', () => {
    expect(hoursInReach('2026-11-20T10')).toHaveLength(25);
    expect(hoursInReach('2026-11-20T10')[0]).toBe('2026-11-19T10');
    expect(hoursInReach('2026-11-20T10').at(-1)).toBe('2026-11-20T10');
  });
});

describe('a seal', () => {
  test('has the root over the hashes in the order of their time, whatever order they are read in', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat(59), { maxLength: 20 }),
        fc.infiniteStream(fc.boolean()),
        (minutes, order) => {
          const entries = minutes.map((minute) =>
            entry(`${minute}`, `10:${String(minute).padStart(2, '0')}:00`),
          );
          const shuffled = entries.toSorted(() => (order.next().value ? 1 : -1));
          const [seal, ...more] = sealsOf('2026-11-20T10', undefined, [], shuffled, at('11:15:00'));
          const sorted = entries.toSorted((one, other) => (one.recordedAt < other.recordedAt ? -1 : 1));
          expect(more).toEqual([]);
          expect(Buffer.from(seal!.sealed.root).toString('hex')).toBe(
            merkleRoot(sorted.map(({ hash }) => hash)),
          );
          expect(seal!.sealed).toMatchObject({ records: minutes.length, late: 0 });
        },
      ),
    );
  });

  test('is a record of the trail: its key, its chain and its hash are made alike', () => {
    const first = empty('2026-11-20T10');
    const second = empty('2026-11-20T11', first);
    expect([first.record, second.record]).toEqual(['hour#000000000001', 'hour#000000000002']);
    expect(second.previousHash).toEqual(first.hash);
    expect(hashOf(second as never)).toEqual(second.hash);
    expect(canonicalJson(first)).toMatch(
      /"sealed":\{"hour":"2026-11-20T10","late":0,"records":0,"root":"e3b0c442[0-9a-f]*"\}\}$/,
    );
  });

  test('takes what came late for the one before, and says so, and takes nothing twice', () => {
    const [early, late, next] = [entry('a', '10:20:00'), entry('b', '10:30:00'), entry('c', '11:10:00')];
    const [first] = sealsOf('2026-11-20T10', undefined, [], [early!], at('11:15:00'));
    const [second] = sealsOf('2026-11-20T11', first, [first!], [early!, late!, next!], at('12:15:00'));
    expect(second!.sealed).toMatchObject({ hour: '2026-11-20T11', records: 2, late: 1 });
    expect(Buffer.from(second!.sealed.root).toString('hex')).toBe(merkleRoot([late!.hash, next!.hash]));
    const [third] = sealsOf(
      '2026-11-20T12',
      second,
      [first!, second!],
      [early!, late!, next!],
      at('13:15:00'),
    );
    expect(third!.sealed).toMatchObject({ records: 0, late: 0 });
  });

  test('is followed by another of the same hour where there are too many records for one item', async () => {
    const records = Array.from({ length: mostMembers + 5 }, (_, index) => entry(`${index}`, '10:00:00'));
    const seals = sealsOf('2026-11-20T10', undefined, [], records, at('11:15:00'));
    expect(seals.map(({ sealed }) => [sealed.records, sealed.more])).toEqual([
      [mostMembers, 1],
      [5, undefined],
    ]);
    expect(canonicalJson(seals[0]!).length).toBeLessThan(2 * 350_000);
    expect(dueHours(seals[0], at('11:15:00'))).toEqual(['2026-11-20T10']);
    expect(dueHours(seals[1], at('11:15:00'))).toEqual([]);
    // One that was interrupted between the two goes on with the second.
    const [again] = sealsOf('2026-11-20T10', seals[0], [seals[0]!], records, at('11:15:00'));
    expect(again).toEqual(seals[1]);
    const following = sealsOf('2026-11-20T11', seals[1], seals, [], at('12:15:00'));
    const verdict = await verifyLive(memoryTrail([...seals, ...following].map((seal) => ({ ...seal }))));
    expect(verdict).toMatchObject({
      valid: false,
      firstBad: { record: 'hour#000000000001', reason: expect.stringContaining('it is gone') },
    });
  });
});
