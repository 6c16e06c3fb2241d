// dynalite has no types: these are the parts of its modules that local/dynalite.ts uses.

declare module 'dynalite/db' {
  /** An item in DynamoDB's own JSON: attribute name to `{S: '…'}`, `{N: '…'}`, `{B: base64}` … */
  export type Item = Record<string, Record<string, unknown>>;

  export interface KeyElement {
    AttributeName: string;
    KeyType: string;
  }

  export interface Index {
    IndexName: string;
    IndexStatus?: string;
    KeySchema: KeyElement[];
    Projection: { ProjectionType: string; NonKeyAttributes?: string[] };
  }

  export interface Table {
    TableName: string;
    TableStatus: string;
    TableArn: string;
    KeySchema: KeyElement[];
    AttributeDefinitions: { AttributeName: string; AttributeType: string }[];
    GlobalSecondaryIndexes?: Index[];
    LocalSecondaryIndexes?: Index[];
  }

  export type Done<T = void> = (error?: unknown, value?: T) => void;

  export interface SubStore {
    get(key: string, done: Done<Item>): void;
    put(key: string, value: Item, done: Done): void;
    del(key: string, done: Done): void;
  }

  export type LevelOperation = { type: 'put'; key: string; value: unknown } | { type: 'del'; key: string };

  export interface LevelRange {
    gt?: string;
    gte?: string;
    lt?: string;
    lte?: string;
    reverse?: boolean;
    limit?: number;
  }

  /** An abstract-level database whose values are JSON. */
  export interface Level {
    open(): Promise<void>;
    close(): Promise<void>;
    batch(operations: LevelOperation[]): Promise<void>;
    getSync(key: string): unknown;
    keys(range: LevelRange): AsyncIterable<string>;
    iterator(range: LevelRange): AsyncIterable<[string, unknown]>;
    values(range: LevelRange): { nextv(size: number): Promise<unknown[]>; close(): Promise<void> };
    clear(range: LevelRange): Promise<void>;
  }

  export interface Store {
    db: Level;
    tableDb: { awsAccountId: string; awsRegion: string };
    getItemDb(table: string): SubStore;
    getIndexDb(kind: string, table: string, index: string): SubStore;
    getTable(name: string, checkStatus: boolean | Done<Table>, done?: Done<Table>): void;
  }

  export function create(options: { path?: string; createTableMs: number; updateTableMs: number }): Store;
  export function hashPrefix(value: string, type: string): string;
  export function toRangeStr(value: string, type: string): string;
  export function itemSize(item: Item, compress?: boolean, withMeta?: boolean, rangeKey?: string): number;
  export function getIndexActions(
    indexes: Index[],
    before: Item | undefined,
    after: Item | undefined,
    table: Table,
  ): { puts: { index: string; key: string; item: Item }[]; deletes: { index: string; key: string }[] };
}

declare module 'dynalite/validations' {
  export function checkTypes(input: object, types: object): object;
  export function checkValidations(input: object, types: object, custom: unknown, store: object): void;
}

declare module 'dynalite/validations/*' {
  export const types: object;
  export const custom: unknown;
}

declare module 'dynalite/actions/*' {
  const action: (store: object, input: object, done: (error: unknown, answer?: object) => void) => void;
  export = action;
}
