import { type ChatPostMessageArguments, ErrorCode, WebClient, WebClientEvent } from '@slack/web-api';
import { virtualClock } from '../../local/clock';
import { type Server, serve } from '../../local/server';
import { createSlack, type SlackMessage } from '../../local/slack';

const START = Date.parse('2023-11-14T22:13:20Z');
const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close(0);
});

async function world(
  options: { channels?: string[]; token?: string | undefined; timeout?: number; retries?: number } = {},
) {
  const clock = virtualClock(START);
  const { channels, timeout = 0, retries = 0 } = options;
  const slack = createSlack({ clock, ...(channels && { channels }) });
  const server = await serve({
    services: [],
    routes: { '/slack/': slack.handle },
    port: 0,
    account: '111122223333',
    defaultRegion: 'eu-central-1',
  });
  servers.push(server);
  const client = new WebClient('token' in options ? options.token : 'xoxb-any', {
    slackApiUrl: `${server.endpoint}/slack/api/`,
    retryConfig: { retries, minTimeout: 1, maxTimeout: 2 },
    logger: { debug() {}, info() {}, warn() {}, error() {}, setLevel() {}, setName() {}, getLevel: quiet },
    timeout,
  });
  return { clock, slack, server, client };
}

const quiet = () => 'error' as never;

function section(text: string) {
  return { type: 'section' as const, text: { type: 'mrkdwn' as const, text } };
}

async function errorOf(answer: Promise<unknown>): Promise<unknown> {
  const error: unknown = await answer.then(
    () => 'no error',
    (reason: unknown) => reason,
  );
  if (typeof error === 'object' && error && 'data' in error) return error.data;
  return error;
}

describe('chat.postMessage', () => {
  it('shows the message with an unique ts and the id of its channel', async () => {
    const { client, slack } = await world();
    const heard: SlackMessage[] = [];
    slack.onMessage((message) => heard.push(message));

    const first = await client.chat.postMessage({
      channel: '#alerts',
      text: 'one',
      blocks: [section('*one*')],
    });
    const second = await client.chat.postMessage({
      channel: 'alerts',
      text: 'two',
      thread_ts: first.ts ?? '',
    });

    expect(first).toMatchObject({ ok: true, ts: '1700000000.000100', message: { text: 'one' } });
    expect(second.ts).toBe('1700000000.000200');
    expect(first.channel).toMatch(/^C[A-Z0-9]{10}$/);
    expect(second.channel).toBe(first.channel);
    expect(slack.messages()).toEqual([
      {
        channel: 'alerts',
        channelId: first.channel,
        ts: first.ts,
        text: 'one',
        blocks: [section('*one*')],
        edited: false,
        posts: 1,
      },
      expect.objectContaining({ text: 'two', threadTs: first.ts, blocks: [] }),
    ]);
    expect(heard).toEqual(slack.messages());
  });

  it('takes JSON as well as a form', async () => {
    const { server, slack } = await world();

    const answer = await fetch(`${server.endpoint}/slack/api/chat.postMessage`, {
      method: 'POST',
      headers: { 'content-type': 'application/json; charset=utf-8', authorization: 'Bearer xoxb-any' },
      body: JSON.stringify({ channel: 'C0123456789', text: 'ü', blocks: [section('x')] }),
    });

    expect(await answer.json()).toMatchObject({ ok: true, channel: 'C0123456789' });
    expect(slack.messages()).toMatchObject([{ channel: 'C0123456789', text: 'ü', blocks: [section('x')] }]);
  });

  const wrong: [string, ChatPostMessageArguments, object][] = [
    ['an unknown channel', { channel: 'nowhere', text: 'x' }, { error: 'channel_not_found' }],
    ['no text at all', { channel: 'alerts', text: '' }, { error: 'no_text' }],
    [
      'a text over 40,000 characters',
      { channel: 'alerts', text: 'x'.repeat(40_001) },
      { error: 'msg_too_long' },
    ],
    [
      'more than 50 blocks',
      { channel: 'alerts', text: 'x', blocks: Array.from({ length: 51 }, () => section('x')) },
      { error: 'invalid_blocks', response_metadata: { messages: [expect.stringContaining('50 items')] } },
    ],
    [
      'a section over 3000 characters',
      { channel: 'alerts', text: 'x', blocks: [section('x'), section('x'.repeat(3001))] },
      {
        error: 'invalid_blocks',
        response_metadata: { messages: [expect.stringContaining('/blocks/1/text')] },
      },
    ],
  ];
  it.each(wrong)('refuses %s', async (_, message, expected) => {
    const { client, slack } = await world({ channels: ['alerts'] });

    expect(await errorOf(client.chat.postMessage(message))).toMatchObject({ ok: false, ...expected });

    expect(slack.messages()).toEqual([]);
  });

  it('takes 50 blocks and sections of 3000 characters', async () => {
    const { client, slack } = await world();
    const blocks = Array.from({ length: 50 }, () => section('x'.repeat(3000)));

    await client.chat.postMessage({ channel: 'alerts', text: 'x', blocks });

    expect(slack.messages()[0]?.blocks).toHaveLength(50);
  });

  it('wants a token', async () => {
    const { client } = await world({ token: undefined });

    expect(await errorOf(client.chat.postMessage({ channel: 'alerts', text: 'x' }))).toMatchObject({
      error: 'not_authed',
    });
  });

  it('knows no other method', async () => {
    const { client } = await world();
    expect(await errorOf(client.apiCall('chat.shout', {}))).toMatchObject({ error: 'unknown_method' });
  });
});

describe('chat.update', () => {
  it('edits the message in its place', async () => {
    const { client, slack } = await world();
    const { ts = '', channel = '' } = await client.chat.postMessage({ channel: 'alerts', text: 'open' });
    await client.chat.postMessage({ channel: 'alerts', text: 'other' });

    const answer = await client.chat.update({ channel, ts, text: 'resolved', blocks: [section('done')] });

    expect(answer).toMatchObject({ ok: true, channel, ts, text: 'resolved' });
    expect(slack.messages()).toMatchObject([
      { ts, text: 'resolved', blocks: [section('done')], edited: true, posts: 2 },
      { text: 'other', edited: false },
    ]);
  });

  it('wants the id of a channel and the ts of a message in it', async () => {
    const { client } = await world();
    const { ts = '', channel = '' } = await client.chat.postMessage({ channel: 'alerts', text: 'open' });
    const { channel: other = '' } = await client.chat.postMessage({ channel: 'others', text: 'open' });
    const edit = (to: { channel: string; ts: string }) => errorOf(client.chat.update({ text: 'x', ...to }));

    expect(await edit({ channel: 'alerts', ts })).toMatchObject({ error: 'channel_not_found' });
    expect(await edit({ channel, ts: '1.000100' })).toMatchObject({ error: 'message_not_found' });
    expect(await edit({ channel: other, ts })).toMatchObject({ error: 'message_not_found' });
  });
});

describe('a mishap', () => {
  it('429 makes the client wait and ask again', async () => {
    const { client, slack } = await world({ retries: 1 });
    slack.next({ status: 429, headers: { 'retry-after': '1' } });
    const limited: number[] = [];
    client.on(WebClientEvent.RATE_LIMITED, (seconds) => limited.push(seconds));

    await client.chat.postMessage({ channel: 'alerts', text: 'x' });

    expect(limited).toEqual([1]);
    expect(slack.messages()).toHaveLength(1);
  });

  it('500 is an HTTP error; with its effect it leaves the message behind', async () => {
    const { client, slack } = await world();
    slack.next({ status: 500 });
    slack.next({ status: 500 }, { applied: true });
    const say = (text: string) => errorOf(client.chat.postMessage({ channel: 'alerts', text }));

    expect(await say('lost')).toMatchObject({ code: ErrorCode.HTTPError, statusCode: 500 });
    expect(await say('unanswered')).toMatchObject({ code: ErrorCode.HTTPError });

    expect(slack.messages()).toMatchObject([{ text: 'unanswered' }]);
  });

  it('may be an answer that never comes', async () => {
    const { client, slack } = await world({ timeout: 50 });
    slack.next('hang');

    const answer = errorOf(client.chat.postMessage({ channel: 'alerts', text: 'x' }));

    expect(await answer).toMatchObject({ code: ErrorCode.RequestError });
    expect(slack.messages()).toEqual([]);
  });
});

describe('an incoming webhook', () => {
  async function send(body: string, headers = { 'content-type': 'application/json' }) {
    const made = await world();
    const answer = await fetch(`${made.server.endpoint}/slack/webhook/T1/B1/secret`, {
      method: 'POST',
      headers,
      body,
    });
    return { ...made, status: answer.status, text: await answer.text() };
  }

  it('answers a plain ok', async () => {
    const { status, text, slack } = await send(JSON.stringify({ text: 'hello', blocks: [section('hello')] }));

    expect([status, text]).toEqual([200, 'ok']);
    expect(slack.messages()).toMatchObject([
      { channel: 'webhook/T1/B1/secret', text: 'hello', blocks: [section('hello')] },
    ]);
  });

  it('takes a form with a payload', async () => {
    const form = new URLSearchParams({ payload: JSON.stringify({ text: 'hello' }) });
    const { text, slack } = await send(form.toString(), {
      'content-type': 'application/x-www-form-urlencoded',
    });

    expect(text).toBe('ok');
    expect(slack.messages()).toMatchObject([{ text: 'hello' }]);
  });

  it.each([
    ['{', 'invalid_payload'],
    ['{}', 'no_text'],
  ])('refuses %s with %s', async (body, error) => {
    const { status, text } = await send(body);
    expect([status, text]).toEqual([400, error]);
  });
});

it('goes on where a snapshot left off', async () => {
  const before = await world();
  const { ts = '', channel = '' } = await before.client.chat.postMessage({ channel: 'alerts', text: 'open' });
  const { client, slack } = await world();

  slack.restore(JSON.parse(JSON.stringify(before.slack.snapshot())));
  await client.chat.update({ channel, ts, text: 'resolved' });
  const next = await client.chat.postMessage({ channel: 'alerts', text: 'another' });

  expect(slack.messages()).toMatchObject([{ text: 'resolved', posts: 2 }, { text: 'another' }]);
  expect(next.ts).toBe('1700000000.000200');
  expect(() => slack.restore({ messages: 'none' })).toThrow(/messages/);
});

it('gives later messages a later ts, whatever the clock says', async () => {
  const { client, clock } = await world();
  const say = async () => (await client.chat.postMessage({ channel: 'alerts', text: 'x' })).ts;

  const first = await say();
  await clock.advance(2500);
  const second = await say();

  expect([first, second]).toEqual(['1700000000.000100', '1700000002.000100']);
});
