import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Unavailable } from '../../shared/domain/errors';
import { type Message, reconcileMessages } from '../../shared/evaluation/reconcile-messages';
import { recheckMessage } from '../../shared/events/recheck';
import { deniedTag, policyOf } from '../builders/policies';
import { account, digest, region, tagResource } from '../builders/resources';
import { openFindings, reconciler } from '../fakes/reconciler';

const policy = policyOf([deniedTag('latest')], { governs: (registry) => registry.account === account });

function inbox() {
  const rejected: string[] = [];
  const again: string[] = [];
  return {
    rejected,
    again,
    reject: async (message: Message, reason: string) => void rejected.push(`${message.id}: ${reason}`),
    comeAgain: async (message: Message, seconds: number) =>
      void again.push(`${message.id} after ${seconds} s`),
  };
}

function message(body: unknown, over: Partial<Message> = {}): Message {
  return {
    id: 'm',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    receiveCount: 1,
    receipt: 'r',
    ...over,
  };
}

const push = (tag: string, over: object = {}) => ({
  version: '0',
  id: `push-${tag}`,
  'detail-type': 'ECR Image Action',
  source: 'aws.ecr',
  account,
  region,
  time: '2026-11-20T10:00:00Z',
  resources: [],
  detail: {
    result: 'SUCCESS',
    'action-type': 'PUSH',
    'repository-name': 'payments/api',
    'image-digest': digest('a'),
    'image-tag': tag,
  },
  ...over,
});

describe('a batch', () => {
  test('with four messages that nobody can use rejects those with a reason and does the rest', async () => {
    const world = reconciler(policy);
    const box = inbox();
    const good = Array.from({ length: 6 }, (_, index) => message(push(`v${index}`), { id: `good-${index}` }));
    const fates = await reconcileMessages(
      [
        message('{"id": ', { id: 'cut' }),
        message(push('x', { 'detail-type': 'ECR Artifact Action' }), { id: 'unknown' }),
        message(push('x', { account: '999999999999' }), { id: 'foreign' }),
        message('x'.repeat(1_000_000), { id: 'huge' }),
        ...good,
      ],
      { ...world, inbox: box },
    );
    expect(fates.map(({ end }) => end)).toEqual([
      'rejected',
      'rejected',
      'rejected',
      'rejected',
      ...good.map(() => 'done'),
    ]);
    expect(box.rejected).toHaveLength(4);
    expect(box.rejected[0]).toMatch(/^cut: the message is not JSON/);
    expect(box.rejected[1]).toMatch(/^unknown: .*ECR Artifact Action/);
    expect(box.rejected[2]).toBe(
      'foreign: account 999999999999 in eu-central-1 is not listed under "registries" in the policy',
    );
    expect(box.rejected.every((one) => one.length < 500)).toBe(true);
    expect(world.trail.records).toHaveLength(6);
  });

  test('lets what time can lift come again after 5, 30 and 120 seconds, then at the queue’s pace', async () => {
    const world = reconciler(policy);
    world.ecr.push(tagResource('latest'), digest('a'));
    const throttled = {
      ...world,
      ecr: { ...world.ecr, tag: () => Promise.reject(new Unavailable('Rate exceeded')) },
    };
    const box = inbox();
    for (const receiveCount of [1, 2, 3, 4]) {
      const [fate] = await reconcileMessages([message(push('latest'), { receiveCount })], {
        ...throttled,
        inbox: box,
      });
      expect(fate?.end).toBe('again');
    }
    expect(box.again).toEqual(['m after 5 s', 'm after 30 s', 'm after 120 s']);
    expect(world.trail.records).toEqual([]);
  });

  test('keeps a message whose rejection could not be sent', async () => {
    const box = { ...inbox(), reject: () => Promise.reject(new Unavailable('the queue is away')) };
    const [fate] = await reconcileMessages([message('nonsense')], { ...reconciler(policy), inbox: box });
    expect(fate?.end).toBe('again');
  });
});

describe('a recheck', () => {
  test('that is not due hops on; one that is due looks again', async () => {
    const world = reconciler(policy);
    const body = recheckMessage(tagResource('latest'), '2026-11-20T13:00:00Z');
    const [early] = await reconcileMessages([message(body)], { ...world, inbox: inbox() });
    expect(early?.end).toBe('done');
    expect(world.scheduled).toEqual([
      '111122223333/eu-central-1/payments/api tag#latest 2026-11-20T13:00:00Z',
    ]);
    expect(openFindings(world.trail)).toEqual([]);
  });
});

test('every shape that AWS is known to send is recorded or rejected, never lost', async () => {
  const folder = join(__dirname, '../fixtures/events');
  const manifest: unknown = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
  const names = JSON.stringify(manifest).match(/[a-z0-9-]+\.json/g) ?? [];
  expect(names.length).toBeGreaterThan(20);
  const world = reconciler(policyOf([deniedTag('latest')]));
  const box = inbox();
  const messages = [...new Set(names)].map((name) =>
    message(readFileSync(join(folder, name), 'utf8'), { id: name }),
  );
  const fates = await reconcileMessages(messages, { ...world, inbox: box });
  expect(fates.filter(({ end }) => end === 'again')).toEqual([]);
});
