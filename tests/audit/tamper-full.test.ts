import { verifyExport } from '../../shared/audit/verify';
import { exported, opened, sealedUpTo, trailOf } from '../builders/trails';
import { keyOf, rehashedFrom, tamperings, withManifest } from './forging';

/** Every kind of tampering in a large export. `npm run test:deep` takes one of 100,000 records. */
const count = process.env.DEEP ? 100_000 : 1000;
const verify = (text: string) => verifyExport(opened(text, 1 << 20));

describe(`in an export of ${count.toLocaleString('en')} records`, () => {
  let lines: string[];
  let manifest: string;

  beforeAll(async () => {
    const records = trailOf(
      Array.from({ length: count }, (_, index) => ({
        resource: (index * 7) % 10,
        seconds: 20,
        skewSeconds: index % 3 === 0 ? 150 : -150,
      })),
    );
    const seals = sealedUpTo(records, Date.parse(records.at(-1)!.recordedAt) - 3_600_000);
    lines = (await exported([...records, ...seals])).split(/(?<=\n)/);
    manifest = lines.pop()!;
  }, 600_000);

  test('there is no false alarm', async () => {
    expect(await verify(lines.join('') + manifest)).toMatchObject({ valid: true, records: lines.length });
  }, 600_000);

  test.each(tamperings)(
    '%s',
    async (_, tampering) => {
      let tried = 0;
      for (const part of [0.2, 0.6]) {
        // From each place on, the first record that it can be done to.
        for (let one = Math.floor(part * count); one < lines.length; one += 1) {
          const changed = tampering(lines, one, (one + 777) % count);
          if (!changed) continue;
          const { valid, firstBad } = await verify(changed.lines.join('') + manifest);
          expect(valid).toBe(false);
          expect(changed.named).toContain(`${firstBad!.scope} ${firstBad!.record}`);
          tried += 1;
          break;
        }
      }
      expect(tried).toBeGreaterThan(1);
    },
    600_000,
  );

  test('a byte edited anywhere is named with its record', async () => {
    for (const part of [0, 0.2, 0.4, 0.6, 0.8, 0.999]) {
      const index = Math.floor(part * lines.length);
      const line = Buffer.from(lines[index]!);
      // Before the key and the scope, whose edits only neighbours can tell from a moved record.
      const at = Math.floor(part * line.indexOf('"record":"'));
      line[at] = line[at] === 0x41 ? 0x42 : 0x41;
      const { firstBad, records } = await verify(lines.with(index, line.toString()).join('') + manifest);
      expect(firstBad).toMatchObject(keyOf(lines[index]!));
      expect(records).toBe(index);
    }
  }, 600_000);

  test('a chain hashed again under a manifest made again does not fit the seals', async () => {
    const one = Math.floor(count / 3);
    const forged = rehashedFrom(lines, one);
    const { valid, against, firstBad } = await verify(await withManifest(forged));
    expect({ valid, against }).toEqual({ valid: false, against: expect.stringMatching(/^seals to hour/) });
    const chain = (JSON.parse(lines[one]!) as { record: string }).record.slice(0, -12);
    expect(firstBad!.record.startsWith(chain)).toBe(true);
  }, 600_000);
});
