import { itemSize, type Level, type LevelOperation } from 'dynalite/db';
import type { Clock } from './clock';
import { type Accompaniment, type Change, type Item, under } from './dynalite';
import { keyOfItem } from './range-query';

export type StreamView = 'KEYS_ONLY' | 'NEW_IMAGE' | 'OLD_IMAGE' | 'NEW_AND_OLD_IMAGES';

export interface Stream {
  /** The ARN's last part: the instant at which the stream was enabled. */
  readonly label: string;
  readonly view: StreamView;
}

/** A record as Lambda's DynamoDB event carries it ("Using AWS Lambda with Amazon DynamoDB"). */
export interface StreamRecord {
  readonly eventID: string;
  readonly eventName: 'INSERT' | 'MODIFY' | 'REMOVE';
  readonly eventVersion: '1.1';
  readonly eventSource: 'aws:dynamodb';
  readonly awsRegion: string;
  readonly dynamodb: {
    /** Epoch seconds. */
    readonly ApproximateCreationDateTime: number;
    readonly Keys: Item;
    readonly NewImage?: Item;
    readonly OldImage?: Item;
    /** Digits, always as many: their order as text is the order of the commits. */
    readonly SequenceNumber: string;
    readonly SizeBytes: number;
    readonly StreamViewType: StreamView;
  };
  readonly eventSourceARN: string;
}

export type StreamSubscriber = (record: StreamRecord) => void;

/** The streams of one Region's tables: every record is kept until a checkpoint says that it was dealt with. */
export interface TableStreams {
  /** The record of a change, to be stored in the same write; undefined for a change that changes nothing. */
  accompany(change: Change, stream: Stream): Accompaniment | undefined;
  /** Hands over the records kept so far at once, then each new one as it is committed. The answer unsubscribes. */
  subscribe(arn: string, subscriber: StreamSubscriber): () => void;
  /** Forgets the stream's records up to and including this sequence number. */
  checkpoint(streamArn: string, sequence: string): Promise<void>;
  /** Forgets all records of a deleted table. */
  forget(tableArn: string): Promise<void>;
}

const RECORDS = 'warden~stream~';
const CHECKPOINTS = 'warden~checkpoint~';
const FIRST_SEQUENCE = 100_000_000_000_000_000_000n;

/** `level` is where unconsumed records survive a restart; without it they live in memory only. */
export async function tableStreams(options: {
  readonly clock: Clock;
  readonly newId: () => string;
  readonly region: string;
  readonly level: Level | undefined;
}): Promise<TableStreams> {
  const { clock, newId, region, level } = options;
  const kept = new Map<string, StreamRecord[]>();
  const subscribers = new Map<StreamSubscriber, string>();
  let sequence = FIRST_SEQUENCE;

  const keptOf = (streamArn: string): StreamRecord[] => {
    const records = kept.get(streamArn) ?? [];
    kept.set(streamArn, records);
    return records;
  };
  const passed = (one: string) => {
    if (BigInt(one) > sequence) sequence = BigInt(one);
  };

  if (level) {
    for await (const [, value] of level.iterator(under(RECORDS))) {
      if (!isStreamRecord(value)) continue;
      keptOf(value.eventSourceARN).push(value);
      passed(value.dynamodb.SequenceNumber);
    }
    for await (const [, value] of level.iterator(under(CHECKPOINTS))) passed(String(value));
  }

  return {
    accompany({ table, before, after }, { label, view }) {
      if (before && after && sameValue(before, after)) return undefined;
      const image = after ?? before;
      if (!image) return undefined;
      sequence += 1n;
      const images = {
        ...(after && view.startsWith('NEW') && { NewImage: after }),
        ...(before && view.includes('OLD') && { OldImage: before }),
      };
      const Keys = keyOfItem(table, image);
      const record: StreamRecord = {
        eventID: newId(),
        eventName: !before ? 'INSERT' : after ? 'MODIFY' : 'REMOVE',
        eventVersion: '1.1',
        eventSource: 'aws:dynamodb',
        awsRegion: region,
        dynamodb: {
          ApproximateCreationDateTime: Math.floor(clock.now() / 1000),
          Keys,
          ...images,
          SequenceNumber: String(sequence),
          SizeBytes: [Keys, ...Object.values(images)].reduce((sum, one) => sum + itemSize(one), 0),
          StreamViewType: view,
        },
        eventSourceARN: `${table.TableArn}/stream/${label}`,
      };
      return {
        entries: level ? [[recordKey(record.eventSourceARN, record.dynamodb.SequenceNumber), record]] : [],
        committed() {
          keptOf(record.eventSourceARN).push(record);
          for (const [subscriber, arn] of subscribers) {
            // On its own turn: what a subscriber throws must not stop the store.
            if (isOf(record, arn)) queueMicrotask(() => subscriber(record));
          }
        },
      };
    },

    subscribe(arn, subscriber) {
      const one: StreamSubscriber = (record) => subscriber(record);
      for (const records of kept.values())
        for (const record of [...records]) if (isOf(record, arn)) one(record);
      subscribers.set(one, arn);
      return () => subscribers.delete(one);
    },

    async checkpoint(streamArn, upTo) {
      const records = keptOf(streamArn);
      const rest = records.findIndex(({ dynamodb }) => dynamodb.SequenceNumber > upTo);
      const done = records.splice(0, rest === -1 ? records.length : rest);
      if (!level || done.length === 0) return;
      const deletes = done.map(
        ({ dynamodb }): LevelOperation => ({
          type: 'del',
          key: recordKey(streamArn, dynamodb.SequenceNumber),
        }),
      );
      await level.batch([...deletes, { type: 'put', key: CHECKPOINTS + streamArn, value: upTo }]);
    },

    async forget(tableArn) {
      const prefix = `${tableArn}/stream/`;
      for (const streamArn of kept.keys()) if (streamArn.startsWith(prefix)) kept.delete(streamArn);
      await level?.clear(under(RECORDS + prefix));
    },
  };
}

function recordKey(streamArn: string, sequence: string): string {
  return `${RECORDS}${streamArn}~${sequence}`;
}

function isOf(record: StreamRecord, arn: string): boolean {
  return record.eventSourceARN === arn || record.eventSourceARN.startsWith(`${arn}/stream/`);
}

/** Members may come in another order: an item is a map. */
function sameValue(one: unknown, other: unknown): boolean {
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null)
    return one === other;
  const entries = Object.entries(one);
  const others = new Map<string, unknown>(Object.entries(other));
  return entries.length === others.size && entries.every(([key, value]) => sameValue(value, others.get(key)));
}

function isStreamRecord(value: unknown): value is StreamRecord {
  return typeof value === 'object' && value !== null && 'eventSourceARN' in value && 'dynamodb' in value;
}
