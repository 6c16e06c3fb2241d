import { subscribe } from 'node:diagnostics_channel';
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { BatchExecuteStatementCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { dynamodbClient } from '../../../shared/aws/clients';
import { answerParent } from './part';
import { batchSize, home, monotonicMilliseconds } from './scenario';

/** What the process that runs the function's bundle can be asked for. */
export type Handler = {
  load: { question: { readonly bundle: string }; answer: undefined };
  handle: {
    question: { readonly bodies: readonly string[]; readonly profile?: string | undefined };
    answer: Handled;
  };
  bareCalls: {
    question: { readonly table: string; readonly keys: readonly RecordKey[]; readonly copy: number };
    answer: Cost;
  };
};

export interface RecordKey {
  readonly scope: string;
  readonly record: string;
}

export interface Cost {
  /** User and system time of this process, in milliseconds. */
  readonly cpu: number;
  readonly wall: number;
}

export interface Handled extends Cost {
  /** When each batch was handed over, in milliseconds of the machine's monotonic clock. */
  readonly handedOverAt: readonly number[];
  readonly connections: number;
  /** Most memory held, in megabytes. */
  readonly peakMemory: number;
}

type Lambda = (event: SQSEvent, context: object) => Promise<SQSBatchResponse>;

let lambda: Lambda | undefined;
let connections = 0;
subscribe('net.client.socket', () => {
  connections += 1;
});

answerParent<Handler>({
  load({ bundle }) {
    lambda = (require(bundle) as { handler: Lambda }).handler;
  },

  async handle({ bodies, profile }) {
    if (!lambda) throw new Error('no bundle was loaded');
    const events = inBatches(bodies).map(sqsEvent);
    const handedOverAt: number[] = [];
    const before = connections;
    const stopProfile = profile === undefined ? undefined : await startProfile(profile);
    const cost = await measured(async () => {
      for (const [index, event] of events.entries()) {
        handedOverAt.push(monotonicMilliseconds());
        const { batchItemFailures } = await lambda!(event, context(index));
        if (batchItemFailures.length > 0)
          throw new Error(`batch ${index}: ${batchItemFailures.length} failed`);
      }
    });
    await stopProfile?.();
    return {
      ...cost,
      handedOverAt,
      connections: connections - before,
      peakMemory: process.resourceUsage().maxRSS / 1024,
    };
  },

  /** What the SDK alone costs for a Query an event and a BatchExecuteStatement a batch, with the same records. */
  async bareCalls({ table, keys, copy }) {
    const client = dynamodbClient();
    const query = async ({ scope, record }: RecordKey) => {
      const { Items = [] } = await client.send(
        new QueryCommand({
          TableName: table,
          KeyConditionExpression: '#scope = :scope AND begins_with(#record, :prefix)',
          ExpressionAttributeNames: { '#scope': 'scope', '#record': 'record' },
          ExpressionAttributeValues: { ':scope': { S: scope }, ':prefix': { S: record.slice(0, -12) } },
          ScanIndexForward: false,
          Limit: 1,
          ConsistentRead: true,
        }),
      );
      return Items;
    };
    const batches = await eachInTurn(inBatches(keys), async (batch) =>
      (await Promise.all(batch.map(query))).flat(),
    );
    const copies = batches.map((items) =>
      items.map((item) => {
        const moved = { ...item, scope: { S: `copy ${copy} of ${item.scope?.S}` } };
        const names = Object.keys(moved).map((name) => `'${name}':?`);
        return {
          key: { scope: moved.scope.S, record: item.record?.S ?? '' },
          statement: {
            Statement: `INSERT INTO "${table}" VALUE {${names.join(',')}}`,
            Parameters: Object.values(moved),
          },
        };
      }),
    );
    const cost = await measured(() =>
      eachInTurn(copies, async (items) => {
        await Promise.all(items.map(({ key }) => query(key)));
        const { Responses = [] } = await client.send(
          new BatchExecuteStatementCommand({ Statements: items.map(({ statement }) => statement) }),
        );
        if (Responses.some(({ Error: refused }) => refused)) throw new Error('an insert was refused');
      }),
    );
    client.destroy();
    return cost;
  },
});

async function measured(work: () => Promise<unknown>): Promise<Cost> {
  const cpu = process.cpuUsage();
  const started = performance.now();
  await work();
  const wall = performance.now() - started;
  const { user, system } = process.cpuUsage(cpu);
  return { cpu: (user + system) / 1000, wall };
}

async function eachInTurn<T, U>(items: readonly T[], task: (item: T) => Promise<U>): Promise<U[]> {
  const answers: U[] = [];
  for (const item of items) answers.push(await task(item));
  return answers;
}

function inBatches<T>(items: readonly T[]): T[][] {
  const count = Math.ceil(items.length / batchSize);
  return Array.from({ length: count }, (_, index) => items.slice(index * batchSize, (index + 1) * batchSize));
}

/** As Lambda hands over a batch: "Using Lambda with Amazon SQS" in the Lambda developer guide. */
function sqsEvent(bodies: readonly string[], batch: number): SQSEvent {
  return {
    Records: bodies.map((body, index) => ({
      messageId: `00000000-0000-4000-8000-${String(batch * batchSize + index).padStart(12, '0')}`,
      receiptHandle: 'MessageReceiptHandle',
      body,
      attributes: {
        ApproximateReceiveCount: '1',
        SentTimestamp: '1523232000000',
        SenderId: '123456789012',
        ApproximateFirstReceiveTimestamp: '1523232000001',
      },
      messageAttributes: {},
      md5OfBody: '7b270e59b47ff90a553787216d55d91d',
      eventSource: 'aws:sqs',
      eventSourceARN: `arn:aws:sqs:${home}:111122223333:ecr-warden-reconcile`,
      awsRegion: home,
    })),
  };
}

function context(index: number): object {
  return {
    functionName: 'ecr-warden-reconcile',
    awsRequestId: `request-${index}`,
    getRemainingTimeInMillis: () => 60_000,
  };
}

/** The answer writes the profile to the file, for a browser's developer tools. */
async function startProfile(file: string): Promise<() => Promise<void>> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: 200 });
  await session.post('Profiler.start');
  return async () => {
    const { profile } = await session.post('Profiler.stop');
    writeFileSync(file, JSON.stringify(profile));
    session.disconnect();
  };
}
