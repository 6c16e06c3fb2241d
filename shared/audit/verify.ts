import { InvalidInput } from '../domain/errors';
import { type FirstBad, manifestKey, type RecordKey, withSequence } from './blame';
import {
  chainOf,
  exportBeginning,
  exportTrail,
  headDigits,
  type Manifest,
  sequenceIn,
  type TrailSource,
} from './export';
import type { HashChecker } from './hash-check';
import { type TrailReaderOptions, type TrailReading, trailReader } from './trail-reader';
import { checkSeals, type SealFault } from './verify-seals';

export type { FirstBad } from './blame';

export interface Verdict {
  readonly valid: boolean;
  /** Records that are whole and in their place; where something is wrong, up to the first of its kind. */
  readonly records: number;
  /** What the records were held against, in words. */
  readonly against: string;
  readonly firstBad?: FirstBad;
}

/**
 * The lines of a trail, from the beginning at each call. The buffers are the reader's to overwrite, and it is done
 * with one when it asks for the next. Throws `InvalidInput` where the bytes cannot be what they should be.
 */
export type OpenTrail = () => AsyncIterable<Buffer>;

/**
 * Verifies an export. `anchor` is a root that was kept elsewhere, in hexadecimal: the manifest's, or the hash of a
 * seal. Without one, an export can only be held against what it says of itself. `checker`
 * checks the hashes elsewhere, such as in another thread.
 */
export function verifyExport(open: OpenTrail, anchor?: string, checker?: HashChecker): Promise<Verdict> {
  return verify(open, true, anchor, checker);
}

/** Verifies the trail as it is, while it is written to. */
export function verifyLive(source: TrailSource, anchor?: string): Promise<Verdict> {
  return verify(() => linesOf(source), false, anchor);
}

const ownManifest = "the export's own manifest";
const ownChains = "the trail's own chains";

const batchBytes = 1 << 20;

async function* linesOf(source: TrailSource): AsyncGenerator<Buffer> {
  let lines: string[] = [];
  let length = 0;
  // The last line is the manifest of what was just read, which proves nothing.
  let held: string | undefined;
  for await (const line of exportTrail(source, await exportBeginning(source))) {
    if (held !== undefined) {
      lines.push(held);
      length += held.length;
    }
    held = line;
    if (length < batchBytes) continue;
    yield Buffer.from(lines.join(''));
    lines = [];
    length = 0;
  }
  if (lines.length > 0) yield Buffer.from(lines.join(''));
}

async function verify(
  open: OpenTrail,
  exported: boolean,
  anchor: string | undefined,
  checker?: HashChecker,
): Promise<Verdict> {
  const reading = await readAll(open, exported, checker);
  const { records, manifest, seals, present } = reading;
  const itself = exported ? ownManifest : ownChains;
  const bad = (against: string, firstBad: FirstBad): Verdict => ({
    valid: false,
    records,
    against,
    firstBad,
  });
  const askedFor = anchor === undefined ? itself : `anchor ${anchor}`;
  if (reading.firstBad) return bad(askedFor, reading.firstBad);
  if (manifest) {
    const firstBad = await againstManifest(manifest, reading.counted, open);
    if (firstBad) return bad(itself, firstBad);
  }
  const newest = seals.at(-1);
  const verdict = checkSeals(present, seals);
  if (verdict.fault)
    return bad(`seals to hour ${newest?.hour}`, await sealBad(verdict.fault, reading, open, exported));
  const anchoredSeal = seals.find(({ hash }) => hash === anchor);
  if (anchor !== undefined && anchor !== manifest?.root && !anchoredSeal) {
    const reason = `nothing here has the anchor ${anchor}: the trail is another than the one it was taken of, or ends before it`;
    return bad(askedFor, { ...(newest ? { scope: 'seal', record: newest.record } : manifestKey), reason });
  }
  const parts = [
    anchor === undefined && itself,
    anchor !== undefined && anchor === manifest?.root && `anchor ${anchor}, the root of this export`,
    anchoredSeal && `anchor ${anchor}, the seal of hour ${anchoredSeal.hour}`,
    newest && `seals to hour ${newest.hour}`,
    present.length > verdict.sealed &&
      `${present.length - verdict.sealed} of ${records} records not yet sealed`,
  ];
  return { valid: true, records, against: parts.filter((part) => typeof part === 'string').join('; ') };
}

async function readAll(
  open: OpenTrail,
  exported: boolean,
  checker: HashChecker | undefined,
): Promise<TrailReading> {
  if (checker) {
    const reading = await read(open, { exported, checker });
    if (checker.isSound && !reading.firstBad) return reading;
  }
  return read(open, { exported });
}

async function read(open: OpenTrail, options: TrailReaderOptions): Promise<TrailReading> {
  const reader = trailReader(options);
  try {
    for await (const chunk of open()) {
      reader.push(chunk);
      await options.checker?.room();
    }
  } catch (error) {
    if (error instanceof InvalidInput) return reader.end(error.message);
    throw error;
  }
  return reader.end();
}

/** What the manifest says that the records do not. Their chains are whole, so it is about the ends of chains. */
async function againstManifest(
  said: Manifest,
  counted: Manifest,
  open: OpenTrail,
): Promise<FirstBad | undefined> {
  const names = [...new Set([...said.scopes.keys(), ...counted.scopes.keys()])].sort();
  const scope = names.find((name) => said.scopes.get(name) !== counted.scopes.get(name));
  if (said.root === counted.root && (scope !== undefined || said.records !== counted.records)) {
    return {
      ...manifestKey,
      reason: 'the manifest was edited: its root is that of the records, but not what it counts',
    };
  }
  if (said.root === counted.root) return undefined;
  if (scope === undefined) {
    const reason = `the root in the manifest is not that of the records, which is ${counted.root}`;
    return { ...manifestKey, reason };
  }
  const heads = counted.scopes.get(scope);
  if (heads === undefined) return { scope, record: '', reason: 'all records of this scope are missing' };
  const chains = await chainsIn(scope, open);
  return differingChain(scope, said.scopes.get(scope) ?? '', heads, chains, counted.records - said.records);
}

interface Chain {
  /** The keys of its first and its newest record. */
  readonly first: string;
  readonly last: string;
}

/** `more` is by how much there are more records than the manifest says. */
function differingChain(
  scope: string,
  said: string,
  heads: string,
  chains: readonly Chain[],
  more: number,
): FirstBad {
  const saidHeads = split(said);
  const ownHeads = split(heads);
  const index = chains.findIndex((_, at) => ownHeads[at] !== saidHeads[at]);
  const chain = chains[index];
  if (!chain) {
    const record = chains.at(-1)?.last ?? '';
    const count = saidHeads.length - ownHeads.length;
    return { scope, record, reason: `after this record, those of ${resources(count)} are missing` };
  }
  const othersAgree = saidHeads.length === ownHeads.length || ownHeads[index + 1] === saidHeads[index + 1];
  if (!othersAgree && ownHeads.length < saidHeads.length) {
    const count = saidHeads.length - ownHeads.length;
    return {
      scope,
      record: chain.first,
      reason: `before this record, those of ${resources(count)} are missing`,
    };
  }
  if (!othersAgree)
    return { scope, record: chain.first, reason: 'was inserted: the manifest has no such chain' };
  if (more < 0) {
    const { record } = withSequence({ scope, record: chain.last }, sequenceIn(chain.last) + 1);
    return { scope, record, reason: `is missing: the end of the chain was cut off after ${chain.last}` };
  }
  const reason =
    more > 0
      ? 'was inserted: by the manifest, the chain ends before it'
      : 'was replaced: by the manifest, the chain ends with another record';
  return { scope, record: chain.last, reason };
}

function resources(count: number): string {
  return count === 1 ? 'one resource' : `${count} resources`;
}

function split(heads: string): string[] {
  return heads.match(new RegExp(`.{1,${headDigits}}`, 'g')) ?? [];
}

async function chainsIn(scope: string, open: OpenTrail): Promise<Chain[]> {
  const chains: Chain[] = [];
  const onRecord = (key: RecordKey): void => {
    if (key.scope !== scope) return;
    const chain = chains.at(-1);
    if (chain && chainOf(chain.last) === chainOf(key.record))
      chains[chains.length - 1] = { ...chain, last: key.record };
    else chains.push({ first: key.record, last: key.record });
  };
  await read(open, { exported: true, onRecord });
  return chains;
}

async function sealBad(
  { seal, index, reason }: SealFault,
  { present }: TrailReading,
  open: OpenTrail,
  exported: boolean,
): Promise<FirstBad> {
  if (index === undefined) return { scope: 'seal', record: seal ?? '', reason };
  const wanted = present.hash(index);
  let found: RecordKey | undefined;
  const onRecord = (key: RecordKey, hash: Buffer): void => {
    if (hash.equals(wanted)) found = key;
  };
  await read(open, { exported, onRecord });
  return { ...(found ?? manifestKey), reason };
}
