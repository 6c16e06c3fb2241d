import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { type OpenTrail, openTrail, tableNames } from '../../cli/account';
import { wallClock } from '../../local/clock';
import { createDynamodb, type Dynamodb } from '../../local/dynamodb';
import { register } from '../../local/registration';
import { type Server, serve } from '../../local/server';
import { nextRecord } from '../../shared/audit/next-record';
import type { AuditRecord } from '../../shared/audit/record';
import { auditTable } from '../../shared/aws/audit-table';
import { scopeOf } from '../../shared/domain/resource';
import { account, region, repositoryResource, tagResource, trigger } from '../builders/resources';

const now = Date.parse('2026-11-24T12:34:56Z');
const hour = 3_600_000;
const ages = [0, 1, 1.5 * hour, 3 * hour, 4 * hour];
/** One record a tag, so many milliseconds old. */
const records = ages.map((age, index) => {
  const resource = tagResource(`v${index}`);
  return nextRecord(
    undefined,
    { resource, triggers: [trigger({ resource, eventId: `event-of-v${index}` })] },
    now - age,
  );
});
const secondOfV0 = nextRecord(
  records[0],
  { resource: tagResource('v0'), triggers: [trigger({ resource: tagResource('v0'), eventId: 'again' })] },
  now,
);

let folder = '';
let dynamodb: Dynamodb;
let server: Server;
let trail: OpenTrail;
const before = process.env.TMPDIR;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'account-'));
  process.env.TMPDIR = folder;
  dynamodb = await createDynamodb({ clock: wallClock, newId: () => '00000000-0000-4000-8000-000000000001' });
  server = await serve({ services: [dynamodb], port: 0, account, defaultRegion: region });
  await makeTables();
  const { endpoint } = server;
  const client = new DynamoDBClient({
    endpoint,
    region,
    credentials: { accessKeyId: 'a', secretAccessKey: 'a' },
  });
  await auditTable(client, tableNames.audit).insert([...records, secondOfV0]);
  for (const [status, name] of [
    ['open', 'v0'],
    ['resolved', 'v1'],
  ] as const)
    await putFinding(client, status, name);
  client.destroy();
  register({
    endpoint,
    account,
    regions: [region, 'eu-west-1'],
    pid: process.pid,
    startedAt: '2026-11-24T12:00:00Z',
  });
  trail = await openTrail({ local: true });
});
afterAll(async () => {
  await (trail as OpenTrail | undefined)?.close();
  await server.close(0);
  await dynamodb.close();
  if (before === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = before;
  rmSync(folder, { recursive: true });
});

async function makeTables(): Promise<void> {
  const string = (AttributeName: string) => ({ AttributeName, AttributeType: 'S' });
  const keys = (hash: string, range: string) => [
    { AttributeName: hash, KeyType: 'HASH' },
    { AttributeName: range, KeyType: 'RANGE' },
  ];
  const table = (
    TableName: string,
    range: string,
    IndexName: string,
    index: [string, string],
    projection: object,
  ) =>
    dynamodb.call({
      operation: 'CreateTable',
      account,
      region,
      input: {
        TableName,
        BillingMode: 'PAY_PER_REQUEST',
        KeySchema: keys('scope', range),
        AttributeDefinitions: ['scope', range, ...index].map(string),
        GlobalSecondaryIndexes: [{ IndexName, KeySchema: keys(...index), Projection: projection }],
      },
    });
  await table(tableNames.audit, 'record', 'byTime', ['hour', 'recordedAt'], {
    ProjectionType: 'INCLUDE',
    NonKeyAttributes: ['hash'],
  });
  await table(tableNames.state, 'key', 'bySeverity', ['openSeverity', 'openedAt'], { ProjectionType: 'ALL' });
}

async function putFinding(client: DynamoDBClient, status: 'open' | 'resolved', tag: string): Promise<void> {
  const item = {
    scope: scopeOf(repositoryResource()),
    key: `finding#tag#${tag}#tag-format`,
    rule: 'tag-format',
    status,
    severity: 'high',
    message: 'no',
    openedAt: '2026-11-24T12:00:00Z',
    changedAt: '2026-11-24T12:00:00Z',
    change: status === 'open' ? 'opened' : 'resolved',
    sequence: 1,
    record: `tag#${tag}#000000000001`,
    ...(status === 'open' && { openSeverity: 'high' }),
  };
  await client.send(new PutItemCommand({ TableName: tableNames.state, Item: marshall(item) }));
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

const names = (some: readonly AuditRecord[]) => some.map(({ record }) => record.replace(/0{8,}/, ''));

describe('a trail that is opened', () => {
  it('has its registries, the hub’s own first, or those that were asked for', async () => {
    expect(trail.registries).toEqual([
      { account, region },
      { account, region: 'eu-west-1' },
    ]);
    const other = await openTrail({ local: true, region: ['eu-west-1'] });
    expect(other.registries).toEqual([{ account, region: 'eu-west-1' }]);
    await other.close();
  });

  it('gives the newest records first, through the hours, and none before the time asked for', async () => {
    const newest = await all(trail.newest(now, now - 3.5 * hour));
    expect(names(newest).slice(2)).toEqual(['tag#v1#1', 'tag#v2#1', 'tag#v3#1']);
    expect(names(newest).slice(0, 2).sort()).toEqual(['tag#v0#1', 'tag#v0#2']);
    expect(names(await all(trail.newest(now, now - 1000)))).toHaveLength(3);
    // Within the hour of the oldest one, but after it.
    expect(await all(trail.newest(now, now - 3 * hour + 60_000))).toHaveLength(4);
  });

  it('gives whole records, as they were written', async () => {
    const [first] = await all(trail.chain(tagResource('v0')));
    expect(first).toEqual(secondOfV0);
    expect(names(await all(trail.scope(scopeOf(repositoryResource()))))).toHaveLength(6);
    expect(await all(trail.scope('111122223333/eu-central-1/nobody'))).toEqual([]);
  });

  it('gives the ids of the events of every record', async () => {
    const ids = (await all(trail.eventIds())).flat();
    expect(ids.sort()).toEqual(['again', ...ages.map((_, index) => `event-of-v${index}`)]);
  });

  it('tells open findings from all of them', async () => {
    const tags = async (items: AsyncIterable<{ readonly key: string }>) =>
      (await all(items)).map(({ key }) => key);
    expect(await tags(trail.openFindings())).toEqual(['finding#tag#v0#tag-format']);
    expect((await tags(trail.allFindings())).sort()).toEqual([
      'finding#tag#v0#tag-format',
      'finding#tag#v1#tag-format',
    ]);
  });

  it('counts its calls', async () => {
    const counted = await openTrail({
      local: true,
      endpointUrl: server.endpoint.replace('127.0.0.1', 'localhost'),
    });
    await all(counted.chain(tagResource('v0')));
    await all(counted.eventIds());
    expect(counted.apiCalls).toEqual({ Query: 1, Scan: 1 });
    await counted.close();
  });

  it('says so where Warden is not deployed', async () => {
    const elsewhere = await serve({ services: [dynamodb], port: 0, account, defaultRegion: region });
    const { endpoint } = elsewhere;
    const at = { account, regions: ['us-east-1'], pid: process.pid, startedAt: '2026-11-24T13:00:00Z' };
    const remove = register({ endpoint, ...at });
    const empty = await openTrail({ local: true, endpointUrl: endpoint });
    await expect(all(empty.openFindings())).rejects.toThrow('ECR Warden has no tables in us-east-1');
    await empty.close();
    remove();
    await elsewhere.close(0);
  });
});
