import { RateLimited } from '../../../shared/alerts/retry-later';
import { findingMessage } from '../../../shared/alerts/slack/message';
import { webhookMessenger } from '../../../shared/alerts/webhook/messenger';
import { Refused, Unavailable } from '../../../shared/domain/errors';
import { finding } from '../../builders/findings';
import { type Answer, serve } from '../http-server';

const message = findingMessage(finding());
let close = async () => {};
afterEach(() => close());

async function webhook(answers: (Answer | 'hang' | 'cut')[]) {
  const server = await serve(answers);
  close = server.close;
  const slept: number[] = [];
  const messenger = webhookMessenger({
    url: async () => `${server.url}services/T0/B0/secret`,
    // Short only where it is to run out: a busy machine answers late.
    timeoutMilliseconds: answers[0] === 'hang' ? 100 : 10_000,
    sleep: async (milliseconds) => void slept.push(milliseconds),
  });
  return { ...messenger, requests: server.requests, slept };
}

test('posts text and blocks to its one channel, and cannot edit', async () => {
  const { post, update, channel, requests } = await webhook([{ body: 'ok' }]);
  expect(channel).toBe('webhook');
  expect(update).toBeUndefined();
  expect(await post('webhook', message)).toEqual({ channel: 'webhook' });
  expect(requests.map(({ path, body }) => [path, JSON.parse(body)])).toEqual([
    ['/services/T0/B0/secret', { text: message.text, blocks: message.blocks }],
  ]);
});

test('sits out a short pause, and leaves a long one to the caller', async () => {
  const short = await webhook([{ status: 429, headers: { 'retry-after': '1' } }, { body: 'ok' }]);
  await short.post('webhook', message);
  expect(short.slept).toEqual([1000]);
  await close();
  const long = await webhook([{ status: 429, headers: { 'retry-after': '60' } }]);
  const failed: unknown = await long.post('webhook', message).catch((error: unknown) => error);
  expect(failed).toBeInstanceOf(RateLimited);
  expect(failed).toMatchObject({ seconds: 60 });
});

test.each<[string, Answer | 'hang' | 'cut', typeof Refused | typeof Unavailable, string]>([
  ['404', { status: 404, body: 'no_service' }, Refused, '404 no_service'],
  ['403', { status: 403, body: '<html>' }, Refused, '(403)'],
  [
    'a redirect',
    { status: 302, headers: { location: 'https://example.com/' } },
    Unavailable,
    'could not be reached',
  ],
  ['503', { status: 503, body: 'x' }, Unavailable, '503'],
  ['no answer in time', 'hang', Unavailable, 'in time'],
  ['a broken connection', 'cut', Unavailable, 'could not be reached'],
])('%s is sorted, and the address stands in no error', async (_, answer, kind, words) => {
  const { post } = await webhook([answer]);
  const failed: unknown = await post('webhook', message).catch((error: unknown) => error);
  expect(failed).toBeInstanceOf(kind);
  const { message: said, stack, cause } = failed as Error;
  expect(said).toContain(words);
  expect(`${said} ${stack} ${String(cause)}`).not.toContain('services/T0');
});
