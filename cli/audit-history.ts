import { type TagMove, tagHistory } from '../shared/audit/history';
import type { AuditRecord } from '../shared/audit/record';
import { InvalidInput } from '../shared/domain/errors';
import { type Registry, scopeOf, type TagResource } from '../shared/domain/resource';
import { didYouMean } from '../shared/policy/did-you-mean';
import { type ChainReader, registriesOf } from './audit-show';
import { counted, type Format, jsonText, printable, type Terminal } from './output';
import { readReference } from './reference';
import { table } from './table';
import { shortDigests } from './words';

export interface AuditHistoryOptions {
  readonly reference: string;
  readonly output?: Format;
}

export interface HistoryTrail extends ChainReader {
  /** All records of a scope, in key order. */
  scope(scope: string): AsyncIterable<AuditRecord>;
}

/**
 * `audit history REPO:TAG`: which digest the tag stood for, when, and by whom. Where several registries have the tag,
 * the first is meant, which is the hub's own. Throws `InvalidInput`.
 */
export async function auditHistory(
  { reference: text, output }: AuditHistoryOptions,
  trail: HistoryTrail,
  terminal: Terminal,
): Promise<number> {
  const reference = readReference(text);
  const { repository, tag } = reference;
  if (!tag)
    throw new InvalidInput(`a history is a tag's: write REPOSITORY:TAG, such as ${repository}:v1.4.0`);
  const registries = registriesOf(reference, trail.registries);
  const found: { tag: TagResource; moves: TagMove[] }[] = [];
  for (const { account, region } of registries) {
    const resource: TagResource = { kind: 'tag', account, region, repository, tag };
    const moves = tagHistory(await collect(trail.chain(resource)));
    if (moves.length > 0) found.push({ tag: resource, moves });
  }
  const [chosen, ...others] = found;
  if (output === 'json') terminal.stdout(jsonText(chosen?.moves ?? []));
  else if (chosen) terminal.stdout(page(chosen.tag, chosen.moves, others, terminal));
  else terminal.stdout(await nothing(repository, tag, registries, trail));
  return 0;
}

function page(
  { repository, tag, account, region }: TagResource,
  moves: readonly TagMove[],
  others: readonly { readonly tag: Registry }[],
  terminal: Terminal,
): string {
  const rows = table(
    [
      { head: 'TIME', cell: ({ time }) => time },
      { head: 'FROM', cell: ({ from }) => (from ? shortDigests(from) : 'new') },
      { head: 'TO', cell: ({ to }) => (to ? shortDigests(to) : 'deleted') },
      {
        head: 'BY',
        cell: ({ actor }) => actor?.replace(/^arn:aws[a-z-]*:(?:sts|iam)::/, '') ?? 'unknown',
        flexible: true,
      },
    ],
    moves,
    terminal,
  );
  const elsewhere = others.map(({ tag: { region: other } }) => `--region ${other}`);
  const also = elsewhere.length > 0 ? `; also elsewhere: ${elsewhere.join(', ')}` : '';
  return `${rows}\n${counted(moves.length, 'move')} of ${repository}:${tag} in ${account} ${region}${also}\n`;
}

async function nothing(
  repository: string,
  tag: string,
  registries: readonly Registry[],
  trail: HistoryTrail,
): Promise<string> {
  const tags = new Set<string>();
  for (const registry of registries) {
    for await (const { record } of trail.scope(scopeOf({ kind: 'repository', ...registry, repository }))) {
      if (record.startsWith('tag#')) tags.add(record.slice(4, -13));
    }
  }
  const name = printable(`${repository}:${tag}`);
  if (tags.size === 0) return `The trail knows no tag of the repository ${printable(repository)}.\n`;
  return `The trail has no move of ${name}${didYouMean(tag, [...tags]) || '.'}\n`;
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
