import {
  hashPrefix,
  type Item,
  itemSize,
  type Level,
  type LevelRange,
  type Table,
  toRangeStr,
} from 'dynalite/db';

/**
 * The one shape of Query that the audit trail lives on, read straight from the store: the base table, the hash key
 * equal to a value, at most one condition on the range key, no filter and no start key. dynalite reads the same
 * range, but parses the expression anew and sets up streams for each call, which takes several times as long.
 */
export interface RangeQuery {
  readonly range: LevelRange & { readonly reverse: boolean };
  readonly limit: number | undefined;
  readonly consistent: boolean;
  readonly table: Table;
}

const PARSED = new Set([
  'TableName',
  'KeyConditionExpression',
  'ExpressionAttributeNames',
  'ExpressionAttributeValues',
  'ScanIndexForward',
  'ConsistentRead',
  'Limit',
  'ReturnConsumedCapacity',
]);

const EXPRESSION =
  /^(#\w+) = (:\w+)(?: (?:AND|and) (?:begins_with\((#\w+), ?(:\w+)\)|(#\w+) (?:BETWEEN|between) (:\w+) (?:AND|and) (:\w+)|(#\w+) (=|<=|>=|<|>) (:\w+)))?$/;

/** DynamoDB returns at most 1 MB a page. */
const PAGE_BYTES = 1024 * 1024;

/** Characters; no key of more is stored, whatever their size in bytes. */
const LONGEST_RANGE_KEY = 1024;

/** Undefined for a query of any other shape, or one that DynamoDB would refuse: those are dynalite's. */
export function rangeQuery(input: Readonly<Record<string, unknown>>, table: Table): RangeQuery | undefined {
  if (!Object.keys(input).every((key) => PARSED.has(key))) return undefined;
  const { KeyConditionExpression: expression, Limit: limit } = input;
  if (typeof expression !== 'string') return undefined;
  if (limit !== undefined && !isPositiveInteger(limit)) return undefined;
  if (!isOptionalBoolean(input.ScanIndexForward) || !isOptionalBoolean(input.ConsistentRead))
    return undefined;
  const match = EXPRESSION.exec(expression);
  if (!match) return undefined;
  const [
    ,
    hashName,
    hashValue,
    prefixName,
    prefix,
    betweenName,
    low,
    high,
    comparedName,
    operator,
    compared,
  ] = match;

  const names = usedUp(input.ExpressionAttributeNames);
  const values = usedUp(input.ExpressionAttributeValues);
  const operand = (placeholder: string | undefined) => keyText(values.take(placeholder));

  const hash = stringKey(table, 0);
  if (!hash || names.take(hashName) !== hash) return undefined;
  const hashText = operand(hashValue);
  if (hashText === undefined) return undefined;
  const rangeName = prefixName ?? betweenName ?? comparedName;
  const rangeKey = stringKey(table, 1);
  if (rangeName && (!rangeKey || names.take(rangeName) !== rangeKey)) return undefined;

  const partition = `item-${table.TableName}~${hashPrefix(hashText, 'S')}/${toRangeStr(hashText, 'S')}/`;
  const bounds = boundsOf();
  if (!bounds || !names.empty() || !values.empty()) return undefined;
  return {
    range: { ...bounds, reverse: input.ScanIndexForward === false },
    limit: typeof limit === 'number' ? limit : undefined,
    consistent: input.ConsistentRead === true,
    table,
  };

  function boundsOf(): LevelRange | undefined {
    const whole = { gte: partition, lt: `${partition}~` };
    if (!rangeName) return whole;
    const first = operand(prefix ?? low ?? compared);
    if (first === undefined) return undefined;
    const from = partition + toRangeStr(first, 'S');
    if (prefixName) return { gte: `${from}/`, lt: `${from}~` };
    if (betweenName) {
      const last = operand(high);
      if (last === undefined) return undefined;
      const to = partition + toRangeStr(last, 'S');
      // DynamoDB refuses a range that ends before it begins; which does so too is dynalite's to say.
      return from <= to ? { gte: `${from}/`, lte: `${to}/~` } : undefined;
    }
    switch (operator) {
      case '=':
        return { gte: `${from}/`, lte: `${from}/~` };
      case '<':
        return { gte: partition, lt: `${from}/` };
      case '<=':
        return { gte: partition, lte: `${from}/~` };
      case '>':
        return { gt: `${from}/~`, lt: `${partition}~` };
      default:
        return { gte: `${from}/`, lt: `${partition}~` };
    }
  }
}

/** The answer in DynamoDB's JSON, as dynalite gives it. */
export async function readRange(level: Level, query: RangeQuery, capacity: unknown): Promise<object> {
  const { range, limit, table } = query;
  const rangeKey = stringKey(table, 1);
  const wanted = limit ?? Number.POSITIVE_INFINITY;
  const items: Item[] = [];
  let pageBytes = 0;
  let bytes = 0;
  const values = level.values(limit === undefined ? range : { ...range, limit });
  try {
    while (items.length < wanted && pageBytes < PAGE_BYTES) {
      const read = await values.nextv(Math.min(wanted - items.length, 100));
      if (read.length === 0) break;
      for (const item of read as Item[]) {
        if (pageBytes >= PAGE_BYTES) break;
        items.push(item);
        pageBytes += itemSize(item, true, true, rangeKey);
        if (capacity) bytes += itemSize(item);
      }
    }
  } finally {
    await values.close();
  }
  const last = items.at(-1);
  const more = last && (items.length >= wanted || pageBytes >= PAGE_BYTES);
  return {
    Count: items.length,
    ScannedCount: items.length,
    Items: items,
    ...(more && { LastEvaluatedKey: keyOfItem(table, last) }),
    ...consumed(),
  };

  function consumed(): object {
    if (capacity !== 'TOTAL' && capacity !== 'INDEXES') return {};
    const CapacityUnits = Math.ceil(bytes / 4096) * (query.consistent ? 1 : 0.5);
    const Table = capacity === 'INDEXES' ? { Table: { CapacityUnits } } : {};
    return { ConsumedCapacity: { CapacityUnits, TableName: table.TableName, ...Table } };
  }
}

export function keyOfItem(table: Table, item: Item): Item {
  return Object.fromEntries(
    table.KeySchema.map(({ AttributeName }) => [AttributeName, item[AttributeName] ?? {}]),
  );
}

function stringKey(table: Table, position: 0 | 1): string | undefined {
  const name = table.KeySchema[position]?.AttributeName;
  const type = table.AttributeDefinitions.find(({ AttributeName }) => AttributeName === name)?.AttributeType;
  return type === 'S' ? name : undefined;
}

/** The text of `{S: text}`, if it is exactly that and can be a key. Numbers and bytes are left to dynalite's checks. */
function keyText(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const [entry, ...others] = Object.entries(value);
  if (!entry || others.length > 0 || entry[0] !== 'S') return undefined;
  const text: unknown = entry[1];
  return typeof text === 'string' && text !== '' && text.length <= LONGEST_RANGE_KEY ? text : undefined;
}

/** Hands out a map's values and knows whether all were asked for: DynamoDB refuses unused placeholders. */
function usedUp(map: unknown) {
  const left = new Map<string, unknown>(typeof map === 'object' && map !== null ? Object.entries(map) : []);
  return {
    take(name: string | undefined): unknown {
      const value = left.get(name ?? '');
      left.delete(name ?? '');
      return value;
    },
    empty: () => left.size === 0,
  };
}

function isPositiveInteger(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value > 0;
}

function isOptionalBoolean(value: unknown): boolean {
  return value === undefined || typeof value === 'boolean';
}
