import type { Registry } from '../shared/domain/resource';
import { type LoadedPolicy, loadPolicy } from '../shared/policy/load';
import { layersOf, type MergedRule, mergeRules, type Origin } from '../shared/policy/merge';
import { namespaceFinder } from '../shared/policy/namespace-match';
import type { PolicyDocument } from '../shared/policy/policy-document';
import type { Path } from '../shared/policy/problem';
import type { Output } from './output';
import { compileFile, problemLine, readText } from './policy-validate';

export interface PolicyShowOptions {
  readonly repository: string;
  /** The policy file; default `policy.yaml`. */
  readonly policy?: string;
  /** Leaves out namespaces of other registries. */
  readonly registry?: Registry;
  readonly output?: 'text' | 'json';
  /** Epoch milliseconds. */
  readonly now: number;
}

/** Where a value stands: a file and line, a preset, or the rule's own default. */
export type ShownOrigin =
  | { readonly file: string; readonly line: number; readonly column: number }
  | { readonly preset: string }
  | { readonly default: true };

interface Shown {
  readonly value: unknown;
  readonly from: ShownOrigin;
}

/** What `policy show` prints as JSON. */
export interface ShownPolicy {
  readonly repository: string;
  /** Absent where no namespace matches. */
  readonly namespace?: Readonly<Record<string, Shown>>;
  readonly rules: readonly {
    readonly id: string;
    readonly severity: Shown;
    readonly mode: Shown;
    readonly action?: Shown;
    readonly with: Readonly<Record<string, Shown>>;
  }[];
}

/** `policy show REPO`: the sum of the policy for one repository, each value with its origin. 2 when it is not valid. */
export function policyShow(options: PolicyShowOptions, output: Output): number {
  const { repository, policy: file = 'policy.yaml', registry, now } = options;
  const text = readText(file);
  if (text instanceof Error) {
    output.stderr(`cannot read ${file}: ${text.message}\n`);
    return 2;
  }
  const { errors } = compileFile(file, text, now);
  const loaded = loadPolicy(text, file);
  if (errors.length > 0 || 'problems' in loaded) {
    output.stderr(errors.map((error) => `${problemLine(error, 'error')}\n`).join(''));
    return 2;
  }
  const shown = shownPolicy(loaded, repository, registry);
  output.stdout(options.output === 'json' ? `${JSON.stringify(shown, null, 2)}\n` : page(shown));
  return 0;
}

function shownPolicy(loaded: LoadedPolicy, repository: string, registry?: Registry): ShownPolicy {
  const { document, source } = loaded;
  const at = (path: Path): ShownOrigin => ({ file: source.file, ...source.placeOf(path) });
  const originOf = (origin: Origin): ShownOrigin => {
    switch (origin.kind) {
      case 'file':
        return at(origin.path);
      case 'preset':
        return { preset: origin.preset };
      case 'default':
        return { default: true };
    }
  };
  const index = namespaceIndex(document, repository, registry);
  return {
    repository,
    ...(index === undefined ? {} : { namespace: shownNamespace(document, index, at) }),
    rules: mergeRules(layersOf(document, index)).map((merged) => shownRule(merged, originOf)),
  };
}

function namespaceIndex(
  { namespaces = [], registries = [] }: PolicyDocument,
  repository: string,
  registry?: Registry,
): number | undefined {
  const holds = (names?: readonly string[]): boolean =>
    !registry ||
    !names ||
    registries.some(
      ({ name, account, regions }) =>
        names.includes(name) && account === registry.account && regions.includes(registry.region),
    );
  const found = namespaceFinder(namespaces)(repository, (namespace) => holds(namespace.registries));
  return found && namespaces.indexOf(found.namespace);
}

function shownNamespace(
  document: PolicyDocument,
  index: number,
  at: (path: Path) => ShownOrigin,
): Record<string, Shown> {
  const { rules: _, ...values } = document.namespaces?.[index] ?? {};
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, { value, from: at(['namespaces', index, key]) }]),
  );
}

function shownRule(
  merged: MergedRule,
  originOf: (origin: Origin) => ShownOrigin,
): ShownPolicy['rules'][number] {
  const { rule, severity, mode, action } = merged;
  const shown = ({ value, origin }: { value: unknown; origin: Origin }): Shown => ({
    value,
    from: originOf(origin),
  });
  const written = Object.fromEntries([...merged.with].map(([key, traced]) => [key, shown(traced)]));
  return {
    id: rule.id,
    severity: shown(severity),
    mode: shown(mode),
    ...(action ? { action: shown(action) } : {}),
    with: { ...defaults(merged), ...written },
  };
}

/** What the rule takes where the policy says nothing. */
function defaults({ rule, with: written }: MergedRule): Record<string, Shown> {
  const parsed = rule.parameters.safeParse(
    Object.fromEntries([...written].map(([key, { value }]) => [key, value])),
  );
  if (!parsed.success || typeof parsed.data !== 'object' || parsed.data === null) return {};
  return Object.fromEntries(
    Object.entries(parsed.data).map(([key, value]) => [key, { value, from: { default: true } }]),
  );
}

function page({ repository, namespace, rules }: ShownPolicy): string {
  const rows: [name: string, value: string, from: string][] = [];
  const add = (name: string, { value, from }: Shown): void => {
    rows.push([name, valueText(value), originText(from)]);
  };
  rows.push([repository, '', '']);
  if (namespace)
    for (const [key, shown] of Object.entries(namespace))
      add(`  ${key === 'name' ? 'namespace' : key}`, shown);
  else rows.push(['  namespace', 'none', '']);
  for (const { id, with: parameters, ...settings } of rules) {
    rows.push(['', '', ''], [id, '', '']);
    for (const [key, shown] of Object.entries(settings)) add(`  ${key}`, shown);
    for (const [key, shown] of Object.entries(parameters)) add(`  with.${key}`, shown);
  }
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

function valueText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.length > 0 ? value.map(valueText).join(', ') : 'none';
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.entries(value)
    .map(([key, part]) => `${key}: ${valueText(part)}`)
    .join('; ');
}

function originText(from: ShownOrigin): string {
  if ('file' in from) return `${from.file}:${from.line}`;
  return 'preset' in from ? `preset ${from.preset}` : 'default';
}
