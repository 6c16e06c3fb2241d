import type { TrailSource } from '../shared/audit/export';
import { type Verdict, verifyExport, verifyLive } from '../shared/audit/verify';
import { InvalidInput } from '../shared/domain/errors';
import { openExport } from './export-file';
import { hashThread } from './hash-thread';
import { counted, type Format, jsonText, type Output, printable } from './output';

export interface AuditVerifyOptions {
  /** A root that was kept elsewhere, in hexadecimal. */
  readonly anchor?: string;
  readonly output?: Format;
}

/**
 * `audit verify [FILE]`: is every record whole and in its place. 0 valid, 1 not. `trail` is the name of an export's
 * file, or the trail itself. Throws `InvalidInput`, and what reading the file or the trail throws.
 */
export async function auditVerify(
  { anchor: text, output: format }: AuditVerifyOptions,
  trail: string | TrailSource,
  output: Output,
): Promise<number> {
  const anchor = text?.toLowerCase();
  if (anchor !== undefined && !/^[0-9a-f]{64}$/.test(anchor)) {
    throw new InvalidInput(`--anchor takes a root of 64 hexadecimal digits, not "${text}"`);
  }
  const verdict =
    typeof trail === 'string' ? await verifyFile(trail, anchor) : await verifyLive(trail, anchor);
  if (format === 'json') output.stdout(jsonText(verdict));
  else output.stdout(sentence(verdict));
  return verdict.valid ? 0 : 1;
}

async function verifyFile(file: string, anchor: string | undefined): Promise<Verdict> {
  const open = await openFile(file);
  const thread = hashThread();
  return verifyExport(open, anchor, thread).finally(() => thread?.close());
}

async function openFile(file: string) {
  try {
    return await openExport(file);
  } catch (reason) {
    throw new InvalidInput(
      `cannot read ${file}: ${reason instanceof Error ? reason.message : String(reason)}`,
    );
  }
}

function sentence({ valid, records, against, firstBad }: Verdict): string {
  if (valid) return `Valid: ${counted(records, 'record')}, verified against ${against}.\n`;
  const { scope = '', record = '', reason = '' } = firstBad ?? {};
  const place = [scope, record].filter((part) => part !== '').join(' ');
  return printableLines([
    `NOT VALID, held against ${against}.`,
    `first bad record: ${place}`,
    reason,
    `${counted(records, 'record')} before it ${records === 1 ? 'is' : 'are'} whole.`,
  ]);
}

function printableLines(lines: readonly string[]): string {
  return lines.map((line) => `${printable(line)}\n`).join('');
}
