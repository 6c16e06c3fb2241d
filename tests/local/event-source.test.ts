import fc from 'fast-check';
import { type VirtualClock, virtualClock } from '../../local/clock';
import { createDynamodb, type Dynamodb } from '../../local/dynamodb';
import { type EventSource, sqsSource, streamSource } from '../../local/event-source';
import type { Invocation } from '../../local/lambda';
import { createSqs } from '../../local/sqs';

const place = { account: '111122223333', region: 'eu-west-1' };
const queueArn = `arn:aws:sqs:${place.region}:${place.account}:work`;
const deadArn = `arn:aws:sqs:${place.region}:${place.account}:dead`;
const tableArn = `arn:aws:dynamodb:${place.region}:${place.account}:table/audit`;

interface QueueRecord {
  readonly messageId: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** A queue with a function behind it that `answer` plays; time moves when the test says so. */
async function queue(
  answer: (records: readonly QueueRecord[]) => Invocation | Promise<Invocation>,
  over: Partial<Parameters<typeof sqsSource>[0]> = {},
) {
  const clock = virtualClock(Date.parse('2026-11-20T00:00:00Z'));
  let ids = 0;
  const sqs = createSqs({ clock, newId: () => `message-${++ids}`, endpoint: () => 'http://127.0.0.1' });
  const create = (QueueName: string, Attributes: object) =>
    sqs.call({ operation: 'CreateQueue', input: { QueueName, Attributes }, ...place });
  await create('dead', {});
  await create('work', {
    VisibilityTimeout: '60',
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: deadArn, maxReceiveCount: 3 }),
  });
  const batches: string[][] = [];
  const source = sqsSource(
    { queueArn, batchSize: 10, windowSeconds: 0, maximumConcurrency: 2, reportsItemFailures: true, ...over },
    {
      sqs,
      clock,
      async invoke(event) {
        const { Records } = event as { Records: QueueRecord[] };
        batches.push(Records.map(({ body }) => body));
        return answer(Records);
      },
    },
  );
  const send = (...bodies: string[]) => bodies.map((body) => sqs.send(queueArn, body));
  return {
    clock,
    sqs,
    source,
    batches,
    send,
    depth: () => sqs.depth(queueArn),
    dead: () => sqs.depth(deadArn),
  };
}

async function closed({ clock, source }: { clock: VirtualClock; source: EventSource }): Promise<void> {
  const closing = source.close();
  await clock.advance(1000);
  await closing;
}

const failing = (bodies: string[]) => (records: readonly QueueRecord[]) => ({
  answer: {
    batchItemFailures: records
      .filter(({ body }) => bodies.includes(body))
      .map(({ messageId }) => ({ itemIdentifier: messageId })),
  },
});

describe('a queue', () => {
  test('what succeeded is deleted, what failed comes again after the visibility timeout', async () => {
    let fails = ['b'];
    const work = await queue((records) => failing(fails)(records));
    work.send('a', 'b', 'c');
    await work.clock.advance(1000);
    expect(work.depth()).toEqual({ visible: 0, inFlight: 1, delayed: 0 });
    expect(work.source.backlog()).toBe(1);
    fails = [];
    await work.clock.advance(60_000);
    expect(work.batches).toEqual([['a', 'b', 'c'], ['b']]);
    expect(work.source.backlog()).toBe(0);
    await closed(work);
  });

  test.each<[string, Invocation]>([
    ['an error', { error: { name: 'Error', message: 'no' } }],
    ['an empty identifier', { answer: { batchItemFailures: [{ itemIdentifier: '' }] } }],
    ['a wrong key', { answer: { batchItemFailures: [{ id: 'message-1' }] } }],
    ['an identifier of no message', { answer: { batchItemFailures: [{ itemIdentifier: 'stranger' }] } }],
    ['no object', { answer: 'done' }],
    ['a list', { answer: [] }],
  ])('%s fails the whole batch, until all are dead letters', async (_, invocation) => {
    const work = await queue(() => invocation);
    work.send('a', 'b');
    await work.clock.advance(3 * 61_000);
    expect(work.batches).toEqual([
      ['a', 'b'],
      ['a', 'b'],
      ['a', 'b'],
    ]);
    expect(work.depth()).toEqual({ visible: 0, inFlight: 0, delayed: 0 });
    expect(work.dead().visible).toBe(2);
    await closed(work);
  });

  test.each<[string, unknown]>([
    ['nothing', null],
    ['an empty object', {}],
    ['no list', { batchItemFailures: null }],
    ['an empty list', { batchItemFailures: [] }],
  ])('%s as the answer is success', async (_, answer) => {
    const work = await queue(() => ({ answer }));
    work.send('a', 'b');
    await work.clock.advance(100);
    expect(work.depth()).toEqual({ visible: 0, inFlight: 0, delayed: 0 });
    await closed(work);
  });

  test('at most so many batches at once, each of at most so many messages', async () => {
    let atWork = 0;
    let most = 0;
    const finish: (() => void)[] = [];
    const work = await queue(async () => {
      atWork += 1;
      most = Math.max(most, atWork);
      await new Promise<void>((resolve) => finish.push(resolve));
      atWork -= 1;
      return { answer: null };
    });
    work.send(...Array.from({ length: 45 }, (_, index) => String(index)));
    for (let turn = 0; turn < 5; turn += 1) {
      await work.clock.advance(10);
      for (const one of finish.splice(0)) one();
    }
    await work.clock.advance(10);
    expect(most).toBe(2);
    expect(work.batches.map((batch) => batch.length)).toEqual([10, 10, 10, 10, 5]);
    await closed(work);
  });

  test('a batching window gathers what arrives in it', async () => {
    const work = await queue(() => ({ answer: null }), { windowSeconds: 5 });
    work.send('a');
    await work.clock.advance(2000);
    work.send('b');
    await work.clock.advance(10_000);
    expect(work.batches).toEqual([['a', 'b']]);
    await closed(work);
  });

  test('closing waits for what is under way and takes nothing new', async () => {
    let finish: (() => void) | undefined;
    const work = await queue(async () => {
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      return { answer: null };
    });
    work.send('a');
    await work.clock.advance(10);
    let ended = false;
    const closing = work.source.close().then(() => {
      ended = true;
    });
    work.send('b');
    await work.clock.advance(1000);
    expect(ended).toBe(false);
    finish?.();
    await work.clock.advance(1000);
    await closing;
    expect(work.batches).toEqual([['a']]);
    expect(work.depth()).toEqual({ visible: 1, inFlight: 0, delayed: 0 });
  });
});

interface StreamEntry {
  readonly dynamodb: {
    readonly SequenceNumber: string;
    readonly NewImage: { readonly record: { S: string } };
  };
}

/** A table's stream with a function behind it that fails for good on the records named. */
async function stream(options: {
  readonly poison?: readonly string[];
  readonly by?: 'error' | 'item';
  readonly batchSize?: number;
  readonly bisects?: boolean;
  readonly filters?: readonly string[];
}) {
  const { poison = [], by = 'item' } = options;
  const clock = virtualClock(Date.parse('2026-11-20T00:00:00Z'));
  let ids = 0;
  const newId = () => `id-${++ids}`;
  const dynamodb = await createDynamodb({ clock, newId });
  const sqs = createSqs({ clock, newId, endpoint: () => 'http://127.0.0.1' });
  await sqs.call({ operation: 'CreateQueue', input: { QueueName: 'dead' }, ...place });
  await createTable(dynamodb);
  const batches: string[][] = [];
  const done: string[] = [];
  const open = (): EventSource =>
    streamSource(
      {
        tableArn,
        functionArn: 'arn:aws:lambda:eu-west-1:111122223333:function:publish',
        batchSize: options.batchSize ?? 100,
        filters: options.filters ?? [],
        bisects: options.bisects ?? true,
        maximumRetries: 3,
        reportsItemFailures: true,
        onFailureArn: deadArn,
      },
      {
        dynamodb,
        sqs,
        clock,
        newId,
        async invoke(event) {
          const { Records } = event as { Records: StreamEntry[] };
          const names = Records.map(({ dynamodb: { NewImage } }) => NewImage.record.S);
          batches.push(names);
          const bad = names.findIndex((name) => poison.includes(name));
          if (bad < 0) {
            done.push(...names);
            return { answer: { batchItemFailures: [] } };
          }
          if (by === 'error') return { error: { name: 'Error', message: 'poison' } };
          done.push(...names.slice(0, bad));
          const itemIdentifier = Records[bad]?.dynamodb.SequenceNumber;
          return { answer: { batchItemFailures: [{ itemIdentifier }] } };
        },
      },
    );
  const put = async (...names: string[]): Promise<void> => {
    for (const name of names) await insert(dynamodb, name);
  };
  const given = async (): Promise<{ DDBStreamBatchInfo: { batchSize: number } }[]> => {
    const messages = await sqs.receive(deadArn, { max: 10, waitMilliseconds: 0 });
    return messages.map(({ body }) => JSON.parse(body));
  };
  return { clock, dynamodb, sqs, open, put, batches, done, given };
}

async function createTable(dynamodb: Dynamodb): Promise<void> {
  const input = {
    TableName: 'audit',
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: [
      { AttributeName: 'scope', KeyType: 'HASH' },
      { AttributeName: 'record', KeyType: 'RANGE' },
    ],
    AttributeDefinitions: [
      { AttributeName: 'scope', AttributeType: 'S' },
      { AttributeName: 'record', AttributeType: 'S' },
    ],
    StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' },
  };
  await dynamodb.call({ operation: 'CreateTable', input, ...place });
}

async function insert(dynamodb: Dynamodb, name: string): Promise<void> {
  const Item = {
    scope: { S: 'all' },
    record: { S: name },
    ...(name.startsWith('quiet') ? {} : { tell: { N: '1' } }),
  };
  await dynamodb.call({ operation: 'PutItem', input: { TableName: 'audit', Item }, ...place });
}

/** Lets real I/O and virtual time take turns until nothing waits. */
async function settled({ clock }: { clock: VirtualClock }, source: EventSource): Promise<void> {
  for (let turn = 0, quiet = 0; turn < 400 && quiet < 3; turn += 1) {
    quiet = source.backlog() > 0 ? 0 : quiet + 1;
    await new Promise((resolve) => setTimeout(resolve, 1));
    await clock.advance(10_000);
  }
}

async function until(isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1000 && !isSo(); turn += 1)
    await new Promise((resolve) => setTimeout(resolve, 1));
}

describe('a stream', () => {
  test('records come in order and once', async () => {
    const audit = await stream({ batchSize: 3 });
    const source = audit.open();
    const names = Array.from({ length: 10 }, (_, index) => `record-${index}`);
    await audit.put(...names);
    await settled(audit, source);
    expect(audit.done).toEqual(names);
    expect(audit.batches.every((batch) => batch.length <= 3)).toBe(true);
    await source.close();
  });

  test.each(['error', 'item'] as const)(
    'a poison record (by %s) is isolated, tried four times and told; the others are not held up',
    async (by) => {
      const audit = await stream({ poison: ['c'], by });
      await audit.put('a', 'b', 'c', 'd', 'e');
      const source = audit.open();
      await settled(audit, source);
      expect(audit.done.toSorted()).toEqual(['a', 'b', 'd', 'e']);
      expect(audit.batches.filter((batch) => batch.length === 1 && batch[0] === 'c')).toHaveLength(4);
      expect(await audit.given()).toMatchObject([
        {
          requestContext: { condition: 'RetryAttemptsExhausted', approximateInvokeCount: 4 },
          DDBStreamBatchInfo: { batchSize: 1 },
        },
      ]);
      await source.close();
    },
  );

  test('without bisecting the rest of a batch is given up together with what poisons it', async () => {
    const audit = await stream({ poison: ['b'], by: 'error', bisects: false });
    await audit.put('a', 'b');
    const source = audit.open();
    await settled(audit, source);
    expect(audit.batches).toEqual([
      ['a', 'b'],
      ['a', 'b'],
      ['a', 'b'],
      ['a', 'b'],
    ]);
    expect(await audit.given()).toMatchObject([{ DDBStreamBatchInfo: { batchSize: 2 } }]);
    await source.close();
  });

  test('what no filter wants is passed over', async () => {
    const filters = [
      JSON.stringify({ eventName: ['INSERT'], dynamodb: { NewImage: { tell: { N: ['1'] } } } }),
    ];
    const audit = await stream({ filters, batchSize: 2 });
    await audit.put('quiet-1', 'a', 'quiet-2', 'b', 'quiet-3');
    const source = audit.open();
    await settled(audit, source);
    expect(audit.done).toEqual(['a', 'b']);
    await source.close();
  });

  test('what was dealt with does not come again after a restart, and what was not does', async () => {
    const audit = await stream({ poison: ['c'], by: 'error', bisects: false, batchSize: 2 });
    await audit.put('a', 'b', 'c', 'd');
    const first = audit.open();
    await until(() => audit.batches.length === 2);
    await first.close();
    const second = audit.open();
    await until(() => audit.batches.length === 3);
    expect(audit.batches).toEqual([
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ]);
    await second.close();
  });

  test('whatever is poison: every other record is done, in order, and every poison is told once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.integer({ min: 0, max: 7 }), { maxLength: 3 }),
        fc.integer({ min: 1, max: 8 }),
        fc.constantFrom('error' as const, 'item' as const),
        async (bad, batchSize, by) => {
          const names = Array.from({ length: 8 }, (_, index) => `record-${index}`);
          const poison = bad.map((index) => names[index] ?? '');
          const audit = await stream({ poison, by, batchSize });
          await audit.put(...names);
          const source = audit.open();
          await settled(audit, source);
          await source.close();
          expect(audit.done).toEqual(names.filter((name) => !poison.includes(name)));
          expect(await audit.given()).toHaveLength(poison.length);
          await audit.dynamodb.close();
        },
      ),
      { numRuns: 25 },
    );
  });
});
