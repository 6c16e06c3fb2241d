import { createHash } from 'node:crypto';
import { canonicalJson } from '../../shared/domain/canonical-json';

/**
 * What it means that an export is valid, word for word and without regard to speed: each line is the canonical text
 * of a record, hashes to what it says, follows its chain; the last line counts them. Seals are not looked at.
 */
export function isLiterallyValid(bytes: Buffer): boolean {
  const text = bytes.toString('utf8');
  if (!Buffer.from(text).equals(bytes) || !text.endsWith('\n')) return false;
  const lines = text.slice(0, -1).split('\n');
  const values = lines.map(parsed);
  if (values.some((value, index) => value === undefined || canonicalJson(value) !== lines[index]))
    return false;
  const [last, ...records] = [values.at(-1), ...values.slice(0, -1)] as Record<string, unknown>[];
  if (!records.every(isWhole)) return false;
  if (!records.every((record, index) => index === 0 || follows(records[index - 1]!, record))) return false;
  if (records[0] && !follows({}, records[0])) return false;
  return canonicalJson(last) === canonicalJson({ manifest: manifestOf(records) });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const sha256 = (...parts: (string | Uint8Array)[]) =>
  createHash('sha256')
    .update(Buffer.concat(parts.map((part) => Buffer.from(part as string))))
    .digest();

function isWhole(record: unknown): boolean {
  if (typeof record !== 'object' || record === null || Array.isArray(record)) return false;
  const { hash, ...rest } = record as Record<string, unknown>;
  const { format, scope, record: key, recordedAt, previousHash } = rest;
  return (
    format === 1 &&
    /^(?:(?!["\\])[ -~]){1,2048}$/.test(text(scope)) &&
    /^(?:(?!["\\])[ -~]){1,1011}#\d{12}$/.test(text(key)) &&
    sequence(text(key)) > 0 &&
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d\d\dZ$/.test(text(recordedAt)) &&
    /^[0-9a-f]{64}$/.test(text(previousHash)) &&
    hash === sha256(canonicalJson(rest)).toString('hex')
  );
}

const text = (value: unknown) => (typeof value === 'string' ? value : '');
const sequence = (key: string) => Number(key.slice(-12));
const chain = (record: Record<string, unknown>) => `${record.scope}\n${text(record.record).slice(0, -12)}`;

function follows(before: Record<string, unknown>, record: Record<string, unknown>): boolean {
  const same = chain(before) === chain(record);
  const [one, other] = [before, record].map((each) => [text(each.scope), text(each.record)]) as [
    string[],
    string[],
  ];
  const ascends = one[0]! < other[0]! || (one[0] === other[0] && one[1]! < other[1]!);
  return (
    ascends &&
    sequence(text(record.record)) === (same ? sequence(text(before.record)) + 1 : 1) &&
    record.previousHash === (same ? before.hash : '0'.repeat(64))
  );
}

function manifestOf(records: readonly Record<string, unknown>[]) {
  const scopes: Record<string, string> = {};
  records.forEach((record, index) => {
    const scope = text(record.scope);
    const next = records[index + 1];
    const isHead = !next || chain(next) !== chain(record);
    scopes[scope] = (scopes[scope] ?? '') + (isHead ? text(record.hash).slice(0, 4) : '');
  });
  const root = merkle(records.map(({ hash }) => Buffer.from(text(hash), 'hex'))).toString('hex');
  return { records: records.length, root, scopes };
}

function merkle(entries: readonly Buffer[]): Buffer {
  if (entries.length === 0) return sha256();
  if (entries.length === 1) return sha256(Buffer.of(0), entries[0]!);
  const split = 2 ** Math.floor(Math.log2(entries.length - 1));
  return sha256(Buffer.of(1), merkle(entries.slice(0, split)), merkle(entries.slice(split)));
}
