import type { Resource } from '../../shared/domain/resource';
import type { Trigger } from '../../shared/domain/trigger';
import { eventTypes, parseEvent } from '../../shared/events';
import { eventFixture, eventFixtureNames, fixtureSources } from './fixtures';

const registry = { account: '111122223333', region: 'eu-west-1' };
const api = { ...registry, repository: 'payments/api' };
const replica = { account: '111122223333', region: 'us-east-1', repository: 'payments/api' };
const ci = 'arn:aws:sts::111122223333:assumed-role/ci/run-42';

function digest(digit: string): string {
  return `sha256:${digit.repeat(64)}`;
}

function tag(name: string, where = api): Resource {
  return { kind: 'tag', ...where, tag: name };
}

function image(digit: string, where = api): Resource {
  return { kind: 'image', ...where, digest: digest(digit) };
}

function repository(name: string): Resource {
  return { kind: 'repository', ...registry, repository: name };
}

/** The fixtures are numbered: the number ends the event's id and is the second of its time. */
function event(number: string): Pick<Trigger, 'eventId' | 'eventTime'> {
  return {
    eventId: `0b8f3c1e-1111-4222-8333-9444455000${number}`,
    eventTime: `2026-11-20T10:15:${number}Z`,
  };
}

/** A CloudTrail entry happened at its own time, minutes before EventBridge delivered it. */
function call(number: string): Pick<Trigger, 'eventId' | 'eventTime'> {
  return { ...event(number), eventTime: '2026-11-20T08:59:58Z' };
}

const expected: Readonly<Record<string, readonly Trigger[]>> = {
  'image-action-push': [{ ...event('01'), kind: 'push', resource: tag('v1.4.2'), digest: digest('1') }],
  'image-action-push-untagged': [{ ...event('02'), kind: 'push', resource: image('2') }],
  'image-action-push-no-tag': [{ ...event('03'), kind: 'push', resource: image('3') }],
  'image-action-push-signature': [
    {
      ...event('04'),
      kind: 'referrer',
      resource: tag(`sha256-${'1'.repeat(64)}.sig`),
      digest: digest('4'),
      subject: digest('1'),
    },
  ],
  'image-action-push-referrers-tag': [
    {
      ...event('05'),
      kind: 'referrer',
      resource: tag(`sha256-${'1'.repeat(64)}`),
      digest: digest('5'),
      subject: digest('1'),
    },
  ],
  'image-action-push-failed': [
    { ...event('06'), kind: 'failed', resource: tag('v1.4.3'), detail: 'PUSH FAILED' },
  ],
  'image-action-delete': [{ ...event('07'), kind: 'delete', resource: tag('v1.4.2'), digest: digest('1') }],
  'image-action-delete-untagged': [{ ...event('08'), kind: 'delete', resource: image('2') }],
  'image-action-archive': [
    { ...event('09'), kind: 'storage-class', resource: image('6'), detail: 'ARCHIVE' },
  ],
  'image-action-restore': [
    { ...event('10'), kind: 'storage-class', resource: image('6'), detail: 'STANDARD' },
  ],
  'referrer-action-restore': [
    { ...event('11'), kind: 'storage-class', resource: image('7'), detail: 'STANDARD' },
  ],
  'referrer-action-push': [{ ...event('12'), kind: 'referrer', resource: image('7') }],
  'referrer-action-delete': [{ ...event('13'), kind: 'delete', resource: image('7') }],
  'replication-action': [
    {
      ...event('14'),
      kind: 'replicate',
      resource: tag('v1.4.2', replica),
      digest: digest('1'),
      source: registry,
    },
  ],
  'replication-action-untagged': [
    { ...event('15'), kind: 'replicate', resource: image('1', replica), source: registry },
  ],
  'replication-action-failed': [
    {
      ...event('16'),
      kind: 'failed',
      resource: tag('v1.4.2', replica),
      digest: digest('1'),
      source: registry,
      detail: 'REPLICATE FAILED',
    },
  ],
  'pull-through-cache-action': [
    {
      ...event('17'),
      kind: 'pull-through',
      resource: tag('3.20', { ...registry, repository: 'docker-hub/library/alpine' }),
      digest: digest('8'),
    },
  ],
  'pull-through-cache-action-failed': [
    {
      ...event('18'),
      kind: 'failed',
      resource: tag('3.21', { ...registry, repository: 'docker-hub/library/alpine' }),
      detail: 'PULL_THROUGH_CACHE FAILED: UpstreamUnavailable: The upstream registry did not answer.',
    },
  ],
  'image-scan': [{ ...event('19'), kind: 'scan', resource: image('1'), detail: 'COMPLETE' }],
  'scan-resource-change': [
    {
      ...event('20'),
      kind: 'settings',
      resource: repository('payments/api'),
      detail: 'SCAN_FREQUENCY_CHANGE',
    },
    {
      ...event('20'),
      kind: 'settings',
      resource: repository('payments/worker'),
      detail: 'SCAN_FREQUENCY_CHANGE',
    },
  ],
  'inspector-scan': [{ ...event('21'), kind: 'scan', resource: image('1'), detail: 'INITIAL_SCAN_COMPLETE' }],
  'cloudtrail-create-repository': [
    {
      ...call('22'),
      kind: 'settings',
      resource: repository('payments/api'),
      actor: ci,
      detail: 'CreateRepository',
    },
  ],
  'cloudtrail-put-image': [
    {
      ...call('23'),
      kind: 'actor',
      resource: tag('v1.4.2'),
      digest: digest('1'),
      actor: ci,
      detail: 'PutImage',
    },
  ],
  'cloudtrail-put-image-untagged': [
    { ...call('24'), kind: 'actor', resource: image('2'), actor: ci, detail: 'PutImage' },
  ],
  'cloudtrail-put-image-denied': [
    { ...call('25'), kind: 'failed', resource: tag('v1.4.2'), actor: ci, detail: 'PutImage AccessDenied' },
  ],
  'cloudtrail-batch-delete-image': [
    {
      ...call('26'),
      kind: 'actor',
      resource: tag('v1.4.2'),
      digest: digest('1'),
      actor: ci,
      detail: 'BatchDeleteImage',
    },
    {
      ...call('26'),
      kind: 'actor',
      resource: tag('stable'),
      digest: digest('1'),
      actor: ci,
      detail: 'BatchDeleteImage',
    },
    { ...call('26'), kind: 'actor', resource: image('2'), actor: ci, detail: 'BatchDeleteImage' },
  ],
  'cloudtrail-update-image-storage-class': [
    { ...call('27'), kind: 'storage-class', resource: image('6'), actor: ci, detail: 'ARCHIVE' },
  ],
  'cloudtrail-put-lifecycle-policy': [
    {
      ...call('28'),
      kind: 'settings',
      resource: repository('payments/api'),
      actor: ci,
      detail: 'PutLifecyclePolicy',
    },
  ],
  'cloudtrail-tag-resource': [
    {
      ...call('29'),
      kind: 'settings',
      resource: repository('payments/api'),
      actor: ci,
      detail: 'TagResource',
    },
  ],
  'cloudtrail-delete-repository': [
    {
      ...call('30'),
      kind: 'repository-deleted',
      resource: repository('payments/api'),
      actor: ci,
      detail: 'DeleteRepository',
    },
  ],
  'cloudtrail-put-replication-configuration': [
    {
      ...call('31'),
      kind: 'registry-settings',
      resource: { kind: 'registry', ...registry },
      actor: ci,
      detail: 'PutReplicationConfiguration',
    },
  ],
  'cloudtrail-describe-images': [],
  'cloudtrail-policy-execution': [
    {
      ...call('33'),
      kind: 'policy-run',
      resource: repository('payments/api'),
      actor: 'AWS Internal',
      detail: 'PolicyExecutionEvent',
    },
    {
      ...call('33'),
      kind: 'policy-run',
      resource: tag('v1.0.0'),
      digest: digest('a'),
      actor: 'AWS Internal',
      detail: 'expire',
    },
    {
      ...call('33'),
      kind: 'policy-run',
      resource: tag('old'),
      digest: digest('a'),
      actor: 'AWS Internal',
      detail: 'expire',
    },
    {
      ...call('33'),
      kind: 'policy-run',
      resource: image('b'),
      actor: 'AWS Internal',
      detail: 'transition',
    },
  ],
  'cloudtrail-policy-execution-empty': [
    {
      ...call('34'),
      kind: 'policy-run',
      resource: repository('payments/api'),
      actor: 'AWS Internal',
      detail: 'PolicyExecutionEvent',
    },
  ],
  'cloudtrail-dry-run': [
    {
      ...call('35'),
      kind: 'failed',
      resource: repository('payments/api'),
      actor: 'AWS Internal',
      detail: 'DryRunEvent',
    },
  ],
};

describe('an event that AWS documents', () => {
  test.each(Object.keys(expected))('%s gives its triggers', (name) => {
    expect(parseEvent(eventFixture(name))).toStrictEqual({ triggers: expected[name] });
  });

  test('is in the table above and names the page that shows its shape', () => {
    expect(Object.keys(expected).sort()).toEqual(eventFixtureNames);
    expect(fixtureSources).toEqual(
      Object.fromEntries(
        eventFixtureNames.map((name) => [
          `${name}.json`,
          expect.objectContaining({ url: expect.stringMatching(/^https:\/\/docs\.aws\.amazon\.com\//) }),
        ]),
      ),
    );
  });

  test('is of a detail-type in the list, and the list has no type without a fixture', () => {
    const inFixtures = new Set(
      eventFixtureNames.map((name) => {
        const { source, 'detail-type': detailType } = eventFixture(name);
        return `${source} ${detailType}`;
      }),
    );
    expect([...inFixtures].sort()).toEqual(
      eventTypes.map((type) => `${type.source} ${type.detailType}`).sort(),
    );
  });
});
