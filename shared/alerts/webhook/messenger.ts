import { Refused, Unavailable } from '../../domain/errors';
import type { Messenger } from '../notify';
import { patiently, RateLimited } from '../retry-later';

export interface WebhookOptions {
  /** The webhook's address: a secret, since whoever knows it can post. It stands in no error and no log. */
  url(): Promise<string>;
  sleep(milliseconds: number): Promise<void>;
  /** Default 10,000. */
  readonly timeoutMilliseconds?: number;
}

/** Where Slack gives no number with its 429. */
const pauseSeconds = 30;

/**
 * A Slack incoming webhook, for workspaces that allow no app. It writes to the one channel that it was made for and
 * cannot edit: an opening, a reopening and a resolution are messages of their own, other changes are not told.
 */
export function webhookMessenger({ url, sleep, timeoutMilliseconds = 10_000 }: WebhookOptions): Messenger {
  return {
    channel: 'webhook',
    async post(channel, { text, blocks }) {
      const address = await url();
      const body = JSON.stringify({ text, blocks });
      await patiently(async () => {
        const response = await send(address, body, timeoutMilliseconds);
        if (!response.ok) throw await failure(response);
      }, sleep);
      return { channel };
    },
  };
}

async function send(address: string, body: string, timeoutMilliseconds: number): Promise<Response> {
  const signal = AbortSignal.timeout(timeoutMilliseconds);
  try {
    return await fetch(address, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      redirect: 'error',
      signal,
    });
  } catch {
    // Without the cause: some of fetch's errors carry the address.
    throw new Unavailable(
      `the Slack webhook ${signal.aborted ? 'did not answer in time' : 'could not be reached'}`,
    );
  }
}

/** "Sending messages using incoming webhooks", error handling: a status and a short code as text. */
async function failure(response: Response): Promise<Error> {
  const { status } = response;
  const code = (await response.text().catch(() => '')).slice(0, 60);
  if (status === 429) {
    const seconds = Number.parseInt(response.headers.get('retry-after') ?? '', 10);
    return new RateLimited(seconds > 0 ? seconds : pauseSeconds);
  }
  if (status >= 500) return new Unavailable(`the Slack webhook answered ${status}`);
  const reason = /^[a-z_]+$/.test(code) ? `${status} ${code}` : String(status);
  return new Refused(
    `the Slack webhook refused the message (${reason}): make a new incoming webhook and store its address in the parameter`,
  );
}
