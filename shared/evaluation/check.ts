import { settlingMilliseconds } from '../audit/holder';
import { Unavailable } from '../domain/errors';
import { type FactName, type Facts, type ImageFact, isUnseen, type Unseen } from '../domain/facts';
import type { Holder } from '../domain/holder';
import { displayName, type Registry, type Resource } from '../domain/resource';
import type { EffectivePolicy } from '../policy/effective-policy';
import { type Evaluation, evaluate, rulesFor } from './evaluate';
import type { Turn } from './facts';

/** One look at one resource. */
export interface Look {
  readonly resource: Resource;
  readonly policy: EffectivePolicy;
  readonly turn: Turn;
  /** Epoch milliseconds. */
  readonly now: number;
  /** For a tag: who holds it by what the events say, as far as ECR's answer leaves it standing. */
  readonly holder?: (digest: string | null | undefined) => Holder | undefined;
  /** For a tag: ECR's answer is needed whatever the rules say, since events alone contradict each other. */
  readonly mustRead?: boolean;
  /** For a tag: the digest that held it before the newest event. An answer that still shows it may be stale. */
  readonly before?: string | null;
  /** ISO instant of the newest event that says that the resource exists. */
  readonly arrivedAt?: string;
}

export interface Checked {
  readonly evaluation: Evaluation;
  /** ECR says that there is no such resource. */
  readonly gone: boolean;
  readonly facts: Partial<Facts>;
  readonly holder?: Holder;
}

/**
 * Loads the facts that the selected rules declare and judges; writes nothing. A rule on names alone passes without a
 * call, and before it fails the resource is confirmed. Throws `Unavailable` for what time can lift: ECR shows an image
 * or a tag move a little after it tells of it, so a fresh answer that contradicts a fresh event is no answer.
 */
export async function check(look: Look): Promise<Checked> {
  const { resource, policy, turn } = look;
  const about = { resource, ...(policy.namespace && { namespace: policy.namespace }) };
  const confirmation = confirmationOf(resource);
  const declared = new Set<FactName>(rulesFor(policy, resource).flatMap(({ rule }) => rule.facts));
  if (look.mustRead && confirmation) declared.add(confirmation);

  let facts = await turn.load([...declared], about);
  let checked = judge(look, facts);
  if (confirmation && !(confirmation in facts) && checked.evaluation.results.length > 0) {
    facts = { ...facts, ...(await turn.load([confirmation], about)) };
    checked = judge(look, facts);
  }
  if (checked.evaluation.results.length === 0 || resource.kind !== 'tag') return checked;
  const replicaOf = await sourceOf(look, facts, checked.holder);
  return replicaOf ? judge(look, facts, replicaOf) : checked;
}

/** The fact that says whether the resource is there at all. */
function confirmationOf(resource: Resource): 'tag' | 'image' | 'repository' | undefined {
  return resource.kind === 'registry' ? undefined : resource.kind;
}

function judge(look: Look, facts: Partial<Facts>, replicaOf?: Registry): Checked {
  const { resource, policy, now } = look;
  const confirmation = confirmationOf(resource);
  const shown = confirmation ? facts[confirmation] : undefined;
  refuseUnsettled(look, shown);
  const holder = look.holder?.(digestOf(shown));
  const rest = { facts, ...(holder && { holder }) };
  if (shown === null) return { ...rest, gone: true, evaluation: { results: [], passes: 0 } };
  const digest = resource.kind === 'image' ? resource.digest : digestOf(shown);
  const evaluation = evaluate({
    resource,
    policy,
    facts,
    now,
    ...(holder && { holder }),
    ...(digest && { digest }),
    ...(replicaOf && { replicaOf }),
  });
  return { ...rest, gone: false, evaluation };
}

type Shown = Facts['tag'] | Facts['image'] | Facts['repository'] | undefined;

/** The digest in ECR's answer; `null` where it answers that there is none, undefined where nobody asked or saw. */
function digestOf(shown: Shown): string | null | undefined {
  if (shown === null) return null;
  if (shown === undefined || isUnseen(shown)) return undefined;
  return 'digest' in shown ? shown.digest : undefined;
}

/**
 * A read within two minutes of an event may not show it yet ("Not found right after create or push",
 * hashicorp/terraform-provider-aws#3849): an arrival that is not there, a deleted tag that still is, a moved tag that
 * still names the digest it had before.
 */
function refuseUnsettled(look: Look, shown: Shown): void {
  const { resource, now } = look;
  if (shown === undefined || (shown !== null && isUnseen(shown))) return;
  const fresh = (since: string | null | undefined) =>
    since != null && now - Date.parse(since) < settlingMilliseconds;
  if (resource.kind !== 'tag') {
    if (shown === null && fresh(look.arrivedAt)) throw notShownYet(resource);
    return;
  }
  const expected = look.holder?.(undefined);
  if (!expected || !fresh(expected.since)) return;
  const digest = digestOf(shown) ?? null;
  if (digest === expected.digest) return;
  if (digest === null || expected.digest === null || digest === look.before) throw notShownYet(resource);
}

function notShownYet(resource: Resource): Unavailable {
  return new Unavailable(`ECR does not show the newest event of ${displayName(resource)} yet`);
}

/** The source of a replica: the registry that the tag came from, if the same digest has the same tag there. */
async function sourceOf(
  look: Look,
  facts: Partial<Facts>,
  holder: Holder | undefined,
): Promise<Registry | undefined> {
  const { resource, turn } = look;
  if (resource.kind !== 'tag' || !holder?.source) return undefined;
  const here = facts.tag;
  if (!here || isUnseen(here)) return undefined;
  const there: ImageFact | Unseen | null = await turn.tag({ ...resource, ...holder.source });
  if (there === null || isUnseen(there)) return undefined;
  return there.digest === here.digest ? holder.source : undefined;
}
