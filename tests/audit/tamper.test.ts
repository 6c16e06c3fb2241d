import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { verifyExport } from '../../shared/audit/verify';
import { exported, opened, trailOf } from '../builders/trails';
import { depth, keyOf, linesOf, rehashed, steps, tamperings, verify } from './forging';
import { isLiterallyValid } from './literal-verifier';

describe('an untouched export', () => {
  test('is valid, however the bytes come, with clocks five minutes apart', async () => {
    await fc.assert(
      fc.asyncProperty(steps(0, 40), fc.integer({ min: 1, max: 4000 }), async (trail, piece) => {
        const text = await exported(trailOf(trail));
        expect(isLiterallyValid(Buffer.from(text))).toBe(true);
        expect(await verifyExport(opened(text, piece))).toEqual({
          valid: true,
          records: trail.length,
          against: expect.stringContaining("the export's own manifest"),
        });
      }),
      { numRuns: 30 * depth },
    );
  });

  test('is held against a root that was kept elsewhere', async () => {
    const text = await exported(trailOf([{ resource: 0, seconds: 1 }]));
    const { root } = JSON.parse(text.trim().split('\n').at(-1)!).manifest;
    expect(await verify(text, root)).toEqual({
      valid: true,
      records: 1,
      against: `anchor ${root}, the root of this export; 1 of 1 records not yet sealed`,
    });
    expect(await verify(text, 'ab'.repeat(32))).toMatchObject({
      valid: false,
      against: `anchor ${'ab'.repeat(32)}`,
    });
  });
});

describe('a byte edited anywhere', () => {
  const edit = fc.record({
    at: fc.nat(),
    byte: fc.nat(255),
    kind: fc.constantFrom('replace', 'insert', 'delete'),
  });

  test('is found, exactly where a literal reading finds it', async () => {
    await fc.assert(
      fc.asyncProperty(steps(), edit, async (trail, { at, byte, kind }) => {
        const bytes = Buffer.from(await exported(trailOf(trail)));
        const place = at % bytes.length;
        const after = bytes.subarray(kind === 'insert' ? place : place + 1);
        const edited = Buffer.concat([
          bytes.subarray(0, place),
          Buffer.from(kind === 'delete' ? [] : [byte]),
          after,
        ]);
        fc.pre(!edited.equals(bytes));
        expect(isLiterallyValid(edited)).toBe(false);
        expect(await verify(edited)).toMatchObject({
          valid: false,
          firstBad: { reason: expect.any(String) },
        });
      }),
      { numRuns: 100 * depth },
    );
  });

  test('is named with its record', async () => {
    await fc.assert(
      fc.asyncProperty(steps(), fc.nat(), fc.nat(), fc.nat(255), async (trail, which, at, byte) => {
        const lines = await linesOf(trail);
        const index = which % (lines.length - 1);
        const line = Buffer.from(lines[index]!);
        const place = at % (line.length - 1);
        // A changed key can only be told from a moved record by what follows it.
        const key = Buffer.from(`"record":"${keyOf(lines[index]!).record}"`);
        const scope = Buffer.from(`"scope":"${keyOf(lines[index]!).scope}"`);
        fc.pre(byte !== line[place] && byte !== 0x0a);
        for (const part of [key, scope])
          fc.pre(place < line.indexOf(part) || place >= line.indexOf(part) + part.length);
        line[place] = byte;
        const verdict = await verify(
          Buffer.concat(
            [...lines.slice(0, index), line, ...lines.slice(index + 1)].map((one) => Buffer.from(one)),
          ),
        );
        expect(verdict.firstBad).toMatchObject(keyOf(lines[index]!));
        expect(verdict.records).toBe(index);
      }),
      { numRuns: 60 * depth },
    );
  });
});

describe('what is not a byte', () => {
  const trail = fc.tuple(steps(8, 40), fc.nat(), fc.nat());

  test.each(tamperings)('%s', async (_, tampering) => {
    await fc.assert(
      fc.asyncProperty(trail, async ([of, one, other]) => {
        const all = await linesOf(of);
        const changed = tampering(all.slice(0, -1), one % of.length, other % of.length);
        fc.pre(changed !== undefined);
        const text = [...changed.lines, all.at(-1)!].join('');
        expect(isLiterallyValid(Buffer.from(text))).toBe(false);
        const { valid, firstBad } = await verify(text);
        expect(valid).toBe(false);
        expect(changed.named).toContain(`${firstBad!.scope} ${firstBad!.record}`);
      }),
      { numRuns: 25 * depth },
    );
  });

  test('a line that stands there twice is named also where its own line follows at once', async () => {
    const [first, second, third, manifest] = await linesOf(
      [3, 3, 0].map((resource) => ({ resource, seconds: 1 })),
    );
    expect(await verify([first, third, second, third, manifest].join(''))).toMatchObject({
      valid: false,
      firstBad: keyOf(third!),
    });
  });

  test('two trails mixed in one chain are told apart', async () => {
    const of = (seconds: number) => [0, 0, 0, 0].map((resource) => ({ resource, seconds }));
    const [ours, theirs] = [await linesOf(of(5)), await linesOf(of(6))];
    const mixed = [...ours.slice(0, 2), ...theirs.slice(2, 4), ours.at(-1)!].join('');
    expect(await verify(mixed)).toMatchObject({
      valid: false,
      firstBad: { ...keyOf(ours[2]!), reason: expect.stringContaining('replaced') },
    });
  });

  test('text that hashes well and is not canonical is refused', async () => {
    const [line, manifest] = await linesOf([{ resource: 0, seconds: 1 }]);
    const withSpace = (text: string) => {
      const open = text
        .replace(/"hash":"[0-9a-f]{64}",/, '')
        .trimEnd()
        .replace('{', '{ ');
      const hash = createHash('sha256').update(open).digest('hex');
      return open
        .replace('"holder"', `"hash":"${hash}","holder"`)
        .replace('"hour"', /holder/.test(open) ? '"hour"' : `"hash":"${hash}","hour"`);
    };
    const twice = line!.replace('"scope":', '"scope":"a","scope":');
    for (const text of [`${withSpace(line!)}\n`, twice]) {
      expect(await verify(text + manifest)).toMatchObject({
        valid: false,
        firstBad: { reason: expect.stringContaining('not the canonical text') },
      });
    }
  });
});

describe('a file that is no whole export', () => {
  const trail = [0, 0, 3, 3].map((resource) => ({ resource, seconds: 10 }));

  test('cut anywhere, is never valid', async () => {
    const bytes = Buffer.from(await exported(trailOf(trail)));
    for (let length = 0; length < bytes.length; length += 7) {
      const { valid, firstBad } = await verifyExport(opened(bytes.subarray(0, length), 65_536));
      expect([length, valid]).toEqual([length, false]);
      expect(firstBad!.reason).toMatch(/cut off|no manifest/);
    }
  });

  test.each([
    ['an empty file', '', 'no manifest'],
    ['binary', '\u0000\u0001\n', 'not JSON'],
    ['an empty line', '\n', 'empty'],
    ['other JSON', '[]\n', 'not a record'],
    ['a manifest of another shape', '{"manifest":{"records":0}}\n', 'no manifest that'],
    ['deeply nested', `${'['.repeat(200_000)}\n`, 'not JSON'],
    ['nested too deeply to compare', `{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}\n`, 'canonical'],
  ])('%s is said to be one', async (_, text, reason) => {
    expect(await verify(text)).toMatchObject({
      valid: false,
      records: 0,
      firstBad: { reason: expect.stringContaining(reason) },
    });
  });

  test('something after the manifest', async () => {
    const text = await exported(trailOf(trail));
    for (const more of ['\n', text, `${text.split('\n')[0]}\n`])
      expect(await verify(text + more)).toMatchObject({
        valid: false,
        firstBad: { record: 'manifest', reason: expect.stringContaining('after the manifest') },
      });
  });

  test('a record of a later format cannot be verified, and is not called edited', async () => {
    const lines = await linesOf(trail);
    lines[1] = rehashed(lines[1]!, { format: 2, novelty: true });
    const verdict = await verify(lines.join(''));
    expect(verdict).toMatchObject({ valid: false, firstBad: keyOf(lines[1]!) });
    expect(verdict.firstBad!.reason).toMatch(/cannot be verified by this version: its format is 2/);
  });

  test('a manifest edited in any of its numbers is what is wrong', async () => {
    const lines = await linesOf(trail);
    const manifest = lines.at(-1)!;
    for (const edited of [
      manifest.replace('"records":4', '"records":5'),
      manifest.replace(/"root":"(.)/, (_, digit) => `"root":"${digit === '0' ? '1' : '0'}`),
      manifest.replace(
        /(eu-central-1\/payments\/api":")(.)/,
        (_, name, digit) => `${name}${digit === '0' ? '1' : '0'}`,
      ),
    ]) {
      expect(edited).not.toBe(manifest);
      expect(await verify([...lines.slice(0, -1), edited].join(''))).toMatchObject({
        valid: false,
        firstBad: { record: 'manifest' },
      });
    }
  });
});
