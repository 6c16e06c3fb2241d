import type { Finding } from '../shared/alerts/finding';
import { isoTime } from '../shared/domain/duration';
import { InvalidInput } from '../shared/domain/errors';
import { displayName, type Registry, type Resource, resourceKey } from '../shared/domain/resource';
import { type Severity, severities } from '../shared/domain/result';
import { unknownRule } from '../shared/policy/load';
import { ruleById } from '../shared/rules';
import { repositoryGlobs } from '../shared/rules/pattern';
import { counted, type Format, jsonText, type Style, type Terminal } from './output';
import { table } from './table';
import { ago, shortDigests, whereShown } from './words';

/** The findings as the pipeline recorded them. */
export interface RecordedFindings {
  /** What is not resolved. */
  openFindings(): AsyncIterable<Finding>;
  /** The resolved ones as well. */
  allFindings(): AsyncIterable<Finding>;
  /** How often each API operation was called, retries included. */
  readonly apiCalls: Readonly<Record<string, number>>;
  readonly registries: readonly Registry[];
}

export interface FindingsOptions {
  readonly all?: boolean;
  readonly rules?: readonly string[];
  readonly repositories?: readonly string[];
  /** This severe or worse. */
  readonly severity?: Severity;
  readonly regions?: readonly string[];
  readonly output?: Format;
  /** Epoch milliseconds. */
  now(): number;
}

/** `findings`: what the pipeline recorded, the worst first. Throws `InvalidInput`. */
export async function findings(
  options: FindingsOptions,
  recorded: RecordedFindings,
  terminal: Terminal,
): Promise<number> {
  const wanted = filterOf(options);
  const startedAt = isoTime(options.now());
  const found: Finding[] = [];
  for await (const one of options.all ? recorded.allFindings() : recorded.openFindings()) {
    if (wanted(one)) found.push(one);
  }
  found.sort(worstFirst);
  const endedAt = isoTime(options.now());
  if (options.output === 'json') {
    terminal.stdout(
      jsonText({
        summary: summaryOf(found),
        findings: found.map(reported),
        coverage: { complete: true, notSeen: [] },
        apiCalls: recorded.apiCalls,
        startedAt,
        endedAt,
      }),
    );
  } else {
    terminal.stdout(page(found, options, recorded.registries, terminal));
  }
  return 0;
}

/** Checks what narrows the list before anything is opened. Throws `InvalidInput`. */
export function checkFilters({
  rules = [],
  repositories = [],
}: Pick<FindingsOptions, 'rules' | 'repositories'>): void {
  for (const id of rules) {
    if (!ruleById(id)) throw new InvalidInput(`--rule: ${unknownRule(id)}`);
  }
  for (const text of repositories) repositoryGlobs(text);
}

function filterOf({
  rules,
  repositories,
  severity,
  regions,
}: FindingsOptions): (finding: Finding) => boolean {
  const globs = repositories?.length ? repositories.flatMap(repositoryGlobs) : undefined;
  const least = severity ? severities.indexOf(severity) : 0;
  return (finding) => {
    const { resource } = finding;
    if (rules?.length && !rules.includes(finding.rule)) return false;
    if (regions?.length && !regions.includes(resource.region)) return false;
    if (severities.indexOf(finding.severity) < least) return false;
    return (
      !globs || (resource.kind !== 'registry' && globs.some((glob) => glob.matches(resource.repository)))
    );
  };
}

const statuses: readonly Finding['status'][] = ['open', 'snoozed', 'exempt', 'resolved'];

function worstFirst(one: Finding, other: Finding): number {
  return (
    statuses.indexOf(one.status) - statuses.indexOf(other.status) ||
    severities.indexOf(other.severity) - severities.indexOf(one.severity) ||
    (one.openedAt ?? one.changedAt).localeCompare(other.openedAt ?? other.changedAt) ||
    one.key.localeCompare(other.key)
  );
}

function summaryOf(found: readonly Finding[]) {
  const count = (status: Finding['status']): number => found.filter((one) => one.status === status).length;
  const failing = found.filter(({ status }) => status !== 'resolved');
  const resources = new Set(found.map(({ resource }) => resourceKey(resource)));
  const failed = new Set(failing.map(({ resource }) => resourceKey(resource)));
  return {
    resources: resources.size,
    passed: resources.size - failed.size,
    failed: failed.size,
    open: count('open'),
    snoozed: count('snoozed'),
    exempt: count('exempt'),
    resolved: count('resolved'),
    bySeverity: Object.fromEntries(
      severities.map((severity) => [severity, failing.filter((one) => one.severity === severity).length]),
    ),
  };
}

/** A finding in the shape that a sweep reports, with what only a memory knows: since when, and how it ended. */
function reported(finding: Finding) {
  const { rule, status, severity, message, evidence, resource, digest } = finding;
  const { exemption, actor, openedAt, changedAt, reason } = finding;
  return {
    rule,
    status,
    severity,
    message,
    evidence: evidence ?? {},
    remediation: ruleById(rule)?.remediation ?? '',
    resource: withDigest(resource, digest),
    ...(exemption && { exemption }),
    ...(actor && { actor }),
    ...(openedAt && { openedAt }),
    changedAt,
    ...(reason && { reason }),
  };
}

function withDigest(resource: Resource, digest: string | undefined): object {
  return resource.kind === 'tag' && digest ? { ...resource, digest } : resource;
}

function page(
  found: readonly Finding[],
  { all, now }: FindingsOptions,
  registries: readonly Registry[],
  terminal: Terminal,
): string {
  if (found.length === 0)
    return all ? 'No findings.\n' : 'No open findings. With --all you also see what was resolved.\n';
  const where = whereShown(
    found.map(({ resource }) => resource),
    registries,
  );
  const statusShown = found.some(({ status }) => status !== 'open');
  const rows = table(
    [
      {
        head: 'SEVERITY',
        cell: ({ severity }) => severity,
        style: ({ severity }) => severityStyles[severity],
      },
      ...(statusShown ? [{ head: 'STATUS', cell: ({ status }: Finding) => status }] : []),
      { head: 'RESOURCE', cell: ({ resource }) => shortDigests(displayName(resource)), flexible: true },
      ...where.map(({ head, cell }) => ({ head, cell: ({ resource }: Finding) => cell(resource) })),
      { head: 'RULE', cell: ({ rule }) => rule },
      { head: 'WHY', cell: whyOf, flexible: true },
      { head: 'SINCE', cell: ({ openedAt, changedAt }) => ago(openedAt ?? changedAt, now()) },
    ],
    found,
    terminal,
  );
  return `${rows}\n${totals(found)}\n`;
}

function whyOf({ message, status, reason, exemption }: Finding): string {
  if (status === 'exempt' && exemption)
    return `${message} (${exemption.ticket}, through ${exemption.through})`;
  if (status === 'resolved' && reason) return `${message} (${reason})`;
  return message;
}

function totals(found: readonly Finding[]): string {
  const open = found.filter(({ status }) => status === 'open');
  const bySeverity = severities
    .toReversed()
    .map((severity) => [open.filter((one) => one.severity === severity).length, severity] as const)
    .filter(([count]) => count > 0)
    .map(([count, severity]) => `${count} ${severity}`);
  const others = statuses
    .slice(1)
    .map((status) => [found.filter((one) => one.status === status).length, status] as const)
    .filter(([count]) => count > 0)
    .map(([count, status]) => `${count} ${status}`);
  const detail = bySeverity.length > 0 ? ` (${bySeverity.join(', ')})` : '';
  return [`${counted(open.length, 'open finding')}${detail}`, ...others].join(', ');
}

export const severityStyles: Readonly<Record<Severity, Style>> = {
  critical: ['bold', 'red'],
  high: 'red',
  medium: 'yellow',
  low: 'blue',
};
