import { isUtf8 } from 'node:buffer';
import {
  blame,
  type Complaint,
  type Fault,
  type FirstBad,
  manifestKey,
  outOfOrder,
  type RecordKey,
  sameChainClaimed,
} from './blame';
import {
  headDigits,
  type Manifest,
  manifestStart,
  parseManifest,
  type TrailTally,
  trailTally,
} from './export';
import { type HashChecker, lineHash } from './hash-check';
import { parseJson } from './json';
import { type Claim, claimOf, readLiterally } from './literal-line';
import {
  compareBytes,
  emptyRecordLine,
  hashDigits,
  isKeyText,
  longestRecordKey,
  longestScope,
  type RecordLine,
  scanRecordLine,
  sequenceDigits,
} from './record-line';
import { parseSeal, type SealText, sealScope } from './seal';
import { type PresentRecords, presentRecords } from './verify-seals';

/** What a pass over the lines of a trail found. */
export interface TrailReading {
  /** Records that are whole and in their place, up to the first that is not. */
  readonly records: number;
  readonly firstBad?: FirstBad;
  /** What was counted. */
  readonly counted: Manifest;
  /** What the last line says, where the trail is an export. */
  readonly manifest?: Manifest;
  readonly seals: readonly SealText[];
  readonly present: PresentRecords;
}

export interface TrailReader {
  /** The next bytes of the trail's lines. They are overwritten. */
  push(chunk: Buffer): void;
  /** All was pushed. `broken` says why there is no more, where that is a fault of the trail. */
  end(broken?: string): Promise<TrailReading>;
  /** Where the whole lines so far lead to, for an export that goes on from there. */
  soFar(): TrailProgress;
}

export interface TrailProgress {
  readonly tally: TrailTally;
  readonly last?: RecordKey;
  readonly isWhole: boolean;
  /** Whether the manifest has been read. */
  readonly isComplete: boolean;
}

export interface TrailReaderOptions {
  /** Whether the last line must be a manifest. */
  readonly exported: boolean;
  /**
   * Has the hashes checked elsewhere. The reading counts only if they were all right and nothing else was wrong: else
   * it is not known whether the first thing found is the first that is bad, and it takes a reading without this.
   */
  readonly checker?: HashChecker;
  /** Called for each record that is whole and in its place, to find out a record's name in a second pass. */
  readonly onRecord?: (key: RecordKey, hash: Buffer) => void;
}

const lineFeed = 0x0a;
const mostLineBytes = 256 * 1024 * 1024;
const oddKey = 'its key is malformed';
const edited = 'its hash is not that of its content: one of the two was edited';
const tooLong = 'the line is too long to be a record or a manifest';
const manifestStartBytes = Buffer.from(manifestStart);
const sealScopeBytes = Buffer.from(sealScope);
const noHash = '0'.repeat(hashDigits);

/**
 * Reads the lines of a trail in key order and holds each against its own hash, its place and its chain. After the
 * first fault the lines are only looked at to find out which record is to blame.
 */
export function trailReader({ exported, checker, onRecord }: TrailReaderOptions): TrailReader {
  const tally = trailTally(checker);
  const present = presentRecords();
  const seals: SealText[] = [];
  const found = emptyRecordLine();
  /** The hash of the line at hand, as its text and as its bytes, and the text of the one before. */
  let hash = '';
  const hashBytes = Buffer.alloc(hashDigits / 2);
  let hashBefore = noHash;
  /** The key of the record before: its scope, then its sort key, each with room for the longest. */
  const key = Buffer.alloc(longestScope + longestRecordKey);
  let scopeEnd = 0;
  let recordEnd = longestScope;
  let sequence = 0;
  let lines = 0;
  let manifest: Manifest | undefined;
  let fault: Fault | undefined;
  let firstBad: FirstBad | undefined;
  let carried: Buffer[] = [];
  let carriedBytes = 0;

  function keyBefore(): RecordKey | undefined {
    if (scopeEnd === 0) return undefined;
    return {
      scope: key.toString('latin1', 0, scopeEnd),
      record: key.toString('latin1', longestScope, recordEnd),
    };
  }

  function fail(complaint: Complaint): void {
    const head = complaint.claim.hash?.slice(0, headDigits);
    fault = {
      ...complaint,
      line: lines,
      before: keyBefore(),
      chain: tally.chains - 1,
      chainGoesOn: false,
      ...(head && { head }),
    };
  }

  /** Takes the line that begins at `start`, and answers the offset of its end. */
  function lineAt(bytes: Buffer, start: number, utf8: boolean): number {
    lines += 1;
    if (utf8 && !fault && !firstBad && !manifest) {
      const end = scanRecordLine(bytes, start, found);
      if (end >= 0) {
        const complaint = scanned(bytes, start, end);
        if (complaint) fail(complaint);
        return end;
      }
    }
    const end = bytes.indexOf(lineFeed, start);
    oddLine(bytes, start, end);
    return end;
  }

  /** The manifest, a line that the scan did not accept, and all after a fault. */
  function oddLine(bytes: Buffer, start: number, end: number): void {
    if (fault) lookOn(fault, bytes, start, end);
    else if (firstBad) return;
    else if (manifest) {
      const reason = `line ${lines} comes after the manifest, which must be the last line`;
      firstBad = { ...manifestKey, reason };
    } else if (exported && startsWith(bytes, start, manifestStartBytes)) {
      manifest = parseManifest(bytes.toString('utf8', start, end));
      if (!manifest)
        firstBad = { ...manifestKey, reason: `line ${lines} is no manifest that an export writes` };
    } else {
      const complaint = literal(bytes.subarray(start, end));
      if (complaint) fail(complaint);
    }
  }

  function scanned(bytes: Buffer, start: number, end: number): Complaint | undefined {
    hash = bytes.toString('latin1', found.hash, found.hash + hashDigits);
    const isSeal = matches(bytes, found.scope, found.scopeEnd, sealScopeBytes);
    const seal = isSeal ? parseSeal(parseJson(bytes.toString('utf8', start, end))) : undefined;
    const isHash = readHash(bytes, found.hash, hashBytes);
    const member = found.hash - '"hash":"'.length;
    if (checker) checker.line(start, member, end);
    if (!isHash || (!checker && lineHash(bytes, start, member, end, 'hex') !== hash)) {
      return { kind: 'unreadable', claim: claimFrom(bytes, found, hash), reason: edited };
    }
    return placed(bytes, found, seal);
  }

  function literal(bytes: Buffer): Complaint | undefined {
    const answer = readLiterally(bytes);
    if ('reason' in answer) return { kind: 'unreadable', ...answer };
    hash = answer.hash;
    readHash(answer.line, answer.found.hash, hashBytes);
    return placed(answer.line, answer.found, answer.seal);
  }

  function complaint(kind: Complaint['kind'], bytes: Buffer, at: RecordLine, reason = ''): Complaint {
    return { kind, claim: claimFrom(bytes, at, hash), reason };
  }

  /** A line that is whole in itself, with `hash` as its hash: is it in its place and linked to the one before? */
  function placed(bytes: Buffer, at: RecordLine, seal: SealText | undefined): Complaint | undefined {
    const digits = at.recordEnd - sequenceDigits;
    const own = readDigits(bytes, digits, sequenceDigits);
    const byScope = compareBytes(bytes, at.scope, at.scopeEnd, key, 0, scopeEnd);
    const sameScope = byScope === 0;
    const byRecord = sameScope
      ? compareBytes(bytes, at.record, at.recordEnd, key, longestScope, recordEnd)
      : byScope;
    if (byRecord === 0) return complaint('order', bytes, at, 'two lines have this key');
    if (byRecord < 0) return complaint('order', bytes, at, outOfOrder);
    const sameChain =
      sameScope &&
      compareBytes(bytes, at.record, digits, key, longestScope, recordEnd - sequenceDigits) === 0;
    if (!sameChain && !isKeyText(bytes, at.record, digits)) return complaint('unreadable', bytes, at, oddKey);
    if (!sameScope && !isKeyText(bytes, at.scope, at.scopeEnd))
      return complaint('unreadable', bytes, at, oddKey);
    if (own !== (sameChain ? sequence + 1 : 1)) return complaint('gap', bytes, at);
    const named = bytes.toString('latin1', at.previousHash, at.previousHash + hashDigits);
    if (named !== (sameChain ? hashBefore : noHash)) return complaint('link', bytes, at);
    const isSeal = matches(bytes, at.scope, at.scopeEnd, sealScopeBytes);
    if (isSeal && !seal) return complaint('unreadable', bytes, at, 'is not a seal as this version knows it');

    if (!sameScope) {
      scopeEnd = copyRange(bytes, at.scope, at.scopeEnd, key, 0);
      tally.scope(key.toString('latin1', 0, scopeEnd));
    }
    if (!sameChain) tally.chain();
    recordEnd = copyRange(bytes, at.record, at.recordEnd, key, longestScope);
    sequence = own;
    hashBefore = hash;
    tally.add(hashBytes);
    if (seal) seals.push(seal);
    else present.add(hashBytes, readHour(bytes, at.recordedAt));
    const placedKey = onRecord && keyBefore();
    if (placedKey) onRecord(placedKey, hashBytes);
    return undefined;
  }

  /** After a fault: the line that follows, how the chain ends, and the manifest. */
  function lookOn(open: Fault, bytes: Buffer, start: number, end: number): void {
    if (startsWith(bytes, start, manifestStartBytes)) {
      manifest = parseManifest(bytes.toString('utf8', start, end));
      return;
    }
    const following = lines === open.line + 1;
    if (!following && !(open.kind === 'link' && open.chainGoesOn)) return;
    const claim = claimOf(bytes.toString('utf8', start, end));
    if (following) open.next = claim;
    open.chainGoesOn = sameChainClaimed(open.claim, claim);
    if (open.chainGoesOn && claim.hash) open.head = claim.hash.slice(0, headDigits);
  }

  function linesOf(chunk: Buffer): void {
    const end = chunk.length;
    let start = 0;
    const utf8 = isUtf8(chunk);
    checker?.text(chunk);
    while (start < end) {
      start = lineAt(chunk, start, utf8) + 1;
    }
  }

  function carry(bytes: Buffer): void {
    if (bytes.length === 0) return;
    carriedBytes += bytes.length;
    if (carriedBytes <= mostLineBytes) return void carried.push(Buffer.from(bytes));
    if (fault || firstBad) carried = [];
    else {
      const claim = claimOf(Buffer.concat(carried).toString('utf8', 0, longestScope));
      fail({ kind: 'unreadable', claim, reason: tooLong });
    }
  }

  return {
    push(chunk) {
      const last = chunk.lastIndexOf(lineFeed);
      if (last < 0) return carry(chunk);
      let start = 0;
      if (carriedBytes > 0) {
        start = chunk.indexOf(lineFeed) + 1;
        carry(chunk.subarray(0, start));
        const line = Buffer.concat(carried);
        carried = [];
        carriedBytes = 0;
        linesOf(line[line.length - 1] === lineFeed ? line : Buffer.of(lineFeed));
      }
      if (start <= last) linesOf(chunk.subarray(start, last + 1));
      carry(chunk.subarray(last + 1));
    },

    soFar() {
      const last = keyBefore();
      const isWhole = !fault && !firstBad;
      return { tally, ...(last && { last }), isWhole, isComplete: manifest !== undefined };
    },

    async end(broken) {
      if (carriedBytes > 0 && !fault && !firstBad) {
        lines += 1;
        const text = Buffer.concat(carried).toString('utf8');
        const why =
          broken ?? 'the file ends in the middle of a line: it was cut off, or its export was interrupted';
        if (manifest || text.startsWith(manifestStart))
          firstBad = { ...manifestKey, reason: `line ${lines}: ${why}` };
        else fail({ kind: 'unreadable', claim: claimOf(text), reason: why });
      } else if (broken !== undefined && !fault && !firstBad) {
        firstBad = { ...(keyBefore() ?? manifestKey), reason: `after this record: ${broken}` };
      } else if (exported && !manifest && !fault && !firstBad) {
        const reason = 'there is no manifest at the end: the file was cut off, or its export was interrupted';
        firstBad = { ...manifestKey, reason };
      }
      const { records } = tally;
      const counted = await tally.manifest();
      if (fault) firstBad = blame(fault, manifest);
      return {
        records,
        counted,
        seals,
        present,
        ...(manifest && { manifest }),
        ...(firstBad && { firstBad }),
      };
    },
  };
}

function claimFrom(bytes: Buffer, at: RecordLine, hash: string): Required<Claim> {
  return {
    scope: bytes.toString('latin1', at.scope, at.scopeEnd),
    record: bytes.toString('latin1', at.record, at.recordEnd),
    hash,
  };
}

/** Above 15 for what is no lower-case hexadecimal digit. */
const nibbles = Uint8Array.from({ length: 256 }, (_, byte) => {
  const value = '0123456789abcdef'.indexOf(String.fromCharCode(byte));
  return value < 0 ? 0x80 : value;
});

/** Answers whether it is one. A loop is sooner done with so few digits than a call of `Buffer.write`. */
function readHash(bytes: Buffer, at: number, into: Buffer): boolean {
  let seen = 0;
  for (let index = 0; index < into.length; index += 1) {
    const high = nibbles[bytes[at + 2 * index]!]!;
    const low = nibbles[bytes[at + 2 * index + 1]!]!;
    into[index] = (high << 4) | low;
    seen |= high | low;
  }
  return seen < 16;
}

function readDigits(bytes: Buffer, at: number, count: number): number {
  let value = 0;
  for (let index = 0; index < count; index += 1) value = value * 10 + bytes[at + index]! - 0x30;
  return value;
}

/** `2026-11-24T09…` as the number 2026112409. */
function readHour(bytes: Buffer, at: number): number {
  return (
    readDigits(bytes, at, 4) * 1_000_000 +
    readDigits(bytes, at + 5, 2) * 10_000 +
    readDigits(bytes, at + 8, 2) * 100 +
    readDigits(bytes, at + 11, 2)
  );
}

function startsWith(bytes: Buffer, at: number, wanted: Buffer): boolean {
  for (let index = 0; index < wanted.length; index += 1) {
    if (bytes[at + index] !== wanted[index]) return false;
  }
  return true;
}

function matches(bytes: Buffer, start: number, end: number, wanted: Buffer): boolean {
  return end - start === wanted.length && startsWith(bytes, start, wanted);
}

/** Answers where the copy ends. Short ranges are copied sooner by a loop than by a call. */
function copyRange(from: Buffer, start: number, end: number, to: Buffer, at: number): number {
  for (let index = start; index < end; index += 1) to[at + index - start] = from[index]!;
  return at + end - start;
}
