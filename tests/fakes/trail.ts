import { type AuditRecord, recordPrefix } from '../../shared/audit/record';
import type { Trail } from '../../shared/audit/trail';
import { type Resource, scopeOf } from '../../shared/domain/resource';

export interface FakeTrail extends Trail {
  /** Everything inserted, in order. */
  readonly records: AuditRecord[];
}

/** The audit table in memory: inserts where the key is free, and nothing else. */
export function fakeTrail(records: AuditRecord[] = []): FakeTrail {
  const chainOf = (resource: Resource) =>
    records
      .filter((one) => one.scope === scopeOf(resource) && one.record.startsWith(recordPrefix(resource)))
      .toSorted((one, other) => (one.record < other.record ? 1 : -1));
  return {
    records,
    head: async (resource) => chainOf(resource)[0],
    async insert(added) {
      return added.map((record) => {
        if (records.some((one) => one.scope === record.scope && one.record === record.record)) return false;
        records.push(record);
        return true;
      });
    },
    async *chain(resource) {
      yield* chainOf(resource);
    },
  };
}
