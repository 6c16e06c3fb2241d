import { findingKey } from '../../shared/alerts/finding';
import { publish, publishStream } from '../../shared/alerts/publish';
import { nextRecord } from '../../shared/audit/next-record';
import { InvalidInput, Unavailable } from '../../shared/domain/errors';
import { scopeOf } from '../../shared/domain/resource';
import type { OwnEvent } from '../../shared/events/own-event';
import { evaluatedRecord, judged, openFinding } from '../builders/findings';
import { digest, tagResource, trigger } from '../builders/resources';
import { fakeState } from '../fakes/state';

const latest = tagResource('latest');
const scope = scopeOf(latest);
const key = findingKey(latest, 'tag-format');

const opened = evaluatedRecord(undefined, {
  results: [judged({ action: 'quarantine-tag', mode: 'enforce' })],
  findings: [openFinding()],
  changes: [{ rule: 'tag-format', kind: 'opened' }],
  actions: [{ kind: 'quarantine-tag', step: 'wanted', rule: 'tag-format' }],
  triggers: [trigger({ resource: latest, actor: 'arn:aws:sts::111122223333:assumed-role/ci/build-7' })],
});
const resolved = evaluatedRecord(opened, {
  passes: 1,
  closed: ['tag-format'],
  changes: [{ rule: 'tag-format', kind: 'resolved', reason: 'gone' }],
  recordedAt: '2026-11-20T12:00:00Z',
});
const reopened = evaluatedRecord(resolved, {
  results: [judged({ severity: 'low', digest: digest('b') })],
  findings: [openFinding({ severity: 'low', openedAt: '2026-11-20T13:00:00.000Z' })],
  changes: [{ rule: 'tag-format', kind: 'reopened' }],
  recordedAt: '2026-11-20T13:00:00Z',
});

function world() {
  const state = fakeState();
  const events: OwnEvent[] = [];
  const bus = { put: async (put: readonly OwnEvent[]) => void events.push(...put) };
  return { state, events, bus, dependencies: { findings: state, bus } };
}

describe('a record with an opened finding', () => {
  test('puts what people need to know of it into state', async () => {
    const { state, dependencies } = world();
    await publish(opened, dependencies);
    expect(await state.finding(scope, key)).toEqual({
      scope,
      key: 'finding#tag#latest#tag-format',
      rule: 'tag-format',
      status: 'open',
      severity: 'high',
      message: 'tag "latest" is denied by "latest"',
      evidence: { tag: 'latest', deniedBy: 'latest' },
      resource: latest,
      digest: digest('a'),
      mode: 'enforce',
      action: 'quarantine-tag',
      actor: 'arn:aws:sts::111122223333:assumed-role/ci/build-7',
      openedAt: '2026-11-20T10:00:01.000Z',
      changedAt: '2026-11-20T10:00:01.000Z',
      change: 'opened',
      sequence: 1,
      record: 'tag#latest#000000000001',
    });
  });

  test('tells of the change and of the wanted action, with ids that a repetition keeps', async () => {
    const { events, dependencies } = world();
    await publish(opened, dependencies);
    await publish(opened, dependencies);
    const [change, action, ...again] = events;
    expect(change).toEqual({
      detailType: 'Finding Changed',
      detail: {
        id: expect.stringMatching(/^[0-9a-f]{32}$/),
        scope,
        key,
        rule: 'tag-format',
        change: 'opened',
        severity: 'high',
        resource: latest,
        sequence: 1,
      },
    });
    expect(action?.detailType).toBe('Action Wanted');
    expect(action?.detail).toMatchObject({
      action: 'quarantine-tag',
      key,
      policyHash: 'a'.repeat(64),
      sequence: 1,
    });
    expect(action?.detail.id).not.toBe(change?.detail.id);
    expect(again).toEqual([change, action]);
  });

  test('is in state before the bus hears of it', async () => {
    const { state } = world();
    const seen: unknown[] = [];
    await publish(opened, {
      findings: state,
      bus: { put: async () => void seen.push(await state.finding(scope, key)) },
    });
    expect(seen).toEqual([expect.objectContaining({ sequence: 1 })]);
  });
});

describe('a resolved finding', () => {
  test('stays as a tombstone with what was said of it', async () => {
    const { state, dependencies } = world();
    await publish(opened, dependencies);
    await publish(resolved, dependencies);
    expect(await state.finding(scope, key)).toMatchObject({
      status: 'resolved',
      reason: 'gone',
      severity: 'high',
      message: 'tag "latest" is denied by "latest"',
      openedAt: '2026-11-20T10:00:01.000Z',
      changedAt: '2026-11-20T12:00:00.000Z',
      sequence: 2,
    });
  });

  test('is not opened again by an older record that comes late, which is told of all the same', async () => {
    const { state, events, dependencies } = world();
    await publish(resolved, dependencies);
    await publish(opened, dependencies);
    const standing = await state.finding(scope, key);
    expect(standing).toMatchObject({ status: 'resolved', sequence: 2, severity: 'high' });
    expect(standing).not.toHaveProperty('openedAt');
    expect(events.map(({ detail }) => detail.sequence)).toEqual([2, 1, 1]);
  });

  test('opens again with its own time, severity and digest', async () => {
    const { state, dependencies } = world();
    for (const record of [opened, resolved, reopened]) await publish(record, dependencies);
    const standing = await state.finding(scope, key);
    expect(standing).toMatchObject({
      status: 'open',
      severity: 'low',
      digest: digest('b'),
      change: 'reopened',
    });
    expect(standing).not.toHaveProperty('reason');
    expect(standing?.openedAt).toBe('2026-11-20T13:00:00.000Z');
  });
});

test('an action that is no wish, and a record without changes, tell nobody', async () => {
  const { events, dependencies } = world();
  const done = evaluatedRecord(undefined, {
    actions: [{ kind: 'quarantine-tag', step: 'done', rule: 'tag-format' }],
  });
  await publish(done, dependencies);
  await publish(evaluatedRecord(undefined, { passes: 1 }), dependencies);
  expect(events).toEqual([]);
});

test('a registry setting asks for a sweep of its scope', async () => {
  const { events, dependencies } = world();
  const resource = { kind: 'registry', account: latest.account, region: latest.region } as const;
  const record = nextRecord(
    undefined,
    {
      resource,
      triggers: [],
      actions: [{ kind: 'sweep-scope', step: 'wanted', reason: 'PutReplicationConfiguration' }],
    },
    0,
  );
  await publish(record, dependencies);
  expect(events).toEqual([
    {
      detailType: 'Sweep Wanted',
      detail: {
        id: expect.stringMatching(/^[0-9a-f]{32}$/),
        scope: '111122223333/eu-central-1',
        reason: 'PutReplicationConfiguration',
      },
    },
  ]);
});

test('a new policy, whose record names no resource, asks for a sweep too', async () => {
  const { events, dependencies } = world();
  const record = { ...opened, scope: 'policy', record: 'policy#000000000001' };
  await publish({ ...record, actions: [{ kind: 'sweep-scope', step: 'wanted' }] }, dependencies);
  expect(events.map(({ detailType, detail }) => [detailType, detail.scope])).toEqual([
    ['Sweep Wanted', 'policy'],
  ]);
});

describe('a stream', () => {
  const entry = (sequenceNumber: string, record: () => typeof opened) => ({ sequenceNumber, record });

  test('stops at the first record that fails and names it', async () => {
    const { state, dependencies } = world();
    const newer = new InvalidInput('format 2');
    const failed = await publishStream(
      [
        entry('10', () => opened),
        entry('11', () => {
          throw newer;
        }),
        entry('12', () => resolved),
      ],
      dependencies,
    );
    expect(failed).toEqual({ sequenceNumber: '11', error: newer });
    expect(await state.finding(scope, key)).toMatchObject({ status: 'open' });
  });

  test('stops where the bus is away, so that nothing is lost', async () => {
    const { state } = world();
    const bus = { put: () => Promise.reject(new Unavailable('throttled')) };
    const failed = await publishStream([entry('10', () => opened), entry('11', () => resolved)], {
      findings: state,
      bus,
    });
    expect(failed).toMatchObject({ sequenceNumber: '10' });
  });

  test('answers nothing where all went well', async () => {
    const { dependencies } = world();
    expect(await publishStream([entry('10', () => opened)], dependencies)).toBeUndefined();
  });
});
