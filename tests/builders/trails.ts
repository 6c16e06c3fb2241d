import { exportBeginning, exportTrail, type TrailItem, type TrailSource } from '../../shared/audit/export';
import { nextRecord, type RecordedEvaluation } from '../../shared/audit/next-record';
import type { AuditRecord } from '../../shared/audit/record';
import { dueHours, hoursInReach, type Seal, sealsOf } from '../../shared/audit/seal';
import type { Resource } from '../../shared/domain/resource';
import {
  account,
  digest,
  imageResource,
  region,
  repositoryResource,
  tagResource,
  trigger,
} from './resources';

export const trailStart = Date.parse('2026-11-20T08:00:00Z');

/** One record of a trail to be made: which of a few resources, and by a clock how many seconds off. */
export interface Step {
  readonly resource: number;
  readonly seconds: number;
  readonly skewSeconds?: number;
}

/** Neighbours in key order on purpose: names that begin alike, several scopes, one with two kinds of chain. */
export const resources: readonly Resource[] = [
  tagResource('v1'),
  tagResource('v1-rc.1'),
  tagResource('v1.0'),
  imageResource('a'),
  imageResource('b'),
  repositoryResource(),
  tagResource('latest', { repository: 'payments' }),
  tagResource('v1', { repository: 'payments/api-gateway' }),
  tagResource('v1', { region: 'eu-west-1' }),
  { kind: 'registry', account, region },
];

const failing: RecordedEvaluation = {
  results: [
    {
      rule: 'tag-format',
      status: 'fail',
      severity: 'high',
      mode: 'report',
      message: 'the tag "latest" is denied: “use a version”\nand say which',
      evidence: { tag: 'latest', deny: ['latest'], ratio: 0.5, größe: 1 },
    },
  ],
  passes: 4,
  findings: [],
  closed: [],
  changes: [],
  actions: [],
  policyHash: 'sha256:0f0f',
  policyBuiltAt: '2026-11-19T00:00:00.000Z',
};

/** A trail as the pipeline writes it: each record follows the head of its resource. */
export function trailOf(steps: readonly Step[], start = trailStart): AuditRecord[] {
  const heads = new Map<Resource, AuditRecord>();
  let now = start;
  return steps.map(({ resource: number, seconds, skewSeconds = 0 }, index) => {
    const resource = resources[number % resources.length]!;
    now += seconds * 1000;
    const record = nextRecord(
      heads.get(resource),
      {
        resource,
        triggers: [
          trigger({
            eventId: `event-${index}`,
            eventTime: new Date(now).toISOString(),
            resource,
            digest: digest(`${index}`),
          }),
        ],
        ...(index % 4 === 0 && { evaluation: failing }),
      },
      now + skewSeconds * 1000,
    );
    heads.set(resource, record);
    return record;
  });
}

/** Seals a trail as the hourly function would, at a time. `arrived` tells which records had been inserted by an hour's sealing. */
export function sealedUpTo(
  records: readonly AuditRecord[],
  now: number,
  arrived: (record: AuditRecord, sealedAt: number) => boolean = () => true,
): Seal[] {
  const first = records.map(({ recordedAt }) => recordedAt).sort()[0];
  if (first === undefined) return [];
  const seals: Seal[] = [];
  const sealingTime = (hour: string) => Date.parse(`${hour}:00:00Z`) + 75 * 60_000;
  for (let at = sealingTime(first.slice(0, 13)); at <= now; at += 3_600_000) {
    for (const hour of dueHours(seals.at(-1), at)) {
      const reach = hoursInReach(hour);
      const entries = records.filter(
        (one) => reach.includes(one.recordedAt.slice(0, 13)) && arrived(one, at),
      );
      const inReach = seals.filter(({ sealed }) => reach.includes(sealed.hour));
      seals.push(...sealsOf(hour, seals.at(-1), inReach, entries, at));
    }
  }
  return seals;
}

const byteOrder = (one: string, other: string) => Buffer.compare(Buffer.from(one), Buffer.from(other));

/** A trail in memory. Its items can be changed while it is read. */
export function memoryTrail(items: TrailItem[]): TrailSource {
  const of = (scope: string) =>
    items.filter((one) => one.scope === scope).sort((one, other) => byteOrder(one.record, other.record));
  return {
    newestSeal: async () => of('seal').at(-1)?.record,
    scopes: async () => [...new Set(items.map(({ scope }) => scope))].sort(byteOrder),
    async *records(scope, after) {
      for (const item of of(scope)) if (after === undefined || byteOrder(item.record, after) > 0) yield item;
    },
  };
}

export async function exported(items: readonly TrailItem[]): Promise<string> {
  return exportText(memoryTrail([...items]));
}

export async function exportText(source: TrailSource): Promise<string> {
  const lines: string[] = [];
  for await (const line of exportTrail(source, await exportBeginning(source))) lines.push(line);
  return lines.join('');
}

/** The bytes of an export in pieces, as a file is read. */
export function opened(content: string | Uint8Array, pieceBytes = 1000): () => AsyncIterable<Buffer> {
  const bytes = Buffer.from(content);
  return async function* () {
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      yield Buffer.from(bytes.subarray(at, at + pieceBytes));
    }
  };
}
