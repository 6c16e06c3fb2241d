import { nextRecord } from '../audit/next-record';
import type { AuditRecord } from '../audit/record';
import type { Trail } from '../audit/trail';
import { canonicalJson } from '../domain/canonical-json';
import { isoTime } from '../domain/duration';
import { Unavailable } from '../domain/errors';
import {
  isUnseen,
  type ReplicationConfigurationFact,
  type ReplicationDestination,
  type Unseen,
} from '../domain/facts';
import { type Registry, type RegistryResource, sameRegistry } from '../domain/resource';
import type { Trigger } from '../domain/trigger';
import type { EcrReader } from './facts';

interface Dependencies {
  readonly trail: Trail;
  readonly ecr: EcrReader;
  now(): number;
}

/**
 * The registry's replication destinations with the instant since when each is known. ECR does not replicate what was
 * pushed before a destination was configured and does not say when that was, so the trail remembers: the registry's
 * head holds the destinations, and one seen for the first time is appended before anything is judged by it.
 */
export async function knownDestinations(
  registry: Registry,
  seenAt: string | undefined,
  dependencies: Dependencies,
): Promise<ReplicationConfigurationFact | Unseen> {
  const { trail, ecr } = dependencies;
  const resource: RegistryResource = { kind: 'registry', account: registry.account, region: registry.region };
  const now = dependencies.now();
  for (let turn = 0; turn < 5; turn += 1) {
    const head = await trail.head(resource);
    const configured = await ecr.replicationDestinations(resource);
    if (isUnseen(configured)) return configured;
    const destinations = withSince(head?.destinations ?? [], configured, seenAt ?? isoTime(now));
    if (sameDestinations(head?.destinations ?? [], destinations)) return { destinations };
    const [inserted] = await trail.insert([nextRecord(head, { resource, triggers: [], destinations }, now)]);
    if (inserted) return { destinations };
  }
  throw new Unavailable(
    'the replication destinations did not settle in 5 turns: others write to them at the same time',
  );
}

/** The destinations to write into a registry's own record, when a settings call told of a change. */
export async function destinationsOf(
  resource: RegistryResource,
  head: AuditRecord | undefined,
  triggers: readonly Trigger[],
  { ecr, now }: Dependencies,
): Promise<readonly ReplicationDestination[] | undefined> {
  const configured = await ecr.replicationDestinations(resource);
  if (isUnseen(configured)) return undefined;
  const calls = triggers
    .filter((trigger) => trigger.kind === 'registry-settings')
    .map((trigger) => trigger.eventTime);
  return withSince(head?.destinations ?? [], configured, calls.toSorted().at(-1) ?? isoTime(now()));
}

function withSince(
  before: readonly ReplicationDestination[],
  configured: readonly Omit<ReplicationDestination, 'since'>[],
  since: string,
): readonly ReplicationDestination[] {
  return configured.map((one) => {
    const known = before.find(
      (other) => sameRegistry(one, other) && samePrefixes(one.prefixes, other.prefixes),
    );
    return { ...one, since: known?.since ?? since };
  });
}

function sameDestinations(
  before: readonly ReplicationDestination[],
  after: readonly ReplicationDestination[],
): boolean {
  return before.length === after.length && canonicalJson(before) === canonicalJson(after);
}

function samePrefixes(one: readonly string[], other: readonly string[]): boolean {
  return one.join('\n') === other.join('\n');
}
