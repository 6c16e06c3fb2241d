import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { canonicalJson } from '../domain/canonical-json';
import { isObject, parseJson } from './json';
import {
  emptyRecordLine,
  longestRecordKey,
  longestScope,
  type RecordLine,
  scanRecordLine,
} from './record-line';
import { parseSeal, type SealText, sealScope } from './seal';

/** What a line says of itself, whether that can be relied on or not. */
export interface Claim {
  readonly scope?: string;
  readonly record?: string;
  /** In hexadecimal. */
  readonly hash?: string;
}

/** A line that the scan of `record-line.ts` did not accept, parsed and held against its canonical form. */
export type LiteralLine =
  | {
      readonly line: Buffer;
      readonly found: RecordLine;
      readonly hash: string;
      readonly seal: SealText | undefined;
    }
  | { readonly reason: string; readonly claim: Claim };

export const knownFormat = 1;

/**
 * `bytes` is a line without its line end. Where the line is whole, the answer's `line` holds the members that a chain
 * needs, in a text of its own, and `found` says where.
 */
export function readLiterally(bytes: Buffer): LiteralLine {
  const text = bytes.toString('utf8');
  const claim = claimOf(text);
  const fault = (reason: string): LiteralLine => ({ reason, claim });
  if (text === '') return fault('the line is empty');
  if (!isUtf8(bytes)) return fault('the line is not UTF-8');
  const value = parseJson(text);
  if (value === undefined) return fault('the line is not JSON');
  if (!isObject(value)) return fault('the line is not a record');
  if (canonicalText(value) !== text) {
    return fault(
      'the line is not the canonical text of its record: white space, the order of members or an escape was changed',
    );
  }
  const { format, hash, previousHash, record, recordedAt, scope } = value;
  if (format !== knownFormat) {
    return fault(
      `cannot be verified by this version: its format is ${JSON.stringify(format) ?? 'missing'}, and this version knows format ${knownFormat}`,
    );
  }
  const wrong = wrongMember(value);
  if (wrong) return fault(`its member "${wrong}" is missing or malformed`);
  const { hash: _, ...rest } = value;
  const digest = createHash('sha256').update(canonicalJson(rest)).digest('hex');
  if (digest !== hash) return fault('its hash is not that of its content: one of the two was edited');
  const line = Buffer.from(`${canonicalJson({ format, hash, previousHash, record, recordedAt, scope })}\n`);
  const found = emptyRecordLine();
  if (scanRecordLine(line, 0, found) < 0) return fault('its key is malformed');
  return { line, found, hash: digest, seal: scope === sealScope ? parseSeal(value) : undefined };
}

/** Undefined for what has no canonical form, or is nested too deeply to tell. */
function canonicalText(value: unknown): string | undefined {
  try {
    return canonicalJson(value);
  } catch {
    return undefined;
  }
}

function wrongMember(value: Record<string, unknown>): string | undefined {
  const isHash = (member: unknown) => typeof member === 'string' && /^[0-9a-f]{64}$/.test(member);
  const isText = (member: unknown, longest: number) =>
    typeof member === 'string' && member.length <= longest && /^(?:(?!["\\])[ -~])+$/.test(member);
  if (!isText(value.scope, longestScope)) return 'scope';
  if (!isText(value.record, longestRecordKey) || !/.#\d{12}$/.test(String(value.record))) return 'record';
  if (/#0{12}$/.test(String(value.record))) return 'record';
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(String(value.recordedAt))) return 'recordedAt';
  if (!isHash(value.previousHash)) return 'previousHash';
  if (!isHash(value.hash)) return 'hash';
  return undefined;
}

/** The key and hash that a text claims, from its JSON or, where it is none, from what can be made out. */
export function claimOf(text: string): Claim {
  const value = parseJson(text);
  const member = (name: string): string | undefined => {
    const found = isObject(value) ? value[name] : new RegExp(`"${name}":"([^"\\\\]*)"`).exec(text)?.[1];
    return typeof found === 'string' ? found : undefined;
  };
  const [scope, record, hash] = [member('scope'), member('record'), member('hash')];
  return {
    ...(scope !== undefined && { scope }),
    ...(record !== undefined && { record }),
    ...(hash !== undefined && { hash }),
  };
}
