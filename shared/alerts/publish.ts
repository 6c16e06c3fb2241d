import { createHash } from 'node:crypto';
import { type AuditRecord, resourceOf, sequenceOf } from '../audit/record';
import type { RecordedAction } from '../domain/action';
import type { Change } from '../domain/finding';
import type { Resource } from '../domain/resource';
import { actionWanted } from '../events/action-wanted';
import { findingChanged } from '../events/finding-changed';
import type { OwnEvent } from '../events/own-event';
import { sweepWanted } from '../events/sweep-wanted';
import { type Finding, findingAfter, findingKey } from './finding';

/** The table `state` as far as findings go. Both throw `Unavailable`. */
export interface FindingStore {
  /** Read consistently. */
  finding(scope: string, key: string): Promise<Finding | undefined>;
  /** Writes the finding unless one of a later record stands there, and answers whether it did. */
  putFinding(finding: Finding): Promise<boolean>;
}

/** The bus `ecr-warden`. Throws `Unavailable` where any of the events may not have been taken. */
export interface EventBus {
  put(events: readonly OwnEvent[]): Promise<void>;
}

export interface PublishDependencies {
  readonly findings: FindingStore;
  readonly bus: EventBus;
}

/**
 * Carries one record on: first into `state`, then onto the bus, so that whoever hears of a change finds it there.
 * May be done again at any time and in any order: a later record's state stays, and the events keep their ids. The
 * events go out even where `state` is ahead: whether the crash before was one step earlier or later cannot be seen
 * from here, and consumers look at `state`.
 */
export async function publish(record: AuditRecord, { findings, bus }: PublishDependencies): Promise<void> {
  const resource = resourceOf(record);
  const events: OwnEvent[] = [];
  for (const change of resource ? (record.changes ?? []) : []) {
    const finding = await project(record, change, findings);
    await findings.putFinding(finding);
    const { scope, key, rule, severity, sequence } = finding;
    events.push(
      findingChanged({
        id: eventId(record, rule, change.kind),
        scope,
        key,
        rule,
        change: change.kind,
        severity,
        resource: finding.resource,
        sequence,
      }),
    );
  }
  for (const action of record.actions ?? []) events.push(...wanted(record, action, resource));
  if (events.length > 0) await bus.put(events);
}

/** Only what the record itself does not say is read: of a resolved finding it says no more than that it is. */
async function project(record: AuditRecord, change: Change, findings: FindingStore): Promise<Finding> {
  const alone = findingAfter(record, change, undefined);
  const fails = record.results?.some((one) => one.rule === change.rule && one.status === 'fail');
  if (alone.status !== 'resolved' && fails) return alone;
  return findingAfter(record, change, await findings.finding(alone.scope, alone.key));
}

function wanted(
  record: AuditRecord,
  { kind, step, rule, reason }: RecordedAction,
  resource: Resource | undefined,
): readonly OwnEvent[] {
  if (step !== 'wanted') return [];
  const { scope, policyHash } = record;
  if (kind === 'sweep-scope') {
    return [sweepWanted({ id: eventId(record, '', kind), scope, reason: reason ?? kind })];
  }
  if (!resource || !rule) return [];
  return [
    actionWanted({
      id: eventId(record, rule, kind),
      scope,
      key: findingKey(resource, rule),
      rule,
      action: kind,
      resource,
      sequence: sequenceOf(record),
      ...(policyHash && { policyHash }),
    }),
  ];
}

function eventId({ scope, record }: AuditRecord, rule: string, kind: string): string {
  return createHash('sha256').update(`${scope}\n${record}\n${rule}\n${kind}`).digest('hex').slice(0, 32);
}

/** One entry of the audit table's stream, its record still to be read. */
export interface StreamEntry {
  readonly sequenceNumber: string;
  /** Throws `InvalidInput` where this version cannot read it. */
  record(): AuditRecord;
}

/**
 * Publishes the entries of a stream in their order and stops at the first that fails, since later records of the same
 * resource may wait behind it: Lambda brings the batch again from there.
 */
export async function publishStream(
  entries: readonly StreamEntry[],
  dependencies: PublishDependencies,
): Promise<{ readonly sequenceNumber: string; readonly error: unknown } | undefined> {
  for (const { sequenceNumber, record } of entries) {
    try {
      await publish(record(), dependencies);
    } catch (error) {
      return { sequenceNumber, error };
    }
  }
  return undefined;
}
