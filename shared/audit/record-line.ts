/**
 * Reads what a verifier needs from a record's canonical text where it stands in a buffer, without parsing it: at a
 * million records JSON.parse alone takes longer than everything else together.
 *
 * The scan accepts only text that is canonical beyond doubt (RFC 8785: members in order and none twice, no white
 * space, no escape that could be written otherwise, no number but a plain integer). Whatever it does not accept is no
 * verdict: the caller parses that text and compares it with its canonical form. Two readings of one text, such as a
 * member that stands there twice, can therefore not pass.
 */

/** Offsets into the buffer, of the members' text without quotes. */
export interface RecordLine {
  scope: number;
  scopeEnd: number;
  record: number;
  recordEnd: number;
  /** 64 hexadecimal digits each. */
  hash: number;
  previousHash: number;
  /** `2026-11-24T09:00:00.000Z`. */
  recordedAt: number;
}

export function emptyRecordLine(): RecordLine {
  return { scope: 0, scopeEnd: 0, record: 0, recordEnd: 0, hash: 0, previousHash: 0, recordedAt: 0 };
}

export const hashDigits = 64;
/** `"hash":"…",` */
export const hashMemberLength = hashDigits + '"hash":"",'.length;
/** Digits of the sequence at the end of a record's key. */
export const sequenceDigits = 12;

/** DynamoDB's limits for a partition key and a sort key ("Quotas in Amazon DynamoDB" in the developer guide). */
export const longestScope = 2048;
export const longestRecordKey = 1024;

const lineEnd = 0x0a;
const quote = 0x22;
const hashSign = 0x23;
const comma = 0x2c;
const minus = 0x2d;
const zero = 0x30;
const nine = 0x39;
const colon = 0x3a;
const openBracket = 0x5b;
const backslash = 0x5c;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** Bytes that stand for themselves in a string: not a quote, a backslash or a control character. */
const plain = byteSet((byte) => byte >= 0x20 && byte !== quote && byte !== backslash);
/** The same within ASCII, where the order of bytes is RFC 8785's order of member names. */
const plainAscii = byteSet((byte) => plain[byte] === 1 && byte < 0x7f);
const shortEscape = byteSet((byte) => '"\\bfnrt'.includes(String.fromCharCode(byte)));

/** Numbers of more digits may not be the shortest text of their value. */
const mostDigits = 15;
const deepest = 32;

const members = (['format', 'hash', 'previousHash', 'record', 'recordedAt', 'scope'] as const).map(
  (name) => ({ name, bytes: Buffer.from(name) }),
);
const formatText = Buffer.from('1');

/**
 * Where the text from `start` on is surely the canonical text of a record of format 1 with the members that its chain
 * needs, and then a line end, fills `found` and answers the offset of the line end; else -1. The bytes must be UTF-8
 * and the last one a line end, which stops every loop below. What the hashes, the scope and the key before its
 * sequence are made of is left to the caller, who compares them with what is known: see `isKeyText`.
 */
export function scanRecordLine(bytes: Uint8Array, start: number, found: RecordLine): number {
  if (bytes[start] !== openBrace) return -1;
  let at = start + 1;
  let name = -1;
  let nameEnd = -1;
  let seen = 0;
  for (;;) {
    const value = skipName(bytes, at, name, nameEnd);
    if (value < 0) return -1;
    name = at + 1;
    nameEnd = value - 2;
    at = skipValue(bytes, value, 0);
    if (at < 0) return -1;
    if (seen < members.length && isMember(bytes, name, nameEnd, seen)) {
      if (!take(bytes, seen, value, at, found)) return -1;
      seen += 1;
    }
    if (bytes[at] === closeBrace) {
      return seen === members.length && bytes[at + 1] === lineEnd ? at + 1 : -1;
    }
    if (bytes[at] !== comma) return -1;
    at += 1;
  }
}

/** Whether the member at hand is the next of those that are looked for; they come in order. */
function isMember(bytes: Uint8Array, name: number, nameEnd: number, index: number): boolean {
  const wanted = members[index]!.bytes;
  return nameEnd - name === wanted.length && startsWith(bytes, name, wanted);
}

function take(bytes: Uint8Array, index: number, value: number, end: number, found: RecordLine): boolean {
  const { name } = members[index]!;
  if (name === 'format') return end - value === 1 && startsWith(bytes, value, formatText);
  if (bytes[value] !== quote) return false;
  const text = value + 1;
  const textEnd = end - 1;
  switch (name) {
    case 'hash':
    case 'previousHash':
      found[name] = text;
      return textEnd - text === hashDigits;
    case 'recordedAt':
      found.recordedAt = text;
      return isInstant(bytes, text, textEnd);
    case 'record':
      found.record = text;
      found.recordEnd = textEnd;
      return textEnd - text <= longestRecordKey && endsInSequence(bytes, text, textEnd);
    case 'scope':
      found.scope = text;
      found.scopeEnd = textEnd;
      return textEnd > text && textEnd - text <= longestScope;
  }
}

/** Printable ASCII without a quote or backslash: what ECR's names and our own are made of, and has no escape. */
export function isKeyText(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) if (plainAscii[bytes[at]!] !== 1) return false;
  return true;
}

function endsInSequence(bytes: Uint8Array, start: number, end: number): boolean {
  const digits = end - sequenceDigits;
  if (digits - 1 <= start || bytes[digits - 1] !== hashSign) return false;
  let positive = false;
  for (let at = digits; at < end; at += 1) {
    const byte = bytes[at]!;
    if (byte < zero || byte > nine) return false;
    if (byte !== zero) positive = true;
  }
  return positive;
}

const instantPattern = Buffer.from('0000-00-00T00:00:00.000Z');

/** Digits where digits belong; which month has how many days is not asked. */
function isInstant(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start !== instantPattern.length) return false;
  for (let index = 0; index < instantPattern.length; index += 1) {
    const byte = bytes[start + index]!;
    const wanted = instantPattern[index]!;
    if (wanted === zero ? byte < zero || byte > nine : byte !== wanted) return false;
  }
  return true;
}

/** The offset after the value at `at`, or -1 where the text is not surely canonical. */
function skipValue(bytes: Uint8Array, at: number, depth: number): number {
  switch (bytes[at]) {
    case quote:
      return skipString(bytes, at + 1);
    case openBrace:
      return depth < deepest ? skipObject(bytes, at + 1, depth + 1) : -1;
    case openBracket:
      return depth < deepest ? skipArray(bytes, at + 1, depth + 1) : -1;
    case 0x74:
      return startsWith(bytes, at, words.true) ? at + 4 : -1;
    case 0x66:
      return startsWith(bytes, at, words.false) ? at + 5 : -1;
    case 0x6e:
      return startsWith(bytes, at, words.null) ? at + 4 : -1;
    default:
      return skipInteger(bytes, at);
  }
}

const words = { true: Buffer.from('true'), false: Buffer.from('false'), null: Buffer.from('null') };

function skipString(bytes: Uint8Array, from: number): number {
  let at = from;
  for (;;) {
    // Four at a time, as most strings are long: a quarter less time for the whole scan.
    while (
      (plain[bytes[at]!]! & plain[bytes[at + 1]!]! & plain[bytes[at + 2]!]! & plain[bytes[at + 3]!]!) ===
      1
    )
      at += 4;
    while (plain[bytes[at]!] === 1) at += 1;
    if (bytes[at] === quote) return at + 1;
    if (bytes[at] !== backslash || shortEscape[bytes[at + 1]!] !== 1) return -1;
    at += 2;
  }
}

function skipInteger(bytes: Uint8Array, from: number): number {
  let at = from;
  if (bytes[at] === zero) return at + 1;
  if (bytes[at] === minus) at += 1;
  const first = at;
  if (bytes[at] === zero) return -1;
  while (bytes[at]! >= zero && bytes[at]! <= nine) at += 1;
  return at > first && at - first <= mostDigits ? at : -1;
}

function skipArray(bytes: Uint8Array, from: number, depth: number): number {
  let at = from;
  if (bytes[at] === closeBracket) return at + 1;
  for (;;) {
    at = skipValue(bytes, at, depth);
    if (at < 0) return -1;
    if (bytes[at] === closeBracket) return at + 1;
    if (bytes[at] !== comma) return -1;
    at += 1;
  }
}

function skipObject(bytes: Uint8Array, from: number, depth: number): number {
  let at = from;
  if (bytes[at] === closeBrace) return at + 1;
  let name = -1;
  let nameEnd = -1;
  for (;;) {
    const value = skipName(bytes, at, name, nameEnd);
    if (value < 0) return -1;
    name = at + 1;
    nameEnd = value - 2;
    at = skipValue(bytes, value, depth);
    if (at < 0) return -1;
    if (bytes[at] === closeBrace) return at + 1;
    if (bytes[at] !== comma) return -1;
    at += 1;
  }
}

/** The offset after `"name":`, where the name sorts after the one before it; else -1. */
function skipName(bytes: Uint8Array, from: number, before: number, beforeEnd: number): number {
  if (bytes[from] !== quote) return -1;
  let at = from + 1;
  while (plainAscii[bytes[at]!] === 1) at += 1;
  if (bytes[at] !== quote || bytes[at + 1] !== colon) return -1;
  // The first letter nearly always decides.
  if (before >= 0 && bytes[before]! >= bytes[from + 1]!) {
    if (compareBytes(bytes, before, beforeEnd, bytes, from + 1, at) >= 0) return -1;
  }
  return at + 2;
}

/** Negative, zero or positive, as one range of bytes sorts before, with or after the other. */
export function compareBytes(
  one: Uint8Array,
  oneStart: number,
  oneEnd: number,
  other: Uint8Array,
  otherStart: number,
  otherEnd: number,
): number {
  const shorter = Math.min(oneEnd - oneStart, otherEnd - otherStart);
  for (let index = 0; index < shorter; index += 1) {
    const difference = one[oneStart + index]! - other[otherStart + index]!;
    if (difference !== 0) return difference;
  }
  return oneEnd - oneStart - (otherEnd - otherStart);
}

function startsWith(bytes: Uint8Array, at: number, wanted: Uint8Array): boolean {
  for (let index = 0; index < wanted.length; index += 1) {
    if (bytes[at + index] !== wanted[index]) return false;
  }
  return true;
}

function byteSet(isIn: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (isIn(byte) ? 1 : 0));
}
