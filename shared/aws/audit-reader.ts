import {
  type AttributeValue,
  type DynamoDBClient,
  GetItemCommand,
  QueryCommand,
  type QueryCommandInput,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { AuditRecord } from '../audit/record';
import { parseRecord } from './audit-table';
import { asUnavailable } from './errors';

/** The audit trail for people who look at it. Everything throws `Unavailable`. */
export interface AuditReader {
  /** All records of a scope, in key order. */
  scope(scope: string): AsyncIterable<AuditRecord>;
  /** Records by when they were recorded, the newest first, from `now` back to `since` (epoch milliseconds). */
  newest(now: number, since: number): AsyncIterable<AuditRecord>;
  /** The ids of the events of every record there is: one list a record, in no order that means anything. */
  eventIds(): AsyncIterable<readonly string[]>;
}

const timeIndex = 'byTime';
const shards = '0123456789abcdef';
const hourMilliseconds = 3_600_000;

export function auditReader(client: DynamoDBClient, table: string): AuditReader {
  async function* pages(
    read: (from?: Record<string, AttributeValue>) => Promise<Page>,
  ): AsyncGenerator<Record<string, unknown>> {
    let from: Record<string, AttributeValue> | undefined;
    do {
      const page = await attempt(() => read(from));
      for (const item of page.Items ?? []) yield unmarshall(item);
      from = page.LastEvaluatedKey;
    } while (from);
  }

  const query = (input: Omit<QueryCommandInput, 'TableName'>) =>
    pages((from) =>
      client.send(new QueryCommand({ TableName: table, ...input, ...(from && { ExclusiveStartKey: from }) })),
    );

  /** The keys of one hour's records, the newest first. The hour is spread over sixteen partitions. */
  async function keysOf(hour: string): Promise<readonly IndexEntry[]> {
    const parts = await Promise.all(
      [...shards].map((shard) =>
        collect(
          query({
            IndexName: timeIndex,
            KeyConditionExpression: '#hour = :hour',
            ExpressionAttributeNames: { '#hour': 'hour' },
            ExpressionAttributeValues: marshall({ ':hour': `${hour}#${shard}` }),
          }),
        ),
      ),
    );
    return parts
      .flat()
      .map(({ scope, record, recordedAt }) => ({
        scope: String(scope),
        record: String(record),
        recordedAt: String(recordedAt),
      }))
      .sort((one, other) => (one.recordedAt > other.recordedAt ? -1 : 1));
  }

  async function recordAt({ scope, record }: IndexEntry): Promise<AuditRecord | undefined> {
    const command = new GetItemCommand({ TableName: table, Key: marshall({ scope, record }) });
    const { Item } = await attempt(() => client.send(command));
    return Item && parseRecord(unmarshall(Item));
  }

  return {
    async *scope(scope) {
      const items = query({
        KeyConditionExpression: '#scope = :scope',
        ExpressionAttributeNames: { '#scope': 'scope' },
        ExpressionAttributeValues: marshall({ ':scope': scope }),
      });
      for await (const item of items) yield parseRecord(item);
    },

    async *newest(now, since) {
      for (let at = now; startOfHour(at) + hourMilliseconds > since; at -= hourMilliseconds) {
        for (const entry of await keysOf(new Date(at).toISOString().slice(0, 13))) {
          if (Date.parse(entry.recordedAt) < since) return;
          const found = await recordAt(entry);
          if (found) yield found;
        }
      }
    },

    async *eventIds() {
      const items = pages((from) =>
        client.send(
          new ScanCommand({
            TableName: table,
            ProjectionExpression: '#triggers',
            ExpressionAttributeNames: { '#triggers': 'triggers' },
            ...(from && { ExclusiveStartKey: from }),
          }),
        ),
      );
      for await (const { triggers } of items) {
        yield Array.isArray(triggers) ? triggers.map((trigger: { id?: unknown }) => String(trigger.id)) : [];
      }
    },
  };
}

interface Page {
  readonly Items?: Record<string, AttributeValue>[] | undefined;
  readonly LastEvaluatedKey?: Record<string, AttributeValue> | undefined;
}

interface IndexEntry {
  readonly scope: string;
  readonly record: string;
  readonly recordedAt: string;
}

async function attempt<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw asUnavailable('reading the audit trail', error);
  }
}

function startOfHour(time: number): number {
  return time - (time % hourMilliseconds);
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
