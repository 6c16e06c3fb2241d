import { type Finding, findingKey } from '../../shared/alerts/finding';
import { type Entry, nextRecord } from '../../shared/audit/next-record';
import { type AuditRecord, recordKey } from '../../shared/audit/record';
import type { JudgedResult, OpenFinding } from '../../shared/domain/finding';
import { type Resource, scopeOf } from '../../shared/domain/resource';
import { digest, tagResource } from './resources';

/** A finding of `tag-format` on a tag, open. */
export function finding(over: Partial<Finding> = {}): Finding {
  const resource: Resource = over.resource ?? tagResource('latest');
  const rule = over.rule ?? 'tag-format';
  const sequence = over.sequence ?? 1;
  return {
    scope: scopeOf(resource),
    key: findingKey(resource, rule),
    rule,
    status: 'open',
    severity: 'high',
    message: 'tag "latest" is denied by "latest"',
    evidence: { tag: 'latest', deniedBy: 'latest', allow: ['semver', 'git-sha'] },
    digest: digest('a'),
    mode: 'report',
    openedAt: '2026-11-20T10:00:01.000Z',
    changedAt: '2026-11-20T10:00:01.000Z',
    change: 'opened',
    record: recordKey(resource, sequence),
    ...over,
    resource,
    sequence,
  };
}

export function judged(over: Partial<JudgedResult> = {}): JudgedResult {
  return {
    rule: 'tag-format',
    status: 'fail',
    severity: 'high',
    message: 'tag "latest" is denied by "latest"',
    evidence: { tag: 'latest', deniedBy: 'latest' },
    digest: digest('a'),
    mode: 'report',
    ...over,
  };
}

export function openFinding(over: Partial<OpenFinding> = {}): OpenFinding {
  return {
    rule: 'tag-format',
    status: 'open',
    severity: 'high',
    openedAt: '2026-11-20T10:00:01.000Z',
    ...over,
  };
}

/** The record that follows a head with what an evaluation says; only what matters to the test is given. */
export function evaluatedRecord(
  head: AuditRecord | undefined,
  over: Partial<NonNullable<Entry['evaluation']>> &
    Partial<Omit<Entry, 'evaluation'>> & { readonly recordedAt?: string },
): AuditRecord {
  const { resource = tagResource('latest'), triggers = [], recordedAt, actions, ...evaluation } = over;
  const entry: Entry = {
    resource,
    triggers,
    evaluation: {
      results: [],
      passes: 0,
      findings: [],
      closed: [],
      changes: [],
      actions: actions ?? [],
      policyHash: 'a'.repeat(64),
      policyBuiltAt: '2026-11-20T00:00:00Z',
      ...evaluation,
    },
  };
  return nextRecord(head, entry, Date.parse(recordedAt ?? '2026-11-20T10:00:01Z'));
}
