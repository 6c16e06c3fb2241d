import { createHash } from 'node:crypto';
import { canonicalJson } from '../domain/canonical-json';
import { isObject } from './json';
import { merkleRoot } from './merkle';
import { firstPreviousHash } from './record';

export const sealScope = 'seal';
const recordPrefix = 'hour#';

/**
 * The hourly root over records: an entry of the trail itself, in a chain of its own. It has no attribute `hour`, so
 * that the index `byTime` does not hold it.
 */
export interface Seal {
  readonly scope: typeof sealScope;
  /** `hour#` and a sequence of twelve digits. */
  readonly record: string;
  readonly format: 1;
  readonly sealed: {
    /** `2026-11-24T09`. One seal an hour without gap, also of an hour without records. */
    readonly hour: string;
    readonly records: number;
    /** How many of them were recorded in an earlier hour and came too late for its seal. */
    readonly late: number;
    /** Merkle root over the hashes, 32 bytes. */
    readonly root: Uint8Array;
    /**
     * The first eight bytes of each hash, in the order of the root: what tells a record that was sealed from one that
     * came later and is not sealed yet. Absent where there are none.
     */
    readonly members?: Uint8Array;
    /** 1 where the hour has more records than fit: the next seal is of the same hour. */
    readonly more?: 1;
  };
  readonly recordedAt: string;
  readonly previousHash: Uint8Array;
  readonly hash: Uint8Array;
}

/** An entry of the index `byTime`. */
export interface SealEntry {
  readonly recordedAt: string;
  /** 32 bytes. */
  readonly hash: Uint8Array;
}

const hourMilliseconds = 3_600_000;
/** Clocks differ and a writer may take its time: an hour is sealed this long after its end. */
const sealDelayMilliseconds = 15 * 60_000;
/** Records that come later than this are never sealed, and `audit verify` says so. */
export const lookBackHours = 24;

export const memberBytes = 8;
/** 320 KB: an item of DynamoDB has at most 400. */
export const mostMembers = 40_000;

/** The hour of an instant, `2026-11-24T09`. */
export function hourAt(time: number): string {
  return new Date(time).toISOString().slice(0, 13);
}

export function hoursAfter(hour: string, hours: number): string {
  return hourAt(Date.parse(`${hour}:00:00.000Z`) + hours * hourMilliseconds);
}

/**
 * The hours to seal at a time, the oldest first: those after the newest seal's, its own once more where it says
 * `more`. Where there is no seal yet, the newest hour that is due.
 */
export function dueHours(newest: Seal | undefined, now: number): string[] {
  const last = hourAt(now - sealDelayMilliseconds - hourMilliseconds);
  const hours: string[] = [];
  let hour = newest ? hoursAfter(newest.sealed.hour, newest.sealed.more ? 0 : 1) : last;
  for (; hour <= last; hour = hoursAfter(hour, 1)) hours.push(hour);
  return hours;
}

/** The hours whose records may still be unsealed when `hour` is sealed, the oldest first. */
export function hoursInReach(hour: string): string[] {
  return Array.from({ length: lookBackHours + 1 }, (_, index) => hoursAfter(hour, index - lookBackHours));
}

/**
 * The seals of one hour: one, or several where there are more records than fit.
 *
 * `newest` is the newest seal. `inReach` are the seals of the hours in reach, which `newest` is one of. `entries` is
 * what `byTime` holds of those hours, in any order; what an earlier seal covers is left out.
 */
export function sealsOf(
  hour: string,
  newest: Seal | undefined,
  inReach: readonly Seal[],
  entries: readonly SealEntry[],
  now: number,
): Seal[] {
  const isSealed = sealedAlready(inReach);
  const open = entries.filter(({ hash }) => !isSealed(hash)).sort(inOrder);
  const seals: Seal[] = [];
  let previous = newest;
  for (let at = 0; at === 0 || at < open.length; at += mostMembers) {
    const members = open.slice(at, at + mostMembers);
    previous = nextSeal(previous, hour, members, at + mostMembers < open.length, now);
    seals.push(previous);
  }
  return seals;
}

function nextSeal(
  previous: Seal | undefined,
  hour: string,
  entries: readonly SealEntry[],
  more: boolean,
  now: number,
): Seal {
  const body: Omit<Seal, 'hash'> = {
    scope: sealScope,
    record: sealKey(previous ? sealSequence(previous) + 1 : 1),
    format: 1,
    sealed: {
      hour,
      records: entries.length,
      late: entries.filter(({ recordedAt }) => recordedAt.slice(0, 13) !== hour).length,
      root: Buffer.from(merkleRoot(entries.map(({ hash }) => hash)), 'hex'),
      ...(entries.length > 0 && { members: Buffer.concat(entries.map(memberOf)) }),
      ...(more && { more: 1 as const }),
    },
    recordedAt: new Date(now).toISOString(),
    previousHash: previous?.hash ?? firstPreviousHash,
  };
  return { ...body, hash: createHash('sha256').update(canonicalJson(body)).digest() };
}

export function sealKey(sequence: number): string {
  return recordPrefix + String(sequence).padStart(12, '0');
}

export function sealSequence({ record }: Pick<Seal, 'record'>): number {
  return Number(record.slice(recordPrefix.length));
}

function memberOf({ hash }: SealEntry): Uint8Array {
  return hash.subarray(0, memberBytes);
}

function sealedAlready(seals: readonly Seal[]): (hash: Uint8Array) => boolean {
  const members = new Set<string>();
  for (const { sealed } of seals) {
    const text = Buffer.from(sealed.members ?? []).toString('hex');
    for (let at = 0; at < text.length; at += 2 * memberBytes)
      members.add(text.slice(at, at + 2 * memberBytes));
  }
  return (hash) => members.has(Buffer.from(hash.subarray(0, memberBytes)).toString('hex'));
}

/** By when they were recorded; equal times by hash, so that the order is one. */
function inOrder(one: SealEntry, other: SealEntry): number {
  if (one.recordedAt !== other.recordedAt) return one.recordedAt < other.recordedAt ? -1 : 1;
  return Buffer.compare(one.hash, other.hash);
}

/** The seal that a parsed record of the scope `seal` is, binary in hexadecimal; undefined where it is none. */
export function parseSeal(value: unknown): SealText | undefined {
  if (!isObject(value) || !isObject(value.sealed)) return undefined;
  const { record, hash } = value;
  const { hour, records, root, members = '', more } = value.sealed;
  if (typeof record !== 'string' || typeof hash !== 'string' || typeof hour !== 'string') return undefined;
  if (typeof records !== 'number' || typeof root !== 'string' || typeof members !== 'string')
    return undefined;
  if (!/^\d{4}-\d\d-\d\dT\d\d$/.test(hour) || Number.isNaN(Date.parse(`${hour}:00:00.000Z`)))
    return undefined;
  if (members.length !== records * memberBytes * 2) return undefined;
  return { record, hash, hour, records, root, members: Buffer.from(members, 'hex'), more: more === 1 };
}

/** What verifying needs of a seal. */
export interface SealText {
  readonly record: string;
  /** In hexadecimal, as the root. */
  readonly hash: string;
  readonly hour: string;
  readonly records: number;
  readonly root: string;
  readonly members: Buffer;
  readonly more: boolean;
}
