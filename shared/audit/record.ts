import { createHash } from 'node:crypto';
import type { RecordedAction } from '../domain/action';
import { canonicalJson } from '../domain/canonical-json';
import type { ReplicationDestination } from '../domain/facts';
import type { Change, JudgedResult, OpenFinding } from '../domain/finding';
import type { Holder } from '../domain/holder';
import type { Registry, Resource } from '../domain/resource';
import { nameInScope, resourceFrom, scopeOf } from '../domain/resource';
import type { TriggerKind } from '../domain/trigger';

/** A trigger as it stands in the record of the resource that it named. */
export interface RecordedTrigger {
  readonly kind: TriggerKind;
  readonly id: string;
  /** ISO instant of the event, not of its arrival. */
  readonly time: string;
  readonly digest?: string;
  readonly source?: Registry;
  readonly actor?: string;
  readonly detail?: string;
}

/**
 * One appended entry of the audit trail, and at the same time the stored item: there is no mapping layer. The newest
 * record of a resource, its head, *is* the resource's current state. Empty lists are left out, so that a compliant
 * push stays below 1 KB, two write units with the index.
 */
export interface AuditRecord {
  /** Partition key: `<account>/<region>/<repository>`, `<account>/<region>`, `sweep`, `policy` or `seal`. */
  readonly scope: string;
  /** Sort key: the resource's name in its scope and a sequence of twelve digits, 1, 2, 3 … without gap. */
  readonly record: string;
  /** The record format's version; a reader that meets a greater one says so and does not guess. */
  readonly format: 1;
  readonly triggers?: readonly RecordedTrigger[];
  /** What is not `pass`, carried on by records that evaluate nothing. */
  readonly results?: readonly JudgedResult[];
  readonly passes: number;
  readonly findings?: readonly OpenFinding[];
  /** Rules whose finding here was resolved, so that the next one is told as reopened. */
  readonly closed?: readonly string[];
  readonly changes?: readonly Change[];
  readonly actions?: readonly RecordedAction[];
  /** 1 where there is a change or an action: what the stream's filter lets through to `publish`. */
  readonly tell?: 1;
  /** Tags: which digest holds it. */
  readonly holder?: Holder;
  /** Registries: the replication destinations and since when we know of each. */
  readonly destinations?: readonly ReplicationDestination[];
  /** ISO instant of the evaluation whose results stand here; absent while nothing was evaluated. */
  readonly evaluatedAt?: string;
  readonly policyHash?: string;
  readonly policyBuiltAt?: string;
  /** SHA-256 of the facts that the evaluation read. */
  readonly factsHash?: Uint8Array;
  readonly recordedAt: string;
  /** The index `byTime`: the hour of `recordedAt` and one of sixteen shards, `2026-11-24T09#b`. */
  readonly hour: string;
  /** See `recentTriggers`: the greatest event times with their keys, and `reach`, the greatest ever evicted. */
  readonly recentTriggers?: Uint8Array;
  readonly reach?: string;
  readonly previousHash: Uint8Array;
  readonly hash: Uint8Array;
}

export const firstPreviousHash: Uint8Array = new Uint8Array(32);

/** What starts the sort key of every record of one resource. */
export function recordPrefix(resource: Resource): string {
  return `${nameInScope(resource)}#`;
}

export function recordKey(resource: Resource, sequence: number): string {
  return recordPrefix(resource) + String(sequence).padStart(12, '0');
}

export function sequenceOf(record: Pick<AuditRecord, 'record'>): number {
  return Number(record.record.slice(-12));
}

/** The resource that a record is about; undefined for records of the scopes `sweep`, `policy` and `seal`. */
export function resourceOf(record: Pick<AuditRecord, 'scope' | 'record'>): Resource | undefined {
  return resourceFrom(record.scope, record.record.slice(0, -13));
}

export function keyOf(resource: Resource, sequence: number): { scope: string; record: string } {
  return { scope: scopeOf(resource), record: recordKey(resource, sequence) };
}

/** The hash covers everything but itself, in canonical form. */
export function hashOf(record: Omit<AuditRecord, 'hash'> & { readonly hash?: Uint8Array }): Uint8Array {
  const { hash: _, ...rest } = record;
  return createHash('sha256').update(canonicalJson(rest)).digest();
}

/** `2026-11-24T09#b`: sixteen shards an hour keep one hour's writes off one index partition. */
export function hourOf(recordedAt: string, key: string): string {
  const shard = createHash('sha256').update(key).digest('hex').slice(0, 1);
  return `${recordedAt.slice(0, 13)}#${shard}`;
}
