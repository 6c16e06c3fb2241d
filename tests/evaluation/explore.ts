import type { AuditRecord } from '../../shared/audit/record';
import { nameInScope, type Resource, resourceKey } from '../../shared/domain/resource';
import type { Trigger } from '../../shared/domain/trigger';
import type { reconcile as Reconcile, ReconcileDependencies } from '../../shared/evaluation/reconcile';
import { account, digest, region } from '../builders/resources';

/**
 * Breadth-first enumeration of every interleaving of reconcilers over one tag. The reconcilers are the real code:
 * a process is `reconcile` started again for each step and fed the answers that it got so far, until it asks for the
 * next one. What a process does is thus a function of its answers, so each is run once and remembered, and the
 * exploration itself only shuffles small integers.
 *
 * Two histories of a process are one state if they agree on the newest head of its own resource and on everything
 * since its last insert, that insert included: nothing read in one turn is used in the next, so nothing else of the
 * past can matter. Without that the number of states has no useful bound.
 */
export interface Scenario {
  /** What happens in ECR, in order; each ends in the event of the same index. */
  readonly world: readonly WorldStep[];
  /** Processes: a trigger each, with the number of world steps that must have happened before it can start. */
  readonly processes: readonly { readonly name: string; readonly trigger: Trigger; readonly after: number }[];
  readonly crashes: number;
  /** The chains at the start. */
  readonly start: readonly AuditRecord[];
}

export interface WorldStep {
  /** The digest that the tag points to afterwards; null deletes the tag, and its image with the last tag. */
  readonly to: string | null;
}

export interface Exploration {
  readonly states: number;
  readonly ends: number;
  /** End states that are wrong, by what is wrong with them. */
  readonly wrong: ReadonlyMap<string, number>;
  readonly example?: string;
}

export const tag: Resource = { kind: 'tag', account, region, repository: 'payments/api', tag: 'v1' };
export const digests = [digest('d1'), digest('d2'), digest('d3')] as const;

type Request =
  | { readonly ask: 'head'; readonly resource: Resource }
  | { readonly ask: 'image'; readonly digest: string }
  | { readonly ask: 'tag' }
  | { readonly ask: 'insert'; readonly records: readonly AuditRecord[] }
  | { readonly ask: 'done'; readonly acknowledged: boolean };

interface Exchange {
  readonly request: Exclude<Request, { ask: 'done' }>;
  readonly answer: number;
}

interface Stand {
  readonly history: readonly Exchange[];
  next?: Request;
}

function exchangeKey({ request, answer }: Exchange): string {
  switch (request.ask) {
    case 'head':
      return `h${nameInScope(request.resource).slice(0, 20)}=${answer}`;
    case 'image':
      return `i${request.digest.slice(7, 15)}=${answer}`;
    case 'tag':
      return `t=${answer}`;
    case 'insert':
      return `a${request.records.map((one) => Buffer.from(one.hash).toString('base64').slice(0, 8)).join()}=${answer}`;
  }
}

interface World {
  readonly step: number;
  readonly holder: string | null;
  readonly deleted: ReadonlySet<string>;
}

interface State {
  readonly world: number;
  /** Chains by resource: record numbers. */
  readonly chains: readonly (readonly number[])[];
  /** Where each process stands, by number; -1 once it has ended. */
  readonly stands: readonly number[];
  readonly crashes: number;
}

export async function explore(
  scenario: Scenario,
  reconcile: typeof Reconcile,
  dependencies: Pick<ReconcileDependencies, 'policy' | 'now'>,
): Promise<Exploration> {
  const worlds = worldsOf(scenario);
  const resources: readonly Resource[] = [
    tag,
    ...digests.map(
      (one) => ({ kind: 'image', account, region, repository: 'payments/api', digest: one }) as const,
    ),
  ];
  const chainIndex = new Map(resources.map((resource, index) => [resourceKey(resource), index]));

  const records: AuditRecord[] = [];
  const recordNumbers = new Map<string, number>();
  const numberOf = (record: AuditRecord): number => {
    const key = `${record.record} ${Buffer.from(record.hash).toString('hex')}`;
    const known = recordNumbers.get(key);
    if (known !== undefined) return known;
    recordNumbers.set(key, records.push(record) - 1);
    return records.length - 1;
  };
  const answers: unknown[] = [];
  const answerNumbers = new Map<string, number>();
  const answerNumber = (key: string, value: unknown): number => {
    const known = answerNumbers.get(key);
    if (known !== undefined) return known;
    answerNumbers.set(key, answers.push(value) - 1);
    return answers.length - 1;
  };

  const stands: Stand[] = [];
  const standNumbers = new Map<string, number>();
  const standNumber = (process: number, history: readonly Exchange[]): number => {
    const own = resourceKey(scenario.processes[process]!.trigger.resource);
    const ownHead = history.findLast(
      ({ request }) => request.ask === 'head' && resourceKey(request.resource) === own,
    );
    const insert = history.findLastIndex(({ request }) => request.ask === 'insert');
    const recent = history.slice(Math.max(0, insert)).map(exchangeKey);
    const key = `${process} ${ownHead?.answer ?? ''} ${recent.join(' ')}`;
    const known = standNumbers.get(key);
    if (known !== undefined) return known;
    standNumbers.set(key, stands.push({ history }) - 1);
    return stands.length - 1;
  };
  async function next(process: number, stand: Stand): Promise<Request> {
    stand.next ??= await run(
      reconcile,
      scenario.processes[process]!.trigger,
      stand.history.map((one) => answers[one.answer]),
      dependencies,
    );
    return stand.next;
  }

  const startChains = resources.map((resource) =>
    scenario.start.filter((record) => record.record.startsWith(`${nameInScope(resource)}#`)).map(numberOf),
  );
  const first: State = {
    world: 0,
    chains: startChains,
    stands: scenario.processes.map((_, process) => standNumber(process, [])),
    crashes: 0,
  };
  const parents = new Map<string, readonly [string, string] | undefined>([[keyOf(first), undefined]]);
  const queue: State[] = [first];
  const wrong = new Map<string, number>();
  let ends = 0;
  let example: string | undefined;

  for (let at = 0; at < queue.length; at += 1) {
    const state = queue[at]!;
    const stateKey = keyOf(state);
    let moved = false;
    const to = (following: State, label: string): void => {
      moved = true;
      const key = keyOf(following);
      if (parents.has(key)) return;
      parents.set(key, [stateKey, label]);
      queue.push(following);
    };
    if (state.world + 1 < worlds.length) to({ ...state, world: state.world + 1 }, `world ${state.world + 1}`);
    for (let process = 0; process < scenario.processes.length; process += 1) {
      if (state.stands[process] === -1 || state.world < scenario.processes[process]!.after) continue;
      const { name } = scenario.processes[process]!;
      const stand = stands[state.stands[process]!]!;
      const proceed = (number: number, change: Partial<State> = {}): State => ({
        ...state,
        ...change,
        stands: state.stands.map((one, index) => (index === process ? number : one)),
      });
      if (state.crashes < scenario.crashes && stand.history.length > 0) {
        to(proceed(standNumber(process, []), { crashes: state.crashes + 1 }), `${name} crashes`);
      }
      const request = await next(process, stand);
      if (request.ask === 'done') {
        const { acknowledged } = request;
        to(
          proceed(acknowledged ? -1 : standNumber(process, [])),
          `${name} ${acknowledged ? 'ends' : 'gives up'}`,
        );
        continue;
      }
      const [key, value, chains] = answerTo(request, state);
      const answer = answerNumber(key, value);
      to(
        proceed(standNumber(process, [...stand.history, { request, answer }]), chains && { chains }),
        `${name} ${request.ask === 'insert' ? request.records.map((one) => one.record).join() : ''} ${key}`,
      );
    }
    if (moved) continue;
    ends += 1;
    const faults = faultsOf(state);
    if (faults === '') continue;
    wrong.set(faults, (wrong.get(faults) ?? 0) + 1);
    example ??= pathTo(parents, stateKey);
  }
  return { states: parents.size, ends, wrong, ...(example && { example }) };

  function answerTo(
    request: Exclude<Request, { ask: 'done' }>,
    state: State,
  ): readonly [string, unknown, (readonly (readonly number[])[])?] {
    const world = worlds[state.world]!;
    if (request.ask === 'insert') {
      const chains = [...state.chains];
      const inserted = request.records.map((record) => {
        const chain = chainIndex.get(`${record.scope} ${record.record.slice(0, -13)}`)!;
        const free = Number(record.record.slice(-12)) === chains[chain]!.length + 1;
        if (free) chains[chain] = [...chains[chain]!, numberOf(record)];
        return free;
      });
      return [`inserted ${inserted.join()}`, inserted, chains];
    }
    if (request.ask === 'head') {
      const number = state.chains[chainIndex.get(resourceKey(request.resource))!]!.at(-1);
      return [`head ${number}`, number === undefined ? undefined : records[number]];
    }
    const asked = request.ask === 'tag' ? world.holder : request.digest;
    if (asked === null || world.deleted.has(asked)) return ['nothing', null];
    const tags = world.holder === asked ? ['v1'] : [];
    const image = { digest: asked, tags, pushedAt: '2026-11-20T09:00:00Z', status: 'ACTIVE' };
    return [`image ${asked.slice(7, 11)} ${tags.join()}`, image];
  }

  function faultsOf(state: State): string {
    const world = worlds[state.world]!;
    const chains = state.chains.map((chain) => chain.map((number) => records[number]!));
    const faults: string[] = [];
    const tagHead = chains[0]!.at(-1);
    if ((tagHead?.holder?.digest ?? null) !== world.holder) faults.push('holder');
    const recorded = chains[0]!.flatMap((record) => (record.triggers ?? []).map((one) => one.id));
    const expected = new Set(
      scenario.processes
        .map((one) => one.trigger)
        .filter((one) => one.kind !== 'sweep')
        .map((one) => one.eventId),
    );
    const fresh = recorded.filter((id) => expected.has(id));
    if (fresh.length !== expected.size || new Set(fresh).size !== expected.size) faults.push('triggers');
    digests.forEach((one, index) => {
      const fails = chains[index + 1]!.at(-1)?.findings?.length === 1;
      if (fails !== (world.holder === one)) faults.push(`image d${index + 1}`);
    });
    return faults.join(', ');
  }
}

function worldsOf(scenario: Scenario): readonly World[] {
  const worlds: World[] = [{ step: 0, holder: digests[0], deleted: new Set() }];
  for (const { to } of scenario.world) {
    const before = worlds.at(-1)!;
    const deleted =
      to === null && before.holder !== null ? new Set([...before.deleted, before.holder]) : before.deleted;
    worlds.push({ step: before.step + 1, holder: to, deleted });
  }
  return worlds;
}

function keyOf(state: State): string {
  const chains = state.chains.map((chain) => chain.join()).join('|');
  return `${state.world};${chains};${state.stands.join()};${state.crashes}`;
}

function pathTo(parents: ReadonlyMap<string, readonly [string, string] | undefined>, end: string): string {
  const labels: string[] = [];
  for (let at = parents.get(end); at; at = parents.get(at[0])) labels.push(at[1]);
  return labels.toReversed().join('\n');
}

/**
 * Runs the reconciler with the given answers and returns its next request. Requests made side by side are answered
 * one after another, in the order in which they were made.
 */
async function run(
  reconcile: typeof Reconcile,
  trigger: Trigger,
  given: readonly unknown[],
  dependencies: Pick<ReconcileDependencies, 'policy' | 'now'>,
): Promise<Request> {
  let at = 0;
  return new Promise<Request>((answer) => {
    const ask = async <T>(request: Request): Promise<T> => {
      if (at < given.length) {
        const value = given[at] as T;
        at += 1;
        return value;
      }
      answer(request);
      return new Promise<T>(() => {});
    };
    const unasked = async (): Promise<never> => {
      throw new Error('the scenario does not ask for this');
    };
    const outcomes = reconcile([trigger], {
      ...dependencies,
      trail: {
        head: (resource) => ask({ ask: 'head', resource }),
        insert: (records) => ask({ ask: 'insert', records }),
        chain: () => {
          throw new Error('the window of eight triggers is not left in this scenario');
        },
      },
      ecr: {
        tag: () => ask({ ask: 'tag' }),
        image: (resource) => ask({ ask: 'image', digest: resource.digest }),
        repository: unasked,
        lifecyclePolicy: unasked,
        replicationDestinations: unasked,
        replicationStatus: unasked,
      },
      findings: { tagsNaming: unasked },
      rechecks: { schedule: unasked },
      evaluatedRepositories: new Set(),
    });
    outcomes.then(
      ([outcome]) => {
        if (outcome?.error && outcome.error.name !== 'Unavailable') throw outcome.error;
        answer({ ask: 'done', acknowledged: !outcome?.error });
      },
      (error: unknown) => {
        throw error;
      },
    );
  });
}
