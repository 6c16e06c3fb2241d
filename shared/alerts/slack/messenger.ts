import {
  type ChatPostMessageArguments,
  LogLevel,
  WebAPIPlatformError,
  WebAPIRateLimitedError,
  WebClient,
} from '@slack/web-api';
import { Refused, Unavailable } from '../../domain/errors';
import type { Messenger } from '../notify';
import { patiently, RateLimited } from '../retry-later';
import type { SlackMessage } from './message';

export interface SlackOptions {
  /** The app's bot token, `xoxb-…`; asked for at every call, so that a new one is taken up. */
  token(): Promise<string>;
  /** Another address than `https://slack.com/api/`. */
  readonly apiUrl?: string;
  sleep(milliseconds: number): Promise<void>;
  /** Of one request; default 10,000. */
  readonly timeoutMilliseconds?: number;
}

/** Where Slack gives no number with its 429. */
const pauseSeconds = 30;

/** Slack's Web API as a messenger: `chat.postMessage` and `chat.update`, for which the app needs `chat:write`. */
export function slackMessenger(options: SlackOptions): Required<Pick<Messenger, 'post' | 'update'>> {
  const { apiUrl, sleep, timeoutMilliseconds: timeout = 10_000 } = options;
  let known: { readonly token: string; readonly client: WebClient } | undefined;

  async function client(): Promise<WebClient> {
    const token = await options.token();
    if (known?.token !== token) {
      // A retry of the client's own would post twice where only the answer was lost: whether to try is not its to say.
      const retryConfig = { retries: 0 };
      known = {
        token,
        client: new WebClient(token, {
          ...(apiUrl && { slackApiUrl: apiUrl }),
          timeout,
          retryConfig,
          rejectRateLimitedCalls: true,
          logLevel: LogLevel.ERROR,
        }),
      };
    }
    return known.client;
  }

  return {
    async post(channel, message) {
      const chat = (await client()).chat;
      return patiently(async () => {
        try {
          const answer = await chat.postMessage({
            ...contents(channel, message),
            unfurl_links: false,
            unfurl_media: false,
          });
          if (!answer.channel || !answer.ts)
            throw new Unavailable('Slack took a message and gave no id for it');
          return { channel: answer.channel, ts: answer.ts };
        } catch (error) {
          throw translated(error, channel);
        }
      }, sleep);
    },
    async update(channel, ts, message) {
      const chat = (await client()).chat;
      return patiently(async () => {
        try {
          await chat.update({ ...contents(channel, message), ts });
          return 'updated';
        } catch (error) {
          const code = error instanceof WebAPIPlatformError ? error.data.error : '';
          if (code === 'message_not_found') return 'gone';
          if (code === 'cant_update_message' || code === 'edit_window_closed') return 'locked';
          throw translated(error, channel);
        }
      }, sleep);
    },
  };
}

/** `parse: none`, said outright: for chat.update the default is another, which makes mentions of plain names. */
function contents(channel: string, { text, blocks }: SlackMessage) {
  return { channel, text, blocks: [...blocks], parse: 'none' } as const satisfies ChatPostMessageArguments;
}

/** Slack's own trouble ("Errors" of each method in the Web API reference); part of it may have been done. */
const passing = new Set([
  'fatal_error',
  'internal_error',
  'request_timeout',
  'service_unavailable',
  'team_added_to_org',
]);

function translated(error: unknown, channel: string): unknown {
  if (error instanceof Unavailable) return error;
  if (error instanceof WebAPIRateLimitedError) return new RateLimited(Math.max(1, error.retryAfter));
  if (!(error instanceof WebAPIPlatformError)) {
    const message = error instanceof Error ? error.message : String(error);
    if (message.startsWith('Retry header')) return new RateLimited(pauseSeconds);
    return new Unavailable(`Slack did not answer: ${message}`, { cause: error });
  }
  const code = error.data.error;
  if (code === 'ratelimited' || code === 'rate_limited') return new RateLimited(pauseSeconds);
  // An answer that is no JSON stands here as a whole: a proxy's page, for one.
  if (passing.has(code) || !/^[a-z_]{1,60}$/.test(code)) {
    return new Unavailable(`Slack could not do it now: ${code.slice(0, 60)}`, { cause: error });
  }
  return new Refused(`Slack refused the message (${code}): ${wayOut(code, channel)}`);
}

/** What a person does about it, as one sentence. */
function wayOut(code: string, channel: string): string {
  switch (code) {
    case 'channel_not_found':
      return `there is no channel "${channel}", or it is private and the app is not in it; correct the channel in the policy, or invite the app there with /invite`;
    case 'not_in_channel':
      return `invite the app into "${channel}" with /invite, or give it the scope chat:write.public`;
    case 'is_archived':
      return `"${channel}" is archived; unarchive it or name another channel in the policy`;
    case 'missing_scope':
      return 'give the app the scope chat:write and install it again';
    case 'invalid_auth':
    case 'not_authed':
    case 'account_inactive':
    case 'token_revoked':
    case 'token_expired':
      return 'the bot token is not valid; install the app again and store its new bot token (xoxb-…) in the parameter';
    case 'restricted_action':
    case 'restricted_action_read_only_channel':
    case 'restricted_action_non_threadable_channel':
    case 'ekm_access_denied':
      return `the workspace's settings do not let the app post in "${channel}"; ask its administrator or name another channel`;
    default:
      return 'see this error under chat.postMessage in the Slack API reference';
  }
}
