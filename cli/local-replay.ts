import { setImmediate, setTimeout } from 'node:timers/promises';
import { type Cloud, startCloud } from '../local/cloud';
import { type ReplayCount, type ReplayTarget, replay } from '../local/replay';
import { openReplayFile, type ReplayFile } from '../local/replay-file';
import { type WardenTables, wardenTables } from '../shared/aws/warden-tables';
import { tableNames } from './account';
import { buildWhatChanged, checkout } from './build';
import { onInterrupt } from './interrupt';
import { placesOf, policyFileFor, readLocalPolicy } from './local-policy';
import { counted, type Format, jsonText, printable, type Terminal } from './output';
import { progress } from './progress';

export interface LocalReplayOptions {
  readonly file: string;
  readonly limit?: number;
  readonly policy: string;
  readonly data?: string;
  readonly output: Format;
}

/** What `local replay` prints as JSON. */
export interface ReplayReport extends ReplayCount {
  readonly findings: { readonly open: number; readonly byRule: Readonly<Record<string, number>> };
  /** From the first line to the moment when everything was dealt with. */
  readonly seconds: number;
  readonly eventsPerSecond: number;
  readonly peakMemoryBytes: number;
}

/** So many rejected lines are told one by one. */
const rejectionsTold = 10;

/**
 * `local replay`: feeds a file of pushes and deletes to the hub's Region, waits until all is done, and counts in the
 * trail what arrived. Throws `InvalidInput`.
 */
export async function localReplay(options: LocalReplayOptions, terminal: Terminal): Promise<number> {
  const { signal, release } = onInterrupt();
  const file = await openReplayFile(options.file);
  const policy = readLocalPolicy(options.policy, Date.now());
  const { account, regions } = placesOf(policy);
  await buildWhatChanged(terminal);
  const policyFile = policyFileFor(policy);
  const undo: (() => unknown)[] = [policyFile.remove, release];
  try {
    const cloud = await startCloud({
      root: checkout,
      port: 0,
      account,
      regions,
      dataDir: options.data,
      policyFile: policyFile.path,
      onFault: (fault) => terminal.stderr(`the embedded cloud: ${printable(String(fault))}\n`),
    });
    undo.push(cloud.close);
    const tables = wardenTables(
      { region: regions[0], endpoint: cloud.endpoint, localAccount: account },
      tableNames,
    );
    undo.push(tables.close);
    const report = await feed(file, cloud, tables, options, signal, terminal);
    terminal.stdout(options.output === 'json' ? jsonText(report) : page(report, signal.aborted));
    return 0;
  } finally {
    for (const step of undo.reverse()) await step();
  }
}

async function feed(
  file: ReplayFile,
  cloud: Cloud,
  tables: WardenTables,
  { limit }: LocalReplayOptions,
  signal: AbortSignal,
  terminal: Terminal,
): Promise<ReplayReport> {
  const shown = progress(terminal, () => performance.now());
  const startedAt = performance.now();
  const elapsed = (): number => (performance.now() - startedAt) / 1000;
  let seconds = 0;
  let rejections = 0;
  let accepted = 0;
  try {
    const count = await replay(
      file.lines,
      targetOf(cloud, tables, () => shown.step(drainText)),
      {
        limit,
        signal,
        onRejected(line, reason) {
          rejections += 1;
          if (rejections <= rejectionsTold) terminal.stderr(`line ${line} rejected: ${printable(reason)}\n`);
        },
        onLine(lines) {
          accepted = lines;
          shown.step(() => feedingText(accepted, fractionOf(file, accepted, limit), elapsed()));
        },
        onDrained() {
          seconds = elapsed();
        },
      },
    );
    if (rejections > rejectionsTold) {
      terminal.stderr(`and ${counted(rejections - rejectionsTold, 'more line')} rejected\n`);
    }
    return {
      ...count,
      findings: await openFindings(tables),
      seconds: rounded(seconds),
      eventsPerSecond: rounded(count.events.accepted / seconds),
      // `maxRSS` is in kibibytes: "process.resourceUsage()" in the Node.js documentation.
      peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
    };
  } finally {
    shown.stop();
  }

  function drainText(): string {
    return `${counted(accepted, 'event')} fed, ${counted(cloud.backlog(), 'message')} to go`;
  }
}

function targetOf(cloud: Cloud, tables: WardenTables, onWait: () => void): ReplayTarget {
  const { account, regions, ecr } = cloud;
  const hub = { account, region: regions[0] ?? '' };
  return {
    apply: (line, eventId) => void ecr.applyReplayLine(line, eventId, hub),
    backlog: cloud.backlog,
    async drained() {
      const done = cloud.drain().then(() => true);
      while (!(await Promise.race([done, setTimeout(200, false)]))) onWait();
    },
    recordedEvents: tables.eventIds,
    pause: (milliseconds) => (milliseconds === 0 ? setImmediate() : setTimeout(milliseconds)),
  };
}

async function openFindings(tables: Pick<WardenTables, 'openFindings'>): Promise<ReplayReport['findings']> {
  const byRule: Record<string, number> = {};
  let open = 0;
  for await (const { rule, status } of tables.openFindings()) {
    if (status !== 'open') continue;
    open += 1;
    byRule[rule] = (byRule[rule] ?? 0) + 1;
  }
  return { open, byRule };
}

/** How much is done: by lines where a limit says how many there will be, else by what was read of the file. */
function fractionOf(file: ReplayFile, accepted: number, limit: number | undefined): number {
  return Math.max(file.progress(), limit === undefined ? 0 : accepted / limit);
}

/** `12,345 of about 100,000 events, 2,001 a second, 44 s left`. */
export function feedingText(accepted: number, fraction: number, seconds: number): string {
  const perSecond = Math.round(accepted / seconds);
  const total = Math.round(accepted / fraction);
  const left = Math.round((seconds / fraction) * (1 - fraction));
  const number = (value: number): string => value.toLocaleString('en');
  return `${number(accepted)} of about ${number(total)} events, ${number(perSecond)} a second, ${number(left)} s left`;
}

function page(
  { events, records, findings, seconds, eventsPerSecond, peakMemoryBytes }: ReplayReport,
  interrupted: boolean,
): string {
  const number = (value: number): string => value.toLocaleString('en');
  const rules = Object.entries(findings.byRule).map(([rule, count]) => `${number(count)} ${rule}`);
  const lines = [
    [
      'events',
      `${number(events.accepted)} accepted, ${number(events.recorded)} recorded, ${number(events.rejected)} rejected, ${number(events.lost)} lost`,
    ],
    ['records', `${number(records)} in the trail`],
    ['findings', `${number(findings.open)} open${rules.length > 0 ? ` (${rules.join(', ')})` : ''}`],
    ['time', `${number(seconds)} s, ${number(eventsPerSecond)} events a second`],
    ['memory', `${number(Math.round(peakMemoryBytes / 1024 / 1024))} MiB at most`],
  ] as const;
  const stopped = interrupted ? 'Interrupted: this is what was done until then.\n' : '';
  return stopped + lines.map(([name, value]) => `${name.padEnd(9)} ${value}\n`).join('');
}

function rounded(value: number): number {
  return Number.isFinite(value) ? Math.round(value * 100) / 100 : 0;
}
