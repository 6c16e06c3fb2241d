import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { devNull, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { onInterrupt } from '../../cli/interrupt';
import { jsonText, processTerminal } from '../../cli/output';
import { compilePolicy } from '../../shared/policy/compile';
import type { Api, Endpoints } from './events/api';
import type { Cost, Handled, Handler } from './events/handler';
import { type Part, startPart } from './events/part';
import { openPeer, type PeerRun } from './events/peer';
import {
  comparison,
  type EventsReport,
  median,
  type OurRow,
  type PeerRow,
  reportText,
} from './events/report';
import {
  batchSize,
  home,
  namesOnly,
  pushesOf,
  type Scenario,
  scenarios,
  type TlsFiles,
} from './events/scenario';

const usage = `npm run bench -- events [options]

CPU, calls and latency of the reconcile function for pushes, each row the median of its runs, beside Cloud Custodian.

  --events N       pushes a run (2000)
  --warm-up N      pushes before the first that counts (2000)
  --repeat N       runs a row (3)
  --only NAME      one of ${scenarios.map(({ name }) => name).join(', ')}
  --no-peer        without Cloud Custodian
  --peers DIR      the folder with its scripts (../shared/peers)
  --profile DIR    write a CPU profile of each run there
  --output json    one JSON document instead of tables
`;

const options = {
  events: { type: 'string', default: '2000' },
  'warm-up': { type: 'string', default: '2000' },
  repeat: { type: 'string', default: '3' },
  only: { type: 'string' },
  'no-peer': { type: 'boolean', default: false },
  peers: { type: 'string', default: '../shared/peers' },
  profile: { type: 'string' },
  output: { type: 'string', default: 'text' },
  help: { type: 'boolean', default: false },
} as const;

/** Of Cloud Custodian's CPU an event, at most this much. */
const goals = { http: 1 / 10, https: 1 / 40 } as const;
type Protocol = keyof typeof goals;

interface Sizes {
  readonly events: number;
  readonly warmUp: number;
  readonly repeat: number;
}

const root = process.cwd();
const { values } = parsedArguments();
const terminal = processTerminal();
const say = (text: string): void => terminal.stderr(`${text}\n`);
const { signal } = onInterrupt();

async function main(): Promise<void> {
  if (values.help) return terminal.stdout(usage);
  const sizes = {
    events: wholeBatches('events'),
    warmUp: wholeBatches('warm-up'),
    repeat: positive('repeat'),
  };
  // Of a repository that it does not know yet, the function reads the head as well.
  if (sizes.warmUp < 300)
    throw new Error(`--warm-up: at least 300, so that every repository was seen before`);
  if (values.output !== 'text' && values.output !== 'json')
    throw new Error(`--output: "${values.output}" is neither text nor json`);
  const chosen = scenarios.filter(({ name }) => values.only === undefined || name === values.only);
  if (chosen.length === 0) throw new Error(`--only: there is no row "${values.only}"`);

  if (values.profile !== undefined) mkdirSync(values.profile, { recursive: true });

  say('building');
  await promisify(execFile)(process.execPath, ['build.mjs', '--package'], { cwd: root });
  const template = readFileSync(join(root, '.serverless/cloudformation-template-update-stack.json'), 'utf8');
  const folder = mkdtempSync(join(tmpdir(), 'ecr-warden-bench-'));
  try {
    const loadBefore = loadavg()[0]!;
    const tls = await certificate(folder);
    const measure = async (some: readonly Scenario[]): Promise<readonly OurRow[]> => {
      const rows: OurRow[] = [];
      for (const one of some) rows.push(...(await measureOurs(one, { template, sizes, folder, tls })));
      return rows;
    };
    // What is compared is measured next to each other: other work on the machine comes and goes.
    const compared = await measure(chosen.filter(isCompared));
    const theirs = values['no-peer'] ? [] : await measurePeer(sizes.repeat, tls !== undefined);
    const ours = [...compared, ...(await measure(chosen.filter((one) => !isCompared(one))))];
    const report: EventsReport = {
      node: process.version,
      ...sizes,
      batchSize,
      ours,
      theirs,
      comparison: comparison(compared, theirs, goals),
      load: { before: loadBefore, after: loadavg()[0]! },
    };
    terminal.stdout(values.output === 'json' ? jsonText(report) : reportText(report, terminal));
    const broken = ours.filter(({ brokenPromise }) => brokenPromise !== undefined);
    for (const { title, brokenPromise } of broken) say(`${title}: ${brokenPromise}`);
    if (broken.length > 0) process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The rows of one policy: the same embedded services for all of its runs, a fresh handler process for each. */
async function measureOurs(
  scenario: Scenario,
  given: {
    readonly template: string;
    readonly sizes: Sizes;
    readonly folder: string;
    readonly tls: TlsFiles | undefined;
  },
): Promise<readonly OurRow[]> {
  const { template, sizes, folder, tls } = given;
  const policyFile = join(folder, `${scenario.name}.json`);
  writeFileSync(policyFile, compiled(join(root, scenario.policy)));
  const api = startPart<Api>(join(__dirname, 'events/api.js'));
  try {
    const endpoints = await api.ask('start', {
      template,
      tls,
    });
    await api.ask('prepare', scenario);
    const rows: OurRow[] = [];
    let pushed = 0;
    for (const protocol of ['http', 'https'] as const) {
      const endpoint = endpoints[protocol];
      if (endpoint === undefined) continue;
      const runs: Run[] = [];
      for (let repeat = 0; repeat < sizes.repeat; repeat += 1) {
        signal.throwIfAborted();
        say(`${scenario.title}, ${protocol}, run ${repeat + 1} of ${sizes.repeat}`);
        const environment = functionEnvironment(endpoints, endpoint, policyFile, tls);
        const profile =
          values.profile === undefined
            ? undefined
            : resolve(values.profile, `${scenario.name}-${protocol}-${repeat + 1}.cpuprofile`);
        runs.push(await runOnce({ api, endpoints, environment, scenario, sizes, from: pushed, profile }));
        pushed += sizes.warmUp + sizes.events;
      }
      rows.push(rowOf(scenario, protocol, runs, sizes));
    }
    return rows;
  } finally {
    await api.stop();
  }
}

interface Run extends Handled {
  readonly calls: Readonly<Record<string, number>>;
  /** Milliseconds from handing a push over to its record being there to be read, in ascending order. */
  readonly latencies: readonly number[];
  readonly bare?: Cost;
}

async function runOnce(given: {
  readonly api: Part<Api>;
  readonly endpoints: Endpoints;
  readonly environment: Readonly<Record<string, string>>;
  readonly scenario: Scenario;
  readonly sizes: Sizes;
  readonly from: number;
  readonly profile: string | undefined;
}): Promise<Run> {
  const { api, endpoints, environment, scenario, sizes, from, profile } = given;
  const handler = startPart<Handler>(join(__dirname, 'events/handler.js'), environment);
  try {
    await handler.ask('load', { bundle: join(root, `${endpoints.handler.replace(/\.handler$/, '')}.js`) });
    const warmUp = await api.ask('push', pushesOf(scenario, from, sizes.warmUp));
    await handler.ask('handle', { bodies: warmUp });
    const pushes = pushesOf(scenario, from + sizes.warmUp, sizes.events);
    const bodies = await api.ask('push', pushes);
    await api.ask('begin', undefined);
    const handled = await handler.ask('handle', { bodies, profile });
    const { calls, visibleAt } = await api.ask('end', undefined);

    const keys = bodies.map(keyOfPush);
    const latencies = keys.map(({ scope, record }, index) => {
      const visible = visibleAt.get(`${scope} ${record}`);
      if (visible === undefined) throw new Error(`the push of ${scope} ${record} has no record`);
      return visible - handled.handedOverAt[Math.floor(index / batchSize)]!;
    });
    latencies.sort((one, other) => one - other);
    const run = { ...handled, calls, latencies };
    if (!scenario.promised) return run;

    const table = environment.AUDIT_TABLE ?? '';
    await handler.ask('bareCalls', { table, keys, copy: from });
    return { ...run, bare: await handler.ask('bareCalls', { table, keys, copy: from + 1 }) };
  } finally {
    await handler.stop();
  }
}

/** Its event's record, the first of its tag. */
function keyOfPush(body: string): { scope: string; record: string } {
  const { account, region, detail } = JSON.parse(body) as {
    readonly account: string;
    readonly region: string;
    readonly detail: Readonly<Record<string, string>>;
  };
  return {
    scope: `${account}/${region}/${detail['repository-name']}`,
    record: `tag#${detail['image-tag']}#000000000001`,
  };
}

function rowOf(scenario: Scenario, protocol: Protocol, runs: readonly Run[], { events }: Sizes): OurRow {
  const cpu = runs.map((run) => run.cpu / events);
  const run = runs.find((one) => one.cpu / events === median(cpu)) ?? runs[0]!;
  const calls = Object.fromEntries(
    Object.entries(run.calls).map(([operation, count]) => [operation, count / events]),
  );
  const bare = runs.flatMap((one) => (one.bare ? [one.bare.cpu / events] : []));
  const brokenPromise = difference(calls, scenario.promised);
  return {
    name: scenario.name,
    title: scenario.title,
    protocol,
    cpuMilliseconds: median(cpu),
    cpuSpread: [Math.min(...cpu), Math.max(...cpu)],
    wallMilliseconds: median(runs.map((one) => one.wall)) / events,
    eventsPerSecond: (events / median(runs.map((one) => one.wall))) * 1000,
    latency: {
      median: median(runs.map(({ latencies }) => latencies[Math.floor(events / 2)]!)),
      p99: median(runs.map(({ latencies }) => latencies[Math.floor(events * 0.99)]!)),
    },
    calls,
    connections: run.connections,
    peakMemory: Math.max(...runs.map(({ peakMemory }) => peakMemory)),
    ...(bare.length > 0 && { bareCallsMilliseconds: median(bare) }),
    ...(brokenPromise && { brokenPromise }),
  };
}

function difference(
  calls: Readonly<Record<string, number>>,
  promised: Readonly<Record<string, number>> | undefined,
): string | undefined {
  if (!promised) return undefined;
  const operations = [...new Set([...Object.keys(calls), ...Object.keys(promised)])];
  const [other] = operations.filter((name) => Math.abs((calls[name] ?? 0) - (promised[name] ?? 0)) > 1e-9);
  return other && `${calls[other] ?? 0} ${other} an event, promised are ${promised[other] ?? 0}`;
}

async function measurePeer(repeat: number, withTls: boolean): Promise<readonly PeerRow[]> {
  const peer = await openPeer(resolve(root, values.peers), join(root, '.venv-bench'), signal, say);
  if ('missing' in peer) {
    say(`Cloud Custodian is left out: ${peer.missing}`);
    return [];
  }
  const rows: PeerRow[] = [];
  for (const protocol of withTls ? (['http', 'https'] as const) : (['http'] as const)) {
    const runs: PeerRun[] = [];
    try {
      for (let one = 0; one < repeat; one += 1) {
        say(`Cloud Custodian, ${protocol}, run ${one + 1} of ${repeat}`);
        runs.push(await peer.run(protocol === 'http' ? 1000 : 200, protocol === 'https'));
      }
    } catch (error) {
      signal.throwIfAborted();
      say(`Cloud Custodian is left out, ${protocol}: ${(error as Error).message}`);
      continue;
    }
    const of = (member: (run: PeerRun) => number): number => median(runs.map(member));
    const cpu = runs.map((run) => run.cpu_ms_per_event);
    rows.push({
      protocol,
      cpuMilliseconds: median(cpu),
      cpuSpread: [Math.min(...cpu), Math.max(...cpu)],
      wallMilliseconds: of((run) => run.wall_ms_per_event),
      eventsPerSecond: of((run) => run.events_per_s),
      latency: { median: of((run) => run.p50_ms), p99: of((run) => run.p99_ms) },
      calls: runs[0]!.calls_per_event,
      connectionsPerEvent: runs[0]!.connections_per_event,
      peakMemory: Math.max(...runs.map((run) => run.peak_rss_mb)),
    });
  }
  return rows;
}

/** Cloud Custodian's policy holds the same rules. */
function isCompared({ policy }: Scenario): boolean {
  return policy === namesOnly;
}

/** What the template gives the function and what Lambda itself sets. */
function functionEnvironment(
  { http, environment }: Endpoints,
  endpoint: string,
  policyFile: string,
  tls: TlsFiles | undefined,
): Record<string, string> {
  const reached = Object.entries(environment).map(([name, value]) => [name, value.replace(http, endpoint)]);
  return {
    ...Object.fromEntries(reached),
    POLICY_FILE: policyFile,
    LAMBDA_TASK_ROOT: root,
    AWS_REGION: home,
    AWS_DEFAULT_REGION: home,
    AWS_ACCESS_KEY_ID: 'bench',
    AWS_SECRET_ACCESS_KEY: 'bench',
    AWS_SESSION_TOKEN: 'bench',
    AWS_LAMBDA_FUNCTION_NAME: 'ecr-warden-reconcile',
    AWS_ENDPOINT_URL: endpoint,
    AWS_CONFIG_FILE: devNull,
    AWS_SHARED_CREDENTIALS_FILE: devNull,
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    ...(tls && { NODE_EXTRA_CA_CERTS: tls.certificate }),
  };
}

function compiled(file: string): string {
  const given = {
    file,
    text: readFileSync(file, 'utf8'),
    readFile: (path: string) => readFileSync(path, 'utf8'),
  };
  const { policy, errors } = compilePolicy(given, '2026-11-24T00:00:00Z');
  if (!policy) throw new Error(errors.map(({ line, message }) => `${file}:${line}: ${message}`).join('\n'));
  return JSON.stringify(policy);
}

/** As the peer's scripts make theirs. Without the openssl program there are no rows over TLS. */
async function certificate(folder: string): Promise<TlsFiles | undefined> {
  const files = { key: join(folder, 'key.pem'), certificate: join(folder, 'certificate.pem') };
  try {
    await promisify(execFile)('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
      ...['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'],
      ...['-keyout', files.key, '-out', files.certificate],
    ]);
    return files;
  } catch (error) {
    say(`the rows over TLS are left out: ${(error as Error).message.split('\n')[0]}`);
    return undefined;
  }
}

function parsedArguments() {
  try {
    return parseArgs({ options });
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${usage}`);
    process.exit(2);
  }
}

function positive(name: 'events' | 'warm-up' | 'repeat'): number {
  const number = Number(values[name]);
  if (!Number.isInteger(number) || number < 1)
    throw new Error(`--${name}: "${values[name]}" is no whole number from 1 on`);
  return number;
}

function wholeBatches(name: 'events' | 'warm-up'): number {
  return Math.ceil(positive(name) / batchSize) * batchSize;
}

main().catch((error: unknown) => {
  if (!signal.aborted) say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
