import { CreateTableCommand, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { wallClock } from '../../local/clock';
import { createDynamodb, type Dynamodb } from '../../local/dynamodb';
import type { Finding } from '../../shared/alerts/finding';
import type { TrackedMessage } from '../../shared/alerts/notify';
import { type StateTable, severityIndex, stateTable } from '../../shared/aws/state-table';
import { Unavailable } from '../../shared/domain/errors';
import { finding } from '../builders/findings';
import {
  account,
  digest,
  imageResource,
  region,
  repositoryResource,
  tagResource,
} from '../builders/resources';
import { fakeState } from '../fakes/state';
import { inProcess } from '../local/sdk';

let dynamodb: Dynamodb;
let client: DynamoDBClient;
let tables = 0;

beforeAll(async () => {
  let ids = 0;
  dynamodb = await createDynamodb({ clock: wallClock, newId: () => `id-${++ids}` });
  client = new DynamoDBClient({
    region,
    maxAttempts: 1,
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    requestHandler: inProcess([dynamodb], { account, region }),
  });
});
afterAll(() => dynamodb.close());

async function newTable(): Promise<string> {
  tables += 1;
  const TableName = `state-${tables}`;
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: ['scope', 'key', 'openSeverity', 'openedAt'].map((AttributeName) => ({
        AttributeName,
        AttributeType: 'S' as const,
      })),
      KeySchema: [
        { AttributeName: 'scope', KeyType: 'HASH' },
        { AttributeName: 'key', KeyType: 'RANGE' },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: severityIndex,
          KeySchema: [
            { AttributeName: 'openSeverity', KeyType: 'HASH' },
            { AttributeName: 'openedAt', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'ALL' },
        },
      ],
    }),
  );
  return TableName;
}

async function all(findings: AsyncIterable<Finding>): Promise<Finding[]> {
  const found: Finding[] = [];
  for await (const one of findings) found.push(one);
  return found;
}

const open = finding();
const { scope } = open;
const resolved = finding({ status: 'resolved', change: 'resolved', sequence: 2 });
const key = 'slack#tag#latest#tag-format';

describe.each<[string, () => Promise<StateTable>]>([
  ['the fake', async () => fakeState()],
  ['the adapter on the embedded DynamoDB', async () => stateTable(client, await newTable())],
])('%s', (_, create) => {
  let state: StateTable;
  beforeEach(async () => {
    state = await create();
  });

  describe('findings', () => {
    test('come back as they were put, every field of them', async () => {
      const full = finding({
        status: 'exempt',
        evidence: { a: 'b', n: 1, yes: true, none: null, list: ['x', ''], empty: [] },
        action: 'quarantine-tag',
        exemption: { owner: 'payments', ticket: 'PAY-1', reason: '', through: '2027-01-31' },
        actor: 'arn:aws:iam::111122223333:user/a',
        reason: 'gone',
      });
      expect(await state.finding(full.scope, full.key)).toBeUndefined();
      expect(await state.putFinding(full)).toBe(true);
      expect(await state.finding(full.scope, full.key)).toEqual(full);
    });

    test('are put again, and not over a later record', async () => {
      expect(await state.putFinding(open)).toBe(true);
      expect(await state.putFinding(resolved)).toBe(true);
      expect(await state.putFinding(resolved)).toBe(true);
      expect(await state.putFinding(open)).toBe(false);
      expect(await state.finding(scope, open.key)).toEqual(resolved);
    });

    test('that stand are listed by severity and age, resolved ones are not', async () => {
      const named = (rule: string, over: Partial<Finding>) => finding({ rule, ...over });
      const all4 = [
        named('a', { severity: 'low' }),
        named('b', { severity: 'critical', openedAt: '2026-11-20T10:00:02.000Z' }),
        named('c', { severity: 'critical', openedAt: '2026-11-20T10:00:01.000Z' }),
        named('d', { status: 'resolved', severity: 'critical' }),
        named('e', { severity: 'medium', status: 'snoozed' }),
      ];
      for (const one of all4) await state.putFinding(one);
      expect((await all(state.openFindings())).map(({ rule }) => rule)).toEqual(['c', 'b', 'e', 'a']);
    });

    test('leave the list of those that stand when they are resolved', async () => {
      await state.putFinding(open);
      await state.putFinding(resolved);
      expect(await all(state.openFindings())).toEqual([]);
    });

    test('of a scope are listed with the resolved ones, and without its messages', async () => {
      await state.putFinding(resolved);
      await state.putFinding(finding({ resource: repositoryResource(), rule: 'tag-immutability' }));
      await state.putFinding(finding({ resource: tagResource('v1', { repository: 'other' }) }));
      await state.claim(open, 0, 1);
      const found = await all(state.findingsIn(scope));
      expect(found.map((one) => one.key)).toEqual([
        'finding#repository#tag-immutability',
        'finding#tag#latest#tag-format',
      ]);
    });
  });

  test('the tags whose open findings judged a digest are found, each once', async () => {
    const of = (tag: string, over: Partial<Finding> = {}) =>
      finding({ resource: tagResource(tag), digest: digest('a'), ...over });
    for (const one of [
      of('v1'),
      of('v1', { rule: 'replicated' }),
      of('v2', { status: 'exempt' }),
      of('v3', { digest: digest('b') }),
      of('v4', { status: 'resolved' }),
      finding({ resource: imageResource('a'), digest: digest('a') }),
      finding({ resource: tagResource('v1', { repository: 'other' }), digest: digest('a') }),
    ]) {
      await state.putFinding(one);
    }
    expect(await state.tagsNaming(repositoryResource(), digest('a'))).toEqual([
      tagResource('v1'),
      tagResource('v2'),
    ]);
  });

  describe('the claim of a message', () => {
    const shown: TrackedMessage = { scope, key, channel: 'C1', ts: '1.2', shown: 'hash', sequence: 1 };

    test('is held by one until its lease ends', async () => {
      expect(await state.claim(open, 1_000, 61_000)).toEqual({});
      expect(await state.claim(open, 60_999, 120_999)).toBe('held');
      expect(await state.claim(open, 61_000, 121_000)).toEqual({
        before: { scope, key, claimedUntil: 61_000 },
      });
    });

    test('forgets what is shown and nothing else, and answers what was', async () => {
      await state.claim(open, 0, 60_000);
      expect(await state.mark(shown, 60_000)).toBe(true);
      expect(await state.message(scope, key)).toEqual(shown);
      expect(await state.claim(open, 5, 60_005)).toEqual({ before: shown });
      const { shown: _, ...rest } = shown;
      expect(await state.message(scope, key)).toEqual({ ...rest, claimedUntil: 60_005 });
    });

    test('is given back by the mark, which may be made again', async () => {
      await state.claim(open, 0, 60_000);
      expect(await state.mark(shown, 60_000)).toBe(true);
      expect(await state.mark(shown, 60_000)).toBe(true);
      expect(await state.claim(open, 1, 60_001)).toEqual({ before: shown });
    });

    test('that another one took over marks nothing', async () => {
      await state.claim(open, 0, 60_000);
      await state.claim(open, 60_000, 120_000);
      expect(await state.mark(shown, 60_000)).toBe(false);
      expect(await state.message(scope, key)).toEqual({ scope, key, claimedUntil: 120_000 });
      expect(await state.mark({ ...shown, ts: '3.4' }, 120_000)).toBe(true);
      expect(await state.mark({ ...shown, shown: 'other' }, 60_000)).toBe(false);
      expect(await state.message(scope, key)).toMatchObject({ ts: '3.4', shown: 'hash' });
    });

    test('is released to what was there before, or to nothing', async () => {
      await state.claim(open, 0, 60_000);
      await state.release(open, undefined, 60_000);
      expect(await state.message(scope, key)).toBeUndefined();
      await state.claim(open, 0, 60_000);
      await state.mark(shown, 60_000);
      await state.claim(open, 5, 60_005);
      await state.release(open, shown, 60_005);
      expect(await state.message(scope, key)).toEqual(shown);
    });

    test('that is held by another is not released', async () => {
      await state.claim(open, 0, 60_000);
      await state.release(open, undefined, 59_999);
      expect(await state.message(scope, key)).toEqual({ scope, key, claimedUntil: 60_000 });
    });
  });
});

describe('the adapter', () => {
  test('reads more than one page', async () => {
    const state = stateTable(client, await newTable());
    const tags = Array.from({ length: 9 }, (_, index) => `v${index}`);
    // DynamoDB ends a page at one megabyte, whatever the filter keeps of it.
    const evidence = { much: 'x'.repeat(250_000) };
    for (const tag of tags) await state.putFinding(finding({ resource: tagResource(tag), evidence }));
    expect(await all(state.findingsIn(scope))).toHaveLength(9);
    expect((await state.tagsNaming(repositoryResource(), digest('a'))).map(({ tag }) => tag)).toEqual(tags);
    expect(await all(state.openFindings())).toHaveLength(9);
  });

  test('names an item that is no finding', async () => {
    const table = await newTable();
    await client.send(
      new PutItemCommand({
        TableName: table,
        Item: { scope: { S: scope }, key: { S: open.key }, rule: { S: 'x' }, status: { S: 'odd' } },
      }),
    );
    await expect(stateTable(client, table).finding(scope, open.key)).rejects.toThrow(
      `the state item ${scope} ${open.key} is no finding: see "status"`,
    );
  });

  test('says that time can lift a throttle, and not that a table is missing', async () => {
    const throttled = new DynamoDBClient({
      region,
      maxAttempts: 1,
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
      requestHandler: {
        handle: () => Promise.reject(Object.assign(new Error('slow down'), { name: 'ThrottlingException' })),
      },
    });
    const state = stateTable(throttled, 'state');
    await expect(state.finding(scope, key)).rejects.toBeInstanceOf(Unavailable);
    await expect(state.putFinding(open)).rejects.toBeInstanceOf(Unavailable);
    await expect(state.claim(open, 0, 1)).rejects.toBeInstanceOf(Unavailable);
    const missing = stateTable(client, 'nowhere').finding(scope, key);
    await expect(missing).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });
});
