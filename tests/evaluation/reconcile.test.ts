import { tagHistory } from '../../shared/audit/history';
import { sequenceOf } from '../../shared/audit/record';
import { Unavailable } from '../../shared/domain/errors';
import { fail, pass, pending } from '../../shared/domain/result';
import { reconcile } from '../../shared/evaluation/reconcile';
import { deniedTag, heldImage, policyOf, rule, selected } from '../builders/policies';
import { digest, imageResource, repositoryResource, tagResource, trigger } from '../builders/resources';
import { openFindings, reconciler } from '../fakes/reconciler';

const latest = tagResource('latest');

describe('a compliant push under rules on names', () => {
  test('is one record and asks ECR nothing', async () => {
    const world = reconciler(policyOf([deniedTag('latest')]));
    const [outcome] = await reconcile([trigger({ eventId: 'e1' })], world);
    expect(outcome?.error).toBeUndefined();
    expect(world.ecr.calls).toEqual([]);
    expect(world.trail.records).toHaveLength(1);
    expect(world.trail.records[0]).toMatchObject({
      scope: '111122223333/eu-central-1/payments/api',
      record: 'tag#v1#000000000001',
      triggers: [{ kind: 'push', id: 'e1', digest: digest('a') }],
      passes: 1,
      holder: { digest: digest('a'), since: '2026-11-20T10:00:00Z', event: 'e1' },
    });
    expect(world.trail.records[0]).not.toHaveProperty('tell');
    expect(world.trail.records[0]).not.toHaveProperty('findings');
  });

  test('delivered again, alone or beside itself, adds nothing', async () => {
    const world = reconciler(policyOf([deniedTag('latest')]));
    const push = trigger();
    await reconcile([push, { ...push }], world);
    await reconcile([push], world);
    expect(world.trail.records).toHaveLength(1);
    expect(world.trail.records[0]?.triggers).toHaveLength(1);
  });

  test('is recognised at any age, when the window of eight has moved on', async () => {
    const world = reconciler(policyOf([deniedTag('latest')]));
    const pushes = Array.from({ length: 20 }, (_, index) =>
      trigger({
        eventTime: `2026-11-20T10:${String(index).padStart(2, '0')}:00Z`,
        digest: digest(`${index}`),
      }),
    );
    for (const push of pushes) await reconcile([push], world);
    for (const push of pushes) await reconcile([push], world);
    expect(world.trail.records).toHaveLength(20);
  });
});

describe('a push that breaks a rule', () => {
  test('opens a finding that names the digest, and is told', async () => {
    const world = reconciler(policyOf([deniedTag('latest')]));
    world.ecr.push(latest, digest('a'));
    await reconcile([trigger({ resource: latest })], world);
    expect(world.trail.records).toHaveLength(1);
    expect(world.trail.records[0]).toMatchObject({
      results: [{ rule: 'denied-tag', status: 'fail', message: '"latest" is denied', digest: digest('a') }],
      findings: [{ rule: 'denied-tag', status: 'open', severity: 'medium' }],
      changes: [{ rule: 'denied-tag', kind: 'opened' }],
      tell: 1,
    });
  });

  test('that ECR does not show yet is no result: nothing is recorded and the message comes again', async () => {
    const world = reconciler(policyOf([deniedTag('latest')]));
    world.setNow('2026-11-20T10:00:30Z');
    const push = trigger({ resource: latest });
    const [outcome] = await reconcile([push], world);
    expect(outcome?.error).toBeInstanceOf(Unavailable);
    expect(world.trail.records).toEqual([]);
    world.ecr.push(latest, digest('a'));
    await reconcile([push], world);
    expect(openFindings(world.trail)).toEqual([
      'denied-tag 111122223333/eu-central-1/payments/api tag#latest',
    ]);
  });

  test('of a tag that is gone by now is recorded and found nothing', async () => {
    const world = reconciler(policyOf([deniedTag('latest')]));
    await reconcile([trigger({ resource: latest })], world);
    expect(world.trail.records).toHaveLength(1);
    expect(world.trail.records[0]).toMatchObject({ holder: { digest: null, since: null }, passes: 0 });
    expect(openFindings(world.trail)).toEqual([]);
  });

  test('moved to another digest updates its finding, deleted it is resolved, pushed again reopened', async () => {
    const world = reconciler(policyOf([deniedTag('latest')]));
    const changes = () => world.trail.records.at(-1)?.changes;
    world.ecr.push(latest, digest('a'));
    await reconcile([trigger({ resource: latest, eventTime: '2026-11-20T10:00:00Z' })], world);
    world.ecr.push(latest, digest('b'));
    await reconcile(
      [trigger({ resource: latest, digest: digest('b'), eventTime: '2026-11-20T10:05:00Z' })],
      world,
    );
    expect(changes()).toEqual([{ rule: 'denied-tag', kind: 'updated' }]);
    world.ecr.remove(latest);
    await reconcile(
      [trigger({ kind: 'delete', resource: latest, digest: digest('b'), eventTime: '2026-11-20T10:06:00Z' })],
      world,
    );
    expect(changes()).toEqual([{ rule: 'denied-tag', kind: 'resolved', reason: 'gone' }]);
    world.ecr.push(latest, digest('c'));
    await reconcile(
      [trigger({ resource: latest, digest: digest('c'), eventTime: '2026-11-20T10:07:00Z' })],
      world,
    );
    expect(changes()).toEqual([{ rule: 'denied-tag', kind: 'reopened' }]);
    expect(tagHistory(world.trail.records).map(({ from, to }) => [from, to])).toEqual([
      [null, digest('a')],
      [digest('a'), digest('b')],
      [digest('b'), null],
      [null, digest('c')],
    ]);
  });

  test('wants its action only where the mode is enforce', async () => {
    const refused = { ...deniedTag('latest'), actions: ['quarantine-tag'] as const };
    for (const mode of ['report', 'enforce'] as const) {
      const world = reconciler(policyOf([selected(refused, { mode, action: 'quarantine-tag' })]));
      world.ecr.push(latest, digest('a'));
      await reconcile([trigger({ resource: latest })], world);
      const wanted = [{ kind: 'quarantine-tag', step: 'wanted', rule: 'denied-tag' }];
      expect(world.trail.records[0]?.actions).toEqual(mode === 'enforce' ? wanted : undefined);
    }
  });

  test('under an exemption is an exempt finding, and a finding again when the exemption ends', async () => {
    const exemption = { owner: 'payments', ticket: 'PAY-1', reason: 'old pipeline', through: '2026-11-20' };
    let now = Date.parse('2026-11-20T12:00:00Z');
    const world = reconciler(
      policyOf([deniedTag('latest')], {
        exemptionFor: () => (now < Date.parse('2026-11-21') ? exemption : undefined),
      }),
      { now: () => now },
    );
    world.ecr.push(latest, digest('a'));
    await reconcile([trigger({ resource: latest })], world);
    expect(world.trail.records[0]).toMatchObject({
      changes: [{ kind: 'exempted' }],
      findings: [{ status: 'exempt' }],
      results: [{ until: '2026-11-21T00:00:00Z', exemption }],
    });
    expect(world.scheduled).toEqual([
      '111122223333/eu-central-1/payments/api tag#latest 2026-11-21T00:00:00Z',
    ]);
    now = Date.parse('2026-11-21T00:00:01Z');
    const recheck = trigger({ kind: 'recheck', resource: latest, until: '2026-11-21T00:00:00Z' });
    await reconcile([recheck], world);
    expect(world.trail.records.at(-1)).toMatchObject({
      changes: [{ kind: 'reopened' }],
      findings: [{ status: 'open' }],
    });
  });
});

describe('what a push touches', () => {
  test('the image, and the image that silently lost the tag', async () => {
    const world = reconciler(policyOf([heldImage]));
    world.ecr.push(tagResource('v1'), digest('a'));
    await reconcile([trigger({ eventTime: '2026-11-20T10:00:00Z' })], world);
    expect(openFindings(world.trail)).toEqual([
      `held-image 111122223333/eu-central-1/payments/api image#${digest('a')}`,
    ]);
    world.ecr.push(tagResource('v1'), digest('b'));
    await reconcile([trigger({ digest: digest('b'), eventTime: '2026-11-20T10:05:00Z' })], world);
    expect(openFindings(world.trail)).toEqual([
      `held-image 111122223333/eu-central-1/payments/api image#${digest('b')}`,
    ]);
  });

  test('the others are settled before the trigger is recorded', async () => {
    const world = reconciler(policyOf([heldImage]));
    world.ecr.push(tagResource('v1'), digest('a'));
    await reconcile([trigger()], world);
    expect(world.trail.records.map(({ record }) => record)).toEqual([
      `image#${digest('a')}#000000000001`,
      'tag#v1#000000000001',
    ]);
  });

  test('one that cannot be settled leaves the trigger unrecorded', async () => {
    const world = reconciler(policyOf([heldImage]));
    world.ecr.push(tagResource('v1'), digest('a'));
    const broken = {
      ...world,
      ecr: { ...world.ecr, image: () => Promise.reject(new Unavailable('a throttle')) },
    };
    const [outcome] = await reconcile([trigger()], broken);
    expect(outcome?.error?.message).toBe('a throttle');
    expect(world.trail.records).toEqual([]);
  });

  test('a repository that nobody has judged yet, once', async () => {
    const evaluate = jest.fn(() => fail('no'));
    const world = reconciler(policyOf([rule({ id: 'never', kind: 'repository', evaluate })]));
    world.ecr.create(repositoryResource());
    await reconcile([trigger({ eventTime: '2026-11-20T10:00:00Z' })], world);
    await reconcile([trigger({ eventTime: '2026-11-20T10:01:00Z' })], world);
    const judged = evaluate.mock.calls.length;
    await reconcile([trigger({ eventTime: '2026-11-20T10:02:00Z' })], {
      ...world,
      evaluatedRepositories: new Set(),
    });
    expect(evaluate.mock.calls).toHaveLength(judged);
    expect(world.trail.records.filter(({ record }) => record.startsWith('repository#'))).toHaveLength(1);
  });

  test('without a tag: the tags whose findings name a deleted digest', async () => {
    const world = reconciler(policyOf([deniedTag('latest')]));
    world.ecr.push(latest, digest('a'));
    await reconcile([trigger({ resource: latest })], world);
    world.ecr.remove(latest);
    await reconcile(
      [
        trigger({
          kind: 'delete',
          resource: imageResource('a'),
          digest: digest('a'),
          eventTime: '2026-11-20T11:00:00Z',
        }),
      ],
      world,
    );
    expect(openFindings(world.trail)).toEqual([]);
  });
});

describe('records of what happened', () => {
  test('an actor is appended without evaluation and carries the decision on', async () => {
    const world = reconciler(policyOf([deniedTag('latest')]));
    world.ecr.push(latest, digest('a'));
    await reconcile([trigger({ resource: latest })], world);
    const before = world.ecr.calls.length;
    await reconcile(
      [
        trigger({
          kind: 'actor',
          resource: latest,
          actor: 'arn:aws:sts::111122223333:assumed-role/ci/run-1',
        }),
      ],
      world,
    );
    const [first, second] = world.trail.records;
    expect(world.ecr.calls).toHaveLength(before);
    expect(second).toMatchObject({
      findings: first!.findings,
      results: first!.results,
      evaluatedAt: first!.evaluatedAt,
    });
    expect(second).not.toHaveProperty('changes');
    expect(tagHistory(world.trail.records)).toMatchObject([
      { actor: 'arn:aws:sts::111122223333:assumed-role/ci/run-1' },
    ]);
  });

  test('a failed push alone counts as nothing seen', async () => {
    const world = reconciler(policyOf([deniedTag('latest')]));
    await reconcile([trigger({ kind: 'failed', resource: latest, detail: 'PUSH FAILED' })], world);
    expect(world.trail.records).toHaveLength(1);
    expect(world.trail.records[0]).not.toHaveProperty('evaluatedAt');
  });

  test('a call on a registry asks for a sweep and notes since when a destination is known', async () => {
    const world = reconciler(policyOf([deniedTag('latest')]));
    world.ecr.setDestinations([{ account: '111122223333', region: 'eu-west-1', prefixes: [] }]);
    const registry = { kind: 'registry', account: '111122223333', region: 'eu-central-1' } as const;
    await reconcile(
      [trigger({ kind: 'registry-settings', resource: registry, detail: 'PutReplicationConfiguration' })],
      world,
    );
    expect(world.trail.records[0]).toMatchObject({
      destinations: [{ region: 'eu-west-1', since: '2026-11-20T10:00:00Z' }],
      actions: [{ kind: 'sweep-scope', step: 'wanted', reason: 'PutReplicationConfiguration' }],
      tell: 1,
    });
  });
});

describe('pending', () => {
  const waiting = rule({
    id: 'waits',
    kind: 'tag',
    evaluate: ({ now }) =>
      now < Date.parse('2026-11-20T12:30:00Z')
        ? pending('2026-11-20T12:30:00Z', 'not yet')
        : fail('too late'),
  });

  test('is looked at again at its instant, and turns by time alone', async () => {
    const world = reconciler(policyOf([waiting]));
    world.ecr.push(tagResource(), digest('a'));
    await reconcile([trigger()], world);
    expect(world.scheduled).toEqual(['111122223333/eu-central-1/payments/api tag#v1 2026-11-20T12:30:00Z']);
    expect(world.trail.records[0]).not.toHaveProperty('tell');
    world.setNow('2026-11-20T12:30:01Z');
    await reconcile([trigger({ kind: 'recheck', until: '2026-11-20T12:30:00Z' })], world);
    expect(world.trail.records.at(-1)).toMatchObject({
      changes: [{ kind: 'opened' }],
      triggers: [{ kind: 'recheck' }],
    });
  });

  test('a recheck whose head no longer holds its instant ends there', async () => {
    const world = reconciler(policyOf([waiting]));
    world.ecr.push(tagResource(), digest('a'));
    await reconcile([trigger()], world);
    world.setNow('2026-11-20T12:40:00Z');
    await reconcile([trigger({ kind: 'recheck', until: '2026-11-20T12:10:00Z' })], world);
    expect(world.trail.records).toHaveLength(1);
  });
});

describe('races', () => {
  test('an append that was lost starts again from the head and leaves no gap', async () => {
    const world = reconciler(policyOf([deniedTag('latest')]));
    const pushes = Array.from({ length: 4 }, (_, index) =>
      trigger({ eventTime: `2026-11-20T10:0${index}:00Z`, digest: digest(`${index}`) }),
    );
    const outcomes = await Promise.all(pushes.map((push) => reconcile([push], world)));
    expect(outcomes.flat().filter(({ error }) => error)).toEqual([]);
    expect(world.trail.records.map(sequenceOf)).toEqual([1, 2, 3, 4]);
    expect(world.trail.records.at(-1)?.holder?.digest).toBe(digest('3'));
    for (const [index, record] of world.trail.records.entries()) {
      if (index > 0) expect(record.previousHash).toEqual(world.trail.records[index - 1]?.hash);
    }
  });

  test('after five lost turns the message goes back', async () => {
    const world = reconciler(policyOf([deniedTag('latest')]));
    const [outcome] = await reconcile([trigger()], {
      ...world,
      trail: { ...world.trail, insert: async (records) => records.map(() => false) },
    });
    expect(outcome?.error).toBeInstanceOf(Unavailable);
  });

  test('an older policy does not speak over a newer one', async () => {
    const newer = reconciler(
      policyOf([deniedTag('latest')], { hash: 'b'.repeat(64), builtAt: '2026-11-20T09:00:00Z' }),
    );
    await reconcile([trigger()], newer);
    const older = policyOf([rule({ id: 'always', kind: 'tag', evaluate: () => pass() })], {
      builtAt: '2026-11-20T08:00:00Z',
    });
    const [outcome] = await reconcile([trigger({ eventTime: '2026-11-20T10:01:00Z' })], {
      ...newer,
      policy: older,
    });
    expect(outcome?.error).toBeInstanceOf(Unavailable);
    expect(newer.trail.records).toHaveLength(1);
  });

  test('one trigger that fails does not stop its batch mates', async () => {
    const world = reconciler(
      policyOf([
        deniedTag('latest'),
        rule({
          id: 'broken',
          kind: 'tag',
          evaluate: ({ resource }) => {
            if (resource.kind === 'tag' && resource.tag === 'boom') throw new Error('a fault of ours');
            return pass();
          },
        }),
      ]),
    );
    const outcomes = await reconcile(
      [
        trigger({ resource: tagResource('boom') }),
        ...Array.from({ length: 9 }, (_, index) => trigger({ resource: tagResource(`v${index}`) })),
      ],
      world,
    );
    expect(outcomes.filter(({ error }) => error).map(({ error }) => error?.message)).toEqual([
      'a fault of ours',
    ]);
    expect(world.trail.records).toHaveLength(9);
  });
});
