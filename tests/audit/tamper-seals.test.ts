import fc from 'fast-check';
import type { AuditRecord } from '../../shared/audit/record';
import { sealsOf } from '../../shared/audit/seal';
import { exported, sealedUpTo, trailOf, trailStart } from '../builders/trails';
import { depth, keyOf, rehashed, rehashedFrom, steps, verify, withManifest } from './forging';
import { isLiterallyValid } from './literal-verifier';

describe('an export with seals', () => {
  const day = 86_400_000;
  const manySteps = steps(5, 60);

  /** A trail over several hours, its seals, and whether some records came late. */
  const sealedTrail = fc.record({ trail: manySteps, late: fc.boolean() }).map(({ trail, late }) => {
    const records = trailOf(trail.map((step) => ({ ...step, seconds: step.seconds * 4 })));
    const arrivesLate = (record: AuditRecord) => late && record.hash[0]! < 64;
    const arrived = (record: AuditRecord, sealedAt: number) =>
      !arrivesLate(record) || sealedAt > Date.parse(record.recordedAt) + 5 * 3_600_000;
    const until = Date.parse(records.at(-1)!.recordedAt) + day / 4;
    return { records, seals: sealedUpTo(records, until, arrived), until };
  });

  test('is valid, also where records came late for their seal or are not sealed yet', async () => {
    await fc.assert(
      fc.asyncProperty(sealedTrail, fc.nat(), async ({ records, seals }, count) => {
        const kept = seals.slice(0, count % (seals.length + 1));
        const verdict = await verify(await exported([...records, ...kept]));
        expect(verdict).toMatchObject({ valid: true, records: records.length + kept.length });
        const sealed = kept.reduce((sum, one) => sum + one.sealed.records, 0);
        if (kept.length > 0) expect(verdict.against).toContain(`seals to hour ${kept.at(-1)!.sealed.hour}`);
        if (sealed < records.length) expect(verdict.against).toContain(`${records.length - sealed} of`);
        if (kept.length === seals.length) expect(sealed).toBe(records.length);
      }),
      { numRuns: 20 * depth },
    );
  });

  test('whose seal was dropped, replaced or made again is not', async () => {
    await fc.assert(
      fc.asyncProperty(sealedTrail, fc.nat(), async ({ records, seals }, which) => {
        fc.pre(seals.length > 1);
        const index = which % (seals.length - 1);
        const dropped = await verify(await exported([...records, ...seals.toSpliced(index, 1)]));
        expect(dropped).toMatchObject({
          valid: false,
          firstBad: { scope: 'seal', record: seals[index]!.record },
        });
        const lines = (await exported([...records, ...seals])).split(/(?<=\n)/);
        const at = lines.findIndex((line) => line.includes(`"record":"${seals[index]!.record}"`));
        const { sealed } = JSON.parse(lines[at]!) as { sealed: object };
        const forged = rehashed(lines[at]!, { sealed: { ...sealed, root: 'ab'.repeat(32) } });
        const replaced = await verify(lines.with(at, forged).join(''));
        expect(replaced).toMatchObject({ valid: false, firstBad: { scope: 'seal' } });
      }),
      { numRuns: 15 * depth },
    );
  });

  test('finds a chain hashed again under a manifest made again, and names its record', async () => {
    await fc.assert(
      fc.asyncProperty(sealedTrail, fc.nat(), async ({ records, seals }, which) => {
        const lines = (await exported([...records, ...seals])).split(/(?<=\n)/).slice(0, -1);
        const index = which % records.length;
        fc.pre(keyOf(lines[index]!).scope !== 'seal');
        const forged = rehashedFrom(lines, index);
        const verdict = await verify(await withManifest(forged));
        expect(isLiterallyValid(Buffer.from(await withManifest(forged)))).toBe(true);
        expect(verdict.valid).toBe(false);
        expect(verdict.against).toMatch(/^seals to hour/);
        expect(forged.filter((line, at) => line !== lines[at]).map(keyOf)).toContainEqual({
          scope: verdict.firstBad!.scope,
          record: verdict.firstBad!.record,
        });
      }),
      { numRuns: 15 * depth },
    );
  });

  test('finds a sealed record dropped from the end of its chain under a manifest made again', async () => {
    await fc.assert(
      fc.asyncProperty(sealedTrail, async ({ records, seals }) => {
        const verdict = await verify(await exported([...records.slice(0, -1), ...seals]));
        expect(verdict).toMatchObject({
          valid: false,
          firstBad: { scope: 'seal', reason: expect.stringContaining('it is gone') },
        });
      }),
      { numRuns: 10 * depth },
    );
  });

  test('finds a root that is not that of the records, in a chain of seals that is whole', async () => {
    const records = trailOf([0, 3, 5].map((resource) => ({ resource, seconds: 600 })));
    const seals = sealedUpTo(records, trailStart + day / 4);
    const lines = (await exported([...records, ...seals])).split(/(?<=\n)/).slice(0, -1);
    const first = lines.findIndex((line) => line.includes('"scope":"seal"'));
    const { sealed } = JSON.parse(lines[first]!) as { sealed: object };
    const forged = rehashedFrom(lines, first, { sealed: { ...sealed, root: 'ab'.repeat(32) } });
    expect(await verify(await withManifest(forged))).toMatchObject({
      valid: false,
      firstBad: { ...keyOf(lines[first]!), reason: expect.stringContaining('the root that it sealed') },
    });
  });

  test('finds an hour without a seal, in a chain of seals that is whole', async () => {
    const [first] = sealsOf('2026-11-20T08', undefined, [], [], trailStart);
    const [third] = sealsOf('2026-11-20T10', first, [first!], [], trailStart);
    expect(await verify(await exported([first!, third!]))).toMatchObject({
      valid: false,
      firstBad: {
        record: third!.record,
        reason: expect.stringContaining('the seal of hour 2026-11-20T09 is missing'),
      },
    });
  });

  test('finds a record slipped into a day that was sealed long ago', async () => {
    const records = trailOf([0, 3, 5].map((resource) => ({ resource, seconds: 600 })));
    const seals = sealedUpTo(records, trailStart + 3 * day);
    const [slipped] = trailOf([{ resource: 6, seconds: 700 }]);
    expect(await verify(await exported([...records, ...seals]))).toMatchObject({ valid: true });
    expect(await verify(await exported([...records, slipped!, ...seals]))).toMatchObject({
      valid: false,
      firstBad: {
        scope: slipped!.scope,
        record: slipped!.record,
        reason: expect.stringContaining('sealed without it'),
      },
    });
  });

  test('is held against the newest seal kept elsewhere, which a trail made again does not have', async () => {
    const trail = [0, 3, 0].map((resource) => ({ resource, seconds: 1200 }));
    const records = trailOf(trail);
    const seals = sealedUpTo(records, trailStart + day / 4);
    const anchor = Buffer.from(seals.at(-1)!.hash).toString('hex');
    const { hour } = seals.at(-1)!.sealed;
    expect(await verify(await exported([...records, ...seals]), anchor)).toEqual({
      valid: true,
      records: 3 + seals.length,
      against: `anchor ${anchor}, the seal of hour ${hour}; seals to hour ${hour}`,
    });
    const forged = trailOf(trail.map((step) => ({ ...step, seconds: step.seconds + 1 })));
    const resealed = sealedUpTo(forged, trailStart + day / 4);
    expect(await verify(await exported([...forged, ...resealed]))).toMatchObject({ valid: true });
    expect(await verify(await exported([...forged, ...resealed]), anchor)).toMatchObject({
      valid: false,
      firstBad: { scope: 'seal', reason: expect.stringContaining('nothing here has the anchor') },
    });
  });
});
