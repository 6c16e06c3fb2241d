import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import fc from 'fast-check';
import { hashThread } from '../../cli/hash-thread';
import { checkHashes, type HashChecker, uncheckedLines } from '../../shared/audit/hash-check';
import { merkleTree } from '../../shared/audit/merkle';
import { verifyExport } from '../../shared/audit/verify';
import { exported, opened, trailOf } from '../builders/trails';
import { depth, linesOf, steps, tamperings } from './forging';

/** What the thread does, in this one. */
function checkedHere(): HashChecker {
  const tree = merkleTree();
  let lines = uncheckedLines(new Uint8Array(0));
  let isSound = true;
  const send = (): void => {
    isSound = checkHashes(lines.taken(), tree) && isSound;
  };
  return {
    text(bytes) {
      send();
      lines = uncheckedLines(bytes);
    },
    line: (start, member, end) => lines.line(start, member, end),
    add: (hash) => lines.add(hash),
    room: async () => {},
    root() {
      send();
      return tree.root();
    },
    get isSound() {
      return isSound;
    },
  };
}

const agree = async (text: string | Uint8Array, piece: number): Promise<void> => {
  const open = opened(text, piece);
  expect(await verifyExport(open, undefined, checkedHere())).toEqual(await verifyExport(open));
};

describe('a verification whose hashes are checked elsewhere', () => {
  // Mostly such as leave a line's form as it is, so that it takes the hash to find them.
  const letters = fc.constantFrom(...'0123456789abcdefxA"é');
  const trail = fc.tuple(steps(1, 30), fc.integer({ min: 200, max: 5000 }));

  test('ends in the same verdict, whatever byte was edited', async () => {
    await fc.assert(
      fc.asyncProperty(trail, fc.nat(), letters, async ([of, piece], at, letter) => {
        const bytes = Buffer.from(await exported(trailOf(of)));
        await agree(bytes, piece);
        bytes.write(letter, at % bytes.length);
        await agree(bytes, piece);
      }),
      { numRuns: 60 * depth },
    );
  });

  test('ends in the same verdict, whatever was done to the records', async () => {
    await fc.assert(
      fc.asyncProperty(
        trail,
        fc.nat(),
        fc.nat(),
        fc.constantFrom(...tamperings),
        async ([of, piece], one, other, [, tampering]) => {
          const lines = await linesOf(of);
          const changed = tampering(lines.slice(0, -1), one % of.length, other % of.length);
          if (changed) await agree([...changed.lines, lines.at(-1)!].join(''), piece);
        },
      ),
      { numRuns: 60 * depth },
    );
  });

  test('knows a hash by its text and not by its bytes alone', async () => {
    // One of these hashes has a byte of which one digit makes all that its high bit says.
    const text = await exported(
      trailOf(Array.from({ length: 8 }, (_, resource) => ({ resource, seconds: 1 }))),
    );
    for (const { index } of text.matchAll(/"hash":"/g)) {
      for (let at = index + 8; at < index + 72; at += 1) {
        const edited = `${text.slice(0, at)}x${text.slice(at + 1)}`;
        expect(await verifyExport(opened(edited, 5000), undefined, checkedHere())).toMatchObject({
          valid: false,
        });
      }
    }
  });
});

describe('the thread that checks hashes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'warden-thread-'));
  const script = join(folder, 'hash-worker.js');
  beforeAll(() => {
    const entryPoints = [join(__dirname, '../../cli/hash-worker.ts')];
    buildSync({
      entryPoints,
      outfile: script,
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'cjs',
    });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  async function verifiedApart(text: string) {
    const thread = hashThread(script);
    expect(thread).toBeDefined();
    return verifyExport(opened(text, 300), undefined, thread).finally(() => thread?.close());
  }

  test('comes to the same as none, in many small pieces', async () => {
    const text = await exported(
      trailOf(Array.from({ length: 200 }, (_, index) => ({ resource: index % 8, seconds: 1 }))),
    );
    expect(await verifiedApart(text)).toMatchObject({ valid: true, records: 200 });
    const edited = text.replace('"passes":4', '"passes":5');
    expect(await verifiedApart(edited)).toEqual(await verifyExport(opened(edited)));
  });

  test('that fails ends the verification with its error, and not in waiting', async () => {
    const failing = join(folder, 'failing.js');
    writeFileSync(failing, "throw new Error('no memory');");
    const thread = hashThread(failing);
    const text = await exported(trailOf([{ resource: 0, seconds: 1 }]));
    await expect(verifyExport(opened(text), undefined, thread)).rejects.toThrow('no memory');
    await thread?.close();
  });

  test('is done without where it was not built', () => {
    expect(hashThread(join(folder, 'none.js'))).toBeUndefined();
  });
});
