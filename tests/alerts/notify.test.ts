import { type NotifyDependencies, notify, notifyMessages } from '../../shared/alerts/notify';
import { RateLimited, RetryLater } from '../../shared/alerts/retry-later';
import { Refused, Unavailable } from '../../shared/domain/errors';
import type { AlertsEntry } from '../../shared/policy/policy-document';
import { finding } from '../builders/findings';
import { policyOf } from '../builders/policies';
import { repositoryResource } from '../builders/resources';
import { fakeSlack } from '../fakes/slack';
import { fakeState } from '../fakes/state';

const start = Date.parse('2026-11-20T10:00:05Z');
const open = finding();
const resolved = finding({
  status: 'resolved',
  change: 'resolved',
  sequence: 2,
  changedAt: '2026-11-20T12:00:00Z',
});
const { scope, key } = open;

const owned = policyOf([], {
  namespace: { name: 'payments', owner: { team: 'payments', slack: 'payments-registry', approvers: [] } },
});

function world(over: Partial<NotifyDependencies> = {}) {
  const state = fakeState();
  const slack = fakeSlack();
  const clock = { now: start };
  const alerts: AlertsEntry = { slack: { channel: 'registry' } };
  const dependencies: NotifyDependencies = {
    policy: policyOf([]),
    alerts,
    findings: state,
    messages: state,
    messenger: slack,
    now: () => clock.now,
    ...over,
  };
  return {
    state,
    slack,
    clock,
    dependencies,
    async tell(...findings: (typeof open)[]) {
      const told = [];
      for (const one of findings) {
        await state.putFinding(one);
        told.push(await notify(one, dependencies));
      }
      return told;
    },
    shown: () => slack.standing.map(({ message }) => message.text),
  };
}

describe('an open finding', () => {
  test('is posted once, however often it is told', async () => {
    const { tell, slack, state } = world();
    expect(await tell(open, open, open)).toEqual(['posted', 'nothing', 'nothing']);
    expect(slack.standing).toHaveLength(1);
    expect(await state.message(scope, 'slack#tag#latest#tag-format')).toEqual({
      scope,
      key: 'slack#tag#latest#tag-format',
      channel: 'registry',
      ts: slack.standing[0]!.ts,
      shown: expect.stringMatching(/^[0-9a-f]{32}$/),
      sequence: 1,
    });
  });

  test.each([
    ['the owner of its namespace', owned, 'payments-registry'],
    ['the policy’s channel where nobody owns it', policyOf([]), 'registry'],
    [
      'the policy’s channel where the owner has none',
      policyOf([], { namespace: { name: 'x', owner: { team: 'x', approvers: [] } } }),
      'registry',
    ],
  ])('goes to %s', async (_, policy, channel) => {
    const { tell, slack } = world({ policy });
    await tell(open);
    expect(slack.standing.map((one) => one.channel)).toEqual([channel]);
  });

  test('is told to nobody where no channel is named, or below the least severity', async () => {
    const nobody = world({ alerts: {} });
    expect(await nobody.tell(open)).toEqual(['nothing']);
    const severe = world({ alerts: { slack: { channel: 'registry', minimumSeverity: 'high' } } });
    expect(await severe.tell(finding({ severity: 'medium' }), finding({ severity: 'high' }))).toEqual([
      'nothing',
      'posted',
    ]);
    expect(nobody.state.messages.size).toBe(0);
  });

  test('that changes is edited in place, also below the least severity', async () => {
    const { tell, slack, shown } = world({
      alerts: { slack: { channel: 'registry', minimumSeverity: 'high' } },
    });
    const milder = finding({ severity: 'low', change: 'updated', sequence: 2 });
    expect(await tell(open, milder)).toEqual(['posted', 'updated']);
    expect(slack.standing).toHaveLength(1);
    expect(shown()[0]).toMatch(/^Low: /);
  });

  test('stays where it was posted when its owner changes', async () => {
    const { tell, slack, dependencies, state } = world();
    await tell(open);
    await state.putFinding(finding({ message: 'other', sequence: 2 }));
    expect(await notify(open, { ...dependencies, policy: owned })).toBe('updated');
    expect(slack.standing.map((one) => one.channel)).toEqual(['registry']);
  });

  test('is posted anew where people deleted the message, or it cannot be edited any more', async () => {
    for (const fate of ['deleted', 'locked'] as const) {
      const { tell, slack, shown } = world();
      await tell(open);
      slack.standing[0]![fate] = true;
      expect(await tell(finding({ message: 'other', sequence: 2 }))).toEqual(['posted']);
      expect(shown()[1]).toContain('other');
      expect(await tell(finding({ message: 'third', sequence: 3 }))).toEqual(['updated']);
      expect(shown()[1]).toContain('third');
    }
  });
});

describe('a finding that is no longer open', () => {
  test.each(['resolved', 'exempt', 'snoozed'] as const)(
    '%s: edits a message and never posts one',
    async (status) => {
      const closed = finding({ status, sequence: 2 });
      const unseen = world();
      expect(await unseen.tell(closed)).toEqual(['nothing']);
      expect(unseen.state.messages.size).toBe(0);
      const seen = world();
      expect(await seen.tell(open, closed)).toEqual(['posted', 'updated']);
      expect(seen.shown()).toEqual([expect.stringMatching(new RegExp(`^${status}: `, 'i'))]);
    },
  );

  test('is left alone where people deleted the message, and the next opening is posted', async () => {
    const { tell, slack, shown } = world();
    await tell(open);
    slack.standing[0]!.deleted = true;
    expect(await tell(resolved)).toEqual(['updated']);
    expect(await tell(finding({ change: 'reopened', sequence: 3 }))).toEqual(['posted']);
    expect(shown()).toHaveLength(2);
  });

  test('opens again in its own message', async () => {
    const { tell, shown } = world();
    await tell(open, resolved, finding({ change: 'reopened', sequence: 3 }));
    expect(shown()).toEqual([expect.stringMatching(/^High: /)]);
  });
});

test('a finding that state does not know is no reason to write', async () => {
  const { dependencies } = world();
  expect(await notify({ scope, key }, dependencies)).toBe('nothing');
});

describe('the claim', () => {
  test('of another invocation is waited for, until its lease ends', async () => {
    const { state, slack, clock, dependencies } = world();
    await state.putFinding(open);
    await state.claim(open, clock.now, clock.now + 60_000);
    clock.now += 20_000;
    const held = await notify(open, dependencies).catch((error: unknown) => error);
    expect(held).toBeInstanceOf(RetryLater);
    expect(held).toMatchObject({ name: 'Unavailable', seconds: 40 });
    clock.now += 40_000;
    expect(await notify(open, dependencies)).toBe('posted');
    expect(slack.standing).toHaveLength(1);
  });

  test('that ended without a word may have posted: who read of the opening reads of the end', async () => {
    const { state, clock, dependencies, shown } = world();
    await state.putFinding(open);
    await state.claim(open, clock.now, clock.now + 60_000);
    await state.putFinding(resolved);
    clock.now += 60_000;
    expect(await notify(open, dependencies)).toBe('posted');
    expect(shown()).toEqual([expect.stringMatching(/^Resolved: /)]);
  });

  test('is given back where Slack surely took nothing, so that the next attempt need not wait', async () => {
    for (const error of [new RateLimited(30), new Refused('not in the channel')]) {
      const { state, slack, dependencies } = world();
      await state.putFinding(open);
      const failing = { ...dependencies, messenger: { ...slack, post: () => Promise.reject(error) } };
      await expect(notify(open, failing)).rejects.toBe(error);
      expect(state.messages.size).toBe(0);
      expect(await notify(open, dependencies)).toBe('posted');
    }
  });

  test('is kept where nobody knows whether Slack took it', async () => {
    const { state, slack, dependencies } = world();
    await state.putFinding(open);
    const failing = {
      ...dependencies,
      messenger: { ...slack, post: () => Promise.reject(new Unavailable('time-out')) },
    };
    await expect(notify(open, failing)).rejects.toThrow('time-out');
    await expect(notify(open, dependencies)).rejects.toBeInstanceOf(RetryLater);
  });
});

describe('where messages cannot be edited', () => {
  function webhook() {
    const posted: string[] = [];
    const messenger = {
      channel: 'webhook',
      async post(channel: string, { text }: { text: string }) {
        posted.push(text);
        return { channel };
      },
    };
    return { posted, ...world({ messenger, alerts: {} }) };
  }

  test('an opening, a resolution and a reopening are told, each once', async () => {
    const { posted, tell } = webhook();
    const told = await tell(
      open,
      open,
      finding({ severity: 'low', change: 'updated', sequence: 2 }),
      finding({ ...resolved, sequence: 3 }),
      finding({ ...resolved, sequence: 3 }),
      finding({ change: 'reopened', sequence: 4 }),
    );
    expect(told).toEqual(['posted', 'nothing', 'nothing', 'posted', 'nothing', 'posted']);
    expect(posted).toEqual([
      expect.stringMatching(/^High: /),
      expect.stringMatching(/^Resolved: /),
      expect.stringMatching(/^High: /),
    ]);
  });

  test('an exemption is not told, its end is', async () => {
    const { posted, tell } = webhook();
    const exempt = finding({ status: 'exempt', sequence: 2 });
    expect(await tell(open, exempt, finding({ sequence: 3 }))).toEqual(['posted', 'remembered', 'posted']);
    expect(posted).toHaveLength(2);
  });

  test('what a webhook posted is posted anew once there is an app', async () => {
    const { tell, dependencies, state } = webhook();
    await tell(open);
    const slack = fakeSlack();
    await state.putFinding(resolved);
    const withApp = { ...dependencies, messenger: slack, alerts: { slack: { channel: 'registry' } } };
    expect(await notify(open, withApp)).toBe('posted');
    expect(slack.standing.map((one) => one.channel)).toEqual(['registry']);
  });
});

describe('a batch of messages', () => {
  const other = finding({
    resource: repositoryResource(),
    rule: 'tag-immutability',
    message: 'tags can move',
  });
  const queued = (id: string, about: { scope: string; key: string }) => ({
    id,
    receipt: `receipt-${id}`,
    body: JSON.stringify({ 'detail-type': 'Finding Changed', source: 'ecr-warden', detail: about }),
  });

  function batchWorld(over: Partial<NotifyDependencies['messenger']> = {}) {
    const made = world();
    const again: [string, number][] = [];
    const inbox = {
      async comeAgain({ id }: { id: string }, seconds: number) {
        again.push([id, seconds]);
      },
    };
    const dependencies = { ...made.dependencies, messenger: { ...made.slack, ...over }, inbox };
    return { ...made, again, dependencies };
  }

  test('one finding told twice is one message, and one bad message stops no other', async () => {
    const { state, slack, again, dependencies } = batchWorld();
    await state.putFinding(open);
    await state.putFinding(other);
    const failed = await notifyMessages(
      [queued('1', open), { id: '2', receipt: '', body: '{' }, queued('3', open), queued('4', other)],
      dependencies,
    );
    expect(failed.map(({ message }) => message.id)).toEqual(['2']);
    expect(slack.standing).toHaveLength(2);
    expect(again).toEqual([]);
  });

  test.each([
    [
      '{"detail-type":"Action Wanted","detail":{}}',
      'detail-type is "Action Wanted": expected "Finding Changed"',
    ],
    ['{"detail-type":"Finding Changed"}', 'detail is missing'],
    ['{"detail-type":"Finding Changed","detail":{"scope":"a","key":"slack#x"}}', 'detail.key is "slack#x"'],
    ['null', 'the event is null'],
  ])('%s is refused with a reason', async (body, reason) => {
    const { dependencies } = batchWorld();
    const [failed] = await notifyMessages([{ id: '1', receipt: '', body }], dependencies);
    expect(failed?.error.message).toContain(reason);
  });

  test('a pause that Slack asks for holds the rest of the batch too', async () => {
    let posts = 0;
    const post = () => {
      posts += 1;
      return Promise.reject(new RateLimited(30));
    };
    const { state, again, dependencies } = batchWorld({ post });
    await state.putFinding(open);
    await state.putFinding(other);
    const failed = await notifyMessages([queued('1', open), queued('2', other)], dependencies);
    expect(failed.map(({ message }) => message.id)).toEqual(['1', '2']);
    expect(again).toEqual([
      ['1', 30],
      ['2', 30],
    ]);
    expect(posts).toBe(1);
  });

  test('so does Slack not answering, but not another one’s claim', async () => {
    let posts = 0;
    const { state, clock, dependencies } = batchWorld({
      post: () => {
        posts += 1;
        return Promise.reject(new Unavailable('time-out'));
      },
    });
    const third = finding({ resource: repositoryResource({ repository: 'third' }) });
    for (const one of [open, other, third]) await state.putFinding(one);
    await state.claim(open, clock.now, clock.now + 60_000);
    const failed = await notifyMessages(
      [queued('1', open), queued('2', other), queued('3', third)],
      dependencies,
    );
    expect(failed.map(({ error }) => error.message)).toEqual([
      'the message is being written by another invocation',
      'time-out',
      'time-out',
    ]);
    expect(posts).toBe(1);
  });

  test('a refusal holds nobody else, and comes again at the queue’s own pace', async () => {
    const { slack, state, again, dependencies } = batchWorld();
    await state.putFinding(open);
    await state.putFinding(other);
    const post: typeof slack.post = (channel, message) =>
      message.text.includes('latest') ? Promise.reject(new Refused('no')) : slack.post(channel, message);
    const failed = await notifyMessages([queued('1', open), queued('2', other)], {
      ...dependencies,
      messenger: { ...slack, post },
    });
    expect(failed.map(({ message }) => message.id)).toEqual(['1']);
    expect(again).toEqual([]);
    expect(slack.standing).toHaveLength(1);
  });
});
