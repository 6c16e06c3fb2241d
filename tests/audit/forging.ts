import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { count, manifestLine, type TrailItem, type TrailTally, trailTally } from '../../shared/audit/export';
import type { AuditRecord } from '../../shared/audit/record';
import { type Verdict, verifyExport } from '../../shared/audit/verify';
import { canonicalJson } from '../../shared/domain/canonical-json';
import { exported, opened, resources, type Step, trailOf } from '../builders/trails';

/** `npm run test:deep` looks at many more trails. */
export const depth = process.env.DEEP ? 40 : 1;

export const steps = (minLength = 1, maxLength = 30) =>
  fc.array(
    fc.record({
      resource: fc.nat(resources.length - 1),
      seconds: fc.nat(900),
      skewSeconds: fc.integer({ min: -150, max: 150 }),
    }),
    { minLength, maxLength },
  );

export const verify = (text: string | Buffer, anchor?: string): Promise<Verdict> =>
  verifyExport(opened(text), anchor);
export const keyOf = (line: string) => {
  const { scope, record } = JSON.parse(line) as AuditRecord;
  return { scope, record };
};

/** The lines of an export of a generated trail; the last is the manifest. */
export async function linesOf(trail: readonly Step[]): Promise<string[]> {
  return (await exported(trailOf(trail))).split(/(?<=\n)/);
}

/** A record's line with other members and a hash that fits them. */
export function rehashed(line: string, members: Record<string, unknown>): string {
  const { hash: _, ...rest } = { ...(JSON.parse(line) as Record<string, unknown>), ...members };
  const hash = createHash('sha256').update(canonicalJson(rest)).digest('hex');
  return `${canonicalJson({ ...rest, hash })}\n`;
}

/** The lines with one record edited, and it and the rest of its chain hashed again. */
export function rehashedFrom(lines: readonly string[], index: number): string[] {
  const chain = keyOf(lines[index]!).record.slice(0, -12);
  const { scope } = keyOf(lines[index]!);
  const forged = [...lines];
  let previousHash: string | undefined;
  for (let at = index; at < lines.length; at += 1) {
    const key = keyOf(lines[at]!);
    if (key.scope !== scope || key.record.slice(0, -12) !== chain) break;
    forged[at] = rehashed(lines[at]!, previousHash === undefined ? { passes: 99 } : { previousHash });
    previousHash = (JSON.parse(forged[at]!) as Record<string, string>).hash;
  }
  return forged;
}

/** What an export's record lines come to. */
export function tallied(lines: readonly string[]): TrailTally {
  const tally = trailTally();
  let before: TrailItem | undefined;
  for (const line of lines) {
    const record = JSON.parse(line) as TrailItem & { readonly hash: string };
    count(tally, { ...record, hash: Buffer.from(record.hash, 'hex') } as TrailItem, before);
    before = record;
  }
  return tally;
}

/** An export's lines with the manifest that fits them. */
export function withManifest(lines: readonly string[]): string {
  return lines.join('') + manifestLine(tallied(lines).manifest());
}
