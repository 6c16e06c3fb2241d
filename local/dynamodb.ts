import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { getIndexActions, type Index, itemSize } from 'dynalite/db';
import { z } from 'zod';
import { checked } from './checked';
import type { Clock } from './clock';
import { type Change, type Dynalite, type DynaliteOperation, type Item, openDynalite } from './dynalite';
import { openTables, type Tables } from './dynamodb-tables';
import { type Insert, insertedItem, parseInsert } from './partiql';
import { rangeQuery, readRange } from './range-query';
import { AwsError, type Call, type Service } from './service';
import { type StreamSubscriber, type TableStreams, tableStreams } from './table-stream';

export type { StreamRecord, StreamSubscriber } from './table-stream';

export interface Dynamodb extends Service {
  /**
   * Hands over the stream records of a table (its ARN, or the stream's) in commit order: first those that no
   * checkpoint covers, then each new one once it is durable. The answer unsubscribes.
   */
  subscribe(arn: string, subscriber: StreamSubscriber): () => void;
  /** Records up to and including this sequence number were dealt with: they are not handed over again. */
  checkpoint(streamArn: string, sequence: string): Promise<void>;
  /** Waits for what is under way and closes the folder. */
  close(): Promise<void>;
}

export interface DynamodbOptions {
  /** The folder that keeps the tables and the unconsumed stream records; without it all is in memory. */
  readonly path?: string | undefined;
  readonly clock: Clock;
  /** For the event ids of stream records. */
  readonly newId: () => string;
}

/** One account's tables in one Region. */
interface Region {
  readonly dynalite: Dynalite;
  readonly streams: TableStreams;
  readonly tables: Tables;
}

interface Capacity {
  readonly TableName: string;
  readonly CapacityUnits: number;
  readonly Table?: { readonly CapacityUnits: number };
  readonly GlobalSecondaryIndexes?: Readonly<Record<string, { readonly CapacityUnits: number }>>;
}

type Input = Readonly<Record<string, unknown>>;

const STATEMENT = z.object({
  Statement: z.string().min(1),
  Parameters: z.array(z.record(z.string(), z.unknown())).default([]),
  ReturnValuesOnConditionCheckFailure: z.enum(['ALL_OLD', 'NONE']).optional(),
});
const STATEMENTS = z.object({ Statements: z.array(STATEMENT).min(1).max(25) });
const REGION_NAME = /^(\d{12})-([a-z0-9-]+)$/;

/**
 * DynamoDB as the embedded cloud needs it: dynalite does keys, conditions and queries; this adds PartiQL's INSERT,
 * streams, and the settings that templates make. A folder that already holds tables is opened at once.
 * Throws an Error that names the folder if it is damaged or in use.
 */
export async function createDynamodb({ path, clock, newId }: DynamodbOptions): Promise<Dynamodb> {
  const regions = new Map<string, Promise<Region>>();

  function regionOf(account: string, region: string): Promise<Region> {
    const name = `${account}-${region}`;
    const known = regions.get(name);
    if (known) return known;
    if (!REGION_NAME.test(name)) {
      throw new AwsError('ValidationException', `${account} or ${region} is no account id or Region.`);
    }
    const opening = openRegion({ folder: path && join(path, name), account, region, clock, newId });
    regions.set(name, opening);
    return opening;
  }

  async function close(): Promise<void> {
    const opened = await Promise.allSettled(regions.values());
    for (const one of opened) if (one.status === 'fulfilled') await one.value.dynalite.close();
  }

  for (const name of path && existsSync(path) ? readdirSync(path) : []) {
    const [, account, region] = REGION_NAME.exec(name) ?? [];
    if (!account || !region) continue;
    try {
      await regionOf(account, region);
    } catch (error) {
      await close();
      throw error;
    }
  }

  return {
    target: 'DynamoDB_20120810',
    jsonVersion: '1.0',
    async call({ operation, input, account, region }: Call) {
      const { tables, ...items } = await regionOf(account, region);
      const run = own(ITEM_OPERATIONS, operation);
      if (run) return run(items, input);
      const runOnTable = own(tables.operations, operation);
      if (runOnTable) return runOnTable(input);
      throw new AwsError('UnknownOperationException', `DynamoDB here does not know ${operation}.`);
    },
    subscribe(arn, subscriber) {
      const { account, region } = partsOf(arn);
      let wanted = true;
      let unsubscribe: (() => void) | undefined;
      regionOf(account, region).then(
        ({ streams }) => {
          if (wanted) unsubscribe = streams.subscribe(arn, subscriber);
        },
        () => {
          // Every call to this Region says what is wrong with its folder; there are no records to hand over.
        },
      );
      return () => {
        wanted = false;
        unsubscribe?.();
      };
    },
    async checkpoint(streamArn, sequence) {
      const { account, region } = partsOf(streamArn);
      const { streams } = await regionOf(account, region);
      await streams.checkpoint(streamArn, sequence);
    },
    close,
  };
}

async function openRegion(options: {
  readonly folder: string | undefined;
  readonly account: string;
  readonly region: string;
  readonly clock: Clock;
  readonly newId: () => string;
}): Promise<Region> {
  const { folder, account, region, clock, newId } = options;
  const dynalite = await openDynalite({
    folder,
    account,
    region,
    accompany(change) {
      const stream = tables.streamOf(change.table.TableName);
      return stream && streams.accompany(change, stream);
    },
  });
  const streams = await tableStreams({ clock, newId, region, level: folder ? dynalite.level : undefined });
  const tables = await openTables({ dynalite, streams, clock });
  return { dynalite, streams, tables };
}

type ItemOperation = (region: Pick<Region, 'dynalite'>, input: Input) => Promise<object>;

const ITEM_OPERATIONS: Readonly<Record<string, ItemOperation>> = {
  BatchExecuteStatement: batchExecuteStatement,
  BatchGetItem: passOn('BatchGetItem'),
  BatchWriteItem: passOn('BatchWriteItem'),
  DeleteItem: passOn('DeleteItem'),
  ExecuteStatement: executeStatement,
  GetItem: passOn('GetItem'),
  PutItem: passOn('PutItem'),
  Query: query,
  Scan: passOn('Scan'),
  UpdateItem: passOn('UpdateItem'),
};

function passOn(operation: DynaliteOperation): ItemOperation {
  return async ({ dynalite }, input) => {
    const { answer, changes } = await dynalite.callDynalite(operation, input);
    // dynalite counts the table alone, and nothing else is known of a write that changed nothing.
    const capacities = changes.map((change) => writeCapacity(change, input.ReturnConsumedCapacity));
    const [first] = capacities.flatMap((capacity) => capacity ?? []);
    if (!first) return answer;
    const batch = operation === 'BatchWriteItem';
    return { ...answer, ConsumedCapacity: batch ? summedByTable(capacities) : first };
  };
}

async function query({ dynalite }: Pick<Region, 'dynalite'>, input: Input): Promise<object> {
  const table = typeof input.TableName === 'string' ? dynalite.table(input.TableName) : undefined;
  const direct = table && rangeQuery(input, table);
  if (direct) return readRange(dynalite.level, direct, input.ReturnConsumedCapacity);
  return (await dynalite.callDynalite('Query', input)).answer;
}

async function executeStatement({ dynalite }: Pick<Region, 'dynalite'>, input: Input): Promise<object> {
  const { change } = await insert(dynalite, checked(STATEMENT, input));
  const capacity = change && writeCapacity(change, input.ReturnConsumedCapacity);
  return { Items: [], ...(capacity && { ConsumedCapacity: capacity }) };
}

async function batchExecuteStatement({ dynalite }: Pick<Region, 'dynalite'>, input: Input): Promise<object> {
  const { Statements } = checked(STATEMENTS, input);
  const answers = await Promise.all(
    Statements.map(async (statement) => {
      try {
        const { table, change } = await insert(dynalite, statement);
        const capacity = change && writeCapacity(change, input.ReturnConsumedCapacity);
        return { response: { TableName: table }, capacity };
      } catch (error) {
        return { response: { Error: statementError(error) }, capacity: undefined };
      }
    }),
  );
  const capacities = summedByTable(answers.map(({ capacity }) => capacity));
  return {
    Responses: answers.map(({ response }) => response),
    ...(capacities.length > 0 && { ConsumedCapacity: capacities }),
  };
}

/** A new item, or none: "PartiQL insert statements for DynamoDB" refuse a key that exists. */
async function insert(dynalite: Dynalite, request: z.infer<typeof STATEMENT>) {
  const statement = parsed(request.Statement);
  const hash = dynalite.table(statement.table)?.KeySchema[0]?.AttributeName;
  try {
    const { changes } = await dynalite.callDynalite('PutItem', {
      TableName: statement.table,
      Item: insertedItem(statement, request.Parameters),
      ...(hash && { Expected: { [hash]: { Exists: false } } }),
      ReturnValuesOnConditionCheckFailure: request.ReturnValuesOnConditionCheckFailure,
    });
    return { table: statement.table, change: changes[0] };
  } catch (error) {
    if (!(error instanceof AwsError) || error.code !== 'ConditionalCheckFailedException') throw error;
    throw new AwsError('DuplicateItemException', 'Duplicate primary key exists in table', 400, error.members);
  }
}

const STATEMENTS_KEPT = 1000;
const statements = new Map<string, Insert>();

/** A program has few statements and sends them often. */
function parsed(text: string): Insert {
  const known = statements.get(text);
  if (known) return known;
  const statement = parseInsert(text);
  if (statements.size < STATEMENTS_KEPT) statements.set(text, statement);
  return statement;
}

/** The codes of "BatchStatementError": those of the exceptions, shortened. */
function statementError(error: unknown): object {
  if (!(error instanceof AwsError)) throw error;
  const code = error.code.replace(/Exception$/, '');
  return { ...error.members, Code: code === 'Validation' ? 'ValidationError' : code, Message: error.message };
}

/**
 * "Read and write operations" in the DynamoDB guide: a write unit for each started KB of the larger of the old and
 * the new item, and for each index entry written or removed.
 */
function writeCapacity({ table, before, after }: Change, wanted: unknown): Capacity | undefined {
  if (wanted !== 'TOTAL' && wanted !== 'INDEXES') return undefined;
  const TableName = table.TableName;
  const own = Math.max(writeUnits(before), writeUnits(after));
  const indexes = [...(table.GlobalSecondaryIndexes ?? []), ...(table.LocalSecondaryIndexes ?? [])]
    .map((index) => [index.IndexName, { CapacityUnits: indexUnits(index) }] as const)
    .filter(([, { CapacityUnits }]) => CapacityUnits > 0);
  const CapacityUnits = indexes.reduce((sum, [, units]) => sum + units.CapacityUnits, own);
  if (wanted === 'TOTAL') return { TableName, CapacityUnits };
  return {
    TableName,
    CapacityUnits,
    Table: { CapacityUnits: own },
    ...(indexes.length > 0 && { GlobalSecondaryIndexes: Object.fromEntries(indexes) }),
  };

  function indexUnits(index: Index): number {
    const [oldEntry] = getIndexActions([index], undefined, before, table).puts;
    const [newEntry] = getIndexActions([index], undefined, after, table).puts;
    if (oldEntry?.key !== newEntry?.key) return writeUnits(oldEntry?.item) + writeUnits(newEntry?.item);
    if (JSON.stringify(oldEntry?.item) === JSON.stringify(newEntry?.item)) return 0;
    return Math.max(writeUnits(oldEntry?.item), writeUnits(newEntry?.item));
  }
}

function writeUnits(item: Item | undefined): number {
  if (!item) return 0;
  // An index entry holds undefined where the item lacks a projected attribute.
  const present = Object.fromEntries(Object.entries(item).filter(([, value]) => value !== undefined));
  return Math.ceil(itemSize(present) / 1024);
}

function summedByTable(capacities: readonly (Capacity | undefined)[]): Capacity[] {
  const sums = new Map<string, Capacity>();
  for (const capacity of capacities) {
    if (!capacity) continue;
    const sum = sums.get(capacity.TableName);
    sums.set(capacity.TableName, sum ? added(sum, capacity) : capacity);
  }
  return [...sums.values()];
}

function added(one: Capacity, other: Capacity): Capacity {
  const indexes = { ...one.GlobalSecondaryIndexes };
  for (const [name, { CapacityUnits }] of Object.entries(other.GlobalSecondaryIndexes ?? {})) {
    indexes[name] = { CapacityUnits: CapacityUnits + (indexes[name]?.CapacityUnits ?? 0) };
  }
  return {
    TableName: one.TableName,
    CapacityUnits: one.CapacityUnits + other.CapacityUnits,
    ...(one.Table &&
      other.Table && { Table: { CapacityUnits: one.Table.CapacityUnits + other.Table.CapacityUnits } }),
    ...(Object.keys(indexes).length > 0 && { GlobalSecondaryIndexes: indexes }),
  };
}

function partsOf(arn: string): { account: string; region: string } {
  const [, , service, region = '', account = ''] = arn.split(':');
  if (service !== 'dynamodb') throw new Error(`${arn} is not the ARN of a DynamoDB table or stream.`);
  return { account, region };
}

function own<T>(map: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}
