import runBatchGetItem from 'dynalite/actions/batchGetItem';
import runBatchWriteItem from 'dynalite/actions/batchWriteItem';
import runCreateTable from 'dynalite/actions/createTable';
import runDeleteItem from 'dynalite/actions/deleteItem';
import runGetItem from 'dynalite/actions/getItem';
import runPutItem from 'dynalite/actions/putItem';
import runQuery from 'dynalite/actions/query';
import runScan from 'dynalite/actions/scan';
import runUpdateItem from 'dynalite/actions/updateItem';
import runUpdateTable from 'dynalite/actions/updateTable';
import { create, type Item, type Level, type LevelOperation, type Store, type Table } from 'dynalite/db';
import { checkTypes, checkValidations } from 'dynalite/validations';
import * as batchGetItem from 'dynalite/validations/batchGetItem';
import * as batchWriteItem from 'dynalite/validations/batchWriteItem';
import * as createTable from 'dynalite/validations/createTable';
import * as deleteItem from 'dynalite/validations/deleteItem';
import * as getItem from 'dynalite/validations/getItem';
import * as putItem from 'dynalite/validations/putItem';
import * as query from 'dynalite/validations/query';
import * as scan from 'dynalite/validations/scan';
import * as updateItem from 'dynalite/validations/updateItem';
import * as updateTable from 'dynalite/validations/updateTable';
import { levelFolder } from './level-folder';
import { AwsError } from './service';

export type { Item, Table } from 'dynalite/db';

/** One item written, with its table. `before` is undefined for a new item, `after` for a deleted one. */
export interface Change {
  readonly table: Table;
  readonly before: Item | undefined;
  readonly after: Item | undefined;
}

/** What is committed with a change, in the same write. */
export interface Accompaniment {
  readonly entries: readonly (readonly [key: string, value: unknown])[];
  /** Runs once both are durable, in the order of the commits. */
  committed(): void;
}

export interface Dynalite {
  /**
   * Runs one of dynalite's operations: the answer in DynamoDB's JSON, and the items it wrote.
   * Throws AwsError as DynamoDB would.
   */
  callDynalite(operation: DynaliteOperation, input: object): Promise<{ answer: object; changes: Change[] }>;
  /** The table if it is there and active. */
  table(name: string): Table | undefined;
  tableNames(): Promise<string[]>;
  deleteTable(table: Table): Promise<void>;
  /** The store beneath, for entries under a prefix of our own and for range reads. Keys `item-<table>~…` are items. */
  readonly level: Level;
  close(): Promise<void>;
}

export interface DynaliteOptions {
  /** A LevelDB folder; in memory without it. */
  readonly folder: string | undefined;
  readonly account: string;
  readonly region: string;
  accompany(change: Change): Accompaniment | undefined;
}

const OPERATIONS = {
  BatchGetItem: { ...batchGetItem, run: runBatchGetItem },
  BatchWriteItem: { ...batchWriteItem, run: runBatchWriteItem },
  CreateTable: { ...createTable, run: runCreateTable },
  DeleteItem: { ...deleteItem, run: runDeleteItem },
  GetItem: { ...getItem, run: runGetItem },
  PutItem: { ...putItem, run: runPutItem },
  Query: { ...query, run: runQuery },
  Scan: { ...scan, run: runScan },
  UpdateItem: { ...updateItem, run: runUpdateItem },
  UpdateTable: { ...updateTable, run: runUpdateTable },
};

export type DynaliteOperation = keyof typeof OPERATIONS;

const TABLE_PREFIX = 'table~';
const BEGUN = 'warden~begun';

/**
 * dynalite without its HTTP server: its validations and actions, called in this process. All writes that come
 * together share one LevelDB batch, which makes an item, its index entries and its stream record one write.
 * An answered write survives the end of the process (not of the machine: LevelDB does not wait for the disk).
 * Throws an Error that names the folder if it is damaged or in use.
 */
export async function openDynalite(options: DynaliteOptions): Promise<Dynalite> {
  const { store, close } = await openStore(options);
  store.tableDb.awsAccountId = options.account;
  store.tableDb.awsRegion = options.region;
  await settleTables(store.db);

  const commit = groupCommit(store.db);
  const tables = new Map<string, Table>();
  function activeTable(name: string): Table | undefined {
    const known = tables.get(name);
    if (known) return known;
    const table = storedTable(store.db, name);
    if (table?.TableStatus !== 'ACTIVE') return undefined;
    tables.set(name, table);
    return table;
  }

  /** dynalite's store as one call sees it: index entries wait for their item and are written with it. */
  function gathering(changes: Change[], lastRead: { item?: Item | undefined }): Store {
    const indexOperations: LevelOperation[] = [];
    const read = new Map<string, Item | undefined>();
    return {
      ...store,
      getTable(name, checkStatus, done) {
        const table = activeTable(name);
        if (!table) return store.getTable(name, checkStatus, done);
        (typeof checkStatus === 'function' ? checkStatus : done)?.(null, table);
      },
      getItemDb(name) {
        const prefix = `item-${name}~`;
        const write = (
          operation: LevelOperation,
          after: Item | undefined,
          done: (error?: unknown) => void,
        ) => {
          const before = read.get(operation.key);
          const table = activeTable(name);
          const change = table && (before || after) ? { table, before, after } : undefined;
          const extra = change && options.accompany(change);
          if (change) changes.push(change);
          const entries = extra?.entries.map(([key, value]) => ({ type: 'put' as const, key, value })) ?? [];
          commit([...indexOperations.splice(0), operation, ...entries], (error) => {
            if (!error) extra?.committed();
            done(error);
          });
        };
        return {
          ...store.getItemDb(name),
          get(key, done) {
            const item = itemAt(store.db, prefix + key);
            read.set(prefix + key, item);
            lastRead.item = item;
            done(null, item);
          },
          put: (key, item, done) => write({ type: 'put', key: prefix + key, value: item }, item, done),
          del: (key, done) => write({ type: 'del', key: prefix + key }, undefined, done),
        };
      },
      getIndexDb(kind, table, index) {
        const prefix = `index-${kind.toLowerCase()}~${table}~${index}~`;
        return {
          ...store.getIndexDb(kind, table, index),
          put(key, value, done) {
            indexOperations.push({ type: 'put', key: prefix + key, value });
            done();
          },
          del(key, done) {
            indexOperations.push({ type: 'del', key: prefix + key });
            done();
          },
        };
      },
    };
  }

  return {
    level: store.db,
    close,
    table: activeTable,
    async callDynalite(operation, input) {
      const { types, custom, run } = OPERATIONS[operation];
      const changes: Change[] = [];
      const lastRead: { item?: Item | undefined } = {};
      const view = gathering(changes, lastRead);
      try {
        // checkTypes deletes what it does not know from its argument.
        const checked = checkTypes({ ...input }, types);
        checkValidations(checked, types, custom, store);
        const answer = await new Promise<object>((resolve, reject) => {
          run(view, checked, (error, result = {}) => (error ? reject(error) : resolve(result)));
        });
        return { answer, changes };
      } catch (error) {
        throw asAwsError(error, wantsOldItem(input) ? lastRead.item : undefined);
      } finally {
        if (operation === 'CreateTable' || operation === 'UpdateTable') {
          await untilSettled(store.db, input);
          tables.clear();
        }
      }
    },
    async tableNames() {
      const names: string[] = [];
      for await (const key of store.db.keys(under(TABLE_PREFIX))) names.push(key.slice(TABLE_PREFIX.length));
      return names;
    },
    async deleteTable(table) {
      tables.clear();
      await store.db.batch([{ type: 'del', key: TABLE_PREFIX + table.TableName }]);
      await store.db.clear(under(`item-${table.TableName}~`));
      await store.db.clear(under(`index-global~${table.TableName}~`));
      await store.db.clear(under(`index-local~${table.TableName}~`));
    },
  };
}

/** All keys that start with the prefix; what follows it in dynalite's and our keys is ASCII below `\x7f`. */
export function under(prefix: string): { gte: string; lt: string } {
  return { gte: prefix, lt: `${prefix}\x7f` };
}

async function openStore({ folder, account, region }: DynaliteOptions) {
  if (!folder) {
    const store = create({ createTableMs: 0, updateTableMs: 0 });
    await store.db.open();
    return { store, close: () => store.db.close() };
  }
  const guard = levelFolder(folder);
  const empty = guard.inspect();
  const store = create({ path: folder, createTableMs: 0, updateTableMs: 0 });
  try {
    await store.db.open();
  } catch (error) {
    throw guard.refusal(error);
  }
  if (empty) await store.db.batch([{ type: 'put', key: BEGUN, value: { account, region } }]);
  if (store.db.getSync(BEGUN) === undefined) {
    await store.db.close();
    throw guard.refusal(new Error('its first entry is gone'));
  }
  guard.opened();
  return {
    store,
    async close() {
      await store.db.close();
      guard.closed();
    },
  };
}

/** dynalite settles a table by a timer that the end of the process may have prevented. */
async function settleTables(level: Level): Promise<void> {
  const operations: LevelOperation[] = [];
  for await (const key of level.keys(under(TABLE_PREFIX))) {
    const table = storedTable(level, key.slice(TABLE_PREFIX.length));
    if (!table || table.TableStatus === 'ACTIVE') continue;
    const indexes = table.GlobalSecondaryIndexes?.map((index) => ({ ...index, IndexStatus: 'ACTIVE' }));
    const value = { ...table, TableStatus: 'ACTIVE', ...(indexes && { GlobalSecondaryIndexes: indexes }) };
    operations.push({ type: 'put', key, value });
  }
  if (operations.length > 0) await level.batch(operations);
}

async function untilSettled(level: Level, input: object): Promise<void> {
  const name = 'TableName' in input ? String(input.TableName) : '';
  for (;;) {
    const status = storedTable(level, name)?.TableStatus;
    if (status !== 'CREATING' && status !== 'UPDATING') return;
    await new Promise((done) => setTimeout(done, 1));
  }
}

/** One batch at a time; what arrives meanwhile goes together into the next, so the commits have one order. */
function groupCommit(level: Level) {
  let waiting: { operations: LevelOperation[]; done: (error?: unknown) => void }[] = [];
  let writing = false;
  async function write(): Promise<void> {
    writing = true;
    while (waiting.length > 0) {
      const group = waiting;
      waiting = [];
      const failure = await level.batch(group.flatMap(({ operations }) => operations)).then(
        () => undefined,
        (error: unknown) => error,
      );
      for (const { done } of group) done(failure);
    }
    writing = false;
  }
  return (operations: LevelOperation[], done: (error?: unknown) => void): void => {
    waiting.push({ operations, done });
    if (!writing) {
      writing = true;
      setImmediate(() => void write());
    }
  };
}

function storedTable(level: Level, name: string): Table | undefined {
  const table = level.getSync(TABLE_PREFIX + name);
  return isTable(table) ? table : undefined;
}

function itemAt(level: Level, key: string): Item | undefined {
  const item = level.getSync(key);
  return isItem(item) ? item : undefined;
}

function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && 'TableStatus' in value && 'KeySchema' in value;
}

export function isItem(value: unknown): value is Item {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function wantsOldItem(input: object): boolean {
  return (
    'ReturnValuesOnConditionCheckFailure' in input && input.ReturnValuesOnConditionCheckFailure === 'ALL_OLD'
  );
}

/** dynalite's errors carry `statusCode` and a body with `__type` and `message` or `Message`. */
function asAwsError(error: unknown, oldItem: Item | undefined): unknown {
  if (!(error instanceof Error) || !('body' in error) || typeof error.body !== 'object' || !error.body)
    return error;
  const body: Record<string, unknown> = { ...error.body };
  const code = String(body.__type).split('#').at(-1) ?? 'InternalServerError';
  const members = code === 'ConditionalCheckFailedException' && oldItem ? { Item: oldItem } : {};
  return new AwsError(code, String(body.message ?? body.Message ?? code), 400, members);
}
