import type { Resource } from '../domain/resource';
import type { Trigger } from '../domain/trigger';
import { recognise, recordedTriggerKey, triggerKey } from './recent-triggers';
import type { AuditRecord } from './record';

/** The audit table as its writers see it: it can be read and added to, and nothing else. */
export interface Trail {
  /** The newest record of the resource, read consistently. Throws `Unavailable`. */
  head(resource: Resource): Promise<AuditRecord | undefined>;
  /**
   * Inserts each record where its key is free, and answers for each whether it was. The insert is the optimistic
   * lock: of two writers that read the same head one gets `false` and starts again. Records are independent of each
   * other; when this throws `Unavailable`, each may or may not have been inserted.
   *
   *     writer A: head 4 ──────── insert 5 → true
   *     writer B: head 4 ── insert 5 (later) → false: head 5, evaluate again, insert 6
   */
  insert(records: readonly AuditRecord[]): Promise<readonly boolean[]>;
  /** All records of the resource, newest first. */
  chain(resource: Resource): AsyncIterable<AuditRecord>;
}

/** Whether the trigger stands in the resource's chain: by the head's window, beyond its reach by the chain itself. */
export async function isRecorded(
  trail: Trail,
  head: AuditRecord | undefined,
  trigger: Trigger,
): Promise<boolean> {
  const { resource } = trigger;
  const wanted = triggerKey(trigger, resource);
  const seen = recognise(head, wanted);
  if (seen !== 'look in the chain') return seen === 'recorded';
  for await (const record of trail.chain(resource)) {
    if (record.triggers?.some((one) => recordedTriggerKey(one, resource).key.equals(wanted.key))) return true;
  }
  return false;
}
