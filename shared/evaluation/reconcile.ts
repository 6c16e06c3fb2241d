import { holderAfterEvents, holderAfterRead } from '../audit/holder';
import { type Entry, nextRecord, type RecordedEvaluation } from '../audit/next-record';
import type { AuditRecord } from '../audit/record';
import { isRecorded, type Trail } from '../audit/trail';
import type { RecordedAction } from '../domain/action';
import { Unavailable } from '../domain/errors';
import {
  displayName,
  nameInScope,
  type RepositoryResource,
  type Resource,
  repositoryOf,
  resourceKey,
  type TagResource,
} from '../domain/resource';
import type { Trigger } from '../domain/trigger';
import { asksForSweep, isArrival, isEvaluated, isRecordedAlways, touches } from '../events/touches';
import type { EffectivePolicy, Policy } from '../policy/effective-policy';
import { type Checked, check } from './check';
import { destinationsOf, knownDestinations } from './destinations';
import { rulesFor } from './evaluate';
import { type EcrReader, hashOfFacts, openTurn, type Turn } from './facts';
import { nextFindings, sameDecision } from './findings';

/** What the trail's readers can tell of findings, by what they name. */
export interface FindingIndex {
  /** The tags of a repository whose open findings judged this digest. */
  tagsNaming(repository: RepositoryResource, digest: string): Promise<readonly TagResource[]>;
}

/** Looks at a resource again once an instant is past. A recheck that comes twice does no harm. */
export interface Rechecks {
  schedule(resource: Resource, until: string): Promise<void>;
}

export interface ReconcileDependencies {
  readonly policy: Policy;
  readonly trail: Trail;
  readonly ecr: EcrReader;
  readonly findings: FindingIndex;
  readonly rechecks: Rechecks;
  /**
   * Repositories known to have an evaluated record. Records are never removed, so this may be kept for as long as
   * the process lives; it spares a push to a known repository one read.
   */
  readonly evaluatedRepositories: Set<string>;
  /** Epoch milliseconds. */
  now(): number;
}

/** How a trigger ended: done, or with the error that says whether time can lift it. */
export interface Outcome {
  readonly trigger: Trigger;
  readonly error?: Error;
}

const turns = 5;
const recheckHorizonMilliseconds = 24 * 3_600_000;

/** A resource to bring up to date, with the triggers that are recorded on it. */
interface Work {
  readonly resource: Resource;
  readonly triggers: readonly Trigger[];
  /** ISO instant of the newest event that says that it exists. */
  readonly arrivedAt?: string;
  /** Only to be judged if nobody did: a repository that something was pushed to. */
  readonly ifNeverEvaluated?: boolean;
}

/** Errors by resource key: one turn has one work a resource. */
type Errors = Map<string, Error>;

/**
 * Check, then append: the only way into the trail for findings.
 *
 * For each resource: read its head, load the facts, evaluate, append at head + 1 if the decision changed; after such
 * an append start again until a fresh read agrees with the head. Nothing read in one turn is used in the next. What
 * a trigger touches is settled first, and the trigger's own record is appended last, onto the head that said what it
 * touches: that append is the commit point. A recorded trigger therefore proves that everything it touches was done,
 * and a crash anywhere before it is repaired by the message coming again.
 *
 *     head of the tag (who holds it) → the images and the repository it touches: settled
 *                                    → the tag: facts, evaluate, append at that head + 1
 *                                        lost the race → from the head again, since the holder may have changed
 *
 * The triggers of a batch go side by side and share their reads and their inserts; one that fails does not stop the
 * others.
 */
export async function reconcile(
  triggers: readonly Trigger[],
  dependencies: ReconcileDependencies,
): Promise<readonly Outcome[]> {
  const works = groupByResource(triggers);
  const errors: Errors = new Map();
  const changed: Work[] = [];
  let open = works;
  for (let turn = 0; turn < turns && open.length > 0; turn += 1) {
    const step = await reconcileOnce(open, errors, dependencies);
    changed.push(...step.changed);
    open = step.lost;
  }
  for (const work of open) errors.set(keyOf(work), lostTooOften(work));
  await settle(changed.map(lookAgain), errors, dependencies);
  return triggers.map((trigger) => {
    const error = errors.get(resourceKey(trigger.resource));
    return { trigger, ...(error && { error }) };
  });
}

interface Step {
  /** Appended with a changed decision: a fresh read must agree before it counts as done. */
  readonly changed: readonly Work[];
  /** Somebody else appended first. */
  readonly lost: readonly Work[];
}

/** One turn of works with triggers: heads, what they touch, and at last their own records. */
async function reconcileOnce(
  works: readonly Work[],
  errors: Errors,
  dependencies: ReconcileDependencies,
): Promise<Step> {
  const started = await each(works, errors, async (work) => {
    const head = await dependencies.trail.head(work.resource);
    return { work, head, touched: await touchedBy(work, head, dependencies) };
  });
  const others = mergeWorks(
    started.flatMap(({ touched }) => touched),
    works,
  );
  const unsettled: Errors = new Map();
  await settle(others, unsettled, dependencies);
  const ready = started.filter(({ work, touched }) => {
    const failed = touched.map((one) => unsettled.get(keyOf(one))).find((error) => error !== undefined);
    if (failed) errors.set(keyOf(work), failed);
    return !failed;
  });
  return advance(ready, errors, dependencies);
}

/** Brings resources without triggers up to date: each until a fresh read agrees with its head. */
async function settle(
  works: readonly Work[],
  errors: Errors,
  dependencies: ReconcileDependencies,
): Promise<void> {
  let open = works;
  for (let turn = 0; turn < turns && open.length > 0; turn += 1) {
    const headed = await each(open, errors, async (work) => ({
      work,
      head: await dependencies.trail.head(work.resource),
    }));
    const step = await advance(headed, errors, dependencies);
    open = [...step.changed.map(lookAgain), ...step.lost];
  }
  for (const work of open) errors.set(keyOf(work), lostTooOften(work));
}

interface Headed {
  readonly work: Work;
  readonly head: AuditRecord | undefined;
}

/** Facts, evaluation and insert for works whose heads were read in this turn. */
async function advance(
  headed: readonly Headed[],
  errors: Errors,
  dependencies: ReconcileDependencies,
): Promise<Step> {
  const turn = openTurn(dependencies.ecr, (registry) =>
    knownDestinations(registry, newestEvent(headed), dependencies),
  );
  const proposals = await each(headed, errors, (one) => propose(one, turn, dependencies));
  const appending = proposals.filter((one) => one.record !== undefined);
  if (appending.length === 0) return { changed: [], lost: [] };
  let inserted: readonly boolean[];
  try {
    inserted = await dependencies.trail.insert(appending.map((one) => one.record!));
  } catch (error) {
    for (const { work } of appending) errors.set(keyOf(work), asError(error));
    return { changed: [], lost: [] };
  }
  const won = appending.filter((_, index) => inserted[index]);
  return {
    changed: won.filter((one) => one.changed).map(({ work }) => work),
    lost: appending.filter((_, index) => !inserted[index]).map(({ work }) => work),
  };
}

interface Proposal {
  readonly work: Work;
  /** Absent where there is nothing to say that the head does not say already. */
  readonly record?: AuditRecord;
  /** The decision differs from the head's. */
  readonly changed: boolean;
}

/** What to append to a resource's chain, if anything. Reads facts; of what it does, only rechecks reach outside. */
async function propose(
  { work, head }: Headed,
  turn: Turn,
  dependencies: ReconcileDependencies,
): Promise<Proposal> {
  const { resource } = work;
  const { policy, trail } = dependencies;
  if (work.ifNeverEvaluated && head?.evaluatedAt) {
    dependencies.evaluatedRepositories.add(resourceKey(resource));
    return { work, changed: false };
  }
  const fresh: Trigger[] = [];
  for (const trigger of work.triggers) if (!(await isRecorded(trail, head, trigger))) fresh.push(trigger);
  const now = dependencies.now();

  if (work.triggers.length > 0 && !work.triggers.some((trigger) => isEvaluated(trigger.kind))) {
    return fresh.length === 0
      ? { work, changed: false }
      : { work, changed: false, record: nextRecord(head, { resource, triggers: fresh }, now) };
  }
  if (
    work.triggers.every((trigger) => trigger.kind === 'recheck' && !stillWaits(head, trigger)) &&
    work.triggers.length > 0
  ) {
    return { work, changed: false };
  }
  refuseOlderPolicy(head, policy, resource);

  const effective = effectiveFor(policy, resource);
  const byEvents = holderAfterEvents(head?.holder, fresh);
  const checked = await check({
    resource,
    policy: effective,
    turn,
    now,
    ...(resource.kind === 'tag' && {
      holder: (digest) => (digest === undefined ? byEvents.holder : holderAfterRead(byEvents, digest, now)),
      mustRead: byEvents.tie,
      ...(head?.holder && { before: head.holder.digest }),
    }),
    ...(work.arrivedAt && { arrivedAt: work.arrivedAt }),
  });
  const evaluation = recordedEvaluation(head, checked, effective, policy, resource, now);
  const changed =
    !sameDecision(head?.results ?? [], evaluation.results) ||
    evaluation.changes.length > 0 ||
    (resource.kind === 'repository' && head?.evaluatedAt === undefined) ||
    (checked.holder?.digest ?? null) !== (byEvents.holder?.digest ?? null);
  const recorded = fresh.filter((trigger) => changed || isRecordedAlways(trigger.kind));
  if (!changed && recorded.length === 0) return { work, changed };

  if (changed) await scheduleRechecks(resource, evaluation, now, dependencies);
  const destinations =
    resource.kind === 'registry' ? await destinationsOf(resource, head, recorded, dependencies) : undefined;
  const entry: Entry = {
    resource,
    triggers: recorded,
    evaluation,
    ...(checked.holder && { holder: checked.holder }),
    ...(destinations && { destinations }),
    actions: sweepsAskedFor(recorded),
  };
  return { work, changed, record: nextRecord(head, entry, now) };
}

function recordedEvaluation(
  head: AuditRecord | undefined,
  checked: Checked,
  effective: EffectivePolicy,
  policy: Policy,
  resource: Resource,
  now: number,
): RecordedEvaluation {
  const rulesHere = rulesFor(effective, resource).map(({ rule }) => rule.id);
  const factsHash = hashOfFacts(checked.facts);
  return {
    ...checked.evaluation,
    ...nextFindings(head ?? {}, checked.evaluation, checked.gone, rulesHere, new Date(now).toISOString()),
    policyHash: policy.hash,
    policyBuiltAt: policy.builtAt,
    ...(factsHash && { factsHash }),
  };
}

/** Sent before the append, so that a crash between the two costs a needless look and never a forgotten one. */
async function scheduleRechecks(
  resource: Resource,
  evaluation: RecordedEvaluation,
  now: number,
  { rechecks }: ReconcileDependencies,
): Promise<void> {
  const instants = new Set(evaluation.results.flatMap(({ until }) => (until === undefined ? [] : [until])));
  for (const until of instants) {
    if (Date.parse(until) - now <= recheckHorizonMilliseconds) await rechecks.schedule(resource, until);
  }
}

function stillWaits(head: AuditRecord | undefined, trigger: Trigger): boolean {
  return head?.results?.some((result) => result.until === trigger.until) ?? false;
}

/** While a deploy drains, old and new containers alternate: what the newer policy said is not said over by the older. */
function refuseOlderPolicy(head: AuditRecord | undefined, policy: Policy, resource: Resource): void {
  if (head?.policyHash === undefined || head.policyHash === policy.hash) return;
  if ((head.policyBuiltAt ?? '') <= policy.builtAt) return;
  throw new Unavailable(`${displayName(resource)} was judged by a policy built later than this one`);
}

function sweepsAskedFor(triggers: readonly Trigger[]): readonly RecordedAction[] {
  const asking = triggers.find((trigger) => asksForSweep(trigger.kind));
  return asking ? [{ kind: 'sweep-scope', step: 'wanted', reason: asking.detail ?? asking.kind }] : [];
}

/** The resources that a work's triggers touch, without those for which no rule could say anything. */
async function touchedBy(
  work: Work,
  head: AuditRecord | undefined,
  dependencies: ReconcileDependencies,
): Promise<readonly Work[]> {
  const found = await Promise.all(
    work.triggers.map(async (trigger) => {
      const { resource } = trigger;
      const tagsNamingDigest =
        resource.kind === 'image' && trigger.kind === 'delete'
          ? await dependencies.findings.tagsNaming(repositoryOf(resource), resource.digest)
          : [];
      const touched = touches(trigger, { tagsNamingDigest, ...(head?.holder && { holder: head.holder }) });
      return touched.filter((one) => isJudged(one, dependencies)).map((one) => touchedWork(one, trigger));
    }),
  );
  return found.flat();
}

function touchedWork(resource: Resource, trigger: Trigger): Work {
  const arrived =
    isArrival(trigger.kind) &&
    (resource.kind === 'repository' || (resource.kind === 'image' && resource.digest === trigger.digest));
  return {
    resource,
    triggers: [],
    ...(arrived && { arrivedAt: trigger.eventTime }),
    ...(resource.kind === 'repository' && { ifNeverEvaluated: true }),
  };
}

function isJudged(resource: Resource, { policy, evaluatedRepositories }: ReconcileDependencies): boolean {
  if (resource.kind === 'repository' && evaluatedRepositories.has(resourceKey(resource))) return false;
  if (!policy.governs(resource)) return false;
  return rulesFor(effectiveFor(policy, resource), resource).length > 0;
}

function effectiveFor(policy: Policy, resource: Resource): EffectivePolicy {
  return policy.effectiveFor(resource, resource.kind === 'registry' ? undefined : resource.repository);
}

function groupByResource(triggers: readonly Trigger[]): readonly Work[] {
  const groups = new Map<string, Trigger[]>();
  for (const trigger of triggers) {
    const key = resourceKey(trigger.resource);
    const group = groups.get(key);
    if (group) group.push(trigger);
    else groups.set(key, [trigger]);
  }
  return [...groups.values()].map(withoutTwins).map((group) => {
    const arrivals = group.filter((trigger) => isArrival(trigger.kind)).map((trigger) => trigger.eventTime);
    const arrivedAt = arrivals.toSorted().at(-1);
    return { resource: group[0]!.resource, triggers: group, ...(arrivedAt && { arrivedAt }) };
  });
}

/** A queue delivers at least once, so one batch may hold one event twice. */
function withoutTwins(triggers: readonly Trigger[]): readonly Trigger[] {
  return [...new Map(triggers.map((trigger) => [`${trigger.kind} ${trigger.eventId}`, trigger])).values()];
}

/** One work a resource, with the newest arrival; what is a work with triggers of its own is settled by those. */
function mergeWorks(touched: readonly Work[], mains: readonly Work[]): readonly Work[] {
  const merged = new Map<string, Work>();
  for (const work of touched) {
    const known = merged.get(keyOf(work));
    if (!known || (work.arrivedAt ?? '') > (known.arrivedAt ?? '')) merged.set(keyOf(work), work);
  }
  for (const main of mains) merged.delete(keyOf(main));
  return [...merged.values()];
}

function lookAgain({ resource, arrivedAt }: Work): Work {
  return { resource, triggers: [], ...(arrivedAt && { arrivedAt }) };
}

function keyOf({ resource }: Work): string {
  return resourceKey(resource);
}

/** ISO instant of the newest event of the turn: the time to give to what is seen for the first time because of it. */
function newestEvent(headed: readonly Headed[]): string | undefined {
  return headed
    .flatMap(({ work }) => work.triggers.map((trigger) => trigger.eventTime))
    .toSorted()
    .at(-1);
}

function lostTooOften({ resource }: Work): Unavailable {
  return new Unavailable(
    `${nameInScope(resource)} did not settle in ${turns} turns: others write to it at the same time`,
  );
}

/** Runs the task for each item side by side; a failing one is noted by its resource and left out of the answers. */
async function each<I extends Work | Headed, T>(
  items: readonly I[],
  errors: Errors,
  task: (item: I) => Promise<T>,
): Promise<readonly T[]> {
  const done = await Promise.all(
    items.map(async (item) => {
      try {
        return [await task(item)];
      } catch (error) {
        errors.set(keyOf('work' in item ? item.work : item), asError(error));
        return [];
      }
    }),
  );
  return done.flat();
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
