import type { RecordedAction } from '../domain/action';
import type { Change, ChangeKind, JudgedResult, OpenFinding } from '../domain/finding';
import type { Evaluation } from './evaluate';

/** A resource's decision as its head holds it. */
export interface Standing {
  readonly results?: readonly JudgedResult[];
  readonly findings?: readonly OpenFinding[];
  readonly closed?: readonly string[];
}

export interface Step {
  readonly findings: readonly OpenFinding[];
  readonly closed: readonly string[];
  readonly changes: readonly Change[];
  readonly actions: readonly RecordedAction[];
}

/**
 * Two decisions are equal if rule, status, severity, `until`, exemption, wanted action, mode and judged digest are.
 * Evidence, messages and ages are not compared: they would make a record of every look.
 */
export function sameDecision(one: readonly JudgedResult[], other: readonly JudgedResult[]): boolean {
  return (
    one.length === other.length &&
    one.every((result) => other.some((twin) => decisionKey(twin) === decisionKey(result)))
  );
}

function decisionKey(result: JudgedResult): string {
  const { rule, status, severity, until, exemption, action, mode, digest } = result;
  return JSON.stringify([
    rule,
    status,
    severity,
    until,
    exemption?.ticket,
    exemption?.through,
    action,
    mode,
    digest,
  ]);
}

/**
 * The findings after an evaluation. `fail` opens one; `pass`, a resource proved gone and a rule that no longer runs
 * here resolve it; `pending`, `skip` and `error` leave it as it stands: what was not seen proves nothing.
 */
export function nextFindings(
  before: Standing,
  evaluation: Evaluation,
  gone: boolean,
  rulesHere: readonly string[],
  now: string,
): Step {
  const results = new Map(evaluation.results.map((result) => [result.rule, result]));
  const earlier = new Map((before.results ?? []).map((result) => [result.rule, result]));
  const open = new Map((before.findings ?? []).map((finding) => [finding.rule, finding]));
  const closed = new Set(before.closed ?? []);
  const changes: Change[] = [];
  const actions: RecordedAction[] = [];

  for (const finding of before.findings ?? []) {
    if (results.has(finding.rule)) continue;
    const reason = gone ? 'gone' : rulesHere.includes(finding.rule) ? undefined : 'rule not selected';
    changes.push({ rule: finding.rule, kind: 'resolved', ...(reason && { reason }) });
    open.delete(finding.rule);
    closed.add(finding.rule);
  }
  for (const result of evaluation.results) {
    if (result.status !== 'fail') continue;
    const finding = open.get(result.rule);
    const was = earlier.get(result.rule);
    const kind = changeOf(result, finding, was, closed);
    if (!kind) continue;
    changes.push({ rule: result.rule, kind });
    if (result.action && result.mode === 'enforce' && !result.exemption) {
      actions.push({ kind: result.action, step: 'wanted', rule: result.rule });
    }
    closed.delete(result.rule);
    open.set(result.rule, {
      rule: result.rule,
      status: result.exemption ? 'exempt' : finding?.status === 'snoozed' ? 'snoozed' : 'open',
      severity: result.severity,
      openedAt: finding?.openedAt ?? now,
    });
  }
  return { findings: [...open.values()], closed: [...closed].toSorted(), changes, actions };
}

function changeOf(
  result: JudgedResult,
  finding: OpenFinding | undefined,
  was: JudgedResult | undefined,
  closed: ReadonlySet<string>,
): ChangeKind | undefined {
  if (result.exemption)
    return finding?.status === 'exempt' && was && sameDecision([was], [result]) ? undefined : 'exempted';
  if (!finding) return closed.has(result.rule) ? 'reopened' : 'opened';
  if (finding.status === 'exempt') return 'reopened';
  if (was?.status === 'pending') return 'updated';
  // A finding that stood through a look that saw nothing (`error`, `skip`) is no news when it is seen again.
  if (was?.status !== 'fail') return undefined;
  return sameDecision([was], [result]) ? undefined : 'updated';
}
