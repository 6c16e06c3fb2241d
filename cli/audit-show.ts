import { type AuditRecord, resourceOf, sequenceOf } from '../shared/audit/record';
import { displayName, type Registry, type Resource } from '../shared/domain/resource';
import { type Format, jsonText, printable, type Terminal } from './output';
import { type Reference, readReference } from './reference';

/** The trail as far as one resource goes. */
export interface ChainReader {
  /** All records of the resource, newest first. */
  chain(resource: Resource): AsyncIterable<AuditRecord>;
  readonly registries: readonly Registry[];
}

export interface AuditShowOptions {
  readonly reference: string;
  /** Which record of the resource; default the newest. */
  readonly sequence?: number;
  readonly output?: Format;
}

/** `audit show REPO[:TAG|@DIGEST]`: a record in full, one a registry that has it. Throws `InvalidInput`. */
export async function auditShow(
  { reference: text, sequence, output }: AuditShowOptions,
  trail: ChainReader,
  terminal: Terminal,
): Promise<number> {
  const reference = readReference(text);
  const records: AuditRecord[] = [];
  for (const registry of registriesOf(reference, trail.registries)) {
    const record = await recordOf(resourceIn(registry, reference), sequence, trail);
    if (record) records.push(record);
  }
  if (output === 'json') terminal.stdout(jsonText(records));
  else if (records.length > 0) terminal.stdout(records.map(page).join('\n'));
  else {
    const which = sequence === undefined ? 'record' : `record ${sequence}`;
    terminal.stdout(`The trail has no ${which} of ${printable(text)}.\n`);
  }
  return 0;
}

/** The registries to look in: the one that an image URI names, else all. */
export function registriesOf({ registry }: Reference, reachable: readonly Registry[]): readonly Registry[] {
  return registry ? [registry] : reachable;
}

export function resourceIn(registry: Registry, { repository, tag, digest }: Reference): Resource {
  const { account, region } = registry;
  if (tag) return { kind: 'tag', account, region, repository, tag };
  if (digest) return { kind: 'image', account, region, repository, digest };
  return { kind: 'repository', account, region, repository };
}

async function recordOf(
  resource: Resource,
  sequence: number | undefined,
  trail: ChainReader,
): Promise<AuditRecord | undefined> {
  for await (const record of trail.chain(resource)) {
    if (sequence === undefined || sequenceOf(record) === sequence) return record;
  }
  return undefined;
}

function page(record: AuditRecord): string {
  const resource = resourceOf(record);
  const lines: [string, string][] = [
    [
      'resource',
      resource ? `${displayName(resource)} in ${resource.account} ${resource.region}` : record.scope,
    ],
    ['record', `${record.record}, recorded ${record.recordedAt}`],
    ...(record.triggers ?? []).map(({ kind, time, digest, actor, detail, id }): [string, string] => [
      'trigger',
      [kind, time, digest, actor && `by ${actor}`, detail, `event ${id}`].filter(Boolean).join('  '),
    ]),
    ...(record.results ?? []).map((one): [string, string] => [
      one.status,
      [
        `${one.rule} (${one.severity}): ${one.message}`,
        one.until && `until ${one.until}`,
        evidenceText(one.evidence),
      ]
        .filter(Boolean)
        .join('  '),
    ]),
    ['passes', String(record.passes)],
    ...(record.changes ?? []).map(({ rule, kind, reason }): [string, string] => [
      'change',
      `${kind} ${rule}${reason ? ` (${reason})` : ''}`,
    ]),
    ...(record.actions ?? []).map(({ kind, step, rule, reason }): [string, string] => [
      'action',
      [kind, step, rule && `for ${rule}`, reason].filter(Boolean).join(' '),
    ]),
    ...(record.holder ? [holderLine(record.holder)] : []),
    ...(record.policyHash ? [['policy', record.policyHash] satisfies [string, string]] : []),
    ['previous', Buffer.from(record.previousHash).toString('hex')],
    ['hash', Buffer.from(record.hash).toString('hex')],
  ];
  return lines.map(([name, value]) => `${name.padEnd(9)} ${printable(value)}\n`).join('');
}

function holderLine({ digest, since }: NonNullable<AuditRecord['holder']>): [string, string] {
  return ['holder', `${digest ?? 'none: the tag is deleted'}  since ${since ?? 'an unknown time'}`];
}

function evidenceText(evidence: object | undefined): string {
  return evidence ? JSON.stringify(evidence) : '';
}
