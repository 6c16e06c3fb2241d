import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb';
import {
  BatchDeleteImageCommand,
  CreateRepositoryCommand,
  DescribeImagesCommand,
  ECRClient,
  PutImageCommand,
} from '@aws-sdk/client-ecr';
import { ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { type Cloud, type CloudOptions, startCloud } from '../../local/cloud';
import type { AuditRecord } from '../../shared/audit/record';
import { packageAll, root } from '../packaged';

const account = '111122223333';
const hub = 'eu-central-1';
const member = 'eu-west-1';

const undo: (() => unknown)[] = [];
let folder: string;

beforeAll(packageAll, 60_000);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'warden-cloud-'));
});
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
  rmSync(folder, { recursive: true });
});

async function started(over: Partial<CloudOptions> = {}): Promise<Cloud> {
  const cloud = await startCloud({ root, port: 0, account, regions: [hub, member], ...over });
  undo.push(cloud.close);
  return cloud;
}

const credentials = { accessKeyId: 'any', secretAccessKey: 'any' };

function ecrOf({ endpoint }: Cloud, region = hub): ECRClient {
  const client = new ECRClient({ endpoint, region, credentials });
  undo.push(() => client.destroy());
  return client;
}

/** Everything in a table of the hub, in no order that means anything. */
async function scan({ endpoint }: Cloud, TableName: string): Promise<Record<string, unknown>[]> {
  const client = new DynamoDBClient({ endpoint, region: hub, credentials });
  const items: Record<string, unknown>[] = [];
  for await (const { Items = [] } of paginateScan({ client }, { TableName }))
    items.push(...Items.map((item) => unmarshall(item)));
  client.destroy();
  return items;
}

const recordsOf = (cloud: Cloud) => scan(cloud, 'ecr-warden-audit');
const namesOf = async (cloud: Cloud) =>
  (await recordsOf(cloud)).map(({ scope, record }) => `${scope} ${record}`);

/** The findings on tags; what a repository lacks does not matter here. */
async function findingsOf(cloud: Cloud): Promise<Record<string, unknown>[]> {
  return (await scan(cloud, 'ecr-warden-state')).filter(({ key }) => String(key).startsWith('finding#tag#'));
}

const digestOf = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;

function manifest(name: string): string {
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digestOf(name), size: 7 },
    layers: [],
  });
}

async function push(ecr: ECRClient, repositoryName: string, imageTag: string): Promise<void> {
  await ecr
    .send(new CreateRepositoryCommand({ repositoryName, imageTagMutability: 'IMMUTABLE' }))
    .catch((error) => {
      if (error.name !== 'RepositoryAlreadyExistsException') throw error;
    });
  await ecr.send(new PutImageCommand({ repositoryName, imageManifest: manifest(imageTag), imageTag }));
}

test('a denied tag is recorded, found, told in Slack, and resolved when it is gone', async () => {
  const records: AuditRecord[] = [];
  const told: string[] = [];
  const cloud = await started({
    onRecord: (record) => records.push(record),
    onSlackMessage: ({ channel, text, edited }) => told.push(`${channel}${edited ? ' edited' : ''}: ${text}`),
  });
  const ecr = ecrOf(cloud);

  await push(ecr, 'payments/api', 'latest');
  await cloud.drain();
  const opened = records.filter(({ changes = [] }) => changes.some(({ rule }) => rule === 'tag-format'));
  expect(opened).toMatchObject([
    {
      scope: `${account}/${hub}/payments/api`,
      record: 'tag#latest#000000000001',
      holder: { digest: digestOf(manifest('latest')) },
      changes: [{ rule: 'tag-format', kind: 'opened' }],
    },
  ]);
  expect(await findingsOf(cloud)).toMatchObject([
    { rule: 'tag-format', status: 'open', severity: 'high', scope: `${account}/${hub}/payments/api` },
  ]);
  expect(told.filter((line) => line.includes('tag-format'))).toEqual([
    'payments-registry: High: payments/api:latest: tag "latest" is denied by "latest" (tag-format)',
  ]);

  await ecr.send(
    new BatchDeleteImageCommand({ repositoryName: 'payments/api', imageIds: [{ imageTag: 'latest' }] }),
  );
  await cloud.drain();
  expect(await findingsOf(cloud)).toMatchObject([{ rule: 'tag-format', status: 'resolved' }]);
  expect(told.at(-1)).toMatch(/^payments-registry edited: Resolved: payments\/api:latest/);
  expect(records).toHaveLength((await recordsOf(cloud)).length);
});

test('a push in a member’s Region reaches the hub’s trail', async () => {
  const cloud = await started();
  await push(ecrOf(cloud, member), 'payments/api', 'latest');
  await cloud.drain();
  expect(await namesOf(cloud)).toContain(`${account}/${member}/payments/api tag#latest#000000000001`);
  expect(cloud.slack.messages().map(({ text }) => text)).toEqual(
    expect.arrayContaining([expect.stringContaining('payments/api:latest')]),
  );
});

test('what nobody understands is kept with its reason and holds nothing up', async () => {
  const cloud = await started();
  const sqs = new SQSClient({ endpoint: cloud.endpoint, region: hub, credentials });
  undo.push(() => sqs.destroy());
  const QueueUrl = `${cloud.endpoint}/${account}/ecr-warden-reconcile`;
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: '{"hello":"world"}' }));
  await push(ecrOf(cloud), 'payments/api', 'v1.2.3');
  await cloud.drain();
  expect(await namesOf(cloud)).toContain(`${account}/${hub}/payments/api tag#v1.2.3#000000000001`);
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({ QueueUrl: `${cloud.endpoint}/${account}/ecr-warden-rejected` }),
  );
  expect(Messages.map(({ Body = '' }) => JSON.parse(Body))).toMatchObject([
    { body: '{"hello":"world"}', reason: expect.stringMatching(/./) },
  ]);
});

test('what was kept in a folder goes on from there', async () => {
  const dataDir = join(folder, 'data');
  const first = await started({ dataDir });
  await push(ecrOf(first), 'payments/api', 'latest');
  await first.drain();
  const before = await recordsOf(first);
  const messages = first.slack.messages();
  const depths = first.queueDepths();
  expect(before.length).toBeGreaterThan(0);
  expect(messages.length).toBeGreaterThan(0);
  await first.close();

  const second = await started({ dataDir });
  await second.drain();
  expect(await recordsOf(second)).toEqual(before);
  expect(second.slack.messages()).toEqual(messages);
  expect(second.queueDepths()).toEqual(depths);
  const { imageDetails } = await ecrOf(second).send(
    new DescribeImagesCommand({ repositoryName: 'payments/api' }),
  );
  expect(imageDetails).toMatchObject([{ imageTags: ['latest'], imageDigest: digestOf(manifest('latest')) }]);
  // The finding is known: deleting the tag edits the message of the first run.
  await ecrOf(second).send(
    new BatchDeleteImageCommand({ repositoryName: 'payments/api', imageIds: [{ imageTag: 'latest' }] }),
  );
  await second.drain();
  expect(second.slack.messages()).toHaveLength(messages.length);
  expect(second.slack.messages().filter(({ edited }) => edited)).toHaveLength(1);
});

test('messages that wait when it is closed are dealt with after the next start', async () => {
  const dataDir = join(folder, 'data');
  const first = await started({ dataDir });
  const ecr = ecrOf(first);
  for (let number = 0; number < 12; number += 1) await push(ecr, 'payments/api', `v1.0.${number}`);
  await first.close();
  const second = await started({ dataDir });
  await second.drain();
  const tags = (await namesOf(second)).flatMap((record) => / tag#(v1\.0\.\d+)#/.exec(record)?.[1] ?? []);
  expect(new Set(tags).size).toBe(12);
});

test('the folder is for one cloud at a time, and a refused start leaves nothing behind', async () => {
  const dataDir = join(folder, 'data');
  const first = await started({ dataDir });
  await expect(startCloud({ root, port: 0, account, regions: [hub], dataDir })).rejects.toThrow(
    /already open/,
  );
  await first.close();
  undo.splice(0);
  await expect(startCloud({ root: folder, port: 0, account, regions: [hub], dataDir })).rejects.toThrow(
    /npm run package/,
  );
  await (await started({ dataDir })).drain();
});

test('a taken port is told with the way out', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  undo.push(() => server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  await expect(startCloud({ root, port, account, regions: [hub] })).rejects.toThrow(`port ${port} is taken`);
});

test('clients with any credentials are in the account', async () => {
  const { endpoint } = await started();
  const sts = new STSClient({ endpoint, region: member, credentials });
  undo.push(() => sts.destroy());
  expect((await sts.send(new GetCallerIdentityCommand({}))).Account).toBe(account);
});
