import { chainOf, headDigits, type Manifest, sequenceIn } from './export';
import type { Claim } from './literal-line';
import { sequenceDigits } from './record-line';

/** A record by its key. Where a record is missing, the key that it would have. */
export interface RecordKey {
  readonly scope: string;
  readonly record: string;
}

export interface FirstBad extends RecordKey {
  readonly reason: string;
}

/** What is no record is named like one: the last line of an export, or the file where no line can be made out. */
export const manifestKey: RecordKey = { scope: '', record: 'manifest' };

/** What is wrong with a line. */
export interface Complaint {
  readonly kind: 'unreadable' | 'order' | 'gap' | 'link';
  /** The key that the line claims, as far as it can be made out. */
  readonly claim: Claim;
  /** Empty where it takes the lines around to say it. */
  readonly reason: string;
}

/** What was wrong with the first line that was not as it must be, until what comes after it tells which record is bad. */
export interface Fault extends Complaint {
  readonly line: number;
  readonly before: RecordKey | undefined;
  /** For a link: its chain's number within its scope. */
  readonly chain: number;
  next?: Claim;
  /** For a link: how the hash of the last line of the chain begins. */
  head?: string;
  chainGoesOn: boolean;
}

export const outOfOrder = 'stands out of the order of keys';

/** Which record is to blame for a fault, from the lines around it. */
export function blame(fault: Fault, manifest: Manifest | undefined): FirstBad {
  const { kind, claim, before, next, line } = fault;
  switch (kind) {
    case 'unreadable':
      return { ...nameOfUnreadable(fault), reason: `line ${line}: ${fault.reason}` };
    case 'order': {
      // Where the next line does not come after the earlier one either, the earlier one is out of place.
      const nextKey = next && keyOf(next);
      const own = keyOf(claim);
      if (!own) return { ...manifestKey, reason: `line ${line}: ${fault.reason}` };
      const earlierIsOut =
        before && nextKey && compareKeys(own, before) < 0 && compareKeys(nextKey, before) <= 0;
      return earlierIsOut
        ? { ...before, reason: `line ${line - 1}: ${fault.reason}` }
        : { ...own, reason: `line ${line}: ${fault.reason}` };
    }
    case 'gap': {
      const own = keyOf(claim);
      if (!own) return { ...manifestKey, reason: `line ${line}: ${fault.reason}` };
      const nextKey = next && keyOf(next);
      if (nextKey && compareKeys(nextKey, own) < 0) {
        return { ...own, reason: `line ${line}: ${outOfOrder}` };
      }
      const first = before && inOneChain(before, own) ? sequenceIn(before.record) + 1 : 1;
      const last = sequenceIn(own.record) - 1;
      const missing = first === last ? 'is missing' : `is missing, as are all up to ${last}`;
      return { ...withSequence(own, first), reason: `${missing}: line ${line} is ${own.record}` };
    }
    case 'link': {
      const own = keyOf(claim);
      if (!own) return { ...manifestKey, reason: `line ${line}: ${fault.reason}` };
      if (!before || !inOneChain(before, own)) {
        return { ...own, reason: `line ${line}: is the first of its chain but names a hash before it` };
      }
      // Where the chain ends as it was exported, all from here on is genuine and the record before is not.
      const heads = manifest?.scopes.get(own.scope);
      const exportedHead = heads?.slice(fault.chain * headDigits, (fault.chain + 1) * headDigits);
      if (exportedHead !== undefined && exportedHead === fault.head) {
        return {
          ...before,
          reason: `line ${line - 1}: was replaced: ${own.record} names another hash for it`,
        };
      }
      const reason = `line ${line}: does not name the hash of ${before.record} before it: one of the two was replaced`;
      return { ...own, reason };
    }
  }
}

/** The key of a line whose own text cannot be relied on: what the next line must come after, else what it claims. */
function nameOfUnreadable({ claim, before, next }: Fault): RecordKey {
  const nextKey = next && keyOf(next);
  if (nextKey && sequenceIn(nextKey.record) > 1) {
    const due = withSequence(nextKey, sequenceIn(nextKey.record) - 1);
    if (!before || compareKeys(due, before) > 0) return due;
  }
  const own = keyOf(claim);
  if (own) return own;
  const following = before && withSequence(before, sequenceIn(before.record) + 1);
  return {
    scope: claim.scope ?? following?.scope ?? '',
    record: claim.record ?? following?.record ?? '',
  };
}

function keyOf({ scope, record }: Claim): RecordKey | undefined {
  if (scope === undefined || record === undefined || !/#\d{12}$/.test(record)) return undefined;
  return { scope, record };
}

export function withSequence({ scope, record }: RecordKey, sequence: number): RecordKey {
  return { scope, record: chainOf(record) + String(sequence).padStart(sequenceDigits, '0') };
}

function inOneChain(one: RecordKey, other: RecordKey): boolean {
  return one.scope === other.scope && chainOf(one.record) === chainOf(other.record);
}

export function sameChainClaimed(one: Claim, other: Claim): boolean {
  const [oneKey, otherKey] = [keyOf(one), keyOf(other)];
  return oneKey !== undefined && otherKey !== undefined && inOneChain(oneKey, otherKey);
}

function compareKeys(one: RecordKey, other: RecordKey): number {
  if (one.scope !== other.scope) return one.scope < other.scope ? -1 : 1;
  if (one.record === other.record) return 0;
  return one.record < other.record ? -1 : 1;
}
