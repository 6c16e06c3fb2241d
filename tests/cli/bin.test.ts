import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import {
  BatchDeleteImageCommand,
  CreateRepositoryCommand,
  ECRClient,
  PutImageCommand,
} from '@aws-sdk/client-ecr';
import { digest } from '../builders/resources';
import { image } from '../local/ecr-builders';

const checkout = join(__dirname, '../..');
const bin = join(checkout, 'bin/ecr-warden.js');

/** A folder for everything that these tests leave, temporary files of the commands included. */
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bin-'));
  mkdirSync(join(folder, 'tmp'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const environment = () => ({ ...process.env, TMPDIR: join(folder, 'tmp') });

function warden(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [bin, ...words],
      { cwd: checkout, env: environment(), maxBuffer: 1e8 },
      (_, out, err) => resolve({ code: child.exitCode ?? -1, out, err }),
    );
  });
}

/** What a command prints as JSON, which must be all that it prints. */
async function json(...words: string[]) {
  const { code, out, err } = await warden(...words, '--output', 'json');
  expect([code, err]).toEqual([0, '']);
  return JSON.parse(out);
}

interface Running {
  readonly process: ChildProcess;
  readonly ready: { readonly ready: true; endpoint: string; account: string; regions: string[] };
}

async function start(...words: string[]): Promise<Running> {
  const process_ = spawn(process.execPath, [bin, 'local', 'start', '--output', 'json', ...words], {
    cwd: checkout,
    env: environment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(process_.stdout, 'data');
  return { process: process_, ready: JSON.parse(String(line)) };
}

async function stop({ process: child }: Running, signal: NodeJS.Signals): Promise<unknown> {
  child.kill(signal);
  const [code] = await once(child, 'exit');
  return code;
}

async function until<T>(look: () => Promise<T>, done: (seen: T) => boolean): Promise<T> {
  for (let turn = 0; ; turn += 1) {
    const seen = await look();
    if (done(seen) || turn === 20) return seen;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

describe('the command line', () => {
  it('runs an embedded cloud, shows what it found, and what it left in its folder', async () => {
    const data = join(folder, 'data');
    const cloud = await start('--port', '0', '--data', data);
    const { endpoint, account, regions } = cloud.ready;
    expect(cloud.ready).toEqual({
      ready: true,
      endpoint: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      account: '111122223333',
      regions: ['eu-central-1', 'eu-west-1'],
    });

    const ecr = new ECRClient({
      endpoint,
      region: regions[0]!,
      credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
    });
    const repositoryName = 'payments/api';
    await ecr.send(new CreateRepositoryCommand({ repositoryName, imageTagMutability: 'IMMUTABLE' }));
    for (const imageTag of ['latest', 'v1.4.0']) {
      await ecr.send(new PutImageCommand({ repositoryName, imageManifest: image(imageTag), imageTag }));
    }
    const found = await until(
      () => json('findings', '--local', '--rule', 'tag-format'),
      ({ findings }) => findings.length > 0,
    );
    expect(found).toMatchObject({
      summary: { failed: 1 },
      findings: [
        {
          rule: 'tag-format',
          status: 'open',
          severity: 'high',
          resource: { account, repository: repositoryName, tag: 'latest' },
        },
      ],
      coverage: { complete: true },
    });

    const inUse = await Promise.all([
      warden('findings', '--data', data),
      warden('local', 'start', '--port', '0', '--data', data),
      warden('local', 'start', '--port', new URL(endpoint).port),
    ]);
    expect(inUse.map(({ code, out }) => [code, out])).toEqual([
      [2, ''],
      [2, ''],
      [2, ''],
    ]);
    expect(inUse[0]?.err).toContain(`look at it with --local --endpoint-url ${endpoint} instead of --data`);
    expect(inUse[1]?.err).toMatch(/is in use by process \d+/);
    expect(inUse[2]?.err).toMatch(/port \d+ is taken: name another with --port, or 0 for a free one/);

    await ecr.send(new BatchDeleteImageCommand({ repositoryName, imageIds: [{ imageTag: 'latest' }] }));
    ecr.destroy();
    const history = () =>
      json('audit', 'history', 'payments/api:latest', '--local', '--endpoint-url', endpoint);
    const moves = await until(history, ({ length }) => length === 2);
    expect(moves).toMatchObject([
      { from: null, to: digest(image('latest')) },
      { from: digest(image('latest')), to: null },
    ]);
    await until(
      () => json('findings', '--local', '--rule', 'tag-format'),
      ({ findings }) => findings.length === 0,
    );

    expect(await stop(cloud, 'SIGTERM')).toBe(0);
    expect((await warden('findings', '--local')).err).toMatch(/no embedded cloud runs/);
    const left = await json('findings', '--all', '--data', data, '--rule', 'tag-format');
    const list = await json('audit', 'list', '--data', data, '--repository', repositoryName);
    expect(left.findings).toMatchObject([
      { status: 'resolved', reason: 'gone', resource: { tag: 'latest' } },
    ]);
    expect(list[0]).toMatchObject({ format: 1, hash: expect.stringMatching(/^[0-9a-f]{64}$/) });
  }, 90_000);

  it('replays a file, and finds the second time what it recorded the first time', async () => {
    const push = (tag: string) =>
      JSON.stringify({
        time: '2024-12-27T20:52:35Z',
        action: 'PUSH',
        repository: 'payments/api',
        tag,
        digest: digest(tag),
      });
    const file = join(folder, 'pushes.jsonl.gz');
    writeFileSync(
      file,
      gzipSync([push('v1.0.0'), push('latest'), 'no JSON', push('v1.0.1'), push('over')].join('\n')),
    );
    const words = [
      'local',
      'replay',
      file,
      '--limit',
      '4',
      '--data',
      join(folder, 'replayed'),
      '--output',
      'json',
    ];

    const first = await warden(...words);
    expect(first.err).toContain('line 3 rejected: the line is not JSON\n');
    expect(first.code).toBe(0);
    const report = JSON.parse(first.out);
    expect(report).toEqual({
      events: { accepted: 4, recorded: 3, rejected: 1, lost: 0 },
      records: expect.any(Number),
      findings: { open: expect.any(Number), byRule: expect.objectContaining({ 'tag-format': 1 }) },
      seconds: expect.any(Number),
      eventsPerSecond: expect.any(Number),
      peakMemoryBytes: expect.any(Number),
    });
    expect(report.peakMemoryBytes).toBeGreaterThan(50_000_000);

    const again = JSON.parse((await warden(...words)).out);
    const { events, records, findings } = report;
    expect(again).toMatchObject({ events, records, findings });
  }, 90_000);

  it('ends a replay early where it is interrupted, with what was done', async () => {
    const file = join(folder, 'many.jsonl');
    const line = (index: number) =>
      JSON.stringify({
        time: '2024-12-27T20:52:35Z',
        action: 'PUSH',
        repository: 'sandbox/demo',
        tag: `v${index}`,
        digest: digest('a'),
      });
    writeFileSync(file, Array.from({ length: 50_000 }, (_, index) => `${line(index)}\n`).join(''));
    const child = spawn(process.execPath, [bin, 'local', 'replay', file, '--output', 'json'], {
      cwd: checkout,
      env: environment(),
    });
    const written = { out: '', err: '' };
    child.stdout.on('data', (text) => {
      written.out += text;
    });
    child.stderr.on('data', (text) => {
      const fed = / a second,/.test(written.err);
      written.err += text;
      // Once: a second interrupt ends the process at once.
      if (!fed && / a second,/.test(written.err)) child.kill('SIGINT');
    });
    const [code] = await once(child, 'close');
    expect(code).toBe(0);
    const { accepted, recorded, lost } = JSON.parse(written.out).events;
    expect(accepted).toBeGreaterThan(0);
    expect(accepted).toBeLessThan(50_000);
    expect([recorded, lost]).toEqual([accepted, 0]);
  }, 90_000);
});
