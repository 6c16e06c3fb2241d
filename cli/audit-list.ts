import { type AuditRecord, resourceOf, sequenceOf } from '../shared/audit/record';
import { displayName, type Registry, scopeOf } from '../shared/domain/resource';
import { counted, type Format, jsonText, type Terminal } from './output';
import { readReference } from './reference';
import { table } from './table';
import { shortDigests, whereShown } from './words';

/** The trail as far as a listing goes. */
export interface TrailListing {
  /** All records of a scope, in key order. */
  scope(scope: string): AsyncIterable<AuditRecord>;
  /** Records by when they were recorded, the newest first, from `now` back to `since` (epoch milliseconds). */
  newest(now: number, since: number): AsyncIterable<AuditRecord>;
  readonly registries: readonly Registry[];
}

export interface AuditListOptions {
  readonly repository?: string;
  readonly limit?: number;
  readonly output?: Format;
  /** Epoch milliseconds. */
  readonly now: number;
}

const defaultLimit = 20;
/** Older ones are found by their repository: each hour is spread over sixteen partitions of the index. */
const lookBackMilliseconds = 24 * 3_600_000;

/** `audit list`: the newest records, the newest first. Throws `InvalidInput`. */
export async function auditList(
  { repository, limit = defaultLimit, output, now }: AuditListOptions,
  trail: TrailListing,
  terminal: Terminal,
): Promise<number> {
  const records =
    repository === undefined
      ? await first(trail.newest(now, now - lookBackMilliseconds), limit)
      : await newestOf(readReference(repository).repository, limit, trail);
  if (output === 'json') terminal.stdout(jsonText(records));
  else terminal.stdout(page(records, repository, limit, trail.registries, terminal));
  return 0;
}

async function first<T>(items: AsyncIterable<T>, limit: number): Promise<T[]> {
  const taken: T[] = [];
  for await (const item of items) {
    taken.push(item);
    if (taken.length >= limit) break;
  }
  return taken;
}

/** A scope is in the order of its resources, so all of it is read; no more than twice the limit is kept. */
async function newestOf(repository: string, limit: number, trail: TrailListing): Promise<AuditRecord[]> {
  let kept: AuditRecord[] = [];
  for (const registry of trail.registries) {
    for await (const record of trail.scope(scopeOf({ kind: 'repository', ...registry, repository }))) {
      kept.push(record);
      if (kept.length >= 2 * limit) kept = kept.sort(newestFirst).slice(0, limit);
    }
  }
  return kept.sort(newestFirst).slice(0, limit);
}

function newestFirst(one: AuditRecord, other: AuditRecord): number {
  if (one.recordedAt !== other.recordedAt) return one.recordedAt > other.recordedAt ? -1 : 1;
  return one.record > other.record ? -1 : 1;
}

function page(
  records: readonly AuditRecord[],
  repository: string | undefined,
  limit: number,
  registries: readonly Registry[],
  terminal: Terminal,
): string {
  if (records.length === 0) {
    return repository === undefined
      ? 'No records in the last 24 hours; --now looks at an earlier day, --repository at all times.\n'
      : `No records of the repository ${repository}.\n`;
  }
  const resources = records.flatMap((record) => resourceOf(record) ?? []);
  const rows = table(
    [
      { head: 'RECORDED', cell: ({ recordedAt }) => recordedAt.replace(/\.\d+Z$/, 'Z') },
      { head: 'RESOURCE', cell: resourceText, flexible: true },
      ...whereShown(resources, registries).map(({ head, cell }) => ({
        head,
        cell: (record: AuditRecord) => {
          const resource = resourceOf(record);
          return resource ? cell(resource) : '';
        },
      })),
      { head: 'SEQUENCE', cell: (record) => String(sequenceOf(record)) },
      { head: 'TRIGGER', cell: triggerText, flexible: true },
      { head: 'OUTCOME', cell: outcomeText, flexible: true },
    ],
    records,
    terminal,
  );
  const more = records.length === limit ? ', the newest; --limit shows more' : '';
  return `${rows}\n${counted(records.length, 'record')}${more}\n`;
}

function resourceText(record: AuditRecord): string {
  const resource = resourceOf(record);
  return resource ? shortDigests(displayName(resource)) : `${record.scope} ${record.record}`;
}

export function triggerText({ triggers = [] }: AuditRecord): string {
  return [...new Set(triggers.map(({ kind }) => kind))].join(', ') || 'another look';
}

/** What the record says in a few words: what changed, else what stands. */
export function outcomeText({
  changes = [],
  results = [],
  evaluatedAt,
  passes,
  actions = [],
}: AuditRecord): string {
  const steps = [
    ...changes.map(({ rule, kind }) => `${kind} ${rule}`),
    ...actions.map(({ kind, step }) => `${kind} ${step}`),
  ];
  if (steps.length > 0) return steps.join(', ');
  if (results.length > 0) return results.map(({ rule, status }) => `${status} ${rule}`).join(', ');
  if (evaluatedAt === undefined) return 'recorded';
  return passes > 0 ? `pass (${counted(passes, 'rule')})` : 'no rule applies';
}
