import { type AuditRecord, resourceOf } from '../shared/audit/record';
import type { Change } from '../shared/domain/finding';
import { displayName, type Registry, type Resource, resourceKey } from '../shared/domain/resource';
import type { Severity } from '../shared/domain/result';
import type { TriggerKind } from '../shared/domain/trigger';
import { isArrival } from '../shared/events/touches';
import { ruleById } from '../shared/rules';
import { severityStyles } from './findings';
import { printable, type Style, type Terminal } from './output';
import { shortDigests } from './words';

/** What one record tells somebody who watches: at most one a change, else one for the event itself. */
export interface Reaction {
  /** ISO instant at which it was recorded. */
  readonly time: string;
  /** `push`, `delete`, … or `look` where time or another resource was the reason. */
  readonly trigger: string;
  readonly resource: Resource;
  readonly verdict: 'pass' | 'pending' | 'recorded' | 'unseen' | 'replica' | 'resolved' | 'exempt' | Severity;
  readonly why: string;
  /** The finding that changed, if one did. */
  readonly change?: Change & { readonly severity: Severity };
}

/** What the resource's record before said, as far as a reaction tells the difference. */
export interface Before {
  /** The digest that held the tag. */
  readonly digest?: string | null;
  /** The rule that was pending. */
  readonly pending?: string;
}

/** The reactions of a record. Pure. */
export function reactionsTo(record: AuditRecord, before: Before = {}): readonly Reaction[] {
  const resource = resourceOf(record);
  if (!resource) return [];
  const about = { time: record.recordedAt, trigger: triggerOf(record), resource };
  const changes = (record.changes ?? []).map((change) => ({ ...about, ...changed(record, change) }));
  if (changes.length > 0) return changes;
  if (resource.kind === 'repository' || resource.kind === 'registry') return [];
  const event = eventOf(record);
  if (event)
    return isRoutine(event.kind, record) ? [] : [{ ...about, ...unchanged(record, resource, before.digest) }];
  const open = record.findings || record.results?.some(({ status }) => status === 'pending');
  if (!before.pending || open) return [];
  return [{ ...about, trigger: 'settled', verdict: 'pass', why: `${before.pending}: in time` }];
}

/** A copy that arrived as it should is told of at its source. */
function isRoutine(kind: TriggerKind, { results = [], findings }: AuditRecord): boolean {
  return kind === 'replicate' && !findings && results.every(({ status }) => status === 'skip');
}

/** The event that people think of, rather than what CloudTrail adds to it or a scan that found nothing. */
function eventOf({ triggers = [] }: AuditRecord) {
  return triggers.find(
    ({ kind }) => isArrival(kind) || kind === 'delete' || kind === 'failed' || kind === 'recheck',
  );
}

function triggerOf(record: AuditRecord): string {
  return eventOf(record)?.kind ?? record.triggers?.find(({ kind }) => kind !== 'actor')?.kind ?? 'look';
}

function changed(record: AuditRecord, change: Change): Pick<Reaction, 'verdict' | 'why' | 'change'> {
  const { rule, kind, reason } = change;
  const result = record.results?.find((one) => one.rule === rule);
  const severity = result?.severity ?? ruleById(rule)?.severity ?? 'medium';
  const about = { change: { ...change, severity } };
  if (kind === 'resolved') {
    return {
      ...about,
      verdict: 'resolved',
      why: `${rule}: ${reason === 'gone' ? `the ${kindOf(record)} is gone` : (reason ?? 'put right')}`,
    };
  }
  if (kind === 'exempted') {
    return {
      ...about,
      verdict: 'exempt',
      why: `${rule}: ${result?.exemption?.reason ?? 'an exemption allows it'}`,
    };
  }
  return { ...about, verdict: severity, why: `${rule}: ${result?.message ?? 'fails'}` };
}

function unchanged(
  record: AuditRecord,
  resource: Resource,
  heldBefore: string | null | undefined,
): Pick<Reaction, 'verdict' | 'why'> {
  const { results = [], passes, findings = [], evaluatedAt, holder } = record;
  const moved =
    heldBefore && holder?.digest && heldBefore !== holder.digest
      ? `moved from ${shortDigests(heldBefore)}`
      : '';
  const why = (text: string): string => [moved, text].filter(Boolean).join('; ');
  const pending = results.find(({ status }) => status === 'pending');
  const unseen = results.find(({ status }) => status === 'error');
  const [standing] = findings;
  if (standing) return { verdict: standing.severity, why: why(`${standing.rule}: as before`) };
  if (unseen) return { verdict: 'unseen', why: why(`${unseen.rule}: ${unseen.message}`) };
  if (pending) {
    const { rule, until = '', message } = pending;
    return { verdict: 'pending', why: why(`${rule}: until ${clockOf(until)}, ${message}`) };
  }
  if (passes > 0) return { verdict: 'pass', why: why(passes === 1 ? '1 rule' : `${passes} rules`) };
  const [skipped] = results;
  if (skipped)
    return {
      verdict: /^a replica of/.test(skipped.message) ? 'replica' : 'recorded',
      why: why(skipped.message),
    };
  if (holder?.digest === null) return { verdict: 'recorded', why: 'nothing was wrong with it' };
  if (resource.kind === 'image')
    return { verdict: 'recorded', why: 'without a tag: may be part of an image to come' };
  return { verdict: evaluatedAt ? 'pass' : 'recorded', why: why('no rule asks anything of it') };
}

function kindOf(record: AuditRecord): string {
  return resourceOf(record)?.kind ?? 'resource';
}

/** `10:14:03` in UTC. */
function clockOf(iso: string): string {
  return iso.slice(11, 19);
}

const verdictStyles: Readonly<Record<Reaction['verdict'], Style>> = {
  ...severityStyles,
  pass: 'green',
  resolved: 'green',
  pending: 'cyan',
  recorded: 'dim',
  replica: 'dim',
  exempt: 'dim',
  unseen: 'yellow',
};

const widths = { trigger: 9, name: 27, verdict: 8 } as const;

/** One line: when, what, which, verdict, rule and why, who was told. Longer than the screen only by who was told. */
export function reactionLine(
  { time, trigger, resource, verdict, why }: Reaction,
  home: Registry,
  told: string | undefined,
  { width, paint }: Pick<Terminal, 'width' | 'paint'>,
): string {
  const where =
    resource.region === home.region && resource.account === home.account ? '' : ` ${resource.region}`;
  const name = printable(shortDigests(displayName(resource)).replace('@sha256:', '@') + where).padEnd(
    widths.name,
  );
  const start = [clockOf(time), trigger.slice(0, widths.trigger).padEnd(widths.trigger), name].join('  ');
  const end = told ? `  → ${told}` : '';
  const room = width - start.length - widths.verdict - end.length - 4;
  const reason = cut(printable(shortDigests(why)), Math.max(24, room));
  return `${start}  ${paint(verdictStyles[verdict], verdict.padEnd(widths.verdict))}  ${reason}${end && paint('dim', end)}\n`;
}

function cut(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text;
}

/** Remembers of each resource what the next reaction to it needs; the answer for a record is what stood before it. */
export function reactionMemory(): (record: AuditRecord) => Before | undefined {
  const memory = new Map<string, Before>();
  return (record) => {
    const resource = resourceOf(record);
    if (!resource) return undefined;
    const key = resourceKey(resource);
    const before = memory.get(key);
    const pending = record.results?.find(({ status }) => status === 'pending')?.rule;
    const digest = record.holder?.digest;
    memory.set(key, { ...(digest !== undefined && { digest }), ...(pending && { pending }) });
    return before;
  };
}
