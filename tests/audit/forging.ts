import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { count, manifestLine, type TrailItem, type TrailTally, trailTally } from '../../shared/audit/export';
import type { AuditRecord } from '../../shared/audit/record';
import { type Verdict, verifyExport } from '../../shared/audit/verify';
import { canonicalJson } from '../../shared/domain/canonical-json';
import { exported, opened, resources, type Step, trailOf } from '../builders/trails';

/** `npm run test:deep` looks at many more trails. */
export const depth = process.env.DEEP ? 10 : 1;

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
export function rehashedFrom(
  lines: readonly string[],
  index: number,
  members: Record<string, unknown> = { passes: 99 },
): string[] {
  const chain = keyOf(lines[index]!).record.slice(0, -12);
  const { scope } = keyOf(lines[index]!);
  const forged = [...lines];
  let previousHash: string | undefined;
  for (let at = index; at < lines.length; at += 1) {
    const key = keyOf(lines[at]!);
    if (key.scope !== scope || key.record.slice(0, -12) !== chain) break;
    forged[at] = rehashed(lines[at]!, previousHash === undefined ? members : { previousHash });
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
export async function withManifest(lines: readonly string[]): Promise<string> {
  return lines.join('') + manifestLine(await tallied(lines).manifest());
}

const nameOf = (line: string) => {
  const [, record, scope] = /"record":"([^"]*)".*"scope":"([^"]*)"/.exec(line) ?? [];
  return `${scope} ${record}`;
};
const chainOf = (line: string) => nameOf(line).slice(0, -12);
const isHead = (lines: readonly string[], index: number) =>
  index === lines.length - 1 || chainOf(lines[index + 1]!) !== chainOf(lines[index]!);

/** Lines with something done to them, and the keys, as `scope record`, of which one must be named for it. */
export interface Tampered {
  readonly lines: readonly string[];
  readonly named: readonly string[];
}

/**
 * What can be done to the record lines of an export under its manifest, short of making that again: to the record
 * `one`, where it fits what is to be done.
 */
export type Tampering = (lines: readonly string[], one: number, other: number) => Tampered | undefined;

export const tamperings: readonly (readonly [string, Tampering])[] = [
  [
    'a record deleted from the middle of its chain is named',
    (lines, one) =>
      isHead(lines, one) ? undefined : { lines: lines.toSpliced(one, 1), named: [nameOf(lines[one]!)] },
  ],
  [
    'a record cut off the end of its chain is named',
    (lines, one) => {
      if (one === 0 || !isHead(lines, one) || chainOf(lines[one - 1]!) !== chainOf(lines[one]!))
        return undefined;
      return { lines: lines.toSpliced(one, 1), named: [nameOf(lines[one]!)] };
    },
  ],
  [
    'where a whole chain is gone, its neighbour or its scope is named',
    (lines, one) => {
      const chain = chainOf(lines[one]!);
      const rest = lines.filter((line) => chainOf(line) !== chain);
      const { scope } = keyOf(lines[one]!);
      return {
        lines: rest,
        named: [`${scope} `, ...rest.filter((line) => keyOf(line).scope === scope).map(nameOf)],
      };
    },
  ],
  [
    'of two that were swapped, one is named',
    (lines, one, other) =>
      one === other
        ? undefined
        : {
            lines: lines.with(one, lines[other]!).with(other, lines[one]!),
            named: [nameOf(lines[one]!), nameOf(lines[other]!)],
          },
  ],
  [
    'a line that stands there twice is named',
    (lines, one, other) => ({
      lines: lines.toSpliced(other, 0, lines[one]!),
      named: [nameOf(lines[one]!)],
    }),
  ],
  [
    'an earlier record put in place of the head is named',
    (lines, one) => {
      if (one === 0 || !isHead(lines, one) || chainOf(lines[one - 1]!) !== chainOf(lines[one]!))
        return undefined;
      return { lines: lines.with(one, lines[one - 1]!), named: [nameOf(lines[one - 1]!)] };
    },
  ],
  [
    'an earlier record put in place of the head under the head’s key is named',
    (lines, one) => {
      if (!isHead(lines, one) || one < 2 || chainOf(lines[one - 2]!) !== chainOf(lines[one]!))
        return undefined;
      const replayed = rehashed(lines[one - 2]!, { record: keyOf(lines[one]!).record });
      return { lines: lines.with(one, replayed), named: [nameOf(lines[one]!)] };
    },
  ],
  [
    'a record that was edited and hashed again is named',
    (lines, one) => ({
      lines: lines.with(one, rehashed(lines[one]!, { passes: 99 })),
      named: [nameOf(lines[one]!)],
    }),
  ],
  [
    'a chain that was edited and hashed again from a record on is named',
    (lines, one) => {
      const forged = rehashedFrom(lines, one);
      return {
        lines: forged,
        named: lines.filter((line) => chainOf(line) === chainOf(lines[one]!)).map(nameOf),
      };
    },
  ],
  [
    'a well-made record put at the end of a chain is named',
    (lines, one) => {
      if (!isHead(lines, one)) return undefined;
      const { scope, record } = keyOf(lines[one]!);
      const next = record.slice(0, -12) + String(Number(record.slice(-12)) + 1).padStart(12, '0');
      const { hash } = JSON.parse(lines[one]!) as Record<string, string>;
      const forged = rehashed(lines[one]!, { record: next, previousHash: hash });
      return { lines: lines.toSpliced(one + 1, 0, forged), named: [`${scope} ${next}`] };
    },
  ],
  [
    'a well-made chain put between others is named',
    (lines, one) => {
      const { scope } = keyOf(lines[one]!);
      const record = `tag#forged#${'1'.padStart(12, '0')}`;
      const forged = rehashed(lines[one]!, { record, previousHash: '0'.repeat(64) });
      const at = lines.findIndex((line) => nameOf(line) > `${scope} ${record}`);
      return { lines: lines.toSpliced(at < 0 ? lines.length : at, 0, forged), named: [`${scope} ${record}`] };
    },
  ],
];
