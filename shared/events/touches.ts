import type { Holder } from '../domain/holder';
import {
  type ImageResource,
  type Resource,
  repositoryOf,
  resourceKey,
  type TagResource,
} from '../domain/resource';
import type { Trigger, TriggerKind } from '../domain/trigger';

/** What the trail knows of the resource that a trigger names, as far as it decides what else to look at. */
export interface TouchContext {
  readonly holder?: Holder;
  /** For an image that was deleted: the tags whose open findings name its digest. */
  readonly tagsNamingDigest: readonly TagResource[];
}

/**
 * The kinds that are recorded as what happened and change no decision: no facts are read, nothing is evaluated, and
 * the record does not count as having seen the resource.
 */
export function isEvaluated(kind: TriggerKind): boolean {
  return kind !== 'actor' && kind !== 'failed';
}

/** The kinds that are recorded only where they change a decision; all others are recorded always. */
export function isRecordedAlways(kind: TriggerKind): boolean {
  return kind !== 'recheck' && kind !== 'sweep' && kind !== 'slack' && kind !== 'command';
}

/** The kinds after which the whole scope is swept, since more changed than a push can say. */
export function asksForSweep(kind: TriggerKind): boolean {
  return kind === 'repository-deleted' || kind === 'registry-settings';
}

/** The kinds that put a tag on a digest or an image into a repository. */
export function isArrival(kind: TriggerKind): boolean {
  return kind === 'push' || kind === 'replicate' || kind === 'pull-through' || kind === 'referrer';
}

/**
 * The other resources to reconcile because of a trigger, beside the one that it is recorded on. An event names
 * one (digest, tag); the image that silently lost the tag, or the source that a replica should equal, is known from
 * the trail alone. The repository is judged by its own settings events and by sweeps; a push brings it in so that a
 * repository nobody has judged yet is, which is for the caller to know.
 */
export function touches(trigger: Trigger, context: TouchContext): readonly Resource[] {
  const { resource } = trigger;
  if (!isEvaluated(trigger.kind) || resource.kind === 'registry' || resource.kind === 'repository') return [];
  const found: Resource[] = [];
  const image = (digest: string | null | undefined): void => {
    if (digest) found.push({ ...registryAndName(resource), kind: 'image', digest });
  };
  if (trigger.subject) image(trigger.subject);
  if (resource.kind === 'tag') {
    image(trigger.digest);
    image(context.holder?.digest);
    const source = trigger.source ?? (trigger.kind === 'delete' ? context.holder?.source : undefined);
    if (source) found.push({ ...resource, account: source.account, region: source.region });
  }
  if (resource.kind === 'image' && trigger.kind === 'delete') found.push(...context.tagsNamingDigest);
  if (isArrival(trigger.kind)) found.push(repositoryOf(resource));
  return unique(found, resource);
}

function registryAndName(resource: TagResource | ImageResource): {
  account: string;
  region: string;
  repository: string;
} {
  const { account, region, repository } = resource;
  return { account, region, repository };
}

function unique(resources: readonly Resource[], except: Resource): readonly Resource[] {
  const byKey = new Map(resources.map((one) => [resourceKey(one), one]));
  byKey.delete(resourceKey(except));
  return [...byKey.values()];
}
