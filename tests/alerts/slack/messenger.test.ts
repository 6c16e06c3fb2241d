import { RateLimited } from '../../../shared/alerts/retry-later';
import { findingMessage } from '../../../shared/alerts/slack/message';
import { slackMessenger } from '../../../shared/alerts/slack/messenger';
import { Refused, Unavailable } from '../../../shared/domain/errors';
import { finding } from '../../builders/findings';
import { type Answer, serve } from '../http-server';

const message = findingMessage(finding());
const posted: Answer = { body: { ok: true, channel: 'C123', ts: '1700000000.000100' } };
const refused = (error: string): Answer => ({ body: { ok: false, error } });
const limited = (seconds?: string): Answer => ({
  status: 429,
  headers: seconds === undefined ? {} : { 'retry-after': seconds },
  body: { ok: false, error: 'ratelimited' },
});

let close = async () => {};
afterEach(() => close());

async function slack(answers: (Answer | 'hang' | 'cut')[], token = async () => 'xoxb-1') {
  const server = await serve(answers);
  close = server.close;
  const slept: number[] = [];
  const messenger = slackMessenger({
    token,
    apiUrl: server.url,
    // Short only where it is to run out: a busy machine answers late.
    timeoutMilliseconds: answers[0] === 'hang' ? 100 : 10_000,
    sleep: async (milliseconds) => void slept.push(milliseconds),
  });
  return { ...messenger, requests: server.requests, slept };
}

test('posts blocks and text with the token, and answers Slack’s ids', async () => {
  const { post, requests } = await slack([posted]);
  expect(await post('payments-registry', message)).toEqual({ channel: 'C123', ts: '1700000000.000100' });
  const [request] = requests;
  expect(request).toMatchObject({ path: '/chat.postMessage', authorization: 'Bearer xoxb-1' });
  const form = new URLSearchParams(request!.body);
  expect(form.get('channel')).toBe('payments-registry');
  expect(form.get('text')).toBe(message.text);
  expect(JSON.parse(form.get('blocks')!)).toEqual(message.blocks);
  expect(form.get('parse')).toBe('none');
});

test('edits a message in place', async () => {
  const { update, requests } = await slack([posted]);
  expect(await update('C123', '1700000000.000100', message)).toBe('updated');
  const form = new URLSearchParams(requests[0]!.body);
  expect(requests[0]!.path).toBe('/chat.update');
  expect(form.get('ts')).toBe('1700000000.000100');
  expect(form.get('parse')).toBe('none');
});

test.each([
  ['message_not_found', 'gone'],
  ['edit_window_closed', 'locked'],
  ['cant_update_message', 'locked'],
])('an edit that is answered with %s: %s', async (error, expected) => {
  const { update } = await slack([refused(error)]);
  expect(await update('C123', '1.2', message)).toBe(expected);
});

test('a short pause that Slack asks for is sat out', async () => {
  const { post, requests, slept } = await slack([limited('2'), posted]);
  expect(await post('c', message)).toMatchObject({ ts: '1700000000.000100' });
  expect(slept).toEqual([2000]);
  expect(requests).toHaveLength(2);
});

test.each([
  ['a long one', limited('30'), 30],
  ['one without a number', limited(), 30],
  ['one in the body alone', refused('ratelimited'), 30],
] as const)('%s is the caller’s, with its seconds', async (_, answer, seconds) => {
  const { post, requests, slept } = await slack([answer]);
  const failed: unknown = await post('c', message).catch((error: unknown) => error);
  expect(failed).toBeInstanceOf(RateLimited);
  expect(failed).toMatchObject({ seconds });
  expect(slept).toEqual([]);
  expect(requests).toHaveLength(1);
});

test('a second short pause is the caller’s too', async () => {
  const { post, requests } = await slack([limited('1'), limited('1')]);
  await expect(post('c', message)).rejects.toBeInstanceOf(RateLimited);
  expect(requests).toHaveLength(2);
});

test.each([
  ['channel_not_found', 'correct the channel in the policy, or invite the app'],
  ['not_in_channel', 'invite the app into "payments-registry"'],
  ['is_archived', 'unarchive it'],
  ['invalid_auth', 'store its new bot token'],
  ['token_revoked', 'store its new bot token'],
  ['missing_scope', 'chat:write'],
  ['restricted_action', 'ask its administrator'],
  ['some_new_error', 'some_new_error'],
])('%s is refused, with what to do about it', async (error, words) => {
  const { post, requests } = await slack([refused(error)]);
  const failed = post('payments-registry', message);
  await expect(failed).rejects.toBeInstanceOf(Refused);
  await expect(failed).rejects.toThrow(words);
  expect(requests).toHaveLength(1);
});

test.each<[string, Answer | 'hang' | 'cut']>([
  ['a 503', { status: 503, body: 'upstream' }],
  ['a page of a proxy', { body: '<html>Sign in</html>' }],
  ['trouble of Slack’s own', refused('internal_error')],
  ['no answer in time', 'hang'],
  ['a broken connection', 'cut'],
  ['an answer without ids', { body: { ok: true } }],
])('%s: nobody knows, and it is not tried again by itself', async (_, answer) => {
  const { post, requests } = await slack([answer]);
  const failed: unknown = await post('c', message).catch((error: unknown) => error);
  expect(failed).toBeInstanceOf(Unavailable);
  expect(failed).not.toBeInstanceOf(RateLimited);
  expect(requests).toHaveLength(1);
});

test('a new token is taken up', async () => {
  const tokens = ['xoxb-1', 'xoxb-1', 'xoxb-2'];
  const { post, requests } = await slack([posted, posted, posted], async () => tokens.shift()!);
  for (let turn = 0; turn < 3; turn += 1) await post('c', message);
  expect(requests.map(({ authorization }) => authorization)).toEqual([
    'Bearer xoxb-1',
    'Bearer xoxb-1',
    'Bearer xoxb-2',
  ]);
});

test('no error carries the token', async () => {
  for (const answer of [refused('invalid_auth'), { status: 500, body: 'x' }, 'cut'] as const) {
    const { post } = await slack([answer], async () => 'xoxb-secret');
    const failed: unknown = await post('c', message).catch((error: unknown) => error);
    expect(JSON.stringify([String(failed), (failed as Error).stack])).not.toContain('xoxb-secret');
    await close();
  }
  close = async () => {};
});
