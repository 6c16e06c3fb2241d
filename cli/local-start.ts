import { z } from 'zod';
import { wallClock } from '../local/clock';
import { type Cloud, startCloud } from '../local/cloud';
import { register } from '../local/registration';
import { policyWithSample, sample, sampleAddition, sampleReplicationDelay } from '../local/sample';
import type { SlackMessage } from '../shared/alerts/slack/message';
import { isoTime } from '../shared/domain/duration';
import type { CompiledPolicy } from '../shared/policy/compiled-policy';
import { openPolicy } from '../shared/policy/open';
import { buildWhatChanged, checkout } from './build';
import { onInterrupt, pauseUnless, untilAborted } from './interrupt';
import { placesOf, policyFileFor, readLocalPolicy } from './local-policy';
import { type Format, printable, type Terminal } from './output';
import { type Watch, watch } from './watch';

export interface LocalStartOptions {
  readonly port: number;
  readonly data?: string;
  readonly policy: string;
  readonly output: Format;
}

/**
 * `local start`: the embedded cloud until SIGINT or SIGTERM. People see a sample being pushed into its empty registry
 * and a line a reaction; with `--output json` there is one line and no sample. Throws `InvalidInput`.
 */
export async function localStart(options: LocalStartOptions, terminal: Terminal): Promise<number> {
  const { signal, release } = onInterrupt();
  try {
    const policy = readLocalPolicy(options.policy, Date.now(), (text, written) =>
      options.output === 'text' ? policyWithSample(text, placesOf(written).regions) : text,
    );
    await buildWhatChanged(terminal);
    if (!signal.aborted) await runCloud(policy, options, signal, terminal);
    return 0;
  } finally {
    release();
  }
}

async function runCloud(
  policy: CompiledPolicy,
  options: LocalStartOptions,
  signal: AbortSignal,
  terminal: Terminal,
): Promise<void> {
  const { account, regions } = placesOf(policy);
  const file = policyFileFor(policy);
  const watched = watchOf(policy, terminal);
  let watching = false;
  const undo: (() => unknown)[] = [file.remove];
  try {
    const cloud = await startCloud({
      root: checkout,
      port: options.port,
      account,
      regions,
      dataDir: options.data,
      policyFile: file.path,
      replicationDelay: sampleReplicationDelay,
      onRecord: (record) => watching && watched.onRecord(record),
      onSlackMessage: ({ channel, text, blocks, edited }) =>
        // What the embedded Slack was sent, which is what `findingMessage` made.
        watched.onSlackMessage({
          channel,
          message: { text, blocks: blocks as SlackMessage['blocks'] },
          edited,
        }),
      onLog: ({ functionName, line }) => terminal.stderr(faultIn(functionName, line)),
      onFault: (fault) => terminal.stderr(`the embedded cloud: ${printable(String(fault))}\n`),
    });
    undo.push(cloud.close);
    const { endpoint } = cloud;
    const startedAt = isoTime(Date.now());
    undo.push(register({ endpoint, account, regions, pid: process.pid, startedAt, dataDir: options.data }));
    if (options.output === 'json') {
      terminal.stdout(`${JSON.stringify({ ready: true, endpoint, account, regions })}\n`);
    } else {
      terminal.stdout(header(cloud, options));
      await showSample(cloud, signal, terminal, () => {
        watching = true;
      });
    }
    await untilAborted(signal);
  } finally {
    for (const step of undo.reverse()) await step();
  }
  if (options.output === 'text') terminal.stdout(goodbye(options.data));
}

function watchOf(policy: CompiledPolicy, terminal: Terminal): Watch {
  const { account, regions } = placesOf(policy);
  return watch({
    policy: openPolicy(policy),
    alerts: policy.alerts,
    home: { account, region: regions[0] },
    terminal,
    after: (milliseconds, task) => void wallClock.after(milliseconds, task),
  });
}

/** What was there before the first push is set up unwatched: a registry does not begin with its repositories. */
async function showSample(
  cloud: Cloud,
  signal: AbortSignal,
  terminal: Terminal,
  startWatching: () => void,
): Promise<void> {
  const made = sample(cloud);
  if (!(await made.isWanted())) {
    startWatching();
    terminal.stdout(
      `The registry is not empty, so nothing is pushed: it goes on where it was.\n${pointers(cloud, false)}`,
    );
    return;
  }
  await made.prepare();
  await cloud.drain(signal);
  startWatching();
  await made.push((milliseconds) => pauseUnless(signal, milliseconds));
  if (!signal.aborted) terminal.stdout(pointers(cloud, true));
}

function header({ endpoint, account, regions }: Cloud, { policy, data }: LocalStartOptions): string {
  const [home, ...others] = regions;
  const places = [`${home} (hub)`, ...others].join(', ');
  const kept = data === undefined ? '' : `, kept in ${data}`;
  return `ECR Warden on ${endpoint}: account ${account}, ${places}, ${policy}${kept}. Times are UTC, Ctrl-C ends it.\n\n`;
}

/** Lines to paste into a second terminal. */
function pointers({ endpoint, regions }: Cloud, sampled: boolean): string {
  const lines = sampled
    ? [
        'npx ecr-warden findings --local',
        'npx ecr-warden audit history payments/web:v2.0.0 --local',
        `AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any aws ecr batch-delete-image --endpoint-url ${endpoint} --region ${regions[0]} --repository-name team-x/stray --image-ids imageTag=nightly`,
      ]
    : ['npx ecr-warden findings --local', 'npx ecr-warden audit list --local'];
  const sampleNote =
    sampled && regions.length > 1 ? `For the sample the policy has ${sampleAddition} as well.\n` : '';
  return `\n${sampleNote}In a second terminal:\n${lines.map((line) => `  ${line}\n`).join('')}\n`;
}

function goodbye(data: string | undefined): string {
  return data === undefined
    ? 'Ended; nothing was kept.\n'
    : `Ended. The same command goes on from here; \`npx ecr-warden findings --data ${data}\` looks into it.\n`;
}

const errorLine = z.object({ level: z.literal(['ERROR', 'CRITICAL']), message: z.string() });

/** A function's log line, if it tells of a fault. What it will try again is its own affair. */
function faultIn(functionName: string, line: string): string {
  try {
    const { data } = errorLine.safeParse(JSON.parse(line));
    return data ? `${functionName}: ${printable(data.message)}; see ${printable(line)}\n` : '';
  } catch {
    return `${functionName}: ${printable(line)}\n`;
  }
}
