import { type AuditRecord, sequenceOf } from '../../shared/audit/record';
import type { Trail } from '../../shared/audit/trail';
import { resourceKey } from '../../shared/domain/resource';

export interface FakeTrail extends Trail {
  /** Everything inserted, in order. */
  readonly records: AuditRecord[];
}

/** The audit table in memory: inserts where the key is free, and nothing else. */
export function fakeTrail(): FakeTrail {
  const records: AuditRecord[] = [];
  const chains = new Map<string, AuditRecord[]>();
  return {
    records,
    head: async (resource) => chains.get(resourceKey(resource))?.at(-1),
    async insert(added) {
      return added.map((record) => {
        const key = `${record.scope} ${record.record.slice(0, -13)}`;
        const chain = chains.get(key) ?? [];
        if (sequenceOf(record) <= chain.length) return false;
        chains.set(key, chain);
        chain.push(record);
        records.push(record);
        return true;
      });
    },
    async *chain(resource) {
      yield* (chains.get(resourceKey(resource)) ?? []).toReversed();
    },
  };
}
