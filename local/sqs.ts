import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from './clock';
import { AwsError, type Call, type Service } from './service';

export interface MessageAttribute {
  /** `String`, `Number` or `Binary`, with an optional `.label`. */
  readonly DataType: string;
  readonly StringValue?: string | undefined;
  /** Base64. */
  readonly BinaryValue?: string | undefined;
}

/** A received message, with the fields that Lambda's SQS event has. */
export interface ReceivedMessage {
  readonly messageId: string;
  readonly receiptHandle: string;
  readonly body: string;
  readonly md5OfBody: string;
  /** System attributes, such as `ApproximateReceiveCount`. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly messageAttributes: Readonly<Record<string, MessageAttribute>>;
}

/** Each throws AwsError `QueueDoesNotExist` for a queue that is not there. */
export interface Sqs extends Service {
  /** Waits up to `waitMilliseconds` for the first message; then as many as are there, at most `max`. */
  receive(
    queueArn: string,
    options: { max: number; waitMilliseconds: number; visibilityTimeoutSeconds?: number },
  ): Promise<ReceivedMessage[]>;
  remove(queueArn: string, receiptHandle: string): void;
  changeVisibility(queueArn: string, receiptHandle: string, timeoutSeconds: number): void;
  send(
    queueArn: string,
    body: string,
    options?: { delaySeconds?: number; attributes?: Readonly<Record<string, MessageAttribute>> },
  ): { messageId: string };
  depth(queueArn: string): { visible: number; inFlight: number; delayed: number };
  /** Milliseconds since the oldest message was sent; undefined for an empty queue. */
  oldestAge(queueArn: string): number | undefined;
  /** All queues with their settings and messages, as JSON can hold them. */
  snapshot(): object;
  /** Puts back what `snapshot` gave; a queue that exists keeps its own settings. Throws an Error for other data. */
  restore(snapshot: unknown): void;
}

type Input = Readonly<Record<string, unknown>>;
type Operation = (input: Input, call: Call) => object | Promise<object>;

interface Message {
  readonly id: string;
  readonly body: string;
  readonly md5: string;
  readonly attributes: Readonly<Record<string, MessageAttribute>>;
  readonly traceHeader: string | undefined;
  readonly sentAt: number;
  firstReceivedAt: number | undefined;
  /** Receives over the message's life, and in this queue alone: only the latter count towards redrive. */
  receives: number;
  receivesHere: number;
  /** The queue from which it was redriven. */
  deadLetterSource: string | undefined;
  where: 'visible' | 'delayed' | 'inFlight' | 'gone';
  /** When a delayed message or one in flight becomes visible. */
  due: number;
}

interface Waiter {
  wake(): void;
}

interface Queue {
  readonly arn: string;
  readonly name: string;
  readonly createdAt: number;
  modifiedAt: number;
  settings: Settings;
  readonly messages: Map<string, Message>;
  /** In order of becoming visible. May hold messages that are no longer visible: they are skipped. */
  readonly visible: Fifo<Message>;
  /** Delayed and in flight, by `due`; an entry whose time is not the message's `due` is stale. */
  readonly timed: Heap<Message>;
  /** Every message by `sentAt`, for retention and age; entries of removed messages are skipped. */
  readonly bySent: Heap<Message>;
  readonly count: { visible: number; delayed: number; inFlight: number };
  readonly waiters: Set<Waiter>;
  cancelWake: (() => void) | undefined;
}

type Settings = Readonly<Record<string, string>>;

// Attribute: default, least, most. Source: SetQueueAttributes in the Amazon SQS API reference.
const NUMBERS: Readonly<Record<string, readonly [string, number, number]>> = {
  DelaySeconds: ['0', 0, 900],
  MaximumMessageSize: ['1048576', 1024, 1_048_576],
  MessageRetentionPeriod: ['345600', 60, 1_209_600],
  ReceiveMessageWaitTimeSeconds: ['0', 0, 20],
  VisibilityTimeout: ['30', 0, 43_200],
};
const OTHERS = [
  'Policy',
  'RedrivePolicy',
  'RedriveAllowPolicy',
  'KmsMasterKeyId',
  'KmsDataKeyReusePeriodSeconds',
  'SqsManagedSseEnabled',
];
const MAX_REQUEST_BYTES = 1_048_576;
const MAX_BATCH = 10;
const MAX_IN_FLIGHT = 120_000;

/** Amazon SQS, standard queues. Source: the Amazon SQS API reference and developer guide. */
export function createSqs(deps: { clock: Clock; newId(): string; endpoint(): string }): Sqs {
  const { clock, newId } = deps;
  const queues = new Map<string, Queue>();

  function queueAt(arn: string): Queue {
    const queue = queues.get(arn);
    if (!queue) throw new AwsError('QueueDoesNotExist', 'The specified queue does not exist.');
    return queue;
  }

  function addQueue(arn: string, settings: Settings, createdAt: number): Queue {
    const queue: Queue = {
      arn,
      name: arn.slice(arn.lastIndexOf(':') + 1),
      createdAt,
      modifiedAt: createdAt,
      settings,
      messages: new Map(),
      visible: createFifo(),
      timed: createHeap(),
      bySent: createHeap(),
      count: { visible: 0, delayed: 0, inFlight: 0 },
      waiters: new Set(),
      cancelWake: undefined,
    };
    queues.set(arn, queue);
    return queue;
  }

  function place(queue: Queue, message: Message, where: Message['where'], due = 0): void {
    if (message.where !== 'gone') queue.count[message.where] -= 1;
    message.where = where;
    message.due = due;
    if (where === 'gone') {
      queue.messages.delete(message.id);
      forget(queue);
      return;
    }
    queue.count[where] += 1;
    if (where === 'visible') queue.visible.push(message);
    else queue.timed.push(due, message);
  }

  /** Drops stale entries before they outnumber the messages, so that the memory of the dead is bounded. */
  function forget(queue: Queue): void {
    const { bySent, timed, messages, count } = queue;
    if (bySent.size() > 1024 + 2 * messages.size) bySent.keep(({ value }) => value.where !== 'gone');
    if (timed.size() > 1024 + 2 * (count.delayed + count.inFlight)) timed.keep(isCurrent);
  }

  function add(queue: Queue, message: Message, dueAt: number): void {
    queue.messages.set(message.id, message);
    queue.bySent.push(message.sentAt, message);
    if (dueAt > clock.now()) place(queue, message, 'delayed', dueAt);
    else place(queue, message, 'visible');
    wakeWaiters(queue);
  }

  /** Does what the time that has passed demands: messages become visible, or die of age. */
  function settle(queue: Queue): void {
    const now = clock.now();
    const oldestKept = now - setting(queue, 'MessageRetentionPeriod') * 1000;
    for (let first = queue.bySent.first(); first; first = queue.bySent.first()) {
      if (first.value.where !== 'gone' && first.key > oldestKept) break;
      queue.bySent.pop();
      if (first.value.where !== 'gone') place(queue, first.value, 'gone');
    }
    for (let first = queue.timed.first(); first; first = queue.timed.first()) {
      const current = isCurrent(first);
      if (current && first.key > now) break;
      queue.timed.pop();
      if (current) place(queue, first.value, 'visible');
    }
  }

  function send(queue: Queue, request: SendRequest): Message {
    const body = checkedBody(queue, request);
    const now = clock.now();
    const message: Message = {
      id: newId(),
      body,
      md5: md5(body),
      attributes: request.attributes,
      traceHeader: request.traceHeader,
      sentAt: now,
      firstReceivedAt: undefined,
      receives: 0,
      receivesHere: 0,
      deadLetterSource: undefined,
      where: 'gone',
      due: 0,
    };
    add(queue, message, now + (request.delaySeconds ?? setting(queue, 'DelaySeconds')) * 1000);
    return message;
  }

  function take(queue: Queue, max: number, timeoutSeconds: number): ReceivedMessage[] {
    settle(queue);
    const taken: ReceivedMessage[] = [];
    while (taken.length < max && queue.count.inFlight < MAX_IN_FLIGHT) {
      const message = queue.visible.shift();
      if (!message) break;
      if (message.where !== 'visible' || redrive(queue, message)) continue;
      message.receives += 1;
      message.receivesHere += 1;
      message.firstReceivedAt ??= clock.now();
      place(queue, message, 'inFlight', clock.now() + timeoutSeconds * 1000);
      taken.push(received(queue, message));
    }
    if (taken.length > 0) watch(queue);
    return taken;
  }

  /** Moves a message that was received often enough; SQS does so when it would be received once more. */
  function redrive(queue: Queue, message: Message): boolean {
    const policy = redrivePolicy(queue.settings);
    if (!policy || message.receivesHere < policy.maxReceiveCount) return false;
    const target = queues.get(policy.deadLetterTargetArn);
    if (!target) return false;
    place(queue, message, 'gone');
    add(target, { ...message, receivesHere: 0, deadLetterSource: queue.arn, where: 'gone' }, 0);
    return true;
  }

  async function receive(
    queue: Queue,
    max: number,
    waitMilliseconds: number,
    timeoutSeconds: number,
  ): Promise<ReceivedMessage[]> {
    const deadline = clock.now() + waitMilliseconds;
    for (;;) {
      const messages = take(queue, max, timeoutSeconds);
      if (messages.length > 0 || clock.now() >= deadline || !queues.has(queue.arn)) return messages;
      await arrival(queue, deadline);
    }
  }

  /** Settles when a message may have become visible, or at the deadline. */
  function arrival(queue: Queue, deadline: number): Promise<void> {
    return new Promise((resolve) => {
      const waiter: Waiter = {
        wake() {
          cancel();
          queue.waiters.delete(waiter);
          resolve();
        },
      };
      const cancel = clock.after(deadline - clock.now(), waiter.wake);
      queue.waiters.add(waiter);
      watch(queue);
    });
  }

  /** While somebody waits, one timer stands at the next moment at which a hidden message becomes visible. */
  function watch(queue: Queue): void {
    queue.cancelWake?.();
    queue.cancelWake = undefined;
    const next = queue.timed.first();
    if (queue.waiters.size === 0 || !next) return;
    queue.cancelWake = clock.after(next.key - clock.now(), () => wakeWaiters(queue));
  }

  function wakeWaiters(queue: Queue): void {
    if (queue.waiters.size === 0) return;
    settle(queue);
    // One message wakes one waiter: those who would find nothing stay.
    let left = queue.count.visible;
    for (const waiter of queue.waiters) {
      if (left <= 0) break;
      left -= 1;
      waiter.wake();
    }
    watch(queue);
  }

  function messageOf(queue: Queue, receiptHandle: string): Message | undefined {
    settle(queue);
    const { id, receive: number } = parseHandle(receiptHandle);
    const message = queue.messages.get(id);
    return message?.receives === number ? message : undefined;
  }

  function remove(queue: Queue, receiptHandle: string): void {
    const message = messageOf(queue, receiptHandle);
    if (message) place(queue, message, 'gone');
  }

  function changeVisibility(queue: Queue, receiptHandle: string, seconds: number): void {
    const message = messageOf(queue, receiptHandle);
    if (!message) {
      throw parameter(
        `Value ${receiptHandle} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.`,
      );
    }
    if (message.where !== 'inFlight') {
      throw new AwsError('MessageNotInflight', 'The specified message is not in flight.');
    }
    if (seconds === 0) place(queue, message, 'visible');
    else place(queue, message, 'inFlight', clock.now() + seconds * 1000);
    wakeWaiters(queue);
  }

  function purge(queue: Queue): void {
    for (const message of [...queue.messages.values()]) place(queue, message, 'gone');
    settle(queue);
    queue.visible.clear();
  }

  function attributesOf(queue: Queue): Record<string, string> {
    settle(queue);
    return {
      ...queue.settings,
      QueueArn: queue.arn,
      CreatedTimestamp: String(Math.floor(queue.createdAt / 1000)),
      LastModifiedTimestamp: String(Math.floor(queue.modifiedAt / 1000)),
      ApproximateNumberOfMessages: String(queue.count.visible),
      ApproximateNumberOfMessagesNotVisible: String(queue.count.inFlight),
      ApproximateNumberOfMessagesDelayed: String(queue.count.delayed),
    };
  }

  const urlOf = (queue: Queue): string => `${deps.endpoint()}/${queue.arn.split(':')[4]}/${queue.name}`;

  /** The account and name come from the URL; the Region, which one endpoint for all does not show, from the call. */
  function queueOf(input: Input, call: Call): Queue {
    const [account, name] = text(input, 'QueueUrl').split('/').slice(-2);
    return queueAt(`arn:aws:sqs:${call.region}:${account}:${name}`);
  }

  const operations: Readonly<Record<string, Operation>> = {
    CreateQueue(input, call) {
      const name = text(input, 'QueueName');
      if (name.endsWith('.fifo')) {
        throw new AwsError('UnsupportedOperation', 'FIFO queues are not emulated: use a standard queue.');
      }
      if (!/^[\w-]{1,80}$/.test(name)) {
        throw parameter(
          'Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length',
        );
      }
      const arn = `arn:aws:sqs:${call.region}:${call.account}:${name}`;
      const given = checkedSettings(record(input, 'Attributes'));
      const known = queues.get(arn);
      if (!known) return { QueueUrl: urlOf(addQueue(arn, { ...defaults(), ...given }, clock.now())) };
      const other = Object.keys(given).find(
        (key) => canonical(given[key]) !== canonical(known.settings[key]),
      );
      if (other !== undefined) {
        throw new AwsError(
          'QueueNameExists',
          `A queue already exists with the same name and a different value for attribute ${other}`,
        );
      }
      return { QueueUrl: urlOf(known) };
    },
    GetQueueUrl(input, call) {
      const account = optionalText(input, 'QueueOwnerAWSAccountId') ?? call.account;
      return {
        QueueUrl: urlOf(queueAt(`arn:aws:sqs:${call.region}:${account}:${text(input, 'QueueName')}`)),
      };
    },
    GetQueueAttributes(input, call) {
      const all = attributesOf(queueOf(input, call));
      const names = strings(input, 'AttributeNames');
      for (const name of names) {
        if (name !== 'All' && !isAttribute(name) && !Object.hasOwn(all, name)) throw unknownAttribute(name);
      }
      const wanted = (name: string): boolean => names.includes('All') || names.includes(name);
      return { Attributes: Object.fromEntries(Object.entries(all).filter(([name]) => wanted(name))) };
    },
    SetQueueAttributes(input, call) {
      const queue = queueOf(input, call);
      const settings = { ...queue.settings, ...checkedSettings(record(input, 'Attributes')) };
      // An empty value takes a setting such as RedrivePolicy away.
      queue.settings = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== ''));
      queue.modifiedAt = clock.now();
      return {};
    },
    ListQueues(input, call) {
      const prefix = `arn:aws:sqs:${call.region}:${call.account}:${optionalText(input, 'QueueNamePrefix') ?? ''}`;
      const limit = optionalNumber(input, 'MaxResults', 1, 1000) ?? 1000;
      const token = optionalText(input, 'NextToken') ?? '';
      const arns = [...queues.keys()].filter((arn) => arn.startsWith(prefix) && arn > token).sort();
      const shown = arns.slice(0, limit);
      return {
        QueueUrls: shown.map((arn) => urlOf(queueAt(arn))),
        ...(arns.length > limit ? { NextToken: shown.at(-1) } : {}),
      };
    },
    DeleteQueue(input, call) {
      const queue = queueOf(input, call);
      purge(queue);
      queues.delete(queue.arn);
      for (const waiter of [...queue.waiters]) waiter.wake();
      watch(queue);
      return {};
    },
    PurgeQueue(input, call) {
      purge(queueOf(input, call));
      return {};
    },
    SendMessage(input, call) {
      const message = send(queueOf(input, call), sendRequest(input));
      return sent(message);
    },
    SendMessageBatch(input, call) {
      const queue = queueOf(input, call);
      const entries = batch(input);
      const bytes = entries.reduce((sum, { entry }) => sum + requestBytes(entry), 0);
      if (bytes > MAX_REQUEST_BYTES) {
        throw new AwsError(
          'BatchRequestTooLong',
          `Batch requests cannot be longer than ${MAX_REQUEST_BYTES} bytes. You have sent ${bytes} bytes.`,
        );
      }
      return eachOf(entries, (entry) => sent(send(queue, sendRequest(entry))));
    },
    async ReceiveMessage(input, call) {
      const queue = queueOf(input, call);
      if (queue.count.inFlight >= MAX_IN_FLIGHT) {
        throw new AwsError('OverLimit', `Too many messages are in flight: at most ${MAX_IN_FLIGHT}.`, 403);
      }
      const wait = optionalNumber(input, 'WaitTimeSeconds', 0, 20);
      const messages = await receive(
        queue,
        optionalNumber(input, 'MaxNumberOfMessages', 1, 10) ?? 1,
        (wait ?? setting(queue, 'ReceiveMessageWaitTimeSeconds')) * 1000,
        optionalNumber(input, 'VisibilityTimeout', 0, 43_200) ?? setting(queue, 'VisibilityTimeout'),
      );
      if (messages.length === 0) return {};
      const system = [...strings(input, 'AttributeNames'), ...strings(input, 'MessageSystemAttributeNames')];
      const custom = strings(input, 'MessageAttributeNames');
      return { Messages: messages.map((message) => wireMessage(message, system, custom)) };
    },
    DeleteMessage(input, call) {
      remove(queueOf(input, call), text(input, 'ReceiptHandle'));
      return {};
    },
    DeleteMessageBatch(input, call) {
      const queue = queueOf(input, call);
      return eachOf(batch(input), (entry) => {
        remove(queue, text(entry, 'ReceiptHandle'));
        return {};
      });
    },
    ChangeMessageVisibility(input, call) {
      changeVisibility(queueOf(input, call), text(input, 'ReceiptHandle'), visibility(input));
      return {};
    },
    ChangeMessageVisibilityBatch(input, call) {
      const queue = queueOf(input, call);
      return eachOf(batch(input), (entry) => {
        changeVisibility(queue, text(entry, 'ReceiptHandle'), visibility(entry));
        return {};
      });
    },
  };

  return {
    target: 'AmazonSQS',
    jsonVersion: '1.0',
    async call(call) {
      const run = Object.hasOwn(operations, call.operation) ? operations[call.operation] : undefined;
      if (!run) throw new AwsError('UnsupportedOperation', `SQS here does not know ${call.operation}.`);
      return run(call.input, call);
    },
    async receive(arn, { max, waitMilliseconds, visibilityTimeoutSeconds }) {
      const queue = queueAt(arn);
      const timeout = visibilityTimeoutSeconds ?? setting(queue, 'VisibilityTimeout');
      return receive(queue, max, waitMilliseconds, timeout);
    },
    remove: (arn, receiptHandle) => remove(queueAt(arn), receiptHandle),
    changeVisibility: (arn, receiptHandle, seconds) => changeVisibility(queueAt(arn), receiptHandle, seconds),
    send(arn, body, { delaySeconds, attributes = {} } = {}) {
      const request = { body, delaySeconds, attributes, traceHeader: undefined };
      return { messageId: send(queueAt(arn), request).id };
    },
    depth(arn) {
      const queue = queueAt(arn);
      settle(queue);
      return { ...queue.count };
    },
    oldestAge(arn) {
      const queue = queueAt(arn);
      settle(queue);
      const oldest = queue.bySent.first();
      return oldest && clock.now() - oldest.key;
    },
    snapshot() {
      return {
        queues: [...queues.values()].map((queue) => {
          settle(queue);
          const { arn, createdAt, settings } = queue;
          return { arn, createdAt, settings, messages: [...queue.messages.values()] };
        }),
      };
    },
    restore(snapshot) {
      for (const saved of SNAPSHOT.parse(snapshot).queues) {
        const queue = queues.get(saved.arn) ?? addQueue(saved.arn, saved.settings, saved.createdAt);
        for (const { where, ...rest } of saved.messages) {
          if (queue.messages.has(rest.id)) continue;
          const message: Message = { ...rest, where: 'gone' };
          queue.messages.set(message.id, message);
          queue.bySent.push(message.sentAt, message);
          place(queue, message, where, message.due);
        }
        wakeWaiters(queue);
      }
    },
  };
}

const ATTRIBUTE = z.object({
  DataType: z.string(),
  StringValue: z.string().optional(),
  BinaryValue: z.string().optional(),
});

// Absent members are members that were undefined: JSON drops those.
const SNAPSHOT = z.object({
  queues: z.array(
    z.object({
      arn: z.string(),
      createdAt: z.number(),
      settings: z.record(z.string(), z.string()),
      messages: z.array(
        z.object({
          id: z.string(),
          body: z.string(),
          md5: z.string(),
          attributes: z.record(z.string(), ATTRIBUTE),
          traceHeader: z.string().optional().transform(orUndefined),
          sentAt: z.number(),
          firstReceivedAt: z.number().optional().transform(orUndefined),
          receives: z.number(),
          receivesHere: z.number(),
          deadLetterSource: z.string().optional().transform(orUndefined),
          where: z.enum(['visible', 'delayed', 'inFlight']),
          due: z.number(),
        }),
      ),
    }),
  ),
});

function orUndefined<T>(value: T | undefined): T | undefined {
  return value;
}

interface SendRequest {
  readonly body: string;
  readonly delaySeconds: number | undefined;
  readonly attributes: Readonly<Record<string, MessageAttribute>>;
  readonly traceHeader: string | undefined;
}

function sendRequest(input: Input): SendRequest {
  return {
    body: optionalText(input, 'MessageBody') ?? '',
    delaySeconds: optionalNumber(input, 'DelaySeconds', 0, 900),
    attributes: messageAttributes(record(input, 'MessageAttributes')),
    traceHeader: messageAttributes(record(input, 'MessageSystemAttributes')).AWSTraceHeader?.StringValue,
  };
}

function messageAttributes(given: Input): Record<string, MessageAttribute> {
  if (Object.keys(given).length > MAX_BATCH) {
    throw parameter(
      `Number of message attributes [${Object.keys(given).length}] exceeds the allowed maximum [10].`,
    );
  }
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => {
      const attribute = ATTRIBUTE.safeParse(value);
      if (!attribute.success || !/^(String|Number|Binary)(\..+)?$/.test(attribute.data.DataType)) {
        throw parameter(`The message attribute '${name}' has an invalid message attribute type.`);
      }
      const { DataType, StringValue, BinaryValue } = attribute.data;
      if ((DataType.startsWith('Binary') ? BinaryValue : StringValue) === undefined) {
        throw parameter(
          `The message attribute '${name}' must contain a non-empty value of type '${DataType}'.`,
        );
      }
      return [name, attribute.data];
    }),
  );
}

function checkedBody(queue: Queue, request: SendRequest): string {
  const { body, attributes } = request;
  if (body === '')
    throw new AwsError('MissingParameter', 'The request must contain the parameter MessageBody.');
  if (/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u.test(body)) {
    throw new AwsError('InvalidMessageContents', 'The message contains characters outside the allowed set.');
  }
  const most = setting(queue, 'MaximumMessageSize');
  if (Buffer.byteLength(body) + attributeBytes(attributes) > most) {
    throw parameter(
      `One or more parameters are invalid. Reason: Message must be shorter than ${most} bytes.`,
    );
  }
  return body;
}

function requestBytes(entry: Input): number {
  const { body, attributes } = sendRequest(entry);
  return Buffer.byteLength(body) + attributeBytes(attributes);
}

/** Names, types and values of attributes count towards the size of a message. */
function attributeBytes(attributes: Readonly<Record<string, MessageAttribute>>): number {
  return Object.entries(attributes).reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name + value.DataType) + valueBytes(value).length,
    0,
  );
}

function valueBytes({ StringValue = '', BinaryValue }: MessageAttribute): Buffer {
  return BinaryValue === undefined ? Buffer.from(StringValue) : Buffer.from(BinaryValue, 'base64');
}

function sent(message: Message): object {
  const trace = message.traceHeader;
  const system = trace === undefined ? {} : { AWSTraceHeader: { DataType: 'String', StringValue: trace } };
  return {
    MessageId: message.id,
    MD5OfMessageBody: message.md5,
    ...digest('MD5OfMessageAttributes', message.attributes),
    ...digest('MD5OfMessageSystemAttributes', system),
  };
}

function received(queue: Queue, message: Message): ReceivedMessage {
  return {
    messageId: message.id,
    receiptHandle: handleOf(message),
    body: message.body,
    md5OfBody: message.md5,
    attributes: {
      SenderId: queue.arn.split(':')[4] ?? '',
      SentTimestamp: String(message.sentAt),
      ApproximateReceiveCount: String(message.receives),
      ApproximateFirstReceiveTimestamp: String(message.firstReceivedAt),
      ...(message.traceHeader === undefined ? {} : { AWSTraceHeader: message.traceHeader }),
      ...(message.deadLetterSource === undefined
        ? {}
        : { DeadLetterQueueSourceArn: message.deadLetterSource }),
    },
    messageAttributes: message.attributes,
  };
}

function wireMessage(message: ReceivedMessage, system: string[], custom: string[]): object {
  const asked = (name: string): boolean =>
    custom.some(
      (one) => one === 'All' || one === name || (one.endsWith('.*') && name.startsWith(one.slice(0, -1))),
    );
  const Attributes = Object.fromEntries(
    Object.entries(message.attributes).filter(([name]) => system.includes('All') || system.includes(name)),
  );
  const MessageAttributes = Object.fromEntries(
    Object.entries(message.messageAttributes).filter(([name]) => asked(name)),
  );
  return {
    MessageId: message.messageId,
    ReceiptHandle: message.receiptHandle,
    MD5OfBody: message.md5OfBody,
    Body: message.body,
    ...(Object.keys(Attributes).length === 0 ? {} : { Attributes }),
    ...(Object.keys(MessageAttributes).length === 0 ? {} : { MessageAttributes }),
    ...digest('MD5OfMessageAttributes', MessageAttributes),
  };
}

function md5(data: string | Buffer): string {
  return createHash('md5').update(data).digest('hex');
}

/** "Calculating the MD5 message digest for message attributes" in the SQS developer guide. */
function digest(
  name: string,
  attributes: Readonly<Record<string, MessageAttribute>>,
): Record<string, string> {
  const names = Object.keys(attributes).sort();
  if (names.length === 0) return {};
  const withLength = (bytes: Buffer): Buffer[] => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return [length, bytes];
  };
  const parts = names.flatMap((key) => {
    const value = attributes[key];
    if (!value) return [];
    const transport = Buffer.from([value.DataType.startsWith('Binary') ? 2 : 1]);
    return [
      ...withLength(Buffer.from(key)),
      ...withLength(Buffer.from(value.DataType)),
      transport,
      ...withLength(valueBytes(value)),
    ];
  });
  return { [name]: md5(Buffer.concat(parts)) };
}

function handleOf(message: Message): string {
  return Buffer.from(`${message.receives} ${message.id}`).toString('base64');
}

function parseHandle(handle: string): { id: string; receive: number } {
  const [, receive, id] = /^(\d+) (.+)$/.exec(Buffer.from(handle, 'base64').toString()) ?? [];
  if (receive === undefined || id === undefined) {
    throw new AwsError(
      'ReceiptHandleIsInvalid',
      `The input receipt handle "${handle}" is not a valid receipt handle.`,
      404,
    );
  }
  return { id, receive: Number(receive) };
}

function defaults(): Settings {
  const numbers = Object.entries(NUMBERS).map(([name, [value]]) => [name, value]);
  return { ...Object.fromEntries(numbers), SqsManagedSseEnabled: 'true' };
}

function checkedSettings(given: Input): Settings {
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => {
      if (!isAttribute(name)) throw unknownAttribute(name);
      if (typeof value !== 'string') throw badAttribute(name, 'It must be a string.');
      const [, least, most] = NUMBERS[name] ?? [];
      if (least !== undefined && most !== undefined && !inRange(value, least, most)) {
        throw badAttribute(name, `It must be a whole number from ${least} to ${most}.`);
      }
      if (name === 'RedrivePolicy' && value !== '' && !redrivePolicy({ RedrivePolicy: value })) {
        throw badAttribute(
          name,
          'It must be JSON with deadLetterTargetArn and a maxReceiveCount from 1 to 1000.',
        );
      }
      return [name, value];
    }),
  );
}

const REDRIVE = z.object({
  deadLetterTargetArn: z.string().startsWith('arn:'),
  maxReceiveCount: z.coerce.number().int().min(1).max(1000),
});

function redrivePolicy(settings: Settings): z.infer<typeof REDRIVE> | undefined {
  if (!settings.RedrivePolicy) return undefined;
  const parsed = REDRIVE.safeParse(parseJson(settings.RedrivePolicy));
  return parsed.success ? parsed.data : undefined;
}

/** Two spellings of one JSON document are the same setting. */
function canonical(value: string | undefined): string {
  const parsed = parseJson(value ?? '');
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return value ?? '';
  return JSON.stringify(
    Object.entries(parsed)
      .map(([key, one]) => [key, String(one)])
      .sort(),
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isAttribute(name: string): boolean {
  return Object.hasOwn(NUMBERS, name) || OTHERS.includes(name);
}

function setting(queue: Queue, name: string): number {
  return Number(queue.settings[name] ?? NUMBERS[name]?.[0]);
}

/** Whether an entry of `timed` still says what is to come of its message. */
function isCurrent({ key, value }: Entry<Message>): boolean {
  return (value.where === 'delayed' || value.where === 'inFlight') && value.due === key;
}

function visibility(input: Input): number {
  const seconds = optionalNumber(input, 'VisibilityTimeout', 0, 43_200);
  if (seconds === undefined) {
    throw new AwsError('MissingParameter', 'The request must contain the parameter VisibilityTimeout.');
  }
  return seconds;
}

function batch(input: Input): { id: string; entry: Input }[] {
  const given = input.Entries ?? [];
  if (!Array.isArray(given) || given.length === 0) {
    throw new AwsError('EmptyBatchRequest', 'There should be at least one entry in the request.');
  }
  if (given.length > MAX_BATCH) {
    throw new AwsError(
      'TooManyEntriesInBatchRequest',
      `Maximum number of entries per request are ${MAX_BATCH}. You have sent ${given.length}.`,
    );
  }
  const entries = given.map((entry: unknown) => {
    if (!isRecord(entry)) throw parameter('Each of Entries must be an object.');
    const id = text(entry, 'Id');
    if (!/^[\w-]{1,80}$/.test(id)) {
      throw new AwsError(
        'InvalidBatchEntryId',
        'A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.',
      );
    }
    return { id, entry };
  });
  const ids = new Set(entries.map(({ id }) => id));
  if (ids.size < entries.length) {
    throw new AwsError(
      'BatchEntryIdsNotDistinct',
      'Two or more batch entries in the request have the same Id.',
    );
  }
  return entries;
}

function eachOf(entries: { id: string; entry: Input }[], run: (entry: Input) => object): object {
  const Successful: object[] = [];
  const Failed: object[] = [];
  for (const { id, entry } of entries) {
    try {
      Successful.push({ Id: id, ...run(entry) });
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      Failed.push({ Id: id, SenderFault: true, Code: error.code, Message: error.message });
    }
  }
  return { Successful, ...(Failed.length === 0 ? {} : { Failed }) };
}

function text(input: Input, member: string): string {
  const value = optionalText(input, member);
  if (!value) throw new AwsError('MissingParameter', `The request must contain the parameter ${member}.`);
  return value;
}

function optionalText(input: Input, member: string): string | undefined {
  const value = input[member];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string')
    throw parameter(`Value for parameter ${member} is invalid. Reason: Must be a string.`);
  return value;
}

function optionalNumber(input: Input, member: string, least: number, most: number): number | undefined {
  const value = input[member];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || !inRange(String(value), least, most)) {
    throw parameter(
      `Value ${String(value)} for parameter ${member} is invalid. Reason: Must be between ${least} and ${most}, if provided.`,
    );
  }
  return value;
}

function inRange(value: string, least: number, most: number): boolean {
  return /^\d+$/.test(value) && Number(value) >= least && Number(value) <= most;
}

function strings(input: Input, member: string): string[] {
  const value = input[member] ?? [];
  if (!Array.isArray(value) || !value.every((one) => typeof one === 'string')) {
    throw parameter(`Value for parameter ${member} is invalid. Reason: Must be a list of strings.`);
  }
  return value;
}

function record(input: Input, member: string): Record<string, unknown> {
  const value = input[member] ?? {};
  if (!isRecord(value)) throw parameter(`Value for parameter ${member} is invalid. Reason: Must be a map.`);
  return value;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parameter(message: string): AwsError {
  return new AwsError('InvalidParameterValue', message);
}

function badAttribute(name: string, reason: string): AwsError {
  return new AwsError('InvalidAttributeValue', `Invalid value for the parameter ${name}. ${reason}`);
}

function unknownAttribute(name: string): AwsError {
  return new AwsError('InvalidAttributeName', `Unknown Attribute ${name}.`);
}

interface Fifo<T> {
  push(value: T): void;
  shift(): T | undefined;
  clear(): void;
}

/** Array.prototype.shift takes time in proportion to a large array; this one moves a start index instead. */
function createFifo<T>(): Fifo<T> {
  let items: T[] = [];
  let start = 0;
  return {
    push: (value) => void items.push(value),
    shift() {
      const value = items[start];
      start = Math.min(start + 1, items.length);
      if (start > 1024 && start * 2 > items.length) {
        items = items.slice(start);
        start = 0;
      }
      return value;
    },
    clear() {
      items = [];
      start = 0;
    },
  };
}

interface Entry<T> {
  readonly key: number;
  readonly value: T;
}

interface Heap<T> {
  push(key: number, value: T): void;
  first(): Entry<T> | undefined;
  pop(): void;
  size(): number;
  /** Drops every entry that `wanted` refuses. */
  keep(wanted: (entry: Entry<T>) => boolean): void;
}

/** A binary heap, the least key first. */
function createHeap<T>(): Heap<T> {
  let items: Entry<T>[] = [];
  const keyAt = (index: number): number => items[index]?.key ?? Number.POSITIVE_INFINITY;
  const swap = (one: number, other: number): void => {
    const [a, b] = [items[one], items[other]];
    if (a && b) {
      items[one] = b;
      items[other] = a;
    }
  };
  const heap: Heap<T> = {
    first: () => items[0],
    size: () => items.length,
    keep(wanted) {
      const kept = items.filter(wanted);
      items = [];
      for (const { key, value } of kept) heap.push(key, value);
    },
    push(key, value) {
      let index = items.push({ key, value }) - 1;
      for (let parent = (index - 1) >> 1; index > 0 && keyAt(parent) > key; parent = (index - 1) >> 1) {
        swap(index, parent);
        index = parent;
      }
    },
    pop() {
      const last = items.pop();
      if (!last || items.length === 0) return;
      items[0] = last;
      for (let index = 0; ; ) {
        const left = 2 * index + 1;
        const child = keyAt(left + 1) < keyAt(left) ? left + 1 : left;
        if (keyAt(child) >= last.key) return;
        swap(index, child);
        index = child;
      }
    },
  };
  return heap;
}
