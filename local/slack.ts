import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from './clock';
import { type HttpAnswer, type HttpHandler, type HttpRequest, jsonAnswer } from './http';

/** A message as the channel shows it. */
export interface SlackMessage {
  /** The channel's name without `#`, or its id if it was posted by id; `webhook/…` for an incoming webhook. */
  readonly channel: string;
  /** What Slack answers as `channel`, and the only thing that `chat.update` takes. */
  readonly channelId: string;
  readonly ts: string;
  readonly threadTs?: string | undefined;
  readonly text: string;
  readonly blocks: readonly unknown[];
  readonly edited: boolean;
  /** How often it was written: posted once, and each edit. */
  readonly posts: number;
}

/** Instead of Slack's answer: an HTTP response, or none at all. */
export type SlackMishap = HttpAnswer | 'hang';

export interface Slack {
  /** For `/slack/`: the Web API under `/slack/api/`, incoming webhooks under `/slack/webhook/`. */
  readonly handle: HttpHandler;
  /**
   * The next request is answered so. With `applied` it has its effect all the same, as when an answer is lost.
   * Several calls queue up.
   */
  next(mishap: SlackMishap, options?: { readonly applied?: boolean }): void;
  /** In the order of posting. */
  messages(): SlackMessage[];
  /** Told of each message as it is posted or edited. The answer unsubscribes. */
  onMessage(listener: (message: SlackMessage) => void): () => void;
  /** All messages, as JSON can hold them. */
  snapshot(): object;
  /** Puts back what `snapshot` gave. Throws an Error for other data. */
  restore(snapshot: unknown): void;
}

const MESSAGE = z.object({
  channel: z.string(),
  channelId: z.string(),
  ts: z.string(),
  threadTs: z.string().optional(),
  text: z.string(),
  blocks: z.array(z.unknown()),
  edited: z.boolean(),
  posts: z.int(),
});
const SNAPSHOT = z.object({ messages: z.array(MESSAGE), lastTs: z.string() });

const BODY = z.object({
  token: z.string().optional(),
  channel: z.string().optional(),
  ts: z.string().optional(),
  thread_ts: z.string().optional(),
  text: z.string().optional(),
  blocks: z.union([z.array(z.unknown()), z.string()]).optional(),
});
type Body = z.infer<typeof BODY>;
const SECTION = z.object({ type: z.literal('section'), text: z.object({ text: z.string() }) });

/** "Reference: chat.postMessage" and "Block Kit: section": longer text is refused. */
const LONGEST_TEXT = 40_000;
const LONGEST_SECTION = 3000;
const MOST_BLOCKS = 50;

const CHANNEL_ID = /^[CGD][A-Z0-9]{8,}$/;

class SlackError extends Error {
  constructor(
    readonly code: string,
    readonly details: readonly string[] = [],
  ) {
    super(code);
  }
}

/** Slack's message API. Any token will do; without `channels` every channel exists. */
export function createSlack({ clock, channels }: { clock: Clock; channels?: readonly string[] }): Slack {
  const messages = new Map<string, SlackMessage>();
  const mishaps: { mishap: SlackMishap; applied: boolean }[] = [];
  const listeners = new Set<(message: SlackMessage) => void>();
  const known = channels && new Set(channels.flatMap((name) => [name, channelIdOf(name)]));
  let lastTs = '';

  const methods: Readonly<Record<string, (body: Body) => object>> = {
    'auth.test': () => ({ team: 'local', user: 'ecr-warden', user_id: 'U00000000', bot_id: 'B00000000' }),
    'chat.postMessage': postMessage,
    'chat.update': update,
  };

  function postMessage(body: Body): object {
    const name = (body.channel ?? '').replace(/^#/, '');
    if (name === '' || (known && !known.has(name))) throw new SlackError('channel_not_found');
    const message = post(name, channelIdOf(name), contentOf(body), body.thread_ts);
    return { channel: message.channelId, ts: message.ts, message: shown(message) };
  }

  function update(body: Body): object {
    const { channel = '', ts = '' } = body;
    if (!CHANNEL_ID.test(channel) || (known && !known.has(channel) && !hasMessages(channel))) {
      throw new SlackError('channel_not_found');
    }
    const message = messages.get(keyOf(channel, ts));
    if (!message) throw new SlackError('message_not_found');
    const edited = { ...message, ...contentOf(body), edited: true, posts: message.posts + 1 };
    keep(edited);
    return { channel, ts, text: edited.text, message: shown(edited) };
  }

  function hasMessages(channelId: string): boolean {
    return [...messages.values()].some((message) => message.channelId === channelId);
  }

  function post(channel: string, channelId: string, content: Content, threadTs?: string): SlackMessage {
    const message = { channel, channelId, ts: nextTs(), threadTs, ...content, edited: false, posts: 1 };
    keep(message);
    return message;
  }

  function keep(message: SlackMessage): void {
    messages.set(keyOf(message.channelId, message.ts), message);
    for (const listener of listeners) listener(message);
  }

  /** Seconds and a six-digit count within them; it names the message, so it never comes twice. */
  function nextTs(): string {
    const [lastSecond = 0, lastCount = 0] = lastTs.split('.').map(Number);
    const second = Math.max(Math.floor(clock.now() / 1000), lastSecond);
    const count = second === lastSecond ? lastCount + 100 : 100;
    lastTs = count < 1_000_000 ? tsOf(second, count) : tsOf(second + 1, 100);
    return lastTs;
  }

  function answerApi(request: HttpRequest, method: string): HttpAnswer {
    try {
      const body = bodyOf(request);
      if (!(request.headers.authorization ?? body.token)) throw new SlackError('not_authed');
      const run = Object.hasOwn(methods, method) ? methods[method] : undefined;
      if (!run) throw new SlackError('unknown_method');
      return jsonAnswer(200, { ok: true, ...run(body) });
    } catch (error) {
      if (!(error instanceof SlackError)) throw error;
      const details = error.details.length > 0 && { response_metadata: { messages: error.details } };
      return jsonAnswer(200, { ok: false, error: error.code, ...details });
    }
  }

  function answerWebhook(request: HttpRequest, name: string): HttpAnswer {
    try {
      post(`webhook/${name}`, channelIdOf(`webhook/${name}`), contentOf(bodyOf(request)));
      return { status: 200, headers: { 'content-type': 'text/html' }, body: 'ok' };
    } catch (error) {
      if (!(error instanceof SlackError)) throw error;
      return { status: 400, headers: { 'content-type': 'text/html' }, body: error.code };
    }
  }

  function answer(request: HttpRequest): HttpAnswer {
    const [, kind, name = ''] = /^\/slack\/(api|webhook)\/(.+)$/.exec(request.path) ?? [];
    if (kind === 'api') return answerApi(request, name);
    if (kind === 'webhook' && request.method === 'POST') return answerWebhook(request, name);
    return { status: 404, headers: { 'content-type': 'text/plain' }, body: 'no such page' };
  }

  return {
    handle(request) {
      const next = mishaps.shift();
      if (!next) return answer(request);
      if (next.applied) answer(request);
      return next.mishap === 'hang' ? new Promise(() => {}) : next.mishap;
    },
    next: (mishap, { applied = false } = {}) => {
      mishaps.push({ mishap, applied });
    },
    messages: () => [...messages.values()],
    onMessage(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    snapshot: () => ({ messages: [...messages.values()], lastTs }),
    restore(snapshot) {
      const restored = SNAPSHOT.parse(snapshot);
      for (const message of restored.messages) messages.set(keyOf(message.channelId, message.ts), message);
      lastTs = restored.lastTs;
    },
  };
}

interface Content {
  readonly text: string;
  readonly blocks: readonly unknown[];
}

function contentOf(body: Body): Content {
  const { text = '' } = body;
  const blocks = typeof body.blocks === 'string' ? parsedBlocks(body.blocks) : (body.blocks ?? []);
  if (text === '' && blocks.length === 0) throw new SlackError('no_text');
  if (text.length > LONGEST_TEXT) throw new SlackError('msg_too_long');
  const faults = [
    ...(blocks.length > MOST_BLOCKS
      ? [`[ERROR] no more than ${MOST_BLOCKS} items allowed [json-pointer:/blocks]`]
      : []),
    ...blocks.flatMap((block, position) => {
      const section = SECTION.safeParse(block);
      return section.success && section.data.text.text.length > LONGEST_SECTION
        ? [
            `[ERROR] must be less than ${LONGEST_SECTION + 1} characters [json-pointer:/blocks/${position}/text/text]`,
          ]
        : [];
    }),
  ];
  if (faults.length > 0) throw new SlackError('invalid_blocks', faults);
  return { text, blocks };
}

function parsedBlocks(text: string): unknown[] {
  try {
    const blocks: unknown = JSON.parse(text);
    if (Array.isArray(blocks)) return blocks;
  } catch {
    // Told below, as any other value that is no list.
  }
  throw new SlackError('invalid_blocks_format');
}

/** JSON, or a form as Slack's own client sends it, where `blocks` is JSON text. Webhooks also take `payload=`. */
function bodyOf({ headers, body }: HttpRequest): Body {
  const text = body.toString('utf8');
  const form = headers['content-type']?.startsWith('application/x-www-form-urlencoded');
  const fields = form ? Object.fromEntries(new URLSearchParams(text)) : undefined;
  if (fields && fields.payload === undefined) return checkedBody(fields);
  try {
    return checkedBody(JSON.parse(fields?.payload ?? (text || '{}')));
  } catch (error) {
    throw error instanceof SlackError ? error : new SlackError('invalid_payload');
  }
}

function checkedBody(value: unknown): Body {
  const body = BODY.safeParse(value);
  if (body.success) return body.data;
  const details = body.error.issues.map(
    ({ path, message }) => `[ERROR] ${message} [json-pointer:/${path.join('/')}]`,
  );
  throw new SlackError('invalid_arguments', details);
}

function shown({ text, blocks, ts, threadTs }: SlackMessage): object {
  return { type: 'message', text, blocks, ts, ...(threadTs && { thread_ts: threadTs }), bot_id: 'B00000000' };
}

/** Slack answers ids where one posted to a name; here the id is drawn from the name. */
function channelIdOf(name: string): string {
  if (CHANNEL_ID.test(name)) return name;
  return `C${createHash('sha256').update(name).digest('hex').toUpperCase().slice(0, 10)}`;
}

function keyOf(channelId: string, ts: string): string {
  return `${channelId} ${ts}`;
}

function tsOf(second: number, count: number): string {
  return `${second}.${String(count).padStart(6, '0')}`;
}
