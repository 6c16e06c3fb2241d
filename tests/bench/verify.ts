import { execFile } from 'node:child_process';
import { createReadStream, createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { openExport } from '../../cli/export-file';
import { hashThread } from '../../cli/hash-thread';
import { exportBeginning, exportTrail, type TrailSource } from '../../shared/audit/export';
import { nextRecord, type RecordedEvaluation } from '../../shared/audit/next-record';
import type { AuditRecord } from '../../shared/audit/record';
import { verifyExport } from '../../shared/audit/verify';
import { scopeOf } from '../../shared/domain/resource';
import { digest, repositoryResource, tagResource, trigger } from '../builders/resources';

/**
 * `audit verify` of an export of a million records, beside a bare JSON.parse of the same lines in the same run. Each
 * is measured in a process of its own, so that peak memory is its own. `npm run bench -- verify [RECORDS]`.
 */

const goals = { recordsPerSecond: 200_000, peakMegabytes: 300 };

const recordsPerRepository = 1000;
const recordsPerTag = 2;

/** A push that an enforced policy of a few rules passed: the most frequent record there is. */
const passing: RecordedEvaluation = {
  results: [],
  passes: 6,
  findings: [],
  closed: [],
  changes: [],
  actions: [],
  policyHash: 'b'.repeat(64),
  policyBuiltAt: '2026-11-19T00:00:00.000Z',
  factsHash: Buffer.alloc(32, 7),
};

function bigTrail(records: number): TrailSource {
  const repositories = Math.ceil(records / recordsPerRepository);
  const names = Array.from(
    { length: repositories },
    (_, index) => `team-${String(index).padStart(6, '0')}/service`,
  );
  return {
    newestSeal: async () => undefined,
    scopes: async () => names.map((repository) => scopeOf(repositoryResource({ repository }))),
    async *records(scope) {
      const repository = scope.split('/').slice(2).join('/');
      for (let number = 0; number < recordsPerRepository; number += recordsPerTag) {
        const resource = tagResource(`v1.0.${String(number).padStart(6, '0')}`, { repository });
        let head: AuditRecord | undefined;
        for (let move = 0; move < recordsPerTag; move += 1) {
          const eventId = digest(`${scope} ${number} ${move}`).slice(7, 43);
          const now = Date.parse('2026-11-20T08:00:00Z') + number * 60_000 + move;
          const triggers = [
            trigger({ eventId, eventTime: new Date(now).toISOString(), resource, digest: digest(eventId) }),
          ];
          head = nextRecord(head, { resource, triggers, evaluation: passing }, now);
          yield head;
        }
      }
    },
  };
}

interface Measured {
  readonly seconds: number;
  /** Of all threads: tells a busy machine from slow code. */
  readonly cpuSeconds: number;
  readonly peakMegabytes: number;
}

async function verifyFile(file: string): Promise<void> {
  const thread = hashThread();
  const verdict = await verifyExport(await openExport(file), undefined, thread);
  await thread?.close();
  if (!verdict.valid) throw new Error(`not valid: ${JSON.stringify(verdict)}`);
}

async function parseFile(file: string): Promise<void> {
  let carried = '';
  for await (const piece of createReadStream(file, { encoding: 'utf8', highWaterMark: 1 << 20 })) {
    const lines = (carried + piece).split('\n');
    carried = lines.pop() ?? '';
    for (const line of lines) JSON.parse(line);
  }
}

async function measure(task: () => Promise<void>): Promise<Measured> {
  const start = performance.now();
  await task();
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage();
  return { seconds, cpuSeconds: (user + system) / 1e6, peakMegabytes: process.resourceUsage().maxRSS / 1024 };
}

async function measuredApart(what: string, file: string): Promise<Measured> {
  const { stdout } = await promisify(execFile)(process.execPath, [__filename, what, file]);
  return JSON.parse(stdout) as Measured;
}

async function bench(records: number): Promise<void> {
  // As build.mjs puts it beside the command line.
  await build({
    entryPoints: [join(process.cwd(), 'cli/hash-worker.ts')],
    outfile: join(__dirname, 'hash-worker.js'),
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
  });
  const folder = mkdtempSync(join(tmpdir(), 'warden-bench-'));
  try {
    const file = join(folder, 'trail.jsonl');
    const source = bigTrail(records);
    console.log(`writing ${records.toLocaleString('en')} records …`);
    const lines = exportTrail(source, await exportBeginning(source));
    await pipeline(Readable.from(lines), createWriteStream(file));
    const bytes = statSync(file).size;
    console.log(`${(bytes / 1e6).toFixed(0)} MB, ${(bytes / records).toFixed(0)} bytes a record\n`);
    const verified = await measuredApart('verify', file);
    const parsed = await measuredApart('parse', file);
    const columns = ['', 'records/s', 'seconds', 'CPU seconds', 'peak MB'];
    const row = (name: string, { seconds, cpuSeconds, peakMegabytes }: Measured): string[] => [
      name,
      Math.round(records / seconds).toLocaleString('en'),
      seconds.toFixed(1),
      cpuSeconds.toFixed(1),
      peakMegabytes.toFixed(0),
    ];
    for (const cells of [columns, row('audit verify', verified), row('JSON.parse alone', parsed)]) {
      console.log(cells.map((cell, index) => (index === 0 ? cell.padEnd(16) : cell.padStart(12))).join(' '));
    }
    console.log(
      `\naudit verify takes ${(verified.seconds / parsed.seconds).toFixed(2)} times as long as JSON.parse alone`,
    );
    console.log(
      `goals: ${goals.recordsPerSecond.toLocaleString('en')} records/s ${met(records / verified.seconds >= goals.recordsPerSecond)}, ${goals.peakMegabytes} MB ${met(verified.peakMegabytes <= goals.peakMegabytes)}`,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function met(is: boolean): string {
  return is ? '(met)' : '(MISSED)';
}

async function main([what = '1000000', file = '']: readonly string[]): Promise<void> {
  if (what === 'verify') console.log(JSON.stringify(await measure(() => verifyFile(file))));
  else if (what === 'parse') console.log(JSON.stringify(await measure(() => parseFile(file))));
  else await bench(Number(what));
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
