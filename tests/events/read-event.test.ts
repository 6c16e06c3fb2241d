import type { Trigger } from '../../shared/domain/trigger';
import { parseEvent } from '../../shared/events';
import { isIndexMediaType } from '../../shared/events/media-type';
import { eventFixture, withDetail, withEnvelope } from './fixtures';

const ones = `sha256:${'1'.repeat(64)}`;

function triggers(body: unknown): readonly Trigger[] {
  const parsed = parseEvent(body);
  if ('rejected' in parsed) throw new Error(parsed.rejected);
  return parsed.triggers;
}

function rejection(body: unknown): string {
  const parsed = parseEvent(body);
  if ('triggers' in parsed) throw new Error(`accepted as ${JSON.stringify(parsed.triggers)}`);
  return parsed.rejected;
}

describe('the envelope', () => {
  test.each([
    ['2026-11-20T10:15:30.000Z', '2026-11-20T10:15:30Z'],
    ['2026-11-20T10:15:30.5Z', '2026-11-20T10:15:30.500Z'],
    ['2026-11-20T11:15:30+01:00', '2026-11-20T10:15:30Z'],
  ])('writes the time %s as %s', (time, eventTime) => {
    expect(triggers(withEnvelope('image-action-push', { time }))).toEqual([
      expect.objectContaining({ eventTime }),
    ]);
  });

  test('may hold fields that nobody knows yet', () => {
    const body = { ...withDetail('image-action-push', { 'new-field': { a: 1 } }), 'replay-name': 'x' };
    expect(triggers(body)).toEqual(triggers(eventFixture('image-action-push')));
  });
});

describe('names', () => {
  test.each([['image-action-push'], ['replication-action'], ['pull-through-cache-action'], ['image-scan']])(
    '%s may name its repository by ARN',
    (name) => {
      const arn = 'arn:aws-cn:ecr:cn-north-1:111122223333:repository/team/repository/api';
      expect(triggers(withDetail(name, { 'repository-name': arn }))[0]?.resource).toHaveProperty(
        'repository',
        'team/repository/api',
      );
    },
  );

  test('null stands for absent, as the empty text does', () => {
    const body = withDetail('image-action-push', { 'image-tag': null });
    expect(triggers(body)[0]?.resource).toMatchObject({ kind: 'image', digest: ones });
    expect(triggers(withDetail('image-action-delete', { 'image-digest': null }))[0]).not.toHaveProperty(
      'digest',
    );
  });

  test.each(['sig', 'att', 'sbom'])(
    'a deleted tag sha256-<hex>.%s names the image that it was about',
    (end) => {
      const body = withDetail('image-action-delete', { 'image-tag': `sha256-${'1'.repeat(64)}.${end}` });
      expect(triggers(body)).toEqual([expect.objectContaining({ kind: 'delete', subject: ones })]);
    },
  );

  test.each(['sha256-1111', `sha256-${'1'.repeat(64)}.txt`, `x-sha256-${'1'.repeat(64)}`])(
    'the tag %s is a push like any other',
    (tag) => {
      const [trigger] = triggers(withDetail('image-action-push', { 'image-tag': tag }));
      expect(trigger).toMatchObject({ kind: 'push', resource: { tag } });
      expect(trigger).not.toHaveProperty('subject');
    },
  );
});

describe('a failure', () => {
  test.each([
    [{ result: 'FAILURE' }, { kind: 'tag', tag: 'v1.4.2' }],
    [
      { result: 'FAILED', 'image-tag': '' },
      { kind: 'image', digest: ones },
    ],
    [{ result: 'FAILED', 'image-tag': '', 'image-digest': '' }, { kind: 'repository' }],
  ])('of a push, %j, is recorded on the narrowest resource', (over, resource) => {
    const [trigger] = triggers(withDetail('image-action-push', over));
    expect(trigger).toMatchObject({ kind: 'failed', resource, detail: `PUSH ${over.result}` });
  });

  test('of a replication says why where the event does', () => {
    const body = withDetail('replication-action-failed', { 'failure-code': 'AccessDenied' });
    expect(triggers(body)[0]?.detail).toBe('REPLICATE FAILED: AccessDenied');
  });

  test('is told in short printable text', () => {
    const body = withDetail('pull-through-cache-action-failed', {
      'failure-code': { not: 'a text' },
      'failure-reason': `één\nline ${'x'.repeat(500)}`,
    });
    expect(triggers(body)[0]?.detail).toBe(`PULL_THROUGH_CACHE FAILED: n line ${'x'.repeat(191)}`);
  });
});

describe('a call in CloudTrail', () => {
  test.each([
    [{ arn: 'arn:aws:iam::1:user/a', invokedBy: 'b' }, 'arn:aws:iam::1:user/a'],
    [
      { invokedBy: 'replication.ecr.amazonaws.com', accountId: '111122223333' },
      'replication.ecr.amazonaws.com',
    ],
    [{ principalId: 'AIDA', accountId: '111122223333' }, 'AIDA'],
    [{ type: 'AWSAccount', accountId: '111122223333' }, '111122223333'],
  ])('by %j has an actor', (userIdentity, actor) => {
    expect(triggers(withDetail('cloudtrail-put-image', { userIdentity }))[0]?.actor).toBe(actor);
  });

  test('without a user identity has none', () => {
    const body = withDetail('cloudtrail-put-image', { userIdentity: null });
    expect(triggers(body)[0]).not.toHaveProperty('actor');
  });

  test('without a time of its own has the time of its event', () => {
    const body = withDetail('cloudtrail-put-image', { eventTime: 'Nov 20, 2026 8:59:58 AM' });
    expect(triggers(body)[0]?.eventTime).toBe('2026-11-20T10:15:23Z');
  });

  test('is read alike under either detail-type', () => {
    for (const name of ['cloudtrail-put-image', 'cloudtrail-policy-execution', 'cloudtrail-dry-run']) {
      const [one, other] = ['AWS API Call via CloudTrail', 'AWS Service Event via CloudTrail'].map(
        (detailType) => triggers(withEnvelope(name, { 'detail-type': detailType })),
      );
      expect(one).toEqual(other);
      expect(one).not.toHaveLength(0);
    }
  });

  test.each([
    ['PutLifecyclePolicy', 'settings'],
    ['DeleteLifecyclePolicy', 'settings'],
    ['SetRepositoryPolicy', 'settings'],
    ['DeleteRepositoryPolicy', 'settings'],
    ['PutImageTagMutability', 'settings'],
    ['PutImageScanningConfiguration', 'settings'],
    ['UntagResource', 'settings'],
    ['PutRegistryScanningConfiguration', 'registry-settings'],
    ['PutRegistryPolicy', 'registry-settings'],
    ['DeleteRegistryPolicy', 'registry-settings'],
    ['CreateRepositoryCreationTemplate', 'registry-settings'],
    ['UpdateRepositoryCreationTemplate', 'registry-settings'],
    ['DeleteRepositoryCreationTemplate', 'registry-settings'],
    ['CreatePullThroughCacheRule', 'registry-settings'],
    ['UpdatePullThroughCacheRule', 'registry-settings'],
    ['DeletePullThroughCacheRule', 'registry-settings'],
    ['PutSigningConfiguration', 'registry-settings'],
    ['DeleteSigningConfiguration', 'registry-settings'],
    ['PutAccountSetting', 'registry-settings'],
    ['RegisterPullTimeUpdateExclusion', 'registry-settings'],
    ['DeregisterPullTimeUpdateExclusion', 'registry-settings'],
    ['StartReplicationBackfill', 'registry-settings'],
    ['StopReplicationBackfill', 'registry-settings'],
  ])('%s is %s', (eventName, kind) => {
    expect(triggers(withDetail('cloudtrail-put-lifecycle-policy', { eventName }))).toEqual([
      expect.objectContaining({ kind, detail: eventName }),
    ]);
  });

  test.each([
    ['a tag and a digest', { imageTag: 'v1', imageDigest: ones }, { kind: 'tag', tag: 'v1' }],
    ['one image', { imageIds: [{ imageDigest: ones }] }, { kind: 'image', digest: ones }],
    ['several images', { imageIds: [{ imageTag: 'v1' }, { imageTag: 'v2' }] }, { kind: 'repository' }],
    ['an image id', { imageId: { imageDigest: ones } }, { kind: 'image', digest: ones }],
    ['an impossible tag', { imageTag: 'v 1', imageDigest: 'x' }, { kind: 'repository' }],
  ])('that failed over %s is recorded as narrowly as that', (_, request, resource) => {
    const requestParameters = { repositoryName: 'payments/api', ...request };
    const body = withDetail('cloudtrail-put-image-denied', { requestParameters });
    expect(triggers(body)).toEqual([
      expect.objectContaining({ kind: 'failed', resource: expect.objectContaining(resource) }),
    ]);
  });

  test.each([[null], [{ repositoryName: 'Not A Name' }], ['not an object']])(
    'that failed over the request %j is recorded on the registry',
    (requestParameters) => {
      const body = withDetail('cloudtrail-put-image-denied', { requestParameters });
      expect(triggers(body)).toEqual([
        expect.objectContaining({
          kind: 'failed',
          resource: { kind: 'registry', account: '111122223333', region: 'eu-west-1' },
        }),
      ]);
    },
  );

  test.each(['UploadLayerPart', 'SomethingNew'])('that failed counts as failed: %s', (eventName) => {
    const body = withDetail('cloudtrail-put-image-denied', { eventName });
    expect(triggers(body)[0]).toMatchObject({ kind: 'failed', detail: `${eventName} AccessDenied` });
  });

  test.each([
    ['a read', { eventName: 'SomethingNew', readOnly: true }],
    ['a failed read', { eventName: 'BatchGetImage', readOnly: true, errorCode: 'ImageNotFoundException' }],
    ['a read by its name', { eventName: 'DescribeImages', readOnly: undefined }],
    ['part of a push', { eventName: 'UploadLayerPart' }],
    ['a call on the registry of another account', { requestParameters: { registryId: '444455556666' } }],
  ])('that is %s gives no triggers', (_, over) => {
    expect(triggers(withDetail('cloudtrail-put-image', over))).toEqual([]);
  });

  test('to the own registry by its id is read', () => {
    const requestParameters = { repositoryName: 'payments/api', imageTag: 'v1', registryId: '111122223333' };
    expect(triggers(withDetail('cloudtrail-put-image', { requestParameters }))).toHaveLength(1);
  });

  test('of PutImage takes the digest from the request where the response names none', () => {
    const requestParameters = { repositoryName: 'payments/api', imageTag: 'v1', imageDigest: ones };
    const body = withDetail('cloudtrail-put-image', { requestParameters, responseElements: null });
    expect(triggers(body)[0]).toMatchObject({ resource: { tag: 'v1' }, digest: ones });
  });

  test('of UpdateImageStorageClass by tag is recorded on the image that the response names', () => {
    const requestParameters = { repositoryName: 'payments/api', imageId: { imageTag: 'v1' } };
    const answered = withDetail('cloudtrail-update-image-storage-class', { requestParameters });
    expect(triggers(answered)[0]?.resource.kind).toBe('image');
    const silent = withDetail('cloudtrail-update-image-storage-class', {
      requestParameters,
      responseElements: null,
    });
    expect(triggers(silent)[0]?.resource).toMatchObject({ kind: 'tag', tag: 'v1' });
  });

  test('of BatchDeleteImage that deleted nothing gives no triggers', () => {
    const body = withDetail('cloudtrail-batch-delete-image', { responseElements: { imageIds: [] } });
    expect(triggers(body)).toEqual([]);
  });

  test('that names a resource twice gives one trigger', () => {
    const twice = [
      { imageDigest: ones, imageTag: 'v1' },
      { imageDigest: ones, imageTag: 'v1' },
    ];
    const body = withDetail('cloudtrail-batch-delete-image', { responseElements: { imageIds: twice } });
    expect(triggers(body)).toHaveLength(1);
  });
});

describe('a lifecycle run', () => {
  test('says no action where the rule of an image is not listed', () => {
    const lifecycleEventImage = { digest: ones, tagList: null };
    const serviceEventDetails = {
      repositoryName: 'payments/api',
      lifecycleEventImageActions: [{ rulePriority: 7, lifecycleEventImage }],
    };
    const [, image] = triggers(withDetail('cloudtrail-policy-execution', { serviceEventDetails }));
    expect(image).toMatchObject({ kind: 'policy-run', resource: { digest: ones } });
    expect(image).not.toHaveProperty('detail');
  });
});

describe('what is rejected says which field and what was there', () => {
  test.each<[unknown, string]>([
    [undefined, 'the event is missing: expected an EventBridge event as a JSON object'],
    [null, 'the event is null: expected an EventBridge event as a JSON object'],
    ['{}', 'the event is "{}": expected an EventBridge event as a JSON object'],
    [[], 'the event is a list: expected an EventBridge event as a JSON object'],
    [{}, 'source is missing: expected who emitted the event, such as aws.ecr'],
    [{ source: 'aws.ecr' }, 'detail-type is missing: expected the kind of event, such as "ECR Image Action"'],
    [withEnvelope('image-action-push', { id: '' }), 'id is "": expected the event\'s id'],
    [
      withEnvelope('image-action-push', { account: 111122223333 }),
      'account is 111122223333: expected an account id of twelve digits',
    ],
    [
      withEnvelope('image-action-push', { account: '1111' }),
      'account is "1111": expected an account id of twelve digits',
    ],
    [
      withEnvelope('image-action-push', { region: 'a/b' }),
      'region is "a/b": expected a Region such as eu-central-1',
    ],
    [
      withEnvelope('image-action-push', { time: 'Nov 20, 2026 8:59:58 AM' }),
      'time is "Nov 20, 2026 8:59:58 AM": expected an ISO 8601 instant',
    ],
    [
      withEnvelope('image-action-push', { time: '1969-12-31T23:59:59Z' }),
      'time is "1969-12-31T23:59:59Z": expected an ISO 8601 instant',
    ],
    [
      withEnvelope('image-action-push', { time: '2026-13-20T10:15:30Z' }),
      'time is "2026-13-20T10:15:30Z": expected an ISO 8601 instant',
    ],
    [
      withEnvelope('image-action-push', { 'detail-type': 'ECR Artifact Action' }),
      'detail-type "ECR Artifact Action" of source "aws.ecr" is not known to this version',
    ],
    [
      withEnvelope('image-action-push', { source: 'ecr-warden' }),
      'detail-type "ECR Image Action" of source "ecr-warden" is not known to this version',
    ],
    [withEnvelope('image-action-push', { detail: undefined }), 'detail is missing: expected an object'],
    [withEnvelope('image-action-push', { detail: [] }), 'detail is a list: expected an object'],
    [
      withDetail('image-action-push', { 'action-type': 'PULL' }),
      'detail.action-type is "PULL": expected PUSH, DELETE or UPDATE_STORAGE_CLASS',
    ],
    [withDetail('image-action-push', { result: undefined }), 'detail.result is missing: expected a word'],
    [
      withDetail('image-action-push', { 'repository-name': undefined }),
      "detail.repository-name is missing: expected a repository's name such as payments/api, or its ARN",
    ],
    [
      withDetail('image-action-push', { 'repository-name': 'payments api' }),
      `detail.repository-name is "payments api": expected a repository's name such as payments/api, or its ARN`,
    ],
    [
      withDetail('image-action-push', { 'image-tag': 'a\u0000b' }),
      'detail.image-tag is "a\\u0000b": expected a tag of at most 300 characters',
    ],
    [
      withDetail('image-action-push', { 'image-tag': 'v1#2' }),
      'detail.image-tag is "v1#2": expected a tag of at most 300 characters',
    ],
    [
      withDetail('image-action-push', { 'image-tag': 'x'.repeat(301) }),
      `detail.image-tag is "${'x'.repeat(60)}…": expected a tag of at most 300 characters`,
    ],
    [
      withDetail('image-action-push', { 'image-digest': 'latest' }),
      'detail.image-digest is "latest": expected a digest such as sha256:0a1b…',
    ],
    [
      withDetail('image-action-push-untagged', { 'image-digest': undefined }),
      'detail.image-digest is missing: expected the digest of the image',
    ],
    [
      withDetail('image-action-archive', { 'image-digest': '', 'image-tag': 'v1' }),
      'detail.image-digest is missing: expected the digest of the image',
    ],
    [
      withDetail('replication-action', { 'source-region': undefined }),
      'detail.source-region is missing: expected a Region such as eu-central-1',
    ],
    [
      withDetail('pull-through-cache-action', { 'sync-status': false }),
      'detail.sync-status is false: expected a word',
    ],
    [
      withDetail('image-scan', { 'image-digest': undefined }),
      'detail.image-digest is missing: expected the digest of the image',
    ],
    [
      withDetail('scan-resource-change', { repositories: [{ 'repository-name': 'a' }, {}] }),
      "detail.repositories.1.repository-name is missing: expected a repository's name such as payments/api, or its ARN",
    ],
    [
      withDetail('cloudtrail-put-image', { eventSource: 'ecr-public.amazonaws.com' }),
      'detail.eventSource is "ecr-public.amazonaws.com": expected ecr.amazonaws.com',
    ],
    [
      withDetail('cloudtrail-put-image', { eventName: 'PutPullRequest' }),
      'the ECR call "PutPullRequest" is not known to this version',
    ],
    [
      withDetail('cloudtrail-put-image', { eventName: 'constructor' }),
      'the ECR call "constructor" is not known to this version',
    ],
    [
      withDetail('cloudtrail-put-image', { requestParameters: null }),
      'detail.requestParameters is null: expected an object',
    ],
    [
      withDetail('cloudtrail-put-image-untagged', {
        requestParameters: { repositoryName: 'a' },
        responseElements: null,
      }),
      'detail.responseElements.image.imageId.imageDigest is missing: expected the digest of the image',
    ],
    [withDetail('cloudtrail-put-image', { errorCode: 7 }), 'detail.errorCode is 7: expected an error code'],
    [
      withDetail('cloudtrail-batch-delete-image', { responseElements: {} }),
      'detail.responseElements.imageIds is missing: expected a list',
    ],
    [
      withDetail('cloudtrail-delete-repository', { requestParameters: { force: true } }),
      "detail.requestParameters.repositoryName is missing: expected a repository's name",
    ],
    [
      withDetail('cloudtrail-dry-run', { serviceEventDetails: undefined }),
      'detail.serviceEventDetails is missing: expected an object',
    ],
  ])('%#', (body, reason) => {
    expect(rejection(body)).toBe(reason);
  });
});

test.each([
  ['application/vnd.oci.image.index.v1+json', true],
  ['application/vnd.docker.distribution.manifest.list.v2+json', true],
  ['application/vnd.oci.image.manifest.v1+json', false],
  [undefined, false],
])('the media type %s is an index: %s', (mediaType, index) => {
  expect(isIndexMediaType(mediaType)).toBe(index);
});
