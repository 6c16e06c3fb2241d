import type { Finding } from '../../shared/alerts/finding';
import type { notify as Notify, NotifyDependencies } from '../../shared/alerts/notify';
import type { publish as Publish } from '../../shared/alerts/publish';
import type { AuditRecord } from '../../shared/audit/record';
import { Unavailable } from '../../shared/domain/errors';
import type { FindingChanged } from '../../shared/events/finding-changed';
import type { OwnEvent } from '../../shared/events/own-event';
import { policyOf } from '../builders/policies';
import { type FakeSlack, fakeSlack } from '../fakes/slack';
import { type FakeState, fakeState } from '../fakes/state';

export interface Code {
  readonly publish: typeof Publish;
  readonly notify: typeof Notify;
}

/** What stands for the world outside: every call of it goes through `io`, which may let it fail. */
export interface Outside {
  readonly state: FakeState;
  readonly slack: FakeSlack;
  /** What the bus took, in order. */
  readonly taken: OwnEvent[];
  readonly clock: { now: number };
}

export function outside(changed: (state: FakeState) => Partial<FakeState> = () => ({})): Outside {
  const state = fakeState();
  return {
    state: { ...state, ...changed(state) },
    slack: fakeSlack(),
    taken: [],
    clock: { now: Date.parse('2026-11-20T10:00:05Z') },
  };
}

/** One call to the outside: its name, and what it does there. */
export type Io = <T>(name: string, effect: () => Promise<T>) => Promise<T>;

export function dependenciesOf({ state, slack, taken, clock }: Outside, io: Io) {
  const findings = {
    finding: (scope: string, key: string) => io('finding', () => state.finding(scope, key)),
    putFinding: (finding: Finding) => io('putFinding', () => state.putFinding(finding)),
  };
  const notifying: NotifyDependencies = {
    policy: policyOf([]),
    alerts: { slack: { channel: 'registry', minimumSeverity: 'medium' } },
    findings,
    messages: {
      message: (...args) => io('message', () => state.message(...args)),
      claim: (...args) => io('claim', () => state.claim(...args)),
      mark: (...args) => io('mark', () => state.mark(...args)),
      release: (...args) => io('release', () => state.release(...args)),
    },
    messenger: {
      post: (...args) => io('post', () => slack.post(...args)),
      update: (...args) => io('update', () => slack.update(...args)),
    },
    now: () => clock.now,
  };
  const bus = { put: (events: readonly OwnEvent[]) => io('bus', async () => void taken.push(...events)) };
  return { notifying, publishing: { findings, bus } };
}

export const faultKinds = ['error before', 'error after', 'crash before', 'crash after'] as const;
export type FaultKind = (typeof faultKinds)[number];
/** Which call fails, counted from 0 over the whole run, and how. */
export type Schedule = readonly (readonly [call: number, kind: FaultKind])[];

export interface Run {
  /** The names of the calls, in order. */
  readonly calls: readonly string[];
  readonly outside: Outside;
  /** Deliveries after which something was still waiting: far more than any schedule needs. */
  readonly quiet: boolean;
}

/**
 * The records of a chain go through `publish` and their events through `notify`, with faults at the given calls, and
 * everything unfinished is delivered again until nothing is left: the stream in its order, the queue round and round,
 * twenty seconds later each time. At the end the first record comes once more, as from an on-failure queue.
 */
export async function run(
  { publish, notify }: Code,
  records: readonly AuditRecord[],
  schedule: Schedule,
  world: Outside = outside(),
): Promise<Run> {
  const faults = new Map(schedule);
  const calls: string[] = [];
  let crash: () => void = () => {};
  /** A crashed invocation does nothing more: no catch and no finally of it runs. */
  const never = () => {
    crash();
    return new Promise<never>(() => {});
  };
  const io: Io = async (name, effect) => {
    const fault = faults.get(calls.push(name) - 1);
    if (fault === 'error before') throw new Unavailable(name);
    if (fault === 'crash before') return never();
    const answer = await effect();
    if (fault === 'error after') throw new Unavailable(name);
    if (fault === 'crash after') return never();
    return answer;
  };
  const { notifying, publishing } = dependenciesOf(world, io);
  const finishes = async (work: () => Promise<unknown>): Promise<boolean> => {
    const crashed = new Promise<boolean>((resolve) => {
      crash = () => resolve(false);
    });
    return Promise.race([
      crashed,
      work().then(
        () => true,
        () => false,
      ),
    ]);
  };

  const stream = [...records, records[0]!];
  const queue: FindingChanged[] = [];
  let queued = 0;
  let deliveries = 0;
  while ((stream.length > 0 || queue.length > 0) && deliveries < 200) {
    deliveries += 1;
    if (stream[0] && (await finishes(() => publish(stream[0]!, publishing)))) stream.shift();
    for (; queued < world.taken.length; queued += 1)
      queue.push(world.taken[queued]!.detail as FindingChanged);
    const message = queue.shift();
    if (message && !(await finishes(() => notify(message, notifying)))) queue.push(message);
    world.clock.now += 20_000;
  }
  return { calls, outside: world, quiet: deliveries < 200 };
}

/** A read has no effect, so failing before it and after it are one fault. */
const reads = ['finding', 'message'];

/** Every schedule of at most `most` faults; each is run and handed to `check`. */
export async function everySchedule(
  most: number,
  runSchedule: (schedule: Schedule) => Promise<Run>,
  check: (run: Run, schedule: Schedule) => void,
): Promise<number> {
  let runs = 0;
  const extend = async (schedule: Schedule): Promise<void> => {
    const ran = await runSchedule(schedule);
    runs += 1;
    check(ran, schedule);
    if (schedule.length === most) return;
    const from = (schedule.at(-1)?.[0] ?? -1) + 1;
    for (let call = from; call < ran.calls.length; call += 1) {
      const kinds = reads.includes(ran.calls[call]!)
        ? faultKinds.filter((kind) => kind.endsWith('before'))
        : faultKinds;
      for (const kind of kinds) await extend([...schedule, [call, kind]]);
    }
  };
  await extend([]);
  return runs;
}

/**
 * Runs actors side by side, one call to the outside at a time: `pick` says which of the waiting ones goes on. Answers
 * which actors failed.
 */
export async function interleave(
  actors: readonly ((io: Io) => Promise<unknown>)[],
  pick: (waiting: readonly number[]) => number,
): Promise<readonly number[]> {
  const waiting = new Map<number, () => void>();
  const running = new Set(actors.keys());
  const failed: number[] = [];
  actors.forEach((actor, index) => {
    const io: Io = async (_, effect) => {
      await new Promise<void>((go) => waiting.set(index, go));
      return effect();
    };
    actor(io).then(
      () => running.delete(index),
      () => {
        running.delete(index);
        failed.push(index);
      },
    );
  });
  while (running.size > 0) {
    await new Promise((settled) => setImmediate(settled));
    const choices = [...waiting.keys()].toSorted();
    if (choices.length === 0) continue;
    const chosen = pick(choices);
    const go = waiting.get(chosen)!;
    waiting.delete(chosen);
    go();
  }
  return failed;
}

/** Every order of picks: the callback is run again for each, with a `pick` that follows it. */
export async function everyOrder(
  once: (pick: (waiting: readonly number[]) => number) => Promise<void>,
): Promise<number> {
  let path: number[] = [];
  let orders = 0;
  for (;;) {
    const widths: number[] = [];
    await once((waiting) => {
      const at = widths.push(waiting.length) - 1;
      path[at] ??= 0;
      return waiting[path[at]]!;
    });
    orders += 1;
    path = path.slice(0, widths.length);
    while (path.length > 0 && path.at(-1)! + 1 >= widths[path.length - 1]!) path.pop();
    if (path.length === 0) return orders;
    path[path.length - 1]! += 1;
  }
}
