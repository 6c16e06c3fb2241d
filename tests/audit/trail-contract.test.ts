import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { wallClock } from '../../local/clock';
import { createDynamodb } from '../../local/dynamodb';
import { nextRecord } from '../../shared/audit/next-record';
import { type AuditRecord, hashOf } from '../../shared/audit/record';
import { isRecorded, type Trail } from '../../shared/audit/trail';
import { auditTable } from '../../shared/aws/audit-table';
import { canonicalJson } from '../../shared/domain/canonical-json';
import { account, digest, imageResource, region, tagResource, trigger } from '../builders/resources';
import { fakeTrail } from '../fakes/trail';
import { inProcess } from '../local/sdk';

const closers: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const close of closers) await close();
});

async function dynamodbTrail(): Promise<Trail> {
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
  const client = new DynamoDBClient({
    region,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    requestHandler: inProcess([dynamodb], { account, region }),
  });
  return auditTable(client, 'audit');
}

const now = Date.parse('2026-11-20T12:00:00Z');
const entry = (over: Partial<Parameters<typeof trigger>[0]> = {}) => ({
  resource: tagResource(),
  triggers: [trigger(over)],
});

describe.each<[string, () => Promise<Trail>]>([
  ['the fake', async () => fakeTrail()],
  ['the table, through the AWS SDK and the embedded DynamoDB', dynamodbTrail],
])('a trail: %s', (_, open) => {
  test('has no head before the first record', async () => {
    expect(await (await open()).head(tagResource())).toBeUndefined();
  });

  test('gives back what was inserted, byte for byte, so that its hash still holds', async () => {
    const trail = await open();
    const record = nextRecord(
      undefined,
      {
        ...entry(),
        holder: { digest: digest('a'), since: '2026-11-20T10:00:00Z', event: 'e' },
        evaluation: {
          results: [
            {
              rule: 'tag-format',
              status: 'fail',
              severity: 'high',
              message: 'ü “no”',
              evidence: { tags: ['a', 'b'], size: 1.5, gone: null, on: true },
              mode: 'report',
              digest: digest('a'),
            },
          ],
          passes: 2,
          findings: [
            { rule: 'tag-format', status: 'open', severity: 'high', openedAt: '2026-11-20T12:00:00Z' },
          ],
          closed: ['other'],
          changes: [{ rule: 'tag-format', kind: 'opened' }],
          actions: [{ kind: 'quarantine-tag', step: 'wanted', rule: 'tag-format' }],
          policyHash: 'a'.repeat(64),
          policyBuiltAt: '2026-11-20T00:00:00Z',
          factsHash: new Uint8Array(32).fill(7),
        },
      },
      now,
    );
    expect(await trail.insert([record])).toEqual([true]);
    const head = (await trail.head(tagResource()))!;
    expect(Buffer.from(hashOf(head)).equals(Buffer.from(record.hash))).toBe(true);
    expect(canonicalJson(head)).toBe(canonicalJson(record));
  });

  test('of 32 writers that read one head lets one win', async () => {
    const trail = await open();
    const records = Array.from({ length: 32 }, () => nextRecord(undefined, entry(), now));
    const answers = await Promise.all(records.map((record) => trail.insert([record])));
    expect(answers.flat().filter(Boolean)).toHaveLength(1);
    const winner = records[answers.findIndex(([won]) => won)]!;
    expect(Buffer.from((await trail.head(tagResource()))!.hash).equals(Buffer.from(winner.hash))).toBe(true);
  });

  test('answers for each of more records than one statement batch holds', async () => {
    const trail = await open();
    const taken = nextRecord(undefined, { resource: imageResource('3'), triggers: [] }, now);
    await trail.insert([taken]);
    const records = Array.from({ length: 60 }, (_, index) =>
      nextRecord(undefined, { resource: imageResource(`${index}`), triggers: [] }, now),
    );
    const answers = await trail.insert(records);
    expect(answers).toEqual(records.map((_, index) => index !== 3));
  });

  test('keeps resources apart whose names begin alike', async () => {
    const trail = await open();
    const longer = { resource: tagResource('v1.1'), triggers: [trigger({ resource: tagResource('v1.1') })] };
    await trail.insert([nextRecord(undefined, longer, now)]);
    expect(await trail.head(tagResource('v1'))).toBeUndefined();
  });

  test('walks a long chain newest first, and finds a trigger at any age in it', async () => {
    const trail = await open();
    let head: AuditRecord | undefined;
    const triggers = Array.from({ length: 150 }, (_, index) =>
      trigger({ eventTime: new Date(now + index * 1000).toISOString() }),
    );
    for (const one of triggers) {
      head = nextRecord(head, { resource: tagResource(), triggers: [one] }, now);
      await trail.insert([head]);
    }
    const sequences: string[] = [];
    for await (const record of trail.chain(tagResource())) sequences.push(record.record.slice(-12));
    expect(sequences).toHaveLength(150);
    expect(sequences).toEqual(sequences.toSorted().toReversed());
    expect(await isRecorded(trail, await trail.head(tagResource()), triggers[0]!)).toBe(true);
    expect(
      await isRecorded(
        trail,
        await trail.head(tagResource()),
        trigger({ eventTime: triggers[0]!.eventTime }),
      ),
    ).toBe(false);
  });
});
