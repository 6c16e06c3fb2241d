import { createHash } from 'node:crypto';
import { type Resource, resourceKey } from '../domain/resource';
import type { Trigger } from '../domain/trigger';
import type { AuditRecord, RecordedTrigger } from './record';

const keyBytes = 16;
const entryBytes = 6 + keyBytes;
const kept = 8;

/** What makes two deliveries one trigger: kind, event id and resource. The time keeps the newest in the head. */
export interface TriggerKey {
  /** Epoch milliseconds of the event. */
  readonly time: number;
  /** 16 bytes. */
  readonly key: Buffer;
}

export function triggerKey(
  trigger: Pick<Trigger, 'kind' | 'eventId' | 'eventTime'>,
  resource: Resource,
): TriggerKey {
  const text = `${trigger.kind}\n${trigger.eventId}\n${resourceKey(resource)}`;
  return {
    time: Date.parse(trigger.eventTime),
    key: createHash('sha256').update(text).digest().subarray(0, keyBytes),
  };
}

export function recordedTriggerKey(trigger: RecordedTrigger, resource: Resource): TriggerKey {
  return triggerKey({ kind: trigger.kind, eventId: trigger.id, eventTime: trigger.time }, resource);
}

/** The head's newest trigger keys: entries of 6 bytes of epoch milliseconds and 16 bytes of key, oldest first. */
export function readRecent(head: Pick<AuditRecord, 'recentTriggers'> | undefined): TriggerKey[] {
  const bytes = Buffer.from(head?.recentTriggers ?? []);
  const entries: TriggerKey[] = [];
  for (let at = 0; at + entryBytes <= bytes.length; at += entryBytes) {
    entries.push({ time: bytes.readUIntBE(at, 6), key: bytes.subarray(at + 6, at + entryBytes) });
  }
  return entries;
}

/**
 * Whether the trigger is in the head's window, certainly not recorded, or older than the window reaches: then only
 * the chain can tell.
 */
export function recognise(
  head: AuditRecord | undefined,
  trigger: TriggerKey,
): 'recorded' | 'new' | 'look in the chain' {
  if (!head) return 'new';
  if (readRecent(head).some((one) => one.key.equals(trigger.key))) return 'recorded';
  return head.reach !== undefined && trigger.time <= Date.parse(head.reach) ? 'look in the chain' : 'new';
}

/** The window after adding triggers: the eight with the greatest event times, and the greatest time evicted. */
export function addRecent(
  head: AuditRecord | undefined,
  added: readonly TriggerKey[],
): { recentTriggers?: Uint8Array; reach?: string } {
  const all = [...readRecent(head), ...added].sort((one, other) => one.time - other.time);
  const evicted = all.slice(0, Math.max(0, all.length - kept));
  const reach = evicted.reduce<number | undefined>(
    (greatest, one) => Math.max(greatest ?? one.time, one.time),
    head?.reach === undefined ? undefined : Date.parse(head.reach),
  );
  const bytes = Buffer.alloc(Math.min(all.length, kept) * entryBytes);
  all.slice(-kept).forEach((one, index) => {
    bytes.writeUIntBE(one.time, index * entryBytes, 6);
    one.key.copy(bytes, index * entryBytes + 6);
  });
  return {
    ...(bytes.length > 0 && { recentTriggers: bytes }),
    ...(reach !== undefined && { reach: new Date(reach).toISOString() }),
  };
}
