import { z } from 'zod';
import type { Clock } from './clock';
import type { Dynamodb, StreamRecord } from './dynamodb';
import { compilePattern } from './event-pattern';
import type { Invocation } from './lambda';
import type { MessageAttribute, ReceivedMessage, Sqs } from './sqs';

// Lambda's event source mappings. Sources: "Using Lambda with Amazon SQS" and "Using AWS Lambda with Amazon DynamoDB",
// above all their pages on error handling, in the AWS Lambda developer guide.

export interface EventSource {
  /** How many messages or records are being handled, or wait to be; delayed messages do not count. */
  backlog(): number;
  /** Takes nothing new and settles when what is under way has ended. */
  close(): Promise<void>;
}

export interface SqsSourceSettings {
  readonly queueArn: string;
  readonly batchSize: number;
  readonly windowSeconds: number;
  readonly maximumConcurrency: number;
  readonly reportsItemFailures: boolean;
}

type Invoke = (event: unknown) => Promise<Invocation>;

/** How long one receive waits. Short, since closing waits for it. */
const waitMilliseconds = 200;

/** Without a maximum Lambda begins with this many at once. */
export const defaultConcurrency = 5;

/**
 * Polls a queue for a function. What succeeded is deleted; what failed stays and becomes visible again by the queue's
 * own timeout, or by what the function asked for it.
 */
export function sqsSource(
  settings: SqsSourceSettings,
  { sqs, clock, invoke }: { readonly sqs: Sqs; readonly clock: Clock; readonly invoke: Invoke },
): EventSource {
  const { queueArn, batchSize, windowSeconds, maximumConcurrency } = settings;
  const underWay = new Set<Promise<void>>();
  let closed = false;

  async function poll(): Promise<void> {
    while (!closed) {
      if (underWay.size >= maximumConcurrency) {
        await Promise.race(underWay);
        continue;
      }
      const batch = await gather();
      if (closed) {
        for (const { receiptHandle } of batch) sqs.changeVisibility(queueArn, receiptHandle, 0);
      } else if (batch.length > 0) {
        const handling = handle(batch).finally(() => underWay.delete(handling));
        underWay.add(handling);
      }
    }
  }

  async function gather(): Promise<ReceivedMessage[]> {
    const batch = await sqs.receive(queueArn, { max: Math.min(batchSize, 10), waitMilliseconds });
    const until = clock.now() + windowSeconds * 1000;
    while (!closed && batch.length > 0 && batch.length < batchSize && clock.now() < until) {
      const max = Math.min(batchSize - batch.length, 10);
      const wait = Math.min(until - clock.now(), waitMilliseconds);
      batch.push(...(await sqs.receive(queueArn, { max, waitMilliseconds: wait })));
    }
    return batch;
  }

  async function handle(batch: readonly ReceivedMessage[]): Promise<void> {
    const invocation = await invoke({ Records: batch.map((message) => sqsRecord(message, queueArn)) });
    const failed = failedItems(
      invocation,
      batch.map(({ messageId }) => messageId),
      settings.reportsItemFailures,
    );
    for (const { messageId, receiptHandle } of batch) {
      if (!failed.has(messageId)) sqs.remove(queueArn, receiptHandle);
    }
  }

  const polling = poll();
  return {
    backlog() {
      const { visible, inFlight } = sqs.depth(queueArn);
      return Math.max(underWay.size, visible + inFlight);
    },
    async close() {
      closed = true;
      await polling;
      await Promise.all(underWay);
    },
  };
}

function sqsRecord({ messageAttributes, ...message }: ReceivedMessage, queueArn: string): object {
  const attributes = Object.entries(messageAttributes).map(([name, value]) => [name, lambdaAttribute(value)]);
  return {
    ...message,
    messageAttributes: Object.fromEntries(attributes),
    eventSource: 'aws:sqs',
    eventSourceARN: queueArn,
    awsRegion: queueArn.split(':')[3],
  };
}

function lambdaAttribute({ DataType, StringValue, BinaryValue }: MessageAttribute): object {
  return {
    dataType: DataType,
    ...(StringValue !== undefined && { stringValue: StringValue }),
    ...(BinaryValue !== undefined && { binaryValue: BinaryValue }),
    stringListValues: [],
    binaryListValues: [],
  };
}

const itemFailures = z.object({
  batchItemFailures: z.nullish(z.array(z.object({ itemIdentifier: z.string().min(1) }))),
});

/** The items of a batch that failed. An answer that cannot be understood, or names a stranger, is a failure of all. */
function failedItems(
  invocation: Invocation,
  items: readonly string[],
  reportsItemFailures: boolean,
): ReadonlySet<string> {
  if ('error' in invocation) return new Set(items);
  if (!reportsItemFailures || invocation.answer === null) return new Set();
  const parsed = itemFailures.safeParse(invocation.answer);
  const named = parsed.data?.batchItemFailures?.map(({ itemIdentifier }) => itemIdentifier) ?? [];
  return parsed.success && named.every((one) => items.includes(one)) ? new Set(named) : new Set(items);
}

export interface StreamSourceSettings {
  /** The table whose stream it is. */
  readonly tableArn: string;
  readonly functionArn: string;
  readonly batchSize: number;
  /** Event patterns, as JSON; a record that none wants is passed over. */
  readonly filters: readonly string[];
  readonly bisects: boolean;
  /** -1: for ever. */
  readonly maximumRetries: number;
  readonly reportsItemFailures: boolean;
  /** The queue that is told of what was given up. */
  readonly onFailureArn?: string | undefined;
}

/**
 * Reads a table's stream for a function, in order, one batch at a time. What was dealt with is checkpointed, so that a
 * restart goes on where this ended.
 */
export function streamSource(
  settings: StreamSourceSettings,
  deps: {
    readonly dynamodb: Dynamodb;
    readonly sqs: Sqs;
    readonly clock: Clock;
    readonly invoke: Invoke;
    newId(): string;
  },
): EventSource {
  const { batchSize, bisects, maximumRetries, reportsItemFailures, tableArn } = settings;
  const { dynamodb, clock, invoke } = deps;
  const filters = settings.filters.map((filter) => compilePattern(JSON.parse(filter)));
  const waiting: StreamRecord[] = [];
  let working: Promise<void> | undefined;
  let closed = false;
  let cancelWait: (() => void) | undefined;

  const isWanted = (record: StreamRecord): boolean =>
    filters.length === 0 || filters.some((matches) => matches(record));

  async function work(): Promise<void> {
    while (!closed && waiting.length > 0) {
      const { taken, wanted } = nextBatch();
      if (wanted.length > 0) await deal(wanted, 0);
      const last = taken.at(-1);
      if (closed || !last) return;
      waiting.splice(0, taken.length);
      await dynamodb.checkpoint(last.eventSourceARN, last.dynamodb.SequenceNumber);
    }
  }

  /** The filter comes before the batch is counted. */
  function nextBatch(): {
    readonly taken: readonly StreamRecord[];
    readonly wanted: readonly StreamRecord[];
  } {
    const wanted: StreamRecord[] = [];
    let end = 0;
    while (end < waiting.length && wanted.length < batchSize) {
      const record = waiting[end++];
      if (record && isWanted(record)) wanted.push(record);
    }
    return { taken: waiting.slice(0, end), wanted };
  }

  /** Ends when the records succeeded, were given up, or the source was closed. */
  async function deal(records: readonly StreamRecord[], retries: number): Promise<void> {
    if (closed) return;
    const rest = records.slice(firstFailed(await invoke({ Records: records }), records));
    if (rest.length === 0) return;
    const halfway = Math.ceil(rest.length / 2);
    if (bisects && rest.length < records.length) return deal(rest, retries);
    if (bisects && rest.length > 1) {
      // A split is no retry.
      await deal(rest.slice(0, halfway), retries);
      return deal(rest.slice(halfway), retries);
    }
    if (maximumRetries >= 0 && retries >= maximumRetries) return giveUp(rest, retries + 1);
    await pause(Math.min(1000 * 2 ** retries, 60_000));
    return deal(rest, retries + 1);
  }

  /** The least sequence number that the function names: what comes before it is done. */
  function firstFailed(invocation: Invocation, records: readonly StreamRecord[]): number {
    const sequences = records.map(({ dynamodb: { SequenceNumber } }) => SequenceNumber);
    const failed = failedItems(invocation, sequences, reportsItemFailures);
    const first = sequences.findIndex((sequence) => failed.has(sequence));
    return first < 0 ? records.length : first;
  }

  function giveUp(records: readonly StreamRecord[], invocations: number): void {
    const { onFailureArn, functionArn } = settings;
    const [first] = records;
    const last = records.at(-1);
    if (onFailureArn === undefined || !first || !last) return;
    const created = ({ dynamodb: { ApproximateCreationDateTime } }: StreamRecord): string =>
      new Date(ApproximateCreationDateTime * 1000).toISOString();
    // What the queue gets says where in the stream the records stand, and not what they are.
    const told = {
      requestContext: {
        requestId: deps.newId(),
        functionArn,
        condition: 'RetryAttemptsExhausted',
        approximateInvokeCount: invocations,
      },
      responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
      version: '1.0',
      timestamp: new Date(clock.now()).toISOString(),
      DDBStreamBatchInfo: {
        shardId: 'shardId-00000000000000000000-00000000',
        startSequenceNumber: first.dynamodb.SequenceNumber,
        endSequenceNumber: last.dynamodb.SequenceNumber,
        approximateArrivalOfFirstRecord: created(first),
        approximateArrivalOfLastRecord: created(last),
        batchSize: records.length,
        streamArn: first.eventSourceARN,
      },
    };
    deps.sqs.send(onFailureArn, JSON.stringify(told));
  }

  function pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = clock.after(milliseconds, resolve);
      cancelWait = () => {
        cancel();
        resolve();
      };
    });
  }

  function start(): void {
    if (working || closed) return;
    working = Promise.resolve()
      .then(work)
      .then(() => {
        working = undefined;
        if (waiting.length > 0) start();
      });
  }

  const unsubscribe = dynamodb.subscribe(tableArn, (record) => {
    waiting.push(record);
    start();
  });
  return {
    backlog: () => Math.max(working ? 1 : 0, waiting.length),
    async close() {
      closed = true;
      unsubscribe();
      cancelWait?.();
      await working;
    },
  };
}
