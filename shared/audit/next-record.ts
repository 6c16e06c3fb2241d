import type { RecordedAction } from '../domain/action';
import { isoTime } from '../domain/duration';
import type { ReplicationDestination } from '../domain/facts';
import type { Change, JudgedResult, OpenFinding } from '../domain/finding';
import type { Holder } from '../domain/holder';
import type { Resource } from '../domain/resource';
import type { Trigger } from '../domain/trigger';
import { addRecent, triggerKey } from './recent-triggers';
import {
  type AuditRecord,
  firstPreviousHash,
  hashOf,
  hourOf,
  keyOf,
  type RecordedTrigger,
  sequenceOf,
} from './record';

/** What an evaluation adds to the trail. */
export interface RecordedEvaluation {
  readonly results: readonly JudgedResult[];
  readonly passes: number;
  readonly findings: readonly OpenFinding[];
  readonly closed: readonly string[];
  readonly changes: readonly Change[];
  readonly actions: readonly RecordedAction[];
  readonly policyHash: string;
  readonly policyBuiltAt: string;
  readonly factsHash?: Uint8Array;
}

export interface Entry {
  readonly resource: Resource;
  /** Triggers that are not in the chain yet. */
  readonly triggers: readonly Trigger[];
  /** Absent where nothing was evaluated: the record then carries the head's decision on. */
  readonly evaluation?: RecordedEvaluation;
  readonly holder?: Holder;
  readonly destinations?: readonly ReplicationDestination[];
  readonly actions?: readonly RecordedAction[];
}

/** The record that follows a head: pure, so that what is hashed, inserted and tested is one value. */
export function nextRecord(head: AuditRecord | undefined, entry: Entry, now: number): AuditRecord {
  const { resource, triggers, evaluation } = entry;
  const key = keyOf(resource, head ? sequenceOf(head) + 1 : 1);
  const recordedAt = new Date(now).toISOString();
  const actions = [...(evaluation?.actions ?? []), ...(entry.actions ?? [])];
  const changes = evaluation?.changes ?? [];
  const holder = entry.holder ?? head?.holder;
  const destinations = entry.destinations ?? head?.destinations;
  const body: Omit<AuditRecord, 'hash'> = {
    ...key,
    format: 1,
    ...(triggers.length > 0 && { triggers: triggers.map(recordedTrigger) }),
    ...(evaluation ? evaluatedPart(evaluation, recordedAt) : carriedOn(head)),
    ...(changes.length > 0 && { changes }),
    ...(actions.length > 0 && { actions }),
    ...((changes.length > 0 || actions.length > 0) && { tell: 1 as const }),
    ...(holder && { holder }),
    ...(destinations && { destinations }),
    recordedAt,
    hour: hourOf(recordedAt, `${key.scope}#${key.record}`),
    ...addRecent(
      head,
      triggers.map((trigger) => triggerKey(trigger, resource)),
    ),
    previousHash: head?.hash ?? firstPreviousHash,
  };
  return { ...body, hash: hashOf(body) };
}

function evaluatedPart(evaluation: RecordedEvaluation, evaluatedAt: string) {
  const { results, passes, findings, closed, policyHash, policyBuiltAt, factsHash } = evaluation;
  return {
    ...(results.length > 0 && { results }),
    passes,
    ...(findings.length > 0 && { findings }),
    ...(closed.length > 0 && { closed }),
    evaluatedAt,
    policyHash,
    policyBuiltAt,
    ...(factsHash && { factsHash }),
  };
}

function carriedOn(head: AuditRecord | undefined) {
  if (!head) return { passes: 0 };
  const { results, passes, findings, closed, evaluatedAt, policyHash, policyBuiltAt, factsHash } = head;
  return {
    ...(results && { results }),
    passes,
    ...(findings && { findings }),
    ...(closed && { closed }),
    ...(evaluatedAt && { evaluatedAt }),
    ...(policyHash && { policyHash }),
    ...(policyBuiltAt && { policyBuiltAt }),
    ...(factsHash && { factsHash }),
  };
}

function recordedTrigger(trigger: Trigger): RecordedTrigger {
  const { kind, digest, source, actor, detail } = trigger;
  return {
    kind,
    id: trigger.eventId,
    time: isoTime(Date.parse(trigger.eventTime)),
    ...(digest && { digest }),
    ...(source && { source }),
    ...(actor && { actor }),
    ...(detail && { detail }),
  };
}
