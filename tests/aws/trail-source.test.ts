import { setTimeout } from 'node:timers/promises';
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { wallClock } from '../../local/clock';
import { createDynamodb } from '../../local/dynamodb';
import { nextRecord } from '../../shared/audit/next-record';
import { verifyExport, verifyLive } from '../../shared/audit/verify';
import { auditTable } from '../../shared/aws/audit-table';
import { trailSource } from '../../shared/aws/trail-source';
import { account, region, tagResource, trigger } from '../builders/resources';
import { exported, exportText, opened, sealedUpTo, trailOf, trailStart } from '../builders/trails';
import { inProcess } from '../local/sdk';

const closers: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const close of closers) await close();
});

async function auditClient(): Promise<DynamoDBClient> {
  let ids = 0;
  const dynamodb = await createDynamodb({ clock: wallClock, newId: () => `id-${++ids}` });
  closers.push(() => dynamodb.close());
  await dynamodb.call({
    operation: 'CreateTable',
    account,
    region,
    input: {
      TableName: 'audit',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: 'scope', AttributeType: 'S' },
        { AttributeName: 'record', AttributeType: 'S' },
      ],
      KeySchema: [
        { AttributeName: 'scope', KeyType: 'HASH' },
        { AttributeName: 'record', KeyType: 'RANGE' },
      ],
    },
  });
  return new DynamoDBClient({
    region,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    requestHandler: inProcess([dynamodb], { account, region }),
  });
}

test('the table is exported as it is, in key order, over several pages', async () => {
  const client = await auditClient();
  const records = trailOf(Array.from({ length: 60 }, (_, index) => ({ resource: index % 9, seconds: 60 })));
  const seals = sealedUpTo(records, trailStart + 3 * 3_600_000);
  // Padding makes a page of a query, at most 1 MB, hold a few items alone.
  const padded = { ...records[0]!, record: `tag#zz#${'1'.padStart(12, '0')}`, padding: 'x'.repeat(350_000) };
  const items = [
    ...records,
    ...seals,
    ...[1, 2, 3, 4].map((n) => ({ ...padded, record: `tag#z${n}#${'1'.padStart(12, '0')}` })),
  ];
  for (const item of items) {
    await client.send(new PutItemCommand({ TableName: 'audit', Item: marshall(item) }));
  }
  const source = trailSource(client, 'audit');
  expect(await source.newestSeal()).toBe(seals.at(-1)!.record);
  expect((await exportText(source)) === (await exported(items))).toBe(true);
});

test('is valid while sixteen writers write to one resource and to many', async () => {
  const client = await auditClient();
  const trail = auditTable(client, 'audit');
  const source = trailSource(client, 'audit');
  let writing = true;
  const write = async (writer: number): Promise<number> => {
    let written = 0;
    for (let turn = 0; turn < 12; turn += 1) {
      const resource = tagResource(turn % 3 === 0 ? 'shared' : `own-${writer}-${turn}`);
      for (let done = false; !done; ) {
        const head = await trail.head(resource);
        // Clocks five minutes apart.
        const now = trailStart + turn * 60_000 + (writer % 2 === 0 ? 150_000 : -150_000);
        [done = false] = await trail.insert([
          nextRecord(head, { resource, triggers: [trigger({ resource })] }, now),
        ]);
      }
      written += 1;
    }
    return written;
  };
  const writers = Promise.all(Array.from({ length: 16 }, (_, writer) => write(writer)));
  const looks: number[] = [];
  const look = async (): Promise<void> => {
    while (writing) {
      await setTimeout(20);
      const { valid, records, firstBad } = await verifyExport(opened(await exportText(source)));
      expect({ valid, firstBad }).toEqual({ valid: true });
      looks.push(records);
    }
  };
  const looking = look();
  const written = await writers.finally(() => {
    writing = false;
  });
  await looking;
  const total = written.reduce((sum, one) => sum + one, 0);
  expect(await verifyLive(source)).toMatchObject({ valid: true, records: total });
  expect(looks.filter((records) => records > 0 && records < total).length).toBeGreaterThan(0);
}, 60_000);
