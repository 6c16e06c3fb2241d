import type { Messenger } from '../../shared/alerts/notify';
import type { SlackMessage } from '../../shared/alerts/slack/message';

export interface FakeSlack extends Required<Omit<Messenger, 'channel'>> {
  /** Every message that stands in Slack, in the order of posting, as it was edited last. */
  readonly standing: { channel: string; ts: string; message: SlackMessage; deleted?: true; locked?: true }[];
}

/** Slack's channels in memory. A post is a new message, always: Slack recognises no repetition. */
export function fakeSlack(): FakeSlack {
  const standing: FakeSlack['standing'] = [];
  return {
    standing,
    async post(channel, message) {
      const ts = `1700000000.${String(standing.length + 1).padStart(6, '0')}`;
      standing.push({ channel, ts, message });
      return { channel, ts };
    },
    async update(channel, ts, message) {
      const found = standing.find((one) => one.channel === channel && one.ts === ts);
      if (!found || found.deleted) return 'gone';
      if (found.locked) return 'locked';
      found.message = message;
      return 'updated';
    },
  };
}
