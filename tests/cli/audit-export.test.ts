import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { auditExport } from '../../cli/audit-export';
import { auditVerify } from '../../cli/audit-verify';
import type { Terminal } from '../../cli/output';
import type { TrailSource } from '../../shared/audit/export';
import { InvalidInput } from '../../shared/domain/errors';
import { exportText, memoryTrail, sealedUpTo, trailOf, trailStart } from '../builders/trails';

const folder = mkdtempSync(join(tmpdir(), 'warden-export-'));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => {
  for (const name of readdirSync(folder)) rmSync(join(folder, name));
});

function terminal() {
  const out: string[] = [];
  const quiet: Terminal = {
    stdout: (text) => void out.push(text),
    stderr: () => {},
    width: 100,
    interactive: false,
    paint: (_, text) => text,
  };
  return { ...quiet, text: () => out.join('') };
}

const inFolder = (name: string) => join(folder, name);

async function exportTo(name: string, source: TrailSource): Promise<Record<string, unknown>> {
  const shown = terminal();
  expect(await auditExport({ file: inFolder(name), output: 'json' }, source, shown, () => 0)).toBe(0);
  return JSON.parse(shown.text());
}

async function verify(name: string, anchor?: string) {
  const shown = terminal();
  const code = await auditVerify({ output: 'json', ...(anchor && { anchor }) }, inFolder(name), shown);
  return { code, ...JSON.parse(shown.text()) };
}

/** Enough records for several pieces of a compressed export, each a little over a quarter of a megabyte. */
const records = trailOf(Array.from({ length: 1000 }, (_, index) => ({ resource: index % 7, seconds: 1 })));
const source = memoryTrail([...records, ...sealedUpTo(records, trailStart + 4 * 3_600_000)]);

describe.each(['trail.jsonl', 'trail.jsonl.gz'])('audit export --file %s', (name) => {
  const textOf = (bytes: Buffer) => (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();

  test('writes what verifies, and keeps nothing else', async () => {
    const { records: count, root, scopes } = await exportTo(name, source);
    expect({ count, scopes }).toEqual({ count: 1003, scopes: 3 });
    expect(textOf(readFileSync(inFolder(name)))).toBe(await exportText(source));
    expect(readdirSync(folder)).toEqual([name]);
    expect(await verify(name)).toMatchObject({ code: 0, valid: true, records: 1003 });
    expect(await verify(name, String(root).toUpperCase())).toMatchObject({
      code: 0,
      against: expect.stringContaining(`anchor ${root}`),
    });
    expect(await verify(name, 'ab'.repeat(32))).toMatchObject({ code: 1, valid: false });
  });

  test('goes on after an interruption at any byte with the same bytes', async () => {
    await exportTo(name, source);
    const whole = readFileSync(inFolder(name));
    for (const part of [0, 0.00001, 0.5, 0.99999]) {
      writeFileSync(inFolder(name), whole.subarray(0, Math.floor(part * whole.length)));
      writeFileSync(inFolder(`${name}.resume`), JSON.stringify({ newestSeal: 'hour#000000000003' }));
      expect(await verify(name)).toMatchObject({ code: 1, valid: false });
      const { continuedAfter } = await exportTo(name, source);
      expect(continuedAfter).toBeGreaterThanOrEqual(part > 0.4 ? 250 : 0);
      expect(readFileSync(inFolder(name)).equals(whole)).toBe(true);
    }
    truncateSync(inFolder(name), Math.floor(whole.length * 0.7));
    await exportTo(name, source);
    expect(readFileSync(inFolder(name)).equals(whole)).toBe(true);
  });

  test('that failed goes on with the seals that there were when it began', async () => {
    const before = memoryTrail([...records, ...sealedUpTo(records, trailStart + 2 * 3_600_000)]);
    const failing: TrailSource = {
      ...before,
      async *records(scope, after) {
        let read = 0;
        for await (const item of before.records(scope, after)) {
          if (read++ === 600) throw new Error('the network is gone');
          yield item;
        }
      },
    };
    await expect(exportTo(name, failing)).rejects.toThrow('the network is gone');
    const { continuedAfter } = await exportTo(name, source);
    expect(continuedAfter).toBeGreaterThan(250);
    expect(textOf(readFileSync(inFolder(name))) === (await exportText(before))).toBe(true);
  });

  test('overwrites nothing that is not the beginning of an export', async () => {
    await exportTo(name, source);
    await expect(exportTo(name, source)).rejects.toThrow(/is a complete export; remove it first/);
    for (const content of ['{"version":1}', 'not ours\n', gzipSync('not ours\n')]) {
      writeFileSync(inFolder(name), content);
      await expect(exportTo(name, source)).rejects.toThrow(InvalidInput);
      expect(readFileSync(inFolder(name)).equals(Buffer.from(content as string))).toBe(true);
    }
  });
});

describe('audit verify of a compressed export', () => {
  const name = 'trail.jsonl.gz';
  let bytes: Buffer;
  beforeEach(async () => {
    await exportTo(name, source);
    bytes = readFileSync(inFolder(name));
  });

  test.each<[string, (whole: Buffer) => Buffer, RegExp]>([
    ['cut off', (whole) => whole.subarray(0, whole.length - 5), /ends in the middle|cut off/],
    ['with a bit flipped', (whole) => flipped(whole, whole.length / 2), /./],
    ['with its checksum changed', (whole) => flipped(whole, whole.length - 8), /damaged/],
    ['with something behind', (whole) => Buffer.concat([whole, Buffer.from('more')]), /damaged|come after/],
    ['with zeros behind', (whole) => Buffer.concat([whole, Buffer.alloc(100)]), /100 bytes that are no data/],
    ['that is not compressed', (whole) => gunzipSync(whole), /is none/],
    ['that is empty', () => Buffer.alloc(0), /is none/],
  ])('%s says so', async (_, change, reason) => {
    writeFileSync(inFolder(name), change(bytes));
    const verdict = await verify(name);
    expect(verdict).toMatchObject({ code: 1, valid: false });
    expect(verdict.firstBad.reason).toMatch(reason);
  });

  test('compressed by another tool is valid', async () => {
    writeFileSync(inFolder(name), gzipSync(gunzipSync(bytes)));
    expect(await verify(name)).toMatchObject({ code: 0, valid: true });
    writeFileSync(inFolder('other'), bytes);
    expect(await verify('other')).toMatchObject({ code: 0, valid: true });
  });
});

function flipped(bytes: Buffer, at: number): Buffer {
  const changed = Buffer.from(bytes);
  changed[Math.floor(at)]! ^= 16;
  return changed;
}

describe('audit verify', () => {
  test('says in words what is wrong, with control characters made visible', async () => {
    writeFileSync(inFolder('bad.jsonl'), '{"scope":"\u001b[2J","record":"x"}\n');
    const shown = terminal();
    expect(await auditVerify({}, inFolder('bad.jsonl'), shown)).toBe(1);
    expect(shown.text()).toMatch(
      /^NOT VALID, held against the export's own manifest\.\nfirst bad record: .*\n/,
    );
    expect(shown.text()).not.toContain('\u001b');
  });

  test('asks for a file that is there and a root that can be one', async () => {
    await expect(auditVerify({}, inFolder('none'), terminal())).rejects.toThrow(
      /cannot read .*none: .*ENOENT/,
    );
    await expect(auditVerify({ anchor: 'abc' }, inFolder('none'), terminal())).rejects.toThrow(
      /64 hexadecimal digits/,
    );
  });

  test('of the trail itself', async () => {
    const shown = terminal();
    expect(await auditVerify({}, source, shown)).toBe(0);
    expect(shown.text()).toMatch(
      /^Valid: 1003 records, verified against the trail's own chains; seals to hour 2026-11-20T10/,
    );
  });
});
