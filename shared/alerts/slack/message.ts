import type {
  ContextBlock,
  HeaderBlock,
  KnownBlock,
  MrkdwnElement,
  PlainTextElement,
  SectionBlock,
} from '@slack/types';
import { displayName, nameInScope } from '../../domain/resource';
import type { Evidence, Severity } from '../../domain/result';
import { ruleById } from '../../rules';
import type { Finding } from '../finding';
import { code, duration, escaped, instant } from './text';

/** What Slack shows: blocks, and a text for notifications and screen readers. */
export interface SlackMessage {
  readonly text: string;
  readonly blocks: readonly KnownBlock[];
}

/** What a message says beside the finding. */
export interface About {
  /** The team that owns the namespace. */
  readonly team?: string;
}

/** Slack's own limit for a header is 150 characters, for a text 3,000, for a whole message about 13,000. */
const limits = { header: 150, name: 400, message: 2_000, evidence: 1_500, line: 1_000, text: 500 } as const;

const severityMarks: Readonly<Record<Severity, string>> = {
  critical: '🔴',
  high: '🟠',
  medium: '🟡',
  low: '🔵',
};

/**
 * One finding as one message: what, where, why, and what to do about it. It says nothing that changes by itself, so
 * that the same finding is always the same message and only a change is an edit. Pure.
 */
export function findingMessage(finding: Finding, about: About = {}): SlackMessage {
  return {
    text: escaped(fallbackText(finding), limits.text),
    blocks: finding.status === 'open' ? openBlocks(finding, about) : closedBlocks(finding, about),
  };
}

function openBlocks(finding: Finding, about: About): KnownBlock[] {
  const remediation = ruleById(finding.rule)?.remediation;
  return [
    header(`${severityMarks[finding.severity]} ${capital(finding.severity)}: ${words(finding.rule)}`),
    place(finding, ''),
    sentence(finding.message),
    ...context(evidenceLine(finding)),
    ...(remediation ? [section(`*What to do:* ${escaped(remediation, limits.line)}`)] : []),
    ...context([
      ...ownerPart(about),
      ...whoLine(finding),
      ...(finding.openedAt ? [`first seen ${instant(finding.openedAt)}`] : []),
      ...actionPart(finding),
    ]),
  ];
}

/** Resolved, exempt or snoozed: nothing to do now, and the message says since when and why. */
function closedBlocks(finding: Finding, about: About): KnownBlock[] {
  const { rule, message, openedAt, changedAt } = finding;
  return [
    header(`${closedMark(finding)}: ${words(rule)}`),
    place(finding, finding.status === 'resolved' ? '~' : ''),
    sentence(closedBecause(finding)),
    { type: 'context', elements: [asIs(`Was: ${message}`, limits.line)] },
    ...context([
      ...(openedAt ? [`first seen ${instant(openedAt)}`] : []),
      `${finding.status} ${instant(changedAt)}`,
      ...ownerPart(about),
    ]),
  ];
}

function closedMark({ status }: Finding): string {
  switch (status) {
    case 'exempt':
      return '⚪ Exempt';
    case 'snoozed':
      return '💤 Snoozed';
    default:
      return '✅ Resolved';
  }
}

function closedBecause({ status, exemption, reason, resource, openedAt, changedAt }: Finding): string {
  if (status === 'snoozed') return 'Snoozed: it comes back if it still fails then.';
  if (status === 'exempt') {
    if (!exemption) return 'An exemption allows it.';
    const { ticket, owner, through } = exemption;
    return `Allowed through ${through} by ${owner} (${ticket}): ${exemption.reason}`;
  }
  const stood = openedAt ? ` after ${duration(Date.parse(changedAt) - Date.parse(openedAt))}` : '';
  if (reason === 'gone') return `The ${resource.kind} is gone${stood}.`;
  if (reason === 'rule not selected') return `The policy no longer asks for this here${stood}.`;
  return `Put right${stood}: the rule passes.`;
}

function fallbackText({ status, severity, rule, message, resource }: Finding): string {
  const name = displayName(resource);
  if (status === 'open') return `${capital(severity)}: ${name}: ${message} (${rule})`;
  return `${capital(status)}: ${name} (${rule})`;
}

function place(finding: Finding, strike: '' | '~'): SectionBlock {
  const { resource } = finding;
  const registry = code(`${resource.account} ${resource.region}`, 100);
  if (resource.kind === 'registry') return section(`${strike}*Registry ${registry}*${strike}`);
  return section(
    `${strike}*${code(shortName(displayName(resource)), limits.name)}*${strike}  in ${registry}`,
  );
}

/** A digest by its first twelve digits, as the ECR console and `docker images` show it. */
function shortName(text: string): string {
  return text.replace(/(sha256:[0-9a-f]{12})[0-9a-f]{52}/g, '$1…');
}

/** The evidence, without what the message says anyway: the name of the resource. */
function evidenceLine({ evidence, resource }: Finding): string[] {
  const own = new Set<Evidence[string]>([...Object.values(resource), nameInScope(resource)]);
  const parts = Object.entries(evidence ?? {})
    .filter(([, value]) => !own.has(value) && !(Array.isArray(value) && value.length === 0))
    .map(([name, value]) => `${words(name)} ${evidenceValue(value)}`);
  let room: number = limits.evidence;
  return parts.filter((part) => {
    room -= part.length + 3;
    return room > 0;
  });
}

function evidenceValue(value: Evidence[string]): string {
  if (!Array.isArray(value)) return code(shortName(value === '' ? '""' : String(value)), 200);
  const shown = value.slice(0, 8).map((one) => code(shortName(one), 80));
  const rest = value.length - shown.length;
  return shown.join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}

function whoLine({ actor, digest, resource }: Finding): string[] {
  return [
    ...(actor ? [`by ${code(actor.replace(/^arn:aws[a-z-]*:(?:sts|iam)::/, ''), 300)}`] : []),
    ...(digest && resource.kind === 'tag' ? [code(shortName(digest), 100)] : []),
  ];
}

function actionPart({ action, mode }: Finding): string[] {
  if (!action) return [];
  return [
    mode === 'enforce'
      ? `Warden will ${code(action, 60)} if every guard agrees`
      : `in enforce mode Warden would ${code(action, 60)}`,
  ];
}

function ownerPart({ team }: About): string[] {
  return team ? [`owner ${code(team, 100)}`] : [];
}

function header(text: string): HeaderBlock {
  return { type: 'header', text: { type: 'plain_text', text: escaped(text, limits.header), emoji: true } };
}

function section(text: string): SectionBlock {
  return { type: 'section', text: markup(text) };
}

function sentence(text: string): SectionBlock {
  return { type: 'section', text: asIs(capital(text), limits.message) };
}

function context(parts: readonly string[]): ContextBlock[] {
  if (parts.length === 0) return [];
  return [{ type: 'context', elements: [markup(parts.join('  ·  '))] }];
}

/** `verbatim`: Slack makes no links and mentions of what happens to look like some. */
function markup(text: string): MrkdwnElement {
  return { type: 'mrkdwn', text, verbatim: true };
}

/** Words from outside, shown as they are: in plain text `*`, `_` and `:tada:` are letters. Slack refuses empty ones. */
function asIs(text: string, limit: number): PlainTextElement {
  return { type: 'plain_text', text: escaped(text, limit) || '…', emoji: false };
}

/** `tag-format` and `deniedBy` as people write them. */
function words(name: string): string {
  return escaped(
    name
      .replace(/[`*_~]/g, '')
      .replaceAll('-', ' ')
      .replace(/([a-z])([A-Z])/g, '$1 $2'),
    60,
  ).toLowerCase();
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
