import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { type VirtualClock, virtualClock } from '../../local/clock';
import { createSqs, type ReceivedMessage, type Sqs } from '../../local/sqs';

const account = '111122223333';
const region = 'eu-central-1';
const START = Date.parse('2026-11-24T08:00:00Z');
const arn = (name: string): string => `arn:aws:sqs:${region}:${account}:${name}`;
const url = (name: string): string => `http://127.0.0.1:4566/${account}/${name}`;

interface World {
  clock: VirtualClock;
  sqs: Sqs;
  ask(operation: string, input: Record<string, unknown>): Promise<Record<string, unknown>>;
}

function world(clock = virtualClock(START, () => new Promise((done) => setImmediate(done)))): World {
  let ids = 0;
  const sqs = createSqs({ clock, newId: () => `m${++ids}`, endpoint: () => 'http://127.0.0.1:4566' });
  const ask = async (operation: string, input: Record<string, unknown>) => ({
    ...(await sqs.call({ operation, input, account, region })),
  });
  return { clock, sqs, ask };
}

async function withQueue(attributes: Record<string, string> = {}, name = 'q'): Promise<World> {
  const made = world();
  await made.ask('CreateQueue', { QueueName: name, Attributes: attributes });
  return made;
}

async function withDeadLetters(maxReceiveCount: number): Promise<World> {
  const made = await withQueue({}, 'dead');
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: arn('dead'), maxReceiveCount });
  await made.ask('CreateQueue', { QueueName: 'q', Attributes: { VisibilityTimeout: '10', RedrivePolicy } });
  return made;
}

const now = { max: 10, waitMilliseconds: 0 };
const bodies = (messages: ReceivedMessage[]): string[] => messages.map(({ body }) => body);

async function only(received: Promise<ReceivedMessage[]>): Promise<ReceivedMessage> {
  const [message, ...others] = await received;
  expect(others).toEqual([]);
  if (!message) throw new Error('nothing was received');
  return message;
}

describe('queues', () => {
  it('are created once, and again only with the same attributes', async () => {
    const { ask } = await withQueue({ VisibilityTimeout: '60' });
    expect(await ask('CreateQueue', { QueueName: 'q', Attributes: { VisibilityTimeout: '60' } })).toEqual({
      QueueUrl: url('q'),
    });
    expect(await ask('CreateQueue', { QueueName: 'q' })).toEqual({ QueueUrl: url('q') });
    await expect(
      ask('CreateQueue', { QueueName: 'q', Attributes: { VisibilityTimeout: '61' } }),
    ).rejects.toMatchObject({
      code: 'QueueNameExists',
      message:
        'A queue already exists with the same name and a different value for attribute VisibilityTimeout',
    });
  });

  it('compare a redrive policy by what it says', async () => {
    const { ask } = await withDeadLetters(5);
    const same = { RedrivePolicy: `{"maxReceiveCount": "5", "deadLetterTargetArn": "${arn('dead')}"}` };
    expect(await ask('CreateQueue', { QueueName: 'q', Attributes: same })).toEqual({ QueueUrl: url('q') });
  });

  it('are told apart by Region', async () => {
    const { sqs, ask } = await withQueue();
    await sqs.call({ operation: 'CreateQueue', input: { QueueName: 'q' }, account, region: 'eu-west-1' });
    sqs.send(arn('q'), 'here');
    expect(sqs.depth(`arn:aws:sqs:eu-west-1:${account}:q`).visible).toBe(0);
    expect(await ask('GetQueueUrl', { QueueName: 'q' })).toEqual({ QueueUrl: url('q') });
  });

  it('are listed by prefix, in pages', async () => {
    const { ask } = await withQueue({}, 'b2');
    for (const QueueName of ['a1', 'b1', 'b3']) await ask('CreateQueue', { QueueName });
    const first = await ask('ListQueues', { QueueNamePrefix: 'b', MaxResults: 2 });
    expect(first.QueueUrls).toEqual([url('b1'), url('b2')]);
    const second = await ask('ListQueues', {
      QueueNamePrefix: 'b',
      MaxResults: 2,
      NextToken: first.NextToken,
    });
    expect(second).toEqual({ QueueUrls: [url('b3')] });
  });

  it('show their attributes', async () => {
    const { ask, sqs } = await withQueue({ DelaySeconds: '5' });
    sqs.send(arn('q'), 'delayed');
    sqs.send(arn('q'), 'visible', { delaySeconds: 0 });
    expect(await ask('GetQueueAttributes', { QueueUrl: url('q'), AttributeNames: ['All'] })).toEqual({
      Attributes: {
        DelaySeconds: '5',
        MaximumMessageSize: '1048576',
        MessageRetentionPeriod: '345600',
        ReceiveMessageWaitTimeSeconds: '0',
        VisibilityTimeout: '30',
        SqsManagedSseEnabled: 'true',
        QueueArn: arn('q'),
        CreatedTimestamp: String(START / 1000),
        LastModifiedTimestamp: String(START / 1000),
        ApproximateNumberOfMessages: '1',
        ApproximateNumberOfMessagesNotVisible: '0',
        ApproximateNumberOfMessagesDelayed: '1',
      },
    });
    await ask('SetQueueAttributes', { QueueUrl: url('q'), Attributes: { DelaySeconds: '0' } });
    expect(await ask('GetQueueAttributes', { QueueUrl: url('q'), AttributeNames: ['DelaySeconds'] })).toEqual(
      {
        Attributes: { DelaySeconds: '0' },
      },
    );
  });

  it.each([
    ['DelaySeconds', '901', 'InvalidAttributeValue'],
    ['VisibilityTimeout', 'x', 'InvalidAttributeValue'],
    ['RedrivePolicy', '{"maxReceiveCount":0,"deadLetterTargetArn":"arn:x"}', 'InvalidAttributeValue'],
    ['Colour', 'red', 'InvalidAttributeName'],
  ])('refuse %s %s', async (name, value, code) => {
    const { ask } = world();
    const failed = ask('CreateQueue', { QueueName: 'q', Attributes: { [name]: value } });
    await expect(failed).rejects.toMatchObject({ code, message: expect.stringContaining(name) });
  });

  it('are gone once deleted, also for those who wait', async () => {
    const { ask, sqs } = await withQueue();
    const waiting = sqs.receive(arn('q'), { max: 1, waitMilliseconds: 20_000 });
    await ask('DeleteQueue', { QueueUrl: url('q') });
    expect(await waiting).toEqual([]);
    await expect(ask('SendMessage', { QueueUrl: url('q'), MessageBody: 'x' })).rejects.toMatchObject({
      code: 'QueueDoesNotExist',
      message: 'The specified queue does not exist.',
    });
    expect(() => sqs.send(arn('q'), 'x')).toThrow('The specified queue does not exist.');
  });

  it('are emptied by a purge', async () => {
    const { ask, sqs } = await withQueue();
    for (const body of ['a', 'b', 'c']) sqs.send(arn('q'), body);
    await sqs.receive(arn('q'), { max: 1, waitMilliseconds: 0 });
    await ask('PurgeQueue', { QueueUrl: url('q') });
    expect(sqs.depth(arn('q'))).toEqual({ visible: 0, inFlight: 0, delayed: 0 });
    expect(sqs.oldestAge(arn('q'))).toBeUndefined();
  });
});

describe('sending', () => {
  it('answers with digests that the SDK can check', async () => {
    const { ask } = await withQueue();
    const MessageAttributes = { timestamp: { DataType: 'Number', StringValue: '1493147359900' } };
    const sent = await ask('SendMessage', { QueueUrl: url('q'), MessageBody: 'hello', MessageAttributes });
    expect(sent).toEqual({
      MessageId: 'm1',
      MD5OfMessageBody: '5d41402abc4b2a76b9719d911017c592',
      MD5OfMessageAttributes: '235c5c510d26fb653d073faed50ae77c',
    });
    const { Messages } = await ask('ReceiveMessage', {
      QueueUrl: url('q'),
      MessageAttributeNames: ['time.*', 'timestamp'],
    });
    expect(Messages).toMatchObject([
      {
        MD5OfBody: sent.MD5OfMessageBody,
        MD5OfMessageAttributes: sent.MD5OfMessageAttributes,
        MessageAttributes,
      },
    ]);
  });

  it('digests a binary attribute by its bytes', async () => {
    const { ask } = await withQueue();
    const MessageAttributes = {
      b: { DataType: 'Binary', BinaryValue: Buffer.from([1, 2]).toString('base64') },
    };
    const sent = await ask('SendMessage', { QueueUrl: url('q'), MessageBody: 'x', MessageAttributes });
    const bytes = Buffer.concat([
      Buffer.from('\0\0\0\x01b\0\0\0\x06Binary\x02\0\0\0\x02'),
      Buffer.from([1, 2]),
    ]);
    expect(sent.MD5OfMessageAttributes).toBe(createHash('md5').update(bytes).digest('hex'));
  });

  it.each([
    ['an empty body', { MessageBody: '' }, 'MissingParameter'],
    ['a control character', { MessageBody: 'a\u0001' }, 'InvalidMessageContents'],
    ['more than 1 MiB', { MessageBody: 'ä'.repeat(524_289) }, 'InvalidParameterValue'],
    ['a long delay', { MessageBody: 'x', DelaySeconds: 901 }, 'InvalidParameterValue'],
    [
      'an unknown type',
      { MessageBody: 'x', MessageAttributes: { a: { DataType: 'Text', StringValue: 'x' } } },
      'InvalidParameterValue',
    ],
  ])('refuses %s', async (_name, input, code) => {
    const { ask } = await withQueue();
    await expect(ask('SendMessage', { QueueUrl: url('q'), ...input })).rejects.toMatchObject({ code });
  });

  it('takes exactly 1 MiB', async () => {
    const { ask, sqs } = await withQueue();
    await ask('SendMessage', { QueueUrl: url('q'), MessageBody: 'x'.repeat(1_048_576) });
    expect(sqs.depth(arn('q')).visible).toBe(1);
  });

  it('reports each entry of a batch', async () => {
    const { ask } = await withQueue();
    const Entries = [
      { Id: 'good', MessageBody: 'x' },
      { Id: 'bad', MessageBody: '' },
    ];
    expect(await ask('SendMessageBatch', { QueueUrl: url('q'), Entries })).toEqual({
      Successful: [{ Id: 'good', MessageId: 'm1', MD5OfMessageBody: '9dd4e461268c8034f5c8564e155c67a6' }],
      Failed: [{ Id: 'bad', SenderFault: true, Code: 'MissingParameter', Message: expect.any(String) }],
    });
  });

  it.each([
    ['none', [], 'EmptyBatchRequest'],
    [
      'eleven',
      Array.from({ length: 11 }, (_, index) => ({ Id: `i${index}`, MessageBody: 'x' })),
      'TooManyEntriesInBatchRequest',
    ],
    [
      'twins',
      [
        { Id: 'a', MessageBody: 'x' },
        { Id: 'a', MessageBody: 'y' },
      ],
      'BatchEntryIdsNotDistinct',
    ],
    ['a bad id', [{ Id: 'a b', MessageBody: 'x' }], 'InvalidBatchEntryId'],
    ['too long', ['a', 'b'].map((Id) => ({ Id, MessageBody: 'x'.repeat(600_000) })), 'BatchRequestTooLong'],
  ])('refuses a batch: %s', async (_name, Entries, code) => {
    const { ask } = await withQueue();
    await expect(ask('SendMessageBatch', { QueueUrl: url('q'), Entries })).rejects.toMatchObject({ code });
  });
});

describe('receiving', () => {
  it('hides a message for the visibility timeout, and counts its receives', async () => {
    const { clock, sqs } = await withQueue();
    sqs.send(arn('q'), 'x');
    const first = await only(sqs.receive(arn('q'), now));
    expect(first).toMatchObject({
      messageId: 'm1',
      body: 'x',
      md5OfBody: '9dd4e461268c8034f5c8564e155c67a6',
    });
    expect(first.attributes).toEqual({
      SenderId: account,
      SentTimestamp: String(START),
      ApproximateReceiveCount: '1',
      ApproximateFirstReceiveTimestamp: String(START),
    });
    await clock.advance(29_999);
    expect(await sqs.receive(arn('q'), now)).toEqual([]);
    expect(sqs.depth(arn('q'))).toEqual({ visible: 0, inFlight: 1, delayed: 0 });
    await clock.advance(1);
    const second = await only(sqs.receive(arn('q'), now));
    expect(second.attributes).toEqual({ ...first.attributes, ApproximateReceiveCount: '2' });
  });

  it('delays by message, else by queue', async () => {
    const { clock, sqs } = await withQueue({ DelaySeconds: '2' });
    sqs.send(arn('q'), 'queue');
    sqs.send(arn('q'), 'message', { delaySeconds: 900 });
    sqs.send(arn('q'), 'at once', { delaySeconds: 0 });
    expect(bodies(await sqs.receive(arn('q'), now))).toEqual(['at once']);
    await clock.advance(2000);
    expect(bodies(await sqs.receive(arn('q'), now))).toEqual(['queue']);
    await clock.advance(897_999);
    expect(sqs.depth(arn('q')).delayed).toBe(1);
    await clock.advance(1);
    expect(sqs.depth(arn('q')).delayed).toBe(0);
  });

  it('shows each of many delayed messages in its own second', async () => {
    const { clock, sqs } = await withQueue();
    const delays = Array.from({ length: 500 }, (_, index) => (index * 7919) % 500);
    for (const delaySeconds of delays) sqs.send(arn('q'), String(delaySeconds), { delaySeconds });
    for (let second = 0; second < 500; second += 1) {
      expect(bodies(await sqs.receive(arn('q'), { ...now, visibilityTimeoutSeconds: 900 }))).toEqual([
        String(second),
      ]);
      await clock.advance(1000);
    }
  });

  it('remembers the few that are in flight while many others come and go', async () => {
    const { clock, sqs } = await withQueue();
    sqs.send(arn('q'), 'slow');
    await sqs.receive(arn('q'), now);
    for (let index = 0; index < 5000; index += 1) {
      sqs.send(arn('q'), 'quick');
      sqs.remove(arn('q'), (await only(sqs.receive(arn('q'), now))).receiptHandle);
    }
    await clock.advance(30_000);
    expect(sqs.oldestAge(arn('q'))).toBe(30_000);
    expect(bodies(await sqs.receive(arn('q'), now))).toEqual(['slow']);
  });

  it('long polls until a message arrives', async () => {
    const { clock, sqs } = await withQueue();
    const waiting = sqs.receive(arn('q'), { max: 10, waitMilliseconds: 20_000 });
    await clock.advance(7000);
    sqs.send(arn('q'), 'x');
    expect(bodies(await waiting)).toEqual(['x']);
    expect(clock.now()).toBe(START + 7000);
    expect(clock.next()).toBe(undefined);
  });

  it('long polls until a message becomes visible again, or the time is over', async () => {
    const { clock, sqs, ask } = await withQueue();
    sqs.send(arn('q'), 'delayed', { delaySeconds: 5 });
    const answers: [number, string[]][] = [];
    const poll = async (): Promise<void> => {
      const got = await sqs.receive(arn('q'), {
        max: 1,
        waitMilliseconds: 20_000,
        visibilityTimeoutSeconds: 8,
      });
      answers.push([clock.now() - START, bodies(got)]);
    };
    const polls = Promise.all([poll(), poll()]);
    await clock.advance(30_000);
    await polls;
    expect(answers).toEqual([
      [5000, ['delayed']],
      [13_000, ['delayed']],
    ]);
    await ask('PurgeQueue', { QueueUrl: url('q') });
    const empty = ask('ReceiveMessage', { QueueUrl: url('q'), WaitTimeSeconds: 1 });
    await clock.advance(1000);
    expect(await empty).toEqual({});
  });

  it('gives one message to one of many who wait', async () => {
    const { clock, sqs } = await withQueue();
    const waiting = [1, 2, 3].map(() => sqs.receive(arn('q'), { max: 10, waitMilliseconds: 1000 }));
    sqs.send(arn('q'), 'a');
    sqs.send(arn('q'), 'b');
    await clock.advance(1000);
    expect((await Promise.all(waiting)).flatMap(bodies).sort()).toEqual(['a', 'b']);
  });

  it('shows only the attributes asked for', async () => {
    const { ask, sqs } = await withQueue();
    sqs.send(arn('q'), 'x', {
      attributes: {
        a: { DataType: 'String', StringValue: '1' },
        b: { DataType: 'String', StringValue: '2' },
      },
    });
    const { Messages } = await ask('ReceiveMessage', {
      QueueUrl: url('q'),
      MessageSystemAttributeNames: ['ApproximateReceiveCount'],
      MessageAttributeNames: ['b'],
    });
    expect(Messages).toEqual([
      {
        MessageId: 'm1',
        ReceiptHandle: expect.any(String),
        Body: 'x',
        MD5OfBody: '9dd4e461268c8034f5c8564e155c67a6',
        Attributes: { ApproximateReceiveCount: '1' },
        MessageAttributes: { b: { DataType: 'String', StringValue: '2' } },
        MD5OfMessageAttributes: expect.any(String),
      },
    ]);
  });

  it('forgets a message after the retention period, wherever it is', async () => {
    const { clock, sqs } = await withQueue({ MessageRetentionPeriod: '60', VisibilityTimeout: '300' });
    for (const body of ['a', 'b']) sqs.send(arn('q'), body);
    sqs.send(arn('q'), 'c', { delaySeconds: 100 });
    await sqs.receive(arn('q'), { max: 1, waitMilliseconds: 0 });
    await clock.advance(30_000);
    sqs.send(arn('q'), 'young');
    expect(sqs.oldestAge(arn('q'))).toBe(30_000);
    await clock.advance(30_000);
    expect(sqs.depth(arn('q'))).toEqual({ visible: 1, inFlight: 0, delayed: 0 });
    expect(bodies(await sqs.receive(arn('q'), now))).toEqual(['young']);
  });
});

describe('receipt handles', () => {
  it('delete the message', async () => {
    const { ask, sqs } = await withQueue();
    sqs.send(arn('q'), 'x');
    const { receiptHandle } = await only(sqs.receive(arn('q'), now));
    await ask('DeleteMessage', { QueueUrl: url('q'), ReceiptHandle: receiptHandle });
    expect(sqs.depth(arn('q'))).toEqual({ visible: 0, inFlight: 0, delayed: 0 });
    expect(await ask('DeleteMessage', { QueueUrl: url('q'), ReceiptHandle: receiptHandle })).toEqual({});
  });

  it('still delete after the timeout, but not after a new receive', async () => {
    const { clock, sqs } = await withQueue();
    sqs.send(arn('q'), 'x');
    const first = await only(sqs.receive(arn('q'), now));
    await clock.advance(30_000);
    const second = await only(sqs.receive(arn('q'), now));
    sqs.remove(arn('q'), first.receiptHandle);
    expect(sqs.depth(arn('q')).inFlight).toBe(1);
    await clock.advance(30_000);
    sqs.remove(arn('q'), second.receiptHandle);
    expect(sqs.depth(arn('q')).visible).toBe(0);
    expect(await sqs.receive(arn('q'), now)).toEqual([]);
  });

  it('change the visibility of a message in flight alone', async () => {
    const { clock, ask, sqs } = await withQueue();
    sqs.send(arn('q'), 'x');
    const { receiptHandle } = await only(sqs.receive(arn('q'), now));
    sqs.changeVisibility(arn('q'), receiptHandle, 60);
    await clock.advance(59_999);
    expect(sqs.depth(arn('q')).inFlight).toBe(1);
    await clock.advance(1);
    expect(sqs.depth(arn('q')).visible).toBe(1);
    const late = { QueueUrl: url('q'), ReceiptHandle: receiptHandle, VisibilityTimeout: 5 };
    await expect(ask('ChangeMessageVisibility', late)).rejects.toMatchObject({ code: 'MessageNotInflight' });
    const again = await only(sqs.receive(arn('q'), now));
    await expect(ask('ChangeMessageVisibility', late)).rejects.toMatchObject({
      code: 'InvalidParameterValue',
    });
    const waiting = sqs.receive(arn('q'), { max: 1, waitMilliseconds: 20_000 });
    sqs.changeVisibility(arn('q'), again.receiptHandle, 0);
    expect((await only(waiting)).attributes.ApproximateReceiveCount).toBe('3');
  });

  it('work in batches', async () => {
    const { ask, sqs } = await withQueue();
    for (const body of ['a', 'b']) sqs.send(arn('q'), body);
    const [a, b] = await sqs.receive(arn('q'), now);
    const changed = await ask('ChangeMessageVisibilityBatch', {
      QueueUrl: url('q'),
      Entries: [
        { Id: 'a', ReceiptHandle: a?.receiptHandle, VisibilityTimeout: 0 },
        { Id: 'x', ReceiptHandle: 'x', VisibilityTimeout: 0 },
      ],
    });
    expect(changed).toMatchObject({
      Successful: [{ Id: 'a' }],
      Failed: [{ Id: 'x', Code: 'ReceiptHandleIsInvalid' }],
    });
    await ask('DeleteMessageBatch', {
      QueueUrl: url('q'),
      Entries: [{ Id: 'b', ReceiptHandle: b?.receiptHandle }],
    });
    expect(sqs.depth(arn('q'))).toEqual({ visible: 1, inFlight: 0, delayed: 0 });
  });
});

describe('redrive', () => {
  it('moves a message to the dead-letter queue after maxReceiveCount receives, with its identity', async () => {
    const { clock, sqs } = await withDeadLetters(3);
    sqs.send(arn('q'), 'x');
    for (let count = 1; count <= 3; count += 1) {
      const message = await only(sqs.receive(arn('q'), now));
      expect(message.attributes.ApproximateReceiveCount).toBe(String(count));
      await clock.advance(10_000);
    }
    expect(await sqs.receive(arn('q'), now)).toEqual([]);
    expect(sqs.depth(arn('q'))).toEqual({ visible: 0, inFlight: 0, delayed: 0 });
    const dead = await only(sqs.receive(arn('dead'), now));
    expect(dead).toMatchObject({ messageId: 'm1', body: 'x' });
    expect(dead.attributes).toMatchObject({
      SentTimestamp: String(START),
      DeadLetterQueueSourceArn: arn('q'),
    });
  });

  it('counts a receive whose visibility was set to 0 once', async () => {
    const { sqs } = await withDeadLetters(2);
    sqs.send(arn('q'), 'x');
    for (let count = 1; count <= 2; count += 1) {
      const { receiptHandle } = await only(sqs.receive(arn('q'), now));
      sqs.changeVisibility(arn('q'), receiptHandle, 0);
    }
    expect(await sqs.receive(arn('q'), now)).toEqual([]);
    expect(sqs.depth(arn('dead')).visible).toBe(1);
  });

  it('keeps the message where the dead-letter queue is missing', async () => {
    const { ask, sqs } = await withDeadLetters(1);
    await ask('DeleteQueue', { QueueUrl: url('dead') });
    sqs.send(arn('q'), 'x');
    const { receiptHandle } = await only(sqs.receive(arn('q'), now));
    sqs.changeVisibility(arn('q'), receiptHandle, 0);
    expect(await sqs.receive(arn('q'), now)).toHaveLength(1);
  });
});

describe('persistence', () => {
  it('restores messages as they were, through JSON', async () => {
    const { clock, sqs } = await withDeadLetters(2);
    for (const body of ['taken', 'visible']) sqs.send(arn('q'), body);
    sqs.send(arn('q'), 'delayed', {
      delaySeconds: 5,
      attributes: { a: { DataType: 'String', StringValue: 'v' } },
    });
    const taken = await only(sqs.receive(arn('q'), { max: 1, waitMilliseconds: 0 }));
    const saved = JSON.parse(JSON.stringify(sqs.snapshot()));

    const { sqs: restored } = world(clock);
    restored.restore(saved);
    restored.restore(saved);
    expect(restored.depth(arn('q'))).toEqual({ visible: 1, inFlight: 1, delayed: 1 });
    restored.remove(arn('q'), taken.receiptHandle);
    expect(restored.depth(arn('q')).inFlight).toBe(0);
    await clock.advance(5000);
    const rest = await restored.receive(arn('q'), now);
    expect(bodies(rest)).toEqual(['visible', 'delayed']);
    expect(rest[1]?.messageAttributes).toEqual({ a: { DataType: 'String', StringValue: 'v' } });
    expect(rest[1]?.attributes.SentTimestamp).toBe(String(START));
    expect(
      JSON.parse(JSON.stringify(restored.snapshot())).queues.map((one: { arn: string }) => one.arn),
    ).toEqual([arn('dead'), arn('q')]);
  });

  it('refuses other data', () => {
    expect(() => world().sqs.restore({ queues: [{ arn: 5 }] })).toThrow('arn');
  });
});

describe('properties', () => {
  it('never loses, invents or shares a message, whatever is done', async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('send' as const), delay: fc.integer({ min: 0, max: 20 }) }),
      fc.record({ kind: fc.constant('receive' as const), max: fc.integer({ min: 1, max: 4 }) }),
      fc.record({ kind: fc.constantFrom('remove' as const, 'release' as const), pick: fc.nat(9) }),
      fc.record({ kind: fc.constant('advance' as const), seconds: fc.integer({ min: 0, max: 15 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const { clock, sqs } = await withDeadLetters(3);
        // The model: every message that is not removed, when it is visible, how often it was received.
        const live = new Map<string, { visibleAt: number; receives: number; handle: string }>();
        for (const one of steps) {
          const held = [...live.entries()].filter(
            ([, { visibleAt, handle }]) => handle !== '' && visibleAt > clock.now(),
          );
          if (one.kind === 'send') {
            const { messageId } = sqs.send(arn('q'), 'x', { delaySeconds: one.delay });
            live.set(messageId, { visibleAt: clock.now() + one.delay * 1000, receives: 0, handle: '' });
          } else if (one.kind === 'advance') {
            await clock.advance(one.seconds * 1000);
          } else if (one.kind === 'receive') {
            const got = await sqs.receive(arn('q'), { max: one.max, waitMilliseconds: 0 });
            const ready = [...live.values()].filter(
              ({ visibleAt, receives }) => visibleAt <= clock.now() && receives < 3,
            );
            expect(got).toHaveLength(Math.min(one.max, ready.length));
            for (const { messageId, receiptHandle, attributes } of got) {
              const known = live.get(messageId);
              expect(known?.visibleAt).toBeLessThanOrEqual(clock.now());
              expect(attributes.ApproximateReceiveCount).toBe(String((known?.receives ?? 0) + 1));
              live.set(messageId, {
                visibleAt: clock.now() + 10_000,
                receives: (known?.receives ?? 0) + 1,
                handle: receiptHandle,
              });
            }
          } else {
            const [id, message] = held[one.pick % Math.max(held.length, 1)] ?? [];
            if (!id || !message) continue;
            if (one.kind === 'remove') {
              sqs.remove(arn('q'), message.handle);
              live.delete(id);
            } else {
              sqs.changeVisibility(arn('q'), message.handle, 0);
              live.set(id, { ...message, visibleAt: clock.now() });
            }
          }
          const { visible, inFlight, delayed } = sqs.depth(arn('q'));
          expect(visible + inFlight + delayed + sqs.depth(arn('dead')).visible).toBe(live.size);
          expect(visible + sqs.depth(arn('dead')).visible).toBe(
            [...live.values()].filter(({ visibleAt }) => visibleAt <= clock.now()).length,
          );
        }
      }),
      { numRuns: 150 },
    );
  });
});

it('works at the same pace with 100,000 messages in the queue', async () => {
  const { sqs } = await withQueue();
  for (let index = 0; index < 100_000; index += 1) sqs.send(arn('q'), `message ${index}`);
  const started = process.cpuUsage();
  const seen = new Set<string>();
  while (seen.size < 20_000) {
    for (const { body, receiptHandle } of await sqs.receive(arn('q'), now)) {
      seen.add(body);
      sqs.remove(arn('q'), receiptHandle);
    }
  }
  expect(sqs.depth(arn('q'))).toEqual({ visible: 80_000, inFlight: 0, delayed: 0 });
  // A tenth of a second of work; a search or a shift through the queue for each message would take many.
  expect(process.cpuUsage(started).user / 1e6).toBeLessThan(3);
});
