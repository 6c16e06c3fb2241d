import type { ReplicaFact } from '../../shared/domain/facts';
import { expectedDestinations } from '../../shared/replication/expected-destinations';
import { replicationVerdicts } from '../../shared/replication/verdict';
import { account, digest } from '../builders/resources';

const home = { account, region: 'eu-central-1' };
const ireland = { account, region: 'eu-west-1' };
const paris = { account, region: 'eu-west-3' };
const since = '2026-11-01T00:00:00Z';

describe('where a tag should be', () => {
  test.each([
    ['no filter means every repository', [], true],
    ['a filter is a raw prefix', ['prod'], true],
    ['of the name from its start', ['uction'], false],
    ['one of several is enough', ['dev', 'prod'], true],
  ])('%s', (_, prefixes, expected) => {
    const found = expectedDestinations(home, 'production/api', [{ ...ireland, prefixes, since }], []);
    expect(found).toEqual(expected ? [{ ...ireland, since }] : []);
  });

  test('what the namespace demands needs no configuration, and counts once with it', () => {
    const found = expectedDestinations(home, 'a', [{ ...ireland, prefixes: [], since }], [ireland, paris]);
    expect(found).toEqual([ireland, paris]);
  });

  test('never in the registry it is in', () => {
    expect(expectedDestinations(home, 'a', [{ ...home, prefixes: [], since }], [home])).toEqual([]);
  });
});

describe('how a destination stands', () => {
  const moved = Date.parse('2026-11-20T10:00:00Z');
  const deadline = moved + 1_800_000;
  const before = deadline - 1;
  const state = (replica: Partial<ReplicaFact>, now: number, movedAt: number | null = moved) =>
    replicationVerdicts(
      digest('a'),
      movedAt,
      deadline,
      now,
      [{ ...ireland, since }],
      [{ ...ireland, digest: null, ...replica }],
    )[0]?.state;

  test.each<[string, Partial<ReplicaFact>, number, string]>([
    ['there', { digest: digest('a') }, before, 'there'],
    ['there, however late', { digest: digest('a') }, deadline + 1, 'there'],
    ['there, whatever the source says', { digest: digest('a'), status: 'FAILED' }, before, 'there'],
    ['not there yet', {}, before, 'waiting'],
    ['not there at the deadline', {}, deadline, 'late'],
    ['an older digest, still in time', { digest: digest('b') }, before, 'waiting'],
    ['an older digest at the deadline', { digest: digest('b') }, deadline, 'other-digest'],
    [
      'complete by the source, but without the tag (an immutable destination)',
      { status: 'COMPLETE' },
      deadline,
      'late',
    ],
    ['failed, before the deadline', { status: 'FAILED', failureCode: 'AccessDenied' }, before, 'failed'],
    ['not to be seen', { digest: { unseen: 'denied', message: 'denied' } }, deadline, 'unseen'],
  ])('%s', (_, replica, now, expected) => {
    expect(state(replica, now)).toBe(expected);
  });

  test('what moved before the destination was known is not expected there', () => {
    expect(state({}, deadline, Date.parse(since) - 1)).toBe('not-expected');
    expect(state({}, deadline, null)).toBe('not-expected');
  });
});
