import { recordPrefix, resourceOf } from '../../shared/audit/record';
import { type Resource, repositoryOf, resourceKey, scopeOf } from '../../shared/domain/resource';
import type { ReconcileDependencies } from '../../shared/evaluation/reconcile';
import type { Policy } from '../../shared/policy/effective-policy';
import { type FakeEcr, fakeEcr } from './ecr';
import { type FakeTrail, fakeTrail } from './trail';

export interface Reconciler extends ReconcileDependencies {
  readonly trail: FakeTrail;
  readonly ecr: FakeEcr;
  /** What was asked to be looked at again, as `payments/api tag#v1 2026-…`. */
  readonly scheduled: string[];
  setNow(instant: string): void;
}

/** Everything that `reconcile` needs, in memory, at a clock that stands until it is set. */
export function reconciler(policy: Policy, over: Partial<ReconcileDependencies> = {}): Reconciler {
  const trail = fakeTrail();
  const scheduled: string[] = [];
  let now = Date.parse('2026-11-20T12:00:00Z');
  return {
    policy,
    trail,
    ecr: fakeEcr(),
    scheduled,
    findings: { tagsNaming: async (repository, digest) => tagsNaming(trail, repository, digest) },
    rechecks: {
      schedule: async (resource, until) => void scheduled.push(`${resourceKey(resource)} ${until}`),
    },
    evaluatedRepositories: new Set(),
    now: () => now,
    setNow(instant) {
      now = Date.parse(instant);
    },
    ...over,
  } as Reconciler;
}

/** The open findings of every head, as `rule payments/api:latest`, sorted. */
export function openFindings(trail: FakeTrail): string[] {
  return heads(trail)
    .flatMap(({ resource, head }) =>
      (head.findings ?? []).map(({ rule }) => `${rule} ${resourceKey(resource)}`),
    )
    .toSorted();
}

function heads(trail: FakeTrail) {
  const newest = new Map<string, { resource: Resource; head: FakeTrail['records'][number] }>();
  for (const record of trail.records) {
    const resource = resourceOf(record);
    if (!resource) continue;
    const known = newest.get(resourceKey(resource));
    if (!known || known.head.record < record.record)
      newest.set(resourceKey(resource), { resource, head: record });
  }
  return [...newest.values()];
}

function tagsNaming(trail: FakeTrail, repository: Parameters<typeof scopeOf>[0], digest: string) {
  return heads(trail).flatMap(({ resource, head }) => {
    if (resource.kind !== 'tag' || scopeOf(repositoryOf(resource)) !== scopeOf(repository)) return [];
    const names = head.findings?.length && head.results?.some((one) => one.digest === digest);
    return names && head.record.startsWith(recordPrefix(resource)) ? [resource] : [];
  });
}
