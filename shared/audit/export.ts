import { canonicalJson } from '../domain/canonical-json';
import { isObject, parseJson } from './json';
import { type GrowingRoot, merkleTree } from './merkle';
import { sequenceDigits } from './record-line';
import { sealScope } from './seal';

/**
 * An export of the trail: one line a record, in key order (`scope`, then `record`, by bytes), each line exactly the
 * record's canonical text with binary as lower-case hexadecimal, so that verifying hashes the lines as they stand.
 * The last line is the manifest. Every line ends with a line feed.
 */

/** A stored item as it is: an export shows what the table holds, also what no version of ours would have written. */
export interface TrailItem {
  readonly scope: string;
  readonly record: string;
}

/** The trail as an export reads it. Everything throws `Unavailable`. */
export interface TrailSource {
  /** The sort key of the newest seal, if there is any. Read consistently. */
  newestSeal(): Promise<string | undefined>;
  /** Every scope there is, in the order of their bytes. */
  scopes(): Promise<readonly string[]>;
  /** The records of a scope in key order, those after the sort key `after` if it is given. Read consistently. */
  records(scope: string, after?: string): AsyncIterable<TrailItem>;
}

/** What the last line of an export says, as `{"manifest":…}`. */
export interface Manifest {
  readonly records: number;
  /** Merkle root over the records' hashes, in hexadecimal. */
  readonly root: string;
  /**
   * For each scope four hexadecimal digits a chain: how the hash of the chain's newest record begins. The root shows
   * that something is missing at the end of a chain, this shows where.
   */
  readonly scopes: ReadonlyMap<string, string>;
}

const headBytes = 2;
export const headDigits = 2 * headBytes;

/** Counts what an export holds, as it is written or read. */
export interface TrailTally {
  /** A scope begins. */
  scope(name: string): void;
  /** A chain begins. */
  chain(): void;
  /** The next record of the chain, by its hash of 32 bytes. */
  add(hash: Uint8Array): void;
  readonly records: number;
  /** Chains of the scope that is at hand. */
  readonly chains: number;
  /** What was counted; asked for when all is. */
  manifest(): Promise<Manifest>;
}

export function trailTally(tree: GrowingRoot = merkleTree()): TrailTally {
  const scopes = new Map<string, string>();
  let scope: string | undefined;
  let heads = Buffer.alloc(1024);
  let headsEnd = 0;
  let records = 0;

  function endScope(): void {
    if (scope !== undefined) scopes.set(scope, heads.toString('hex', 0, headsEnd));
    headsEnd = 0;
  }

  return {
    scope(name) {
      endScope();
      scope = name;
    },
    chain() {
      headsEnd += headBytes;
      if (headsEnd > heads.length) heads = Buffer.concat([heads, Buffer.alloc(heads.length)]);
    },
    add(hash) {
      tree.add(hash);
      heads[headsEnd - 2] = hash[0]!;
      heads[headsEnd - 1] = hash[1]!;
      records += 1;
    },
    get records() {
      return records;
    },
    get chains() {
      return headsEnd / headBytes;
    },
    async manifest() {
      endScope();
      scope = undefined;
      return { records, root: await tree.root(), scopes };
    },
  };
}

/** DynamoDB's sets, which no record of ours has, come out as lists: the line then shows them, and is not valid. */
export function recordLine(item: TrailItem): string {
  const members = Object.entries(item).map(([name, value]: [string, unknown]) => [
    name,
    value instanceof Set ? [...value].sort() : value,
  ]);
  return `${canonicalJson(Object.fromEntries(members))}\n`;
}

export function manifestLine({ records, root, scopes }: Manifest): string {
  return `${canonicalJson({ manifest: { records, root, scopes: Object.fromEntries(scopes) } })}\n`;
}

/** Every line that is no record begins like this, and no record does: its `format` comes before. */
export const manifestStart = '{"manifest":';

/** The manifest that a line without its line end holds; undefined where it is not exactly as an export writes it. */
export function parseManifest(text: string): Manifest | undefined {
  const value = parseJson(text);
  const manifest = isObject(value) ? value.manifest : undefined;
  if (!isObject(manifest) || !isObject(manifest.scopes)) return undefined;
  const { records, root } = manifest;
  const scopes = new Map<string, string>();
  for (const [scope, heads] of Object.entries(manifest.scopes)) {
    if (typeof heads !== 'string') return undefined;
    scopes.set(scope, heads);
  }
  if (typeof records !== 'number' || typeof root !== 'string') return undefined;
  const parsed = { records, root, scopes };
  return manifestLine(parsed) === `${text}\n` ? parsed : undefined;
}

/** The next line of an export that was interrupted comes after this. */
export interface ExportPosition {
  /** Has counted all lines so far. */
  readonly tally: TrailTally;
  readonly last?: { readonly scope: string; readonly record: string };
  /** The newest seal when the export began. */
  readonly newestSeal: string | undefined;
}

/** The position of an export that begins. The newest seal is read before anything else: see `exportTrail`. */
export async function exportBeginning(source: TrailSource): Promise<ExportPosition> {
  return { tally: trailTally(), newestSeal: await source.newestSeal() };
}

export interface ExportProgress {
  readonly records: number;
  /** Scopes that are done, and how many there are. */
  readonly scopes: number;
  readonly ofScopes: number;
}

/**
 * The lines from a position to the end, the manifest last. The trail may be written to meanwhile. Seals newer than
 * the export's beginning are left out: they may cover records that came after their place was read, and an export
 * must not lack what its own seals cover.
 */
export async function* exportTrail(
  source: TrailSource,
  { tally, last, newestSeal }: ExportPosition,
  onProgress: (progress: ExportProgress) => void = () => {},
): AsyncGenerator<string> {
  let before = last;
  const scopes = await source.scopes();
  for (const [index, scope] of scopes.entries()) {
    if (last && scope < last.scope) continue;
    for await (const item of steadily(source, scope, last?.scope === scope ? last.record : undefined)) {
      if (scope === sealScope && (newestSeal === undefined || item.record > newestSeal)) break;
      count(tally, item, before);
      before = item;
      yield recordLine(item);
      onProgress({ records: tally.records, scopes: index, ofScopes: scopes.length });
    }
  }
  yield manifestLine(await tally.manifest());
  onProgress({ records: tally.records, scopes: scopes.length, ofScopes: scopes.length });
}

/**
 * A page of a query is no snapshot: a record can be inserted behind the place that is being read and its successor
 * before it. So where a record seems to be missing it is looked for again; one that is gone stays missing.
 */
async function* steadily(source: TrailSource, scope: string, after?: string): AsyncGenerator<TrailItem> {
  const mostLooks = 2;
  let last = after;
  for (let looks = 0; ; looks += 1) {
    let missing = false;
    for await (const item of source.records(scope, last)) {
      missing = looks < mostLooks && !follows(item.record, last);
      if (missing) break;
      looks = 0;
      last = item.record;
      yield item;
    }
    if (!missing) return;
  }
}

function follows(record: string, last: string | undefined): boolean {
  const expected = last !== undefined && chainOf(record) === chainOf(last) ? sequenceIn(last) + 1 : 1;
  return sequenceIn(record) === expected;
}

/** Adds one record to the tally; `before` is the one that came before it. */
export function count(tally: TrailTally, item: TrailItem, before: TrailItem | undefined): void {
  if (item.scope !== before?.scope) tally.scope(item.scope);
  if (item.scope !== before?.scope || chainOf(item.record) !== chainOf(before.record)) tally.chain();
  const hash: unknown = Reflect.get(item, 'hash');
  tally.add(hash instanceof Uint8Array && hash.length === 32 ? hash : noHash);
}

const noHash = new Uint8Array(32);

/** What the keys of one resource's records have in common, with the `#` at its end. */
export function chainOf(record: string): string {
  return record.slice(0, -sequenceDigits);
}

export function sequenceIn(record: string): number {
  return Number(record.slice(-sequenceDigits));
}
