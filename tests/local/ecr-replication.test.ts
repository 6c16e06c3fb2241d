import {
  BatchDeleteImageCommand,
  CreateRepositoryCommand,
  DescribeImageReplicationStatusCommand,
  DescribeImagesCommand,
  type ECRClient,
  PutImageCommand,
  PutImageTagMutabilityCommand,
  PutReplicationConfigurationCommand,
  UpdateImageStorageClassCommand,
} from '@aws-sdk/client-ecr';
import { account, away, detailsOf, digestOf, entriesOf, home, image, registry, start } from './ecr-builders';

const repositoryName = 'team-a/api';

async function replicating(options: Parameters<typeof registry>[0] = {}, filter = 'team-a/') {
  const made = registry(options);
  await made.client.send(new CreateRepositoryCommand({ repositoryName }));
  await configure(made.client, filter);
  made.events.length = 0;
  return made;
}

function configure(client: ECRClient, filter: string, region = away.region) {
  return client.send(
    new PutReplicationConfigurationCommand({
      replicationConfiguration: {
        rules: [
          {
            destinations: [{ region, registryId: account }],
            repositoryFilters: [{ filter, filterType: 'PREFIX_MATCH' }],
          },
        ],
      },
    }),
  );
}

function put(client: ECRClient, imageManifest: string, imageTag?: string) {
  return client.send(new PutImageCommand({ repositoryName, imageManifest, ...(imageTag && { imageTag }) }));
}

async function statuses(client: ECRClient, imageDigest: string) {
  const answer = await client.send(
    new DescribeImageReplicationStatusCommand({ repositoryName, imageId: { imageDigest } }),
  );
  return answer.replicationStatuses;
}

async function held(client: ECRClient) {
  const { imageDetails = [] } = await client.send(new DescribeImagesCommand({ repositoryName }));
  return imageDetails.map(({ imageDigest, imageTags }) => [imageDigest, imageTags]);
}

describe('replication', () => {
  it('copies a push after the delay, creating the repository, with an event at the destination only', async () => {
    const { client, remote, clock, events } = await replicating();
    await put(client, image('a'), 'v1');
    const to = { region: away.region, registryId: account };
    expect(await statuses(client, digestOf(image('a')))).toEqual([{ ...to, status: 'IN_PROGRESS' }]);
    await expect(held(remote)).rejects.toThrow('does not exist');
    events.length = 0;
    await clock.advance(2000);
    expect(await statuses(client, digestOf(image('a')))).toEqual([{ ...to, status: 'COMPLETE' }]);
    expect(await held(remote)).toEqual([[digestOf(image('a')), ['v1']]]);
    expect(events.map((event) => [event['detail-type'], event.region])).toEqual([
      ['AWS API Call via CloudTrail', away.region],
      ['ECR Replication Action', away.region],
      ['ECR Image Scan', away.region],
    ]);
    expect(events[0]?.detail).toMatchObject({ eventName: 'CreateRepository' });
    expect(events[1]).toEqual({
      version: '0',
      id: expect.any(String),
      'detail-type': 'ECR Replication Action',
      source: 'aws.ecr',
      account,
      time: '2026-11-20T10:15:32Z',
      region: away.region,
      resources: [`arn:aws:ecr:us-east-1:${account}:repository/${repositoryName}`],
      detail: {
        result: 'SUCCESS',
        'action-type': 'REPLICATE',
        'repository-name': repositoryName,
        'image-digest': digestOf(image('a')),
        'image-tag': 'v1',
        'source-account': account,
        'source-region': home.region,
      },
    });
  });

  it('does not copy what came before the configuration, nor what its prefix does not match', async () => {
    const { client, clock } = await replicating({}, 'team-b/');
    await put(client, image('a'), 'v1');
    await configure(client, 'team');
    await put(client, image('b'), 'v2');
    await clock.advance(2000);
    expect(await statuses(client, digestOf(image('a')))).toEqual([]);
    expect(await statuses(client, digestOf(image('b')))).toMatchObject([{ status: 'COMPLETE' }]);
  });

  it('copies a retag, and stays in progress until every tag has arrived', async () => {
    const delays: Record<string, number> = { v1: 1000, v2: 3000 };
    const { client, remote, clock } = await replicating({ replicationDelay: ({ tag }) => delays[tag] ?? 0 });
    await put(client, image('a'), 'v1');
    await put(client, image('a'), 'v2');
    await clock.advance(1000);
    expect(await statuses(client, digestOf(image('a')))).toMatchObject([{ status: 'IN_PROGRESS' }]);
    expect(await held(remote)).toEqual([[digestOf(image('a')), ['v1']]]);
    await clock.advance(2000);
    expect(await statuses(client, digestOf(image('a')))).toMatchObject([{ status: 'COMPLETE' }]);
    expect(await held(remote)).toEqual([[digestOf(image('a')), ['v1', 'v2']]]);
  });

  it('never moves a tag back when an earlier push arrives late', async () => {
    const [a, b] = [image('a'), image('b')];
    const { client, remote, clock } = await replicating({
      replicationDelay: ({ digest }) => (digest === digestOf(a) ? 3000 : 1000),
    });
    await put(client, a, 'v1');
    await put(client, b, 'v1');
    await clock.advance(3000);
    expect(await held(remote)).toEqual([
      [digestOf(b), ['v1']],
      [digestOf(a), undefined],
    ]);
  });

  it('tells of a failure in the status and by an event, and of success after a new push', async () => {
    const { client, remote, clock, events } = await replicating({
      replicationDelay: ({ tag }) => (tag === 'v1' ? 'fail' : 3000),
    });
    const failed = {
      region: away.region,
      registryId: account,
      status: 'FAILED',
      failureCode: 'ReplicationFailed',
    };
    await put(client, image('a'), 'v1');
    await clock.advance(2000);
    expect(await statuses(client, digestOf(image('a')))).toEqual([failed]);
    expect(detailsOf(events, 'ECR Replication Action')).toMatchObject([
      { result: 'FAILED', 'image-tag': 'v1' },
    ]);
    await expect(held(remote)).rejects.toThrow('does not exist');
    await put(client, image('a'), 'v2');
    await clock.advance(3000);
    expect(await statuses(client, digestOf(image('a')))).toMatchObject([{ status: 'COMPLETE' }]);
    expect(await held(remote)).toEqual([[digestOf(image('a')), ['v2']]]);
  });

  it('stays failed when of several tags under way one fails', async () => {
    const { client, clock } = await replicating({
      replicationDelay: ({ tag }) => (tag === 'v1' ? 'fail' : 3000),
    });
    await put(client, image('a'), 'v1');
    await put(client, image('a'), 'v2');
    await clock.advance(3000);
    expect(await statuses(client, digestOf(image('a')))).toMatchObject([{ status: 'FAILED' }]);
  });

  it('leaves the tag of an immutable destination where it is: the image arrives without it', async () => {
    const { client, remote, clock } = await replicating();
    await put(client, image('a'), 'v1');
    await clock.advance(2000);
    await remote.send(new PutImageTagMutabilityCommand({ repositoryName, imageTagMutability: 'IMMUTABLE' }));
    await put(client, image('b'), 'v1');
    await clock.advance(2000);
    expect(await held(remote)).toEqual([
      [digestOf(image('a')), ['v1']],
      [digestOf(image('b')), undefined],
    ]);
  });

  it('goes one hop only', async () => {
    const { client, remote, clock, events } = await replicating();
    await configure(remote, 'team-a/', home.region);
    await put(client, image('a'), 'v1');
    await clock.advance(10_000);
    expect(detailsOf(events, 'ECR Replication Action')).toHaveLength(1);
  });

  it('copies a restored image', async () => {
    const { client, clock, events } = await replicating();
    await put(client, image('a'), 'v1');
    await clock.advance(2000);
    for (const targetStorageClass of ['ARCHIVE', 'STANDARD'] as const) {
      const imageId = { imageTag: 'v1' };
      await client.send(new UpdateImageStorageClassCommand({ repositoryName, imageId, targetStorageClass }));
    }
    await clock.advance(4000);
    expect(detailsOf(events, 'ECR Replication Action')).toHaveLength(2);
  });

  it('replicates deletions only where a rule says so', async () => {
    const { client, remote, clock, ecr } = await replicating();
    const remove = (imageTag: string) =>
      client.send(new BatchDeleteImageCommand({ repositoryName, imageIds: [{ imageTag }] }));
    for (const tag of ['v1', 'v2', 'v3']) await put(client, image('a'), tag);
    await clock.advance(2000);
    await remove('v1');
    expect(await held(remote)).toEqual([[digestOf(image('a')), ['v1', 'v2', 'v3']]]);
    // The SDK's model of this version does not have the member yet.
    await ecr.call({
      operation: 'PutReplicationConfiguration',
      input: {
        replicationConfiguration: {
          rules: [
            {
              destinations: [{ region: away.region, registryId: account }],
              deleteReplication: { enabled: true },
            },
          ],
        },
      },
      ...home,
    });
    await remove('v2');
    expect(await held(remote)).toEqual([[digestOf(image('a')), ['v1', 'v3']]]);
    await remove('v3');
    expect(await held(remote)).toEqual([]);
  });

  it('refuses its own registry and Regions that are not there', async () => {
    const { client } = registry();
    await expect(configure(client, 'team-a/', home.region)).rejects.toThrow(/same as the source registry/);
    await expect(configure(client, 'team-a/', 'mars-1')).rejects.toThrow(/mars-1.*eu-west-1, us-east-1/);
  });

  it('goes on after a restart with what was under way', async () => {
    const before = await replicating();
    await put(before.client, image('a'), 'v1');
    await put(before.client, image('a'), 'v2');
    const after = registry();
    await after.ecr.replayJournal(entriesOf(before.journal));
    expect(after.clock.next()).toBe(start + 2000);
    await after.clock.advance(2000);
    expect(await held(after.remote)).toEqual([[digestOf(image('a')), ['v1', 'v2']]]);
    expect(await statuses(after.client, digestOf(image('a')))).toMatchObject([{ status: 'COMPLETE' }]);
  });
});
