import type { Terminal } from '../../../cli/output';
import { type Column, table } from '../../../cli/table';

interface Row {
  readonly protocol: 'http' | 'https';
  /** User and system time of the handler's process, an event. */
  readonly cpuMilliseconds: number;
  /** Least and greatest of the runs. */
  readonly cpuSpread: readonly [number, number];
  readonly wallMilliseconds: number;
  readonly eventsPerSecond: number;
  /** Milliseconds; ours from handing over to the record being there to be read, theirs to the handler's end. */
  readonly latency: { readonly median: number; readonly p99: number };
  /** Calls an event, by operation. */
  readonly calls: Readonly<Record<string, number>>;
  /** Megabytes. */
  readonly peakMemory: number;
}

export interface OurRow extends Row {
  readonly name: string;
  readonly title: string;
  readonly connections: number;
  /** What the SDK alone costs an event for the promised calls, bare. */
  readonly bareCallsMilliseconds?: number;
  readonly brokenPromise?: string;
}

export interface PeerRow extends Row {
  readonly connectionsPerEvent: number;
}

export interface Compared {
  readonly name: string;
  readonly protocol: 'http' | 'https';
  /** Our CPU an event by theirs. */
  readonly ratio: number;
  readonly goal: number;
}

export interface EventsReport {
  readonly node: string;
  readonly events: number;
  readonly warmUp: number;
  readonly repeat: number;
  readonly batchSize: number;
  readonly ours: readonly OurRow[];
  readonly theirs: readonly PeerRow[];
  readonly comparison: readonly Compared[];
  /** Load average of one minute. */
  readonly load: { readonly before: number; readonly after: number };
}

/** Our rows for the same two rules on names, by theirs. */
export function comparison(
  ours: readonly OurRow[],
  theirs: readonly PeerRow[],
  goals: Readonly<Record<'http' | 'https', number>>,
): readonly Compared[] {
  return theirs.flatMap(({ protocol, cpuMilliseconds }) =>
    ours
      .filter((row) => row.protocol === protocol)
      .map(({ name, cpuMilliseconds: our }) => ({
        name,
        protocol,
        ratio: our / cpuMilliseconds,
        goal: goals[protocol],
      })),
  );
}

export function reportText(report: EventsReport, terminal: Pick<Terminal, 'width' | 'paint'>): string {
  const { ours, theirs, comparison, load, node, events, warmUp, repeat, batchSize } = report;
  const first = ours.filter(({ name }, index) => ours.findIndex((row) => row.name === name) === index);
  const paragraphs = [
    `The reconcile function as it is deployed, on Node ${node}: figures an event, of
${events} pushes in batches of ${batchSize} after ${warmUp}, median of ${repeat} runs (least..greatest).
p50 and p99: from handing over to the record being there to be read.
SDK: CPU ms of the promised calls alone, bare.
${table<OurRow>(
  [
    { head: 'pushes', cell: ({ name }) => name },
    ...columns,
    { head: 'SDK', cell: ({ bareCallsMilliseconds: bare }) => (bare === undefined ? '' : figure(bare)) },
  ],
  ours,
  terminal,
)}`,
    first
      .map(
        ({ name, title, calls, connections }) =>
          `${name}: ${title}\n  ${callsOf(calls)}; ${connections} new connections in all\n`,
      )
      .join(''),
  ];
  if (theirs.length > 0) {
    paragraphs.push(
      `Cloud Custodian: two rules on names, 10 % violating, nothing recorded.
${table<PeerRow>(columns, theirs, terminal)}  ${callsOf(theirs[0]!.calls)}; ${figure(theirs[0]!.connectionsPerEvent)} new connections an event
`,
      `Our CPU by theirs.
${table(
  [
    { head: 'pushes', cell: ({ name }) => name },
    { head: 'by', cell: ({ protocol }) => protocol },
    { head: 'ratio', cell: ({ ratio }) => share(ratio) },
    { head: 'goal', cell: ({ goal }) => share(goal) },
    { head: '', cell: ({ ratio, goal }) => (ratio <= goal ? 'met' : 'missed') },
  ],
  comparison,
  terminal,
)}`,
    );
  }
  paragraphs.push(`Load average ${load.before.toFixed(2)} before, ${load.after.toFixed(2)} after.\n`);
  return paragraphs.join('\n');
}

const columns: readonly Column<Row>[] = [
  { head: 'by', cell: ({ protocol }) => protocol },
  {
    head: 'CPU ms',
    cell: ({ cpuMilliseconds, cpuSpread: [least, greatest] }) =>
      `${figure(cpuMilliseconds)} (${figure(least, 2)}..${figure(greatest, 2)})`,
  },
  { head: 'wall ms', cell: ({ wallMilliseconds }) => figure(wallMilliseconds) },
  { head: 'events/s', cell: ({ eventsPerSecond }) => eventsPerSecond.toFixed(0) },
  { head: 'p50 / p99 ms', cell: ({ latency }) => `${figure(latency.median)} / ${figure(latency.p99)}` },
  { head: 'peak MB', cell: ({ peakMemory }) => peakMemory.toFixed(0) },
];

function callsOf(calls: Readonly<Record<string, number>>): string {
  return Object.entries(calls)
    .map(([operation, count]) => `${figure(count)} ${operation}`)
    .join(', ');
}

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function share(ratio: number): string {
  return `1/${(1 / ratio).toFixed(1)}`;
}

function figure(value: number, digits = 3): string {
  return String(Number(value.toPrecision(digits)));
}
