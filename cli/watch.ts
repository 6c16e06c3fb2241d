import { findingAfter } from '../shared/alerts/finding';
import { routeOf } from '../shared/alerts/route';
import type { SlackMessage } from '../shared/alerts/slack/message';
import { renderInTerminal } from '../shared/alerts/slack/terminal';
import { escaped } from '../shared/alerts/slack/text';
import type { AuditRecord } from '../shared/audit/record';
import { displayName, type Registry } from '../shared/domain/resource';
import type { Policy } from '../shared/policy/effective-policy';
import type { AlertsEntry } from '../shared/policy/policy-document';
import type { Terminal } from './output';
import { type Reaction, reactionLine, reactionMemory, reactionsTo } from './reactions';

export interface WatchDependencies {
  readonly policy: Policy;
  readonly alerts: AlertsEntry;
  /** Resources elsewhere are shown with their Region. */
  readonly home: Registry;
  readonly terminal: Terminal;
  /** Runs `task` once, so many milliseconds from now. */
  after(milliseconds: number, task: () => void): void;
}

export interface WatchedMessage {
  readonly channel: string;
  readonly message: SlackMessage;
  /** Whether an earlier message was edited in place. */
  readonly edited: boolean;
}

export interface Watch {
  onRecord(record: AuditRecord): void;
  onSlackMessage(message: WatchedMessage): void;
}

interface Line {
  readonly reaction: Reaction;
  /** What the message about it says in its text, while the line waits for it. */
  awaits?: readonly string[] | undefined;
  told?: WatchedMessage;
}

/** How long a line waits to say who was told. Slack is told a moment after the record is written. */
const patienceMilliseconds = 4000;

/** Draws one line a reaction, in the order in which they were recorded, and the first Slack message whole. */
export function watch({ policy, alerts, home, terminal, after }: WatchDependencies): Watch {
  const memory = reactionMemory();
  const lines: Line[] = [];
  let boxDrawn = false;

  function flush(): void {
    for (let line = lines[0]; line && !line.awaits; line = lines[0]) {
      lines.shift();
      const { told } = line;
      const whom = told && `#${told.channel}${told.edited ? ', edited' : ''}`;
      terminal.stdout(reactionLine(line.reaction, home, whom, terminal));
      if (told && !boxDrawn) {
        boxDrawn = true;
        terminal.stdout(`${box(told, terminal)}\n`);
      }
    }
  }

  return {
    onRecord(record) {
      for (const reaction of reactionsTo(record, memory(record))) {
        const line: Line = { reaction, awaits: awaited(record, reaction, policy, alerts) };
        lines.push(line);
        if (!line.awaits) continue;
        after(patienceMilliseconds, () => {
          line.awaits = undefined;
          flush();
        });
      }
      flush();
    },

    onSlackMessage(told) {
      const line = lines.find(({ awaits }) => awaits?.every((part) => told.message.text.includes(part)));
      if (!line) return;
      line.awaits = undefined;
      line.told = told;
      flush();
    },
  };
}

/** What the text of the message about a change has in it, if there will be one. */
function awaited(
  record: AuditRecord,
  { change, resource }: Reaction,
  policy: Policy,
  alerts: AlertsEntry,
): readonly string[] | undefined {
  if (!change) return undefined;
  const { channel, severeEnough } = routeOf(findingAfter(record, change, undefined), policy, alerts);
  if (!channel || !severeEnough) return undefined;
  const parts = [escaped(displayName(resource), 400), `(${change.rule})`];
  return change.kind === 'resolved' ? ['Resolved', ...parts] : parts;
}

const widestBox = 84;
const indent = '      ';

function box({ channel, message }: WatchedMessage, { width, paint }: Terminal): string {
  const colour = paint('bold', 'x') !== 'x';
  const columns = Math.min(widestBox, width - indent.length);
  return renderInTerminal(message, columns, { title: `Slack, #${channel}`, colour })
    .split('\n')
    .map((line) => indent + line)
    .join('\n');
}
