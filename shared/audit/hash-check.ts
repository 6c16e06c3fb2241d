import { hash as digestOf } from 'node:crypto';
import type { GrowingRoot } from './merkle';
import { hashMemberLength } from './record-line';

/**
 * The lines of a piece of a trail whose hashes are still to be checked, as they travel to another thread. For each
 * record in its order three numbers and 32 bytes: where its line begins, where its member `hash` begins, where the
 * line ends, and its hash. A line that begins at -1 has been checked.
 */
export interface UncheckedLines {
  readonly text: Uint8Array<ArrayBuffer>;
  readonly places: Int32Array<ArrayBuffer>;
  readonly hashes: Uint8Array<ArrayBuffer>;
}

const hashBytes = 32;

/**
 * The hash that a line must have, in hexadecimal or binary: of its text without the member `hash`. The line's
 * beginning moves over the member to make that one text, so that the line is gone afterwards.
 */
export function lineHash(
  bytes: Uint8Array,
  start: number,
  member: number,
  end: number,
  encoding: 'hex' | 'binary',
): string {
  bytes.copyWithin(start + hashMemberLength, start, member);
  return digestOf('sha256', bytes.subarray(start + hashMemberLength, end), encoding);
}

/** Whether every line has the hash that it says; adds the hashes to the root. */
export function checkHashes({ text, places, hashes }: UncheckedLines, root: GrowingRoot): boolean {
  let isSound = true;
  for (let index = 0; index * hashBytes < hashes.length; index += 1) {
    const hash = hashes.subarray(index * hashBytes, (index + 1) * hashBytes);
    const [start = -1, member = 0, end = 0] = [
      places[3 * index],
      places[3 * index + 1],
      places[3 * index + 2],
    ];
    if (start >= 0 && !isBinary(lineHash(text, start, member, end, 'binary'), hash)) isSound = false;
    root.add(hash);
  }
  return isSound;
}

function isBinary(text: string, bytes: Uint8Array): boolean {
  for (let index = 0; index < hashBytes; index += 1) {
    if (text.charCodeAt(index) !== bytes[index]) return false;
  }
  return true;
}

/** Where a reader has the hashes checked and the root made, so that it can go on meanwhile. */
export interface HashChecker extends GrowingRoot {
  /** The lines to come stand in these bytes, which are copied. */
  text(bytes: Uint8Array): void;
  /** The next hash to be added is that of this line, and is to be checked. */
  line(start: number, member: number, end: number): void;
  /** Resolves when there is room for more text. */
  room(): Promise<void>;
  /** Whether all hashes were right; known when the root is. */
  readonly isSound: boolean;
}

/** Collects lines for a checker elsewhere. */
export function uncheckedLines(bytes: Uint8Array): {
  line(start: number, member: number, end: number): void;
  add(hash: Uint8Array): void;
  taken(): UncheckedLines;
} {
  const text = new Uint8Array(bytes);
  // No line of a record is shorter than what its chain needs of it.
  const most = Math.floor(bytes.length / shortestLine) + 1;
  const places = new Int32Array(3 * most).fill(-1);
  const hashes = new Uint8Array(hashBytes * most);
  let count = 0;
  return {
    line(start, member, end) {
      places[3 * count] = start;
      places[3 * count + 1] = member;
      places[3 * count + 2] = end;
    },
    add(hash) {
      hashes.set(hash, count * hashBytes);
      count += 1;
    },
    taken: () => ({ text, places, hashes: hashes.subarray(0, count * hashBytes) }),
  };
}

const shortestLine = 200;
