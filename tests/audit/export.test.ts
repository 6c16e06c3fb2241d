import fc from 'fast-check';
import {
  exportBeginning,
  exportTrail,
  parseManifest,
  type TrailItem,
  type TrailSource,
} from '../../shared/audit/export';
import { hashOf } from '../../shared/audit/record';
import { verifyExport, verifyLive } from '../../shared/audit/verify';
import { canonicalJson } from '../../shared/domain/canonical-json';
import {
  exported,
  exportText,
  memoryTrail,
  opened,
  sealedUpTo,
  trailOf,
  trailStart,
} from '../builders/trails';
import { steps, tallied } from './forging';

const trail = [0, 0, 3, 7, 0, 9].map((resource) => ({ resource, seconds: 60 }));

describe('an export', () => {
  test('has the canonical text of each record in key order, and a manifest', async () => {
    const records = trailOf(trail);
    const lines = (await exported(records)).trimEnd().split('\n');
    const keys = lines.slice(0, -1).map((line) => {
      const { scope, record } = JSON.parse(line) as TrailItem;
      return `${scope}\n${record}`;
    });
    expect(keys).toEqual(records.map(({ scope, record }) => `${scope}\n${record}`).sort());
    expect(lines.slice(0, -1).sort()).toEqual(records.map((record) => canonicalJson(record)).sort());
    const manifest = parseManifest(lines.at(-1)!)!;
    expect(manifest.records).toBe(6);
    const newest = [records[2]!, records[4]!]
      .map(({ hash }) => Buffer.from(hash).toString('hex', 0, 2))
      .join('');
    expect(manifest.scopes.get('111122223333/eu-central-1/payments/api')).toBe(newest);
    expect([...manifest.scopes.keys()]).toHaveLength(3);
  });

  test('of an empty trail is a manifest alone, and valid', async () => {
    const text = await exported([]);
    expect(text.split('\n')).toHaveLength(2);
    expect(await verifyExport(opened(text))).toMatchObject({ valid: true, records: 0 });
  });

  test('shows an item that no record could be, for the verifier to name', async () => {
    const [record] = trailOf(trail.slice(0, 1));
    const odd = { ...record!, tags: new Set(['b', 'a']) };
    const text = await exported([odd]);
    expect(text).toContain('"tags":["a","b"]');
    expect(await verifyExport(opened(text))).toMatchObject({
      valid: false,
      firstBad: { record: record!.record },
    });
  });

  test('goes on from any record with the same lines', async () => {
    await fc.assert(
      fc.asyncProperty(steps(1, 20), fc.nat(), async (of, count) => {
        const source = memoryTrail(trailOf(of));
        const lines: string[] = [];
        const beginning = await exportBeginning(source);
        let last: TrailItem | undefined;
        for await (const line of exportTrail(source, beginning)) {
          if (lines.length === count % of.length) break;
          lines.push(line);
          last = JSON.parse(line) as TrailItem;
        }
        const position = { ...beginning, tally: tallied(lines), ...(last && { last }) };
        for await (const line of exportTrail(source, position)) lines.push(line);
        expect(lines.join('')).toBe(await exportText(source));
      }),
      { numRuns: 30 },
    );
  });
});

describe('while the trail is written to', () => {
  /** A trail whose source runs `between` before each record that it reads. */
  function disturbed(items: TrailItem[], between: (read: number) => void): TrailSource {
    const source = memoryTrail(items);
    let read = 0;
    return {
      ...source,
      async *records(scope, after) {
        let last = after;
        for (;;) {
          between(read++);
          const next = (await source
            .records(scope, last)
            [Symbol.asyncIterator]()
            .next()) as IteratorResult<TrailItem>;
          if (next.done) return;
          last = next.value.record;
          yield next.value;
        }
      },
    };
  }

  test('an export has every chain up to some record, and is valid', async () => {
    await fc.assert(
      fc.asyncProperty(steps(10, 40), fc.infiniteStream(fc.nat(3)), async (of, arrivals) => {
        const records = trailOf(of);
        const items: TrailItem[] = records.slice(0, 5);
        const source = disturbed(items, () => {
          const [count = 0] = arrivals.take(1);
          items.push(...records.slice(items.length, items.length + count));
        });
        expect(await verifyExport(opened(await exportText(source)))).toMatchObject({ valid: true });
        expect(await verifyLive(disturbed(items, () => {}))).toMatchObject({ valid: true });
      }),
      { numRuns: 40 },
    );
  });

  test('a record inserted behind the place that is read, before its successor, is not taken for missing', async () => {
    const records = trailOf([0, 0, 0].map((resource) => ({ resource, seconds: 1 })));
    const items: TrailItem[] = [records[0]!];
    const source = memoryTrail(items);
    let looks = 0;
    const unsteady: TrailSource = {
      ...source,
      async *records(scope, after) {
        looks += 1;
        items.splice(1, 2, records[1]!, records[2]!);
        for await (const item of source.records(scope, after))
          if (looks > 1 || item !== records[1]) yield item;
      },
    };
    expect(await verifyLive(unsteady)).toMatchObject({ valid: true, records: 3 });
    expect(looks).toBe(2);
  });

  test('a seal made meanwhile is left out, so that no export lacks what its own seals cover', async () => {
    const records = trailOf([0, 7].map((resource) => ({ resource, seconds: 60 })));
    const [late] = trailOf([{ resource: 3, seconds: 90 }]);
    const items: TrailItem[] = [...records];
    const source = disturbed(items, (read) => {
      if (read === 3) items.push(late!, ...sealedUpTo([...records, late!], trailStart + 7_200_000));
    });
    const text = await exportText(source);
    expect(text).not.toContain('"seal"');
    expect(await verifyExport(opened(text))).toMatchObject({ valid: true });
    expect(await exportText(memoryTrail(items))).toContain('"scope":"seal"');
  });
});

describe('the trail itself', () => {
  test('is verified like an export, against its seals', async () => {
    const records = trailOf(trail);
    expect(await verifyLive(memoryTrail([...records]))).toEqual({
      valid: true,
      records: 6,
      against: "the trail's own chains; 6 of 6 records not yet sealed",
    });
    const seals = sealedUpTo(records, trailStart + 7_200_000);
    const hash = Buffer.from(seals.at(-1)!.hash).toString('hex');
    expect(await verifyLive(memoryTrail([...records, ...seals]), hash)).toMatchObject({
      valid: true,
      against: expect.stringContaining(`anchor ${hash}`),
    });
  });

  test('names what was taken from it, edited in it or is of another version', async () => {
    const records = trailOf(trail);
    const { scope, record } = records[1]!;
    expect(await verifyLive(memoryTrail(records.toSpliced(1, 1)))).toMatchObject({
      valid: false,
      firstBad: { scope, record },
    });
    expect(await verifyLive(memoryTrail(records.with(1, { ...records[1]!, passes: 3 })))).toMatchObject({
      valid: false,
      firstBad: { scope, record },
    });
    const later = { ...records[1]!, format: 2 as 1 };
    expect(await verifyLive(memoryTrail(records.with(1, { ...later, hash: hashOf(later) })))).toMatchObject({
      valid: false,
      firstBad: { scope, record, reason: expect.stringContaining('cannot be verified by this version') },
    });
  });
});
