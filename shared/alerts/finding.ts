import * as z from 'zod/mini';
import { type AuditRecord, resourceOf, sequenceOf } from '../audit/record';
import { type ActionKind, actionKinds, type Mode } from '../domain/action';
import type { Change, ChangeKind, Exemption, OpenFinding } from '../domain/finding';
import { nameInScope, type Resource, resourceFrom } from '../domain/resource';
import { type Evidence, type Severity, severities } from '../domain/result';
import { ruleById } from '../rules';

/**
 * A finding as the table `state` holds it: what the newest record with a change of it says. Resolved ones stay as
 * tombstones, so that an older record that comes late cannot open them again.
 */
export interface Finding {
  readonly scope: string;
  /** `finding#<name in scope>#<rule>`. */
  readonly key: string;
  readonly rule: string;
  readonly status: OpenFinding['status'] | 'resolved';
  readonly severity: Severity;
  readonly message: string;
  readonly evidence?: Evidence;
  readonly resource: Resource;
  /** The digest that was judged, for a tag or an image. */
  readonly digest?: string;
  readonly mode?: Mode;
  readonly action?: ActionKind;
  readonly exemption?: Exemption;
  /** The ARN of who caused the change, where CloudTrail had told when it was recorded. */
  readonly actor?: string;
  /** ISO instant; absent on a tombstone whose opening never reached the table. */
  readonly openedAt?: string;
  /** ISO instant of the last change. */
  readonly changedAt: string;
  readonly change: ChangeKind;
  /** Why it was resolved without a pass: `gone` or `rule not selected`. */
  readonly reason?: string;
  /** Of the record that it stems from. */
  readonly sequence: number;
  /** The sort key of that record. */
  readonly record: string;
}

/** Where a finding stands in `state`. */
export type FindingKey = Pick<Finding, 'scope' | 'key'>;

export function findingKey(resource: Resource, rule: string): string {
  return `finding#${nameInScope(resource)}#${rule}`;
}

/** The key of the item that remembers the finding's message in Slack. */
export function messageKey(findingKey: string): string {
  return findingKey.replace(/^finding#/, 'slack#');
}

/** What the finding is after a change, from its record and, for what the record does not say, from what it was. */
export function findingAfter(record: AuditRecord, change: Change, before: Finding | undefined): Finding {
  const resource = resourceOf(record);
  if (!resource) throw new Error(`${record.scope} ${record.record} has a change and names no resource`);
  const { rule, kind, reason } = change;
  const catalogued = ruleById(rule);
  const open = record.findings?.find((one) => one.rule === rule);
  const failing = record.results?.find((one) => one.rule === rule && one.status === 'fail');
  const said = failing ?? before ?? { message: catalogued?.sentence ?? rule };
  const actor = record.triggers?.find((trigger) => trigger.actor !== undefined)?.actor ?? before?.actor;
  const openedAt = open?.openedAt ?? before?.openedAt;
  return {
    scope: record.scope,
    key: findingKey(resource, rule),
    rule,
    status: open?.status ?? 'resolved',
    severity: open?.severity ?? before?.severity ?? catalogued?.severity ?? 'medium',
    ...whatItSays(said),
    resource,
    ...(actor && { actor }),
    ...(openedAt && { openedAt }),
    changedAt: record.recordedAt,
    change: kind,
    ...(reason && { reason }),
    sequence: sequenceOf(record),
    record: record.record,
  };
}

function whatItSays(
  said: Pick<Finding, 'message' | 'evidence' | 'digest' | 'mode' | 'action' | 'exemption'>,
) {
  const { message, evidence, digest, mode, action, exemption } = said;
  return {
    message,
    ...(evidence && { evidence }),
    ...(digest && { digest }),
    ...(mode && { mode }),
    ...(action && { action }),
    ...(exemption && { exemption }),
  };
}

const stored = z.object({
  scope: z.string(),
  key: z.string(),
  rule: z.string(),
  status: z.enum(['open', 'snoozed', 'exempt', 'resolved']),
  severity: z.enum(severities),
  message: z.string(),
  evidence: z.exactOptional(
    z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string())])),
  ),
  digest: z.exactOptional(z.string()),
  mode: z.exactOptional(z.enum(['report', 'enforce'])),
  action: z.exactOptional(z.enum(actionKinds)),
  exemption: z.exactOptional(
    z.object({ owner: z.string(), ticket: z.string(), reason: z.string(), through: z.string() }),
  ),
  actor: z.exactOptional(z.string()),
  openedAt: z.exactOptional(z.string()),
  changedAt: z.string(),
  change: z.enum(['opened', 'updated', 'resolved', 'reopened', 'exempted', 'snoozed']),
  reason: z.exactOptional(z.string()),
  sequence: z.number(),
  record: z.string(),
});

/** Reads an item of `state`. Throws where it is no finding that this version understands. */
export function parseFinding(item: Record<string, unknown>): Finding {
  const { data, error } = stored.safeParse(item);
  const resource = data && resourceOfFinding(data.scope, data.key);
  if (data && resource) return { ...data, resource };
  const field = error?.issues[0]?.path.join('.') ?? 'key';
  throw new Error(`the state item ${String(item.scope)} ${String(item.key)} is no finding: see "${field}"`);
}

/** The resource that a finding's key names. Rule ids have no `#`, so what follows the last one is the rule. */
export function resourceOfFinding(scope: string, key: string): Resource | undefined {
  return resourceFrom(scope, key.slice('finding#'.length, key.lastIndexOf('#')));
}
