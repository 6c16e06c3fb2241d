import type { Facts } from '../../shared/domain/facts';
import type { Holder } from '../../shared/domain/holder';
import { replicated } from '../../shared/rules/replicated';
import type { RuleNamespace } from '../../shared/rules/rule';
import { account, digest, tagResource } from '../builders/resources';

const image = {
  digest: digest('a'),
  tags: ['v1'],
  pushedAt: '2026-11-20T10:00:00Z',
  status: 'ACTIVE',
} as const;
const destination = { account, region: 'eu-west-1', prefixes: [], since: '2026-11-01T00:00:00Z' };
const there = { account, region: 'eu-west-1', digest: digest('a') };
const holder: Holder = { digest: digest('a'), since: '2026-11-20T10:00:00Z' };

function judge(over: Partial<Facts> & { now?: string; holder?: Holder; namespace?: RuleNamespace } = {}) {
  const { now = '2026-11-20T10:10:00Z', namespace, ...facts } = over;
  return replicated.evaluate(
    {
      resource: tagResource(),
      facts: {
        tag: image,
        image: null,
        repository: null,
        lifecyclePolicy: null,
        replicationConfiguration: { destinations: [destination] },
        replicas: [{ ...there, digest: null, status: 'IN_PROGRESS' }],
        ...facts,
      },
      holder: over.holder ?? holder,
      now: Date.parse(now),
      ...(namespace && { namespace }),
    },
    { within: '30m' },
  );
}

describe('replicated', () => {
  test('passes where every destination has the digest', () => {
    expect(judge({ replicas: [there] })).toEqual({ status: 'pass' });
  });

  test('passes where nothing is replicated', () => {
    expect(judge({ replicationConfiguration: { destinations: [] }, replicas: [] })).toEqual({
      status: 'pass',
    });
  });

  test('is pending until the deadline, counted from the move and not from now', () => {
    expect(judge()).toMatchObject({ status: 'pending', until: '2026-11-20T10:30:00Z' });
    expect(judge({ now: '2026-11-20T10:29:59Z' })).toMatchObject({
      status: 'pending',
      until: '2026-11-20T10:30:00Z',
    });
  });

  test('fails at the deadline, and names the destination', () => {
    expect(judge({ now: '2026-11-20T10:30:00Z' })).toMatchObject({
      status: 'fail',
      message: 'not in eu-west-1 (111122223333) in time',
    });
  });

  test('a namespace has its own deadline and destinations', () => {
    const namespace = {
      name: 'payments',
      replication: { to: [{ account, region: 'eu-west-3' }], withinMilliseconds: 60_000 },
    };
    const replicas = [there, { account, region: 'eu-west-3', digest: null }];
    expect(judge({ namespace, replicas })).toMatchObject({
      status: 'fail',
      message: 'not in eu-west-3 (111122223333) in time',
    });
  });

  test('fails at once where ECR says that it failed, with its reason', () => {
    const replicas = [{ ...there, digest: null, status: 'FAILED' as const, failureCode: 'AccessDenied' }];
    expect(judge({ replicas })).toMatchObject({
      status: 'fail',
      message: expect.stringContaining('AccessDenied'),
    });
  });

  test('says what stands there instead', () => {
    const replicas = [{ ...there, digest: digest('b') }];
    expect(judge({ replicas, now: '2026-11-20T11:00:00Z' })).toMatchObject({
      status: 'fail',
      message: expect.stringContaining(digest('b')),
    });
  });

  test('what it cannot see is an error, what it was never told is skipped: neither is a pass', () => {
    const denied = { unseen: 'denied', message: 'denied' } as const;
    expect(judge({ tag: denied })).toMatchObject({ status: 'error' });
    expect(judge({ replicationConfiguration: denied })).toMatchObject({ status: 'error' });
    expect(judge({ replicas: denied })).toMatchObject({ status: 'error' });
    expect(judge({ replicas: [{ ...there, digest: denied }] })).toMatchObject({ status: 'error' });
    expect(judge({ tag: null })).toMatchObject({ status: 'skip' });
    expect(judge({ holder: { digest: digest('a'), since: null } })).toMatchObject({ status: 'skip' });
    expect(judge({ holder: { digest: digest('a'), since: '2026-10-01T00:00:00Z' } })).toMatchObject({
      status: 'skip',
    });
  });

  test('reads exactly the facts that it declares', () => {
    const read = new Set<string>();
    const facts = {
      tag: image,
      replicationConfiguration: { destinations: [destination] },
      replicas: [there],
    };
    const watched = new Proxy(facts, {
      get(all, name) {
        read.add(String(name));
        return all[name as keyof typeof all];
      },
    }) as unknown as Facts;
    replicated.evaluate({ resource: tagResource(), facts: watched, holder, now: 0 }, { within: '30m' });
    expect([...read].toSorted()).toEqual(replicated.facts.toSorted());
  });
});
