import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  BatchExecuteStatementCommand,
  BatchWriteItemCommand,
  CreateTableCommand,
  type CreateTableCommandInput,
  DeleteItemCommand,
  DeleteTableCommand,
  DescribeContinuousBackupsCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  DynamoDBClient,
  DynamoDBServiceException,
  ExecuteStatementCommand,
  GetItemCommand,
  ListTablesCommand,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
  UpdateContinuousBackupsCommand,
  UpdateItemCommand,
  UpdateTableCommand,
  UpdateTimeToLiveCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { virtualClock } from '../../local/clock';
import { createDynamodb, type Dynamodb, type StreamRecord } from '../../local/dynamodb';
import { serve } from '../../local/server';

const account = '111122223333';
const region = 'eu-central-1';
const START = Date.parse('2026-11-24T08:00:00Z');
const tableArn = `arn:aws:dynamodb:${region}:${account}:table/audit`;

const auditTable: CreateTableCommandInput = {
  TableName: 'audit',
  BillingMode: 'PAY_PER_REQUEST',
  KeySchema: [
    { AttributeName: 'scope', KeyType: 'HASH' },
    { AttributeName: 'record', KeyType: 'RANGE' },
  ],
  AttributeDefinitions: ['scope', 'record', 'hour', 'recordedAt'].map((AttributeName) => ({
    AttributeName,
    AttributeType: 'S',
  })),
  GlobalSecondaryIndexes: [
    {
      IndexName: 'byTime',
      KeySchema: [
        { AttributeName: 'hour', KeyType: 'HASH' },
        { AttributeName: 'recordedAt', KeyType: 'RANGE' },
      ],
      Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['hash'] },
    },
  ],
  StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' },
};

interface World {
  dynamodb: Dynamodb;
  client: DynamoDBClient;
}

const endings: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'warden-dynamodb-'));
  endings.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** `stop` ends the process's part in it, as a restart would. */
async function world(path?: string): Promise<World & { stop(): Promise<void> }> {
  let ids = 0;
  const dynamodb = await createDynamodb({ path, clock: virtualClock(START), newId: () => `event-${++ids}` });
  const server = await serve({ services: [dynamodb], port: 0, account, defaultRegion: region });
  const client = clientOf(server.endpoint, region);
  let running = true;
  const stop = async () => {
    if (!running) return;
    running = false;
    client.destroy();
    await server.close(0);
    await dynamodb.close();
  };
  endings.push(stop);
  return { dynamodb, client, stop };
}

function clientOf(endpoint: string, ofRegion: string): DynamoDBClient {
  const credentials = { accessKeyId: 'any', secretAccessKey: 'thing' };
  return new DynamoDBClient({ endpoint, region: ofRegion, credentials, maxAttempts: 1 });
}

async function withTable(path?: string, changes: Partial<CreateTableCommandInput> = {}) {
  const made = await world(path);
  await made.client.send(new CreateTableCommand({ ...auditTable, ...changes }));
  return made;
}

function insert(record: string, { scope = 'a', size = 0 } = {}) {
  return {
    Statement: `INSERT INTO "audit" VALUE {'scope':?,'record':?,'hash':?,'hour':?,'recordedAt':?,'padding':?}`,
    Parameters: [
      { S: scope },
      { S: record },
      { B: new Uint8Array([1, 2, 3]) },
      { S: '2026-11-24T08' },
      { S: `at ${record}` },
      { S: 'x'.repeat(size) },
    ],
  };
}

async function codeOf(answer: Promise<unknown>): Promise<string> {
  const error = await answer.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof DynamoDBServiceException)) throw new Error(`no DynamoDB error but ${String(error)}`);
  return `${error.name}: ${error.message}`;
}

function recordsOf(dynamodb: Dynamodb): StreamRecord[] {
  const records: StreamRecord[] = [];
  dynamodb.subscribe(tableArn, (record) => records.push(record));
  return records;
}

const keysOf = (records: StreamRecord[]) => records.map(({ dynamodb }) => dynamodb.Keys.record?.S);

describe('PartiQL INSERT', () => {
  it('puts a new item, binary and all, and refuses an existing key', async () => {
    const { client } = await withTable();

    await client.send(new ExecuteStatementCommand(insert('tag#1')));
    const again = client.send(new ExecuteStatementCommand(insert('tag#1', { size: 9 })));

    expect(await codeOf(again)).toBe('DuplicateItemException: Duplicate primary key exists in table');
    const key = { scope: { S: 'a' }, record: { S: 'tag#1' } };
    const { Item } = await client.send(new GetItemCommand({ TableName: 'audit', Key: key }));
    expect(Item).toMatchObject({ hash: { B: new Uint8Array([1, 2, 3]) }, padding: { S: '' } });
  });

  it('lets exactly one of 32 racing inserts of a key win', async () => {
    const { client, dynamodb } = await withTable();
    const records = recordsOf(dynamodb);

    const outcomes = await Promise.allSettled(
      Array.from({ length: 32 }, (_, size) =>
        client.send(new ExecuteStatementCommand(insert('tag#1', { size }))),
      ),
    );

    const winners = outcomes.flatMap(({ status }, size) => (status === 'fulfilled' ? [size] : []));
    expect(winners).toHaveLength(1);
    const reasons = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason.name] : []));
    expect(new Set(reasons)).toEqual(new Set(['DuplicateItemException']));
    expect(records).toHaveLength(1);
    expect(records[0]?.dynamodb.NewImage?.padding?.S).toHaveLength(winners[0] ?? -1);
  });

  it('judges each statement of a batch by itself', async () => {
    const { client } = await withTable();
    await client.send(new ExecuteStatementCommand(insert('tag#2')));

    const { Responses, ConsumedCapacity } = await client.send(
      new BatchExecuteStatementCommand({
        Statements: [
          insert('tag#1'),
          insert('tag#2'),
          { Statement: 'SELECT * FROM "audit"' },
          insert('tag#3'),
        ],
        ReturnConsumedCapacity: 'TOTAL',
      }),
    );

    expect(Responses).toEqual([
      { TableName: 'audit' },
      { Error: { Code: 'DuplicateItem', Message: 'Duplicate primary key exists in table' } },
      { Error: { Code: 'ValidationError', Message: expect.stringContaining('only INSERT INTO') } },
      { TableName: 'audit' },
    ]);
    expect(ConsumedCapacity).toEqual([{ TableName: 'audit', CapacityUnits: 4 }]);
  });

  it('takes at most 25 statements', async () => {
    const { client } = await withTable();
    const Statements = Array.from({ length: 26 }, (_, at) => insert(`tag#${at}`));

    const answer = client.send(new BatchExecuteStatementCommand({ Statements }));

    expect(await codeOf(answer)).toMatch(/^ValidationException: Statements/);
  });

  it('takes literals too', async () => {
    const { client } = await withTable();
    const Statement = `insert into audit value { 'scope': 'it''s', 'record' : 'r', 'n': -1.5, 'b': true, 'x': null }`;

    await client.send(new ExecuteStatementCommand({ Statement }));

    const key = { scope: { S: "it's" }, record: { S: 'r' } };
    const { Item } = await client.send(new GetItemCommand({ TableName: 'audit', Key: key }));
    expect(Item).toEqual({ ...key, n: { N: '-1.5' }, b: { BOOL: true }, x: { NULL: true } });
  });

  it.each([
    ['another verb', `UPDATE "audit" SET x=1 WHERE scope='a'`],
    ['IF NOT EXISTS', `INSERT INTO "audit" VALUE {'scope':'a','record':'b'} IF NOT EXISTS`],
    ['a nested value', `INSERT INTO "audit" VALUE {'scope':'a','record':{'S':'b'}}`],
    ['an attribute given twice', `INSERT INTO "audit" VALUE {'scope':'a','record':'b','scope':'c'}`],
    ['no attribute', `INSERT INTO "audit" VALUE {}`],
  ])('refuses %s and names what it can do', async (_, Statement) => {
    const { client } = await withTable();

    const answer = client.send(new ExecuteStatementCommand({ Statement }));

    expect(await codeOf(answer)).toMatch(/^ValidationException: .*only INSERT INTO "table" VALUE/);
  });

  it('refuses missing parameters, a missing key and a missing table', async () => {
    const { client } = await withTable();
    const ask = (Statement: string) => codeOf(client.send(new ExecuteStatementCommand({ Statement })));

    expect(await ask(`INSERT INTO "audit" VALUE {'scope':?}`)).toMatch(/parameters .* don't match/);
    expect(await ask(`INSERT INTO "audit" VALUE {'scope':'a'}`)).toMatch(/Missing the key record/);
    expect(await ask(`INSERT INTO "other" VALUE {'scope':'a'}`)).toMatch(/^ResourceNotFoundException/);
  });

  it('counts write units: each started KB of the item, and its index entry', async () => {
    const { client } = await withTable();
    const unitsOf = async (record: string, size: number) => {
      const request = { ...insert(record, { size }), ReturnConsumedCapacity: 'INDEXES' as const };
      return (await client.send(new ExecuteStatementCommand(request))).ConsumedCapacity;
    };

    expect(await unitsOf('small', 100)).toEqual({
      TableName: 'audit',
      CapacityUnits: 2,
      Table: { CapacityUnits: 1 },
      GlobalSecondaryIndexes: { byTime: { CapacityUnits: 1 } },
    });
    expect(await unitsOf('large', 1024)).toMatchObject({ CapacityUnits: 3, Table: { CapacityUnits: 2 } });
  });
});

describe('the stream', () => {
  it('carries each write in commit order, in the shape of a Lambda event', async () => {
    const { client, dynamodb } = await withTable();
    const { Table } = await client.send(new DescribeTableCommand({ TableName: 'audit' }));
    const records = recordsOf(dynamodb);
    const key = { scope: { S: 'a' }, record: { S: 'tag#1' } };

    await client.send(new ExecuteStatementCommand(insert('tag#1')));
    const UpdateExpression = 'SET padding = :p';
    const values = { ':p': { S: 'changed' } };
    await client.send(
      new UpdateItemCommand({
        TableName: 'audit',
        Key: key,
        UpdateExpression,
        ExpressionAttributeValues: values,
      }),
    );
    await client.send(new PutItemCommand({ TableName: 'audit', Item: { ...key, hash: { S: 'put' } } }));
    await client.send(new PutItemCommand({ TableName: 'audit', Item: { ...key, hash: { S: 'put' } } }));
    await client.send(new DeleteItemCommand({ TableName: 'audit', Key: key }));
    await client.send(new DeleteItemCommand({ TableName: 'audit', Key: key }));

    expect(records[0]).toEqual({
      eventID: 'event-1',
      eventName: 'INSERT',
      eventVersion: '1.1',
      eventSource: 'aws:dynamodb',
      awsRegion: region,
      dynamodb: {
        ApproximateCreationDateTime: START / 1000,
        Keys: key,
        NewImage: expect.objectContaining({ ...key, hash: { B: 'AQID' } }),
        SequenceNumber: expect.stringMatching(/^\d{21}$/),
        SizeBytes: expect.any(Number),
        StreamViewType: 'NEW_IMAGE',
      },
      eventSourceARN: Table?.LatestStreamArn,
    });
    expect(records.map(({ eventName }) => eventName)).toEqual(['INSERT', 'MODIFY', 'MODIFY', 'REMOVE']);
    expect(records[3]?.dynamodb.NewImage).toBeUndefined();
    const sequences = records.map(({ dynamodb: { SequenceNumber } }) => SequenceNumber);
    expect(sequences).toEqual([...sequences].sort());
  });

  it('has the records of concurrent writes in the order of their sequence', async () => {
    const { client, dynamodb } = await withTable();
    const records = recordsOf(dynamodb);

    const RequestItems = {
      audit: [{ PutRequest: { Item: { scope: { S: 'b' }, record: { S: 'batch' } } } }],
    };
    await Promise.all([
      ...Array.from({ length: 50 }, (_, at) => client.send(new ExecuteStatementCommand(insert(`tag#${at}`)))),
      client.send(new BatchWriteItemCommand({ RequestItems })),
    ]);

    expect(records).toHaveLength(51);
    const sequences = records.map(({ dynamodb: { SequenceNumber } }) => SequenceNumber);
    expect(sequences).toEqual([...sequences].sort());
    expect(new Set(keysOf(records)).size).toBe(51);
  });

  it('hands records written before to a new subscriber, but not those under a checkpoint', async () => {
    const { client, dynamodb } = await withTable();
    const first = recordsOf(dynamodb);
    for (const record of ['1', '2', '3']) await client.send(new ExecuteStatementCommand(insert(record)));
    const { eventSourceARN = '', dynamodb: { SequenceNumber = '' } = {} } = first[1] ?? {};

    await dynamodb.checkpoint(eventSourceARN, SequenceNumber);
    const second = recordsOf(dynamodb);
    await client.send(new ExecuteStatementCommand(insert('4')));

    expect(keysOf(first)).toEqual(['1', '2', '3', '4']);
    expect(keysOf(second)).toEqual(['3', '4']);
  });

  it('keeps what a table without stream writes to itself', async () => {
    const { client, dynamodb } = await withTable(undefined, {
      StreamSpecification: { StreamEnabled: false },
    });
    const records = recordsOf(dynamodb);

    await client.send(new ExecuteStatementCommand(insert('1')));

    expect(records).toEqual([]);
  });

  it('has the old image where the table asks for it', async () => {
    const { client, dynamodb } = await withTable(undefined, {
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
    });
    const records = recordsOf(dynamodb);
    const key = { scope: { S: 'a' }, record: { S: '1' } };

    await client.send(new PutItemCommand({ TableName: 'audit', Item: { ...key, n: { N: '1' } } }));
    await client.send(new PutItemCommand({ TableName: 'audit', Item: { ...key, n: { N: '2' } } }));

    expect(records[1]?.dynamodb).toMatchObject({ OldImage: { n: { N: '1' } }, NewImage: { n: { N: '2' } } });
  });
});

describe('tables', () => {
  it('keep the settings that templates make', async () => {
    const { client } = await withTable(undefined, { SSESpecification: { Enabled: true } });
    await waitUntilTableExists({ client, minDelay: 1, maxWaitTime: 5 }, { TableName: 'audit' });

    await client.send(
      new UpdateTimeToLiveCommand({
        TableName: 'audit',
        TimeToLiveSpecification: { Enabled: true, AttributeName: 'expires' },
      }),
    );
    await client.send(
      new UpdateContinuousBackupsCommand({
        TableName: 'audit',
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      }),
    );

    const { Table } = await client.send(new DescribeTableCommand({ TableName: 'audit' }));
    expect(Table).toMatchObject({
      TableStatus: 'ACTIVE',
      TableArn: tableArn,
      CreationDateTime: new Date(START),
      SSEDescription: { Status: 'ENABLED' },
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' },
      LatestStreamArn: `${tableArn}/stream/2026-11-24T08:00:00.000`,
      GlobalSecondaryIndexes: [{ IndexName: 'byTime', IndexStatus: 'ACTIVE' }],
    });
    const { TimeToLiveDescription } = await client.send(
      new DescribeTimeToLiveCommand({ TableName: 'audit' }),
    );
    expect(TimeToLiveDescription).toEqual({ TimeToLiveStatus: 'ENABLED', AttributeName: 'expires' });
    const backups = await client.send(new DescribeContinuousBackupsCommand({ TableName: 'audit' }));
    expect(
      backups.ContinuousBackupsDescription?.PointInTimeRecoveryDescription?.PointInTimeRecoveryStatus,
    ).toBe('ENABLED');
  });

  it('are not deleted while protected', async () => {
    const { client } = await withTable(undefined, { DeletionProtectionEnabled: true });
    await client.send(new ExecuteStatementCommand(insert('1')));
    const remove = () => client.send(new DeleteTableCommand({ TableName: 'audit' }));

    expect(await codeOf(remove())).toMatch(/^ValidationException: .*protected against deletion/);
    await client.send(new UpdateTableCommand({ TableName: 'audit', DeletionProtectionEnabled: false }));
    await remove();

    expect((await client.send(new ListTablesCommand({}))).TableNames).toEqual([]);
    await client.send(new CreateTableCommand(auditTable));
    expect((await client.send(new QueryCommand(queryOf('a')))).Count).toBe(0);
    expect(await indexed(client)).toBe(0);
  });

  it('are refused a second time, and an invalid one leaves nothing behind', async () => {
    const { client } = await withTable();
    const create = (changes: Partial<CreateTableCommandInput>) =>
      codeOf(client.send(new CreateTableCommand({ ...auditTable, ...changes })));

    expect(await create({})).toMatch(/^ResourceInUseException/);
    expect(await create({ TableName: 'other', KeySchema: [] })).toMatch(/^ValidationException/);
    expect((await client.send(new ListTablesCommand({}))).TableNames).toEqual(['audit']);
  });

  it('are per Region', async () => {
    const { client, dynamodb } = await withTable();
    await client.send(new ExecuteStatementCommand(insert('1')));

    const input = { TableName: 'audit' };
    const elsewhere = dynamodb.call({ operation: 'DescribeTable', input, account, region: 'eu-west-1' });
    await expect(elsewhere).rejects.toMatchObject({ code: 'ResourceNotFoundException' });
    await dynamodb.call({ operation: 'CreateTable', input: { ...auditTable }, account, region: 'eu-west-1' });
    const { Table } = await client.send(new DescribeTableCommand({ TableName: 'audit' }));
    expect(Table?.TableArn).toBe(tableArn);
    const found = await dynamodb.call({
      operation: 'Scan',
      input: { TableName: 'audit' },
      account,
      region: 'eu-west-1',
    });
    expect(found).toMatchObject({ Count: 0 });
  });

  it('know no operation that is not emulated', async () => {
    const { dynamodb } = await world();
    const call = dynamodb.call({ operation: 'TransactWriteItems', input: {}, account, region });
    await expect(call).rejects.toMatchObject({ code: 'UnknownOperationException' });
  });
});

it('answers a failed condition with the item that failed it', async () => {
  const { client } = await withTable();
  const Item = { scope: { S: 'a' }, record: { S: '1' }, n: { N: '7' } };
  await client.send(new PutItemCommand({ TableName: 'audit', Item }));

  const refused = client.send(
    new PutItemCommand({
      TableName: 'audit',
      Item,
      ConditionExpression: 'attribute_not_exists(#scope)',
      ExpressionAttributeNames: { '#scope': 'scope' },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    }),
  );

  await expect(refused).rejects.toMatchObject({ name: 'ConditionalCheckFailedException', Item });
});

function queryOf(scope: string, changes: Partial<QueryCommandInput> = {}): QueryCommandInput {
  return {
    TableName: 'audit',
    KeyConditionExpression: '#scope = :scope',
    ExpressionAttributeNames: { '#scope': 'scope', ...changes.ExpressionAttributeNames },
    ExpressionAttributeValues: { ':scope': { S: scope } },
    ...changes,
  };
}

async function indexed(client: DynamoDBClient): Promise<number | undefined> {
  const { Count } = await client.send(
    new QueryCommand({
      TableName: 'audit',
      IndexName: 'byTime',
      KeyConditionExpression: '#hour = :hour',
      ExpressionAttributeNames: { '#hour': 'hour' },
      ExpressionAttributeValues: { ':hour': { S: '2026-11-24T08' } },
    }),
  );
  return Count;
}

describe('a query of the trail', () => {
  const CONDITIONS = [
    'begins_with(#record, :one)',
    '#record BETWEEN :one AND :two',
    ...['=', '<', '<=', '>', '>='].map((operator) => `#record ${operator} :one`),
  ];

  it('answers as dynalite does, whatever the keys and the condition', async () => {
    const { dynamodb } = await withTable();
    const call = (operation: string, input: object) =>
      dynamodb.call({ operation, input: { ...input }, account, region });
    const key = fc.oneof(
      fc.string({ unit: fc.constantFrom('a', 'b', '#', '/', '~', '0'), minLength: 1, maxLength: 4 }),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 3 }),
    );
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(key, { maxLength: 12 }),
        fc.constantFrom(undefined, ...CONDITIONS),
        key,
        key,
        fc.record({
          ScanIndexForward: fc.boolean(),
          ConsistentRead: fc.boolean(),
          Limit: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
          ReturnConsumedCapacity: fc.constantFrom('TOTAL', 'INDEXES', 'NONE'),
        }),
        async (records, condition, one, two, options) => {
          // Dynalite compares the bounds of BETWEEN by UTF-16 units, DynamoDB and the front by UTF-8 bytes.
          fc.pre(!condition?.includes(':two') || !/[^ -\ud7ff]/.test(one + two));
          const scope = `run ${++run}.`;
          for (const other of [scope, `${scope}0`]) {
            for (const record of records) await call('ExecuteStatement', jsonInsert(other, record));
          }
          const shape = {
            TableName: 'audit',
            KeyConditionExpression: condition ? `#scope = :scope AND ${condition}` : '#scope = :scope',
            ExpressionAttributeNames: { '#scope': 'scope', ...(condition && { '#record': 'record' }) },
            ExpressionAttributeValues: {
              ':scope': { S: scope },
              ...(condition && { ':one': { S: one } }),
              ...(condition?.includes(':two') && { ':two': { S: two } }),
            },
            ...options,
          };
          // A blank more in the expression, and it is dynalite's.
          const viaDynalite = { ...shape, KeyConditionExpression: ` ${shape.KeyConditionExpression}` };
          expect(await outcomeOf(call('Query', shape))).toEqual(await outcomeOf(call('Query', viaDynalite)));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('reads the newest record of one among 5,000 at once', async () => {
    const { dynamodb } = await withTable();
    const call = (operation: string, input: object) =>
      dynamodb.call({ operation, input: { ...input }, account, region });
    const nameOf = (at: number) => `tag#v${at % 50}#${String(at).padStart(12, '0')}`;
    for (let from = 0; from < 5_000; from += 1000) {
      const some = Array.from({ length: 1000 }, (_, at) => jsonInsert('a', nameOf(from + at)));
      await Promise.all(some.map((one) => call('ExecuteStatement', one)));
    }
    const head = (at: number) =>
      call('Query', {
        ...queryOf('a'),
        KeyConditionExpression: '#scope = :scope AND begins_with(#record, :prefix)',
        ExpressionAttributeNames: { '#scope': 'scope', '#record': 'record' },
        ExpressionAttributeValues: { ':scope': { S: 'a' }, ':prefix': { S: `tag#v${at % 50}#` } },
        ScanIndexForward: false,
        ConsistentRead: true,
        Limit: 1,
      });

    const started = performance.now();
    const heads = await Promise.all(Array.from({ length: 500 }, (_, at) => head(at)));
    const seconds = (performance.now() - started) / 1000;

    expect(heads[7]).toMatchObject({ Count: 1, Items: [{ record: { S: nameOf(4957) } }] });
    // A scan of the partition for each takes ten times as long.
    expect(seconds).toBeLessThan(2);
  });
});

function jsonInsert(scope: string, record: string) {
  return {
    Statement: `INSERT INTO "audit" VALUE {'scope':?,'record':?}`,
    Parameters: [{ S: scope }, { S: record }],
  };
}

async function outcomeOf(answer: Promise<object>): Promise<unknown> {
  return answer.catch((error: Error) => ({ refused: error.message }));
}

describe('a data folder', () => {
  const writeThree = async (path: string) => {
    const { client, dynamodb, stop } = await withTable(path);
    const records = recordsOf(dynamodb);
    for (const record of ['1', '2', '3']) await client.send(new ExecuteStatementCommand(insert(record)));
    const { eventSourceARN = '', dynamodb: { SequenceNumber = '' } = {} } = records[0] ?? {};
    await dynamodb.checkpoint(eventSourceARN, SequenceNumber);
    await stop();
    return records;
  };
  const inside = (path: string) => join(path, `${account}-${region}`);

  it('keeps tables, settings and unconsumed stream records over a restart', async () => {
    const path = folder();
    const before = await writeThree(path);

    const { client, dynamodb } = await world(path);
    const records = recordsOf(dynamodb);
    await client.send(new ExecuteStatementCommand(insert('4')));
    const again = client.send(new ExecuteStatementCommand(insert('2')));

    expect(await codeOf(again)).toMatch(/^DuplicateItemException/);
    expect(keysOf(records)).toEqual(['2', '3', '4']);
    expect(records.slice(0, 2)).toEqual(before.slice(1));
    const sequences = records.map(({ dynamodb: { SequenceNumber } }) => SequenceNumber);
    expect(sequences).toEqual([...sequences].sort());
    expect((await client.send(new QueryCommand(queryOf('a')))).Count).toBe(4);
    expect(await indexed(client)).toBe(4);
  });

  it('goes on counting after all records were consumed', async () => {
    const path = folder();
    const before = await writeThree(path);
    const last = before.at(-1);
    const second = await world(path);
    await second.dynamodb.checkpoint(last?.eventSourceARN ?? '', last?.dynamodb.SequenceNumber ?? '');
    await second.stop();

    const { client, dynamodb } = await world(path);
    const records = recordsOf(dynamodb);
    await client.send(new ExecuteStatementCommand(insert('4')));

    expect(keysOf(records)).toEqual(['4']);
    expect(BigInt(records[0]?.dynamodb.SequenceNumber ?? 0)).toBeGreaterThan(
      BigInt(last?.dynamodb.SequenceNumber ?? 0),
    );
  });

  const manifestOf = (path: string) =>
    join(inside(path), readdirSync(inside(path)).find((name) => name.startsWith('MANIFEST')) ?? '');
  const logOf = (path: string) =>
    join(inside(path), readdirSync(inside(path)).find((name) => name.endsWith('.log')) ?? '');
  const current = (path: string) => join(inside(path), 'CURRENT');

  const DAMAGE: [string, (path: string) => void][] = [
    ['CURRENT holds rubbish', (path) => writeFileSync(current(path), 'rubbish')],
    ['CURRENT is empty', (path) => truncateSync(current(path), 0)],
    ['CURRENT is gone', (path) => rmSync(current(path))],
    ['CURRENT names another file', (path) => writeFileSync(current(path), 'MANIFEST-999999\n')],
    ['MANIFEST holds rubbish', (path) => writeFileSync(manifestOf(path), 'rubbish'.repeat(20))],
    ['MANIFEST is empty', (path) => truncateSync(manifestOf(path), 0)],
    [
      'MANIFEST lost its end',
      (path) => truncateSync(manifestOf(path), Math.floor(statSync(manifestOf(path)).size / 2)),
    ],
    ['the log is gone', (path) => rmSync(logOf(path))],
    ['MANIFEST is gone', (path) => rmSync(manifestOf(path))],
    [
      'all files are gone',
      (path) => readdirSync(inside(path)).forEach((name) => void rmSync(join(inside(path), name))),
    ],
  ];
  const notes = (path: string) => `${inside(path)}.contents.json`;

  it.each(DAMAGE)('is refused by its name and left alone when %s', async (_, damage) => {
    const path = folder();
    await writeThree(path);
    damage(path);
    const before = filesOf(inside(path));

    await expect(world(path)).rejects.toThrow(inside(path));

    expect(filesOf(inside(path))).toEqual(before);
  });

  it.each(DAMAGE.slice(0, -1))('is refused also after a crash, when %s', async (_, damage) => {
    const path = folder();
    await writeThree(path);
    // A crash leaves no note of the contents.
    rmSync(notes(path));
    damage(path);
    const before = filesOf(inside(path));

    await expect(world(path)).rejects.toThrow(inside(path));

    for (const [name, content] of Object.entries(before)) {
      if (/\.(log|ldb)$/.test(name)) expect(filesOf(inside(path))[name]).toEqual(content);
    }
  });

  it('is refused while another process has it', async () => {
    const path = folder();
    await withTable(path);

    await expect(world(path)).rejects.toThrow(/in use by another process/);
  });

  it('is whole after a crash', async () => {
    const path = folder();
    const { client } = await withTable(path);
    await client.send(new ExecuteStatementCommand(insert('1')));
    const copy = folder();
    // What the folder holds while the process runs is what a crash leaves.
    mkdirSync(inside(copy));
    for (const [name, content] of Object.entries(filesOf(inside(path)))) {
      writeFileSync(join(inside(copy), name), content);
    }
    expect(existsSync(notes(path))).toBe(false);

    const { client: other, dynamodb } = await world(copy);

    expect((await other.send(new QueryCommand(queryOf('a')))).Count).toBe(1);
    const records = recordsOf(dynamodb);
    await other.send(new ExecuteStatementCommand(insert('2')));
    expect(keysOf(records)).toEqual(['1', '2']);
  });
});

function filesOf(path: string): Record<string, Buffer> {
  const names = readdirSync(path).filter((name) => !/^LO/.test(name));
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(path, name))]));
}
