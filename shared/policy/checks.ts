import { ruleListFaults } from '../lifecycle/validate';
import { catalogue } from '../rules';
import type { CompiledRule } from './compiled-policy';
import { didYouMean } from './did-you-mean';
import {
  issueProblem,
  type LoadedExemptions,
  type LoadedPolicy,
  problemAt,
  problemAtKey,
  unknownRule,
} from './load';
import type { MergedRule } from './merge';
import { identicalClaims } from './namespace-match';
import { exemptionEnd, type NamespaceEntry, type PolicyDocument } from './policy-document';
import type { Path, Problem } from './problem';

/** The rules of one namespace, or (without an index) of repositories that have none. */
export interface RuleSet {
  readonly namespaceIndex?: number;
  readonly rules: readonly MergedRule[];
}

/** Names that lead nowhere, and names or patterns that two things claim. */
export function referenceProblems({ document, source }: LoadedPolicy): readonly Problem[] {
  const namespaces = document.namespaces ?? [];
  const registryNames = (document.registries ?? []).map(({ name }) => name);
  const templates = Object.keys(document.lifecycle ?? {});
  const unknown = (path: Path, what: string, name: string, known: readonly string[]): Problem =>
    problemAt(source, path, `unknown ${what} "${name}"${didYouMean(name, known)}`);

  return [
    ...repeated(registryNames).map((index) =>
      problemAt(
        source,
        ['registries', index, 'name'],
        `a registry before this one is called "${registryNames[index]}"`,
      ),
    ),
    ...repeated(namespaces.map(({ name }) => name)).map((index) =>
      problemAt(
        source,
        ['namespaces', index, 'name'],
        `a namespace before this one is called "${namespaces[index]?.name}"`,
      ),
    ),
    ...namespaces.flatMap(({ registries = [], lifecycle }, index) => [
      ...registries.flatMap((name, position) =>
        registryNames.includes(name)
          ? []
          : [unknown(['namespaces', index, 'registries', position], 'registry', name, registryNames)],
      ),
      ...(lifecycle === undefined || templates.includes(lifecycle)
        ? []
        : [unknown(['namespaces', index, 'lifecycle'], 'lifecycle template', lifecycle, templates)]),
    ]),
    ...identicalClaims(namespaces, (one, other) => shareRegistry(namespaces[one], namespaces[other])).map(
      ({ first, second }) => {
        const { line } = source.placeOf(['namespaces', first.namespace, 'repositories', first.pattern]);
        return problemAt(
          source,
          ['namespaces', second.namespace, 'repositories', second.pattern],
          `namespace "${namespaces[first.namespace]?.name}" claims "${first.glob.text}" too (line ${line}): a repository has one namespace`,
        );
      },
    ),
  ];
}

/** Lifecycle templates that ECR would refuse. */
export function lifecycleProblems({ document, source }: LoadedPolicy): readonly Problem[] {
  return Object.entries(document.lifecycle ?? {}).flatMap(([name, rules]) =>
    ruleListFaults(rules).map(({ at, message }) => problemAt(source, ['lifecycle', name, ...at], message)),
  );
}

/** Parses a merged rule's parameters; what is wrong is told where the value stands. */
export function compileRule(
  merged: MergedRule,
  { source }: LoadedPolicy,
): { readonly rule: CompiledRule } | { readonly problems: readonly Problem[] } {
  const { rule, severity, mode, action, origin } = merged;
  const values = Object.fromEntries([...merged.with].map(([key, { value }]) => [key, value]));
  const parsed = rule.parameters.safeParse(values, { reportInput: true });
  if (!parsed.success) {
    return {
      problems: parsed.error.issues.map((issue) => {
        const [key, ...rest] = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
        const from = merged.with.get(String(key))?.origin ?? origin;
        return issueProblem(source, from.kind === 'file' ? [...from.path, ...rest] : [], issue);
      }),
    };
  }
  return {
    rule: {
      id: rule.id,
      severity: severity.value,
      mode: mode.value,
      ...(action ? { action: action.value } : {}),
      parameters: parsed.data,
    },
  };
}

export function exemptionProblems({ entries, source }: LoadedExemptions): readonly Problem[] {
  return entries.flatMap(({ rule }, index) =>
    catalogue.some(({ id }) => id === rule) ? [] : [problemAt(source, [index, 'rule'], unknownRule(rule))],
  );
}

/** What is legal and most likely not meant. */
export function policyWarnings(
  { document, source }: LoadedPolicy,
  sets: readonly RuleSet[],
): readonly Problem[] {
  const runs = (id: string): boolean => reachable(sets, document).some(({ rules }) => has(rules, id));
  const outside = sets.find(({ namespaceIndex }) => namespaceIndex === undefined)?.rules ?? [];
  return [
    ...sets.flatMap(({ rules }) => rules.flatMap((rule) => swallowedEntries(rule, source))),
    ...Object.entries(document.rules ?? {}).flatMap(([id, entry]) =>
      entry !== 'disabled' && !runs(id)
        ? [problemAtKey(source, ['rules', id], `every namespace disables "${id}", so this says nothing`)]
        : [],
    ),
    ...(document.namespaces ?? []).flatMap(({ rules = {} }, index) =>
      Object.entries(rules).flatMap(([id, entry]) =>
        entry === 'disabled' && !has(outside, id)
          ? [problemAtKey(source, ['namespaces', index, 'rules', id], `"${id}" does not run here anyway`)]
          : [],
      ),
    ),
    ...(has(outside, 'namespace-allowed') && !document.namespaces?.length
      ? [
          problemAtKey(
            source,
            ['rules', 'namespace-allowed'],
            'there are no namespaces, so every repository fails',
          ),
        ]
      : []),
    ...(document.namespaces ?? []).flatMap(({ replication }, index) =>
      (replication?.to ?? []).flatMap((to, position) =>
        governsDestination(document, to)
          ? []
          : [
              problemAt(
                source,
                ['namespaces', index, 'replication', 'to', position],
                `no entry of \`registries\` has ${to}, so nothing there will be looked at`,
              ),
            ],
      ),
    ),
  ];
}

export function exemptionWarnings(
  { entries, source }: LoadedExemptions,
  sets: readonly RuleSet[],
  now: number,
): readonly Problem[] {
  return entries.flatMap(({ rule, through }, index) => {
    if (now >= exemptionEnd(through)) {
      return [
        problemAt(
          source,
          [index, 'through'],
          `this exemption ended with ${through}: renew it or take it out`,
        ),
      ];
    }
    if (sets.some(({ rules }) => has(rules, rule))) return [];
    return [
      problemAt(source, [index, 'rule'], `"${rule}" does not run anywhere, so there is nothing to exempt`),
    ];
  });
}

function has(rules: readonly MergedRule[], id: string): boolean {
  return rules.some(({ rule }) => rule.id === id);
}

/** Where a namespace takes every repository, the rules for those without one concern nobody. */
function reachable(sets: readonly RuleSet[], { namespaces = [] }: PolicyDocument): readonly RuleSet[] {
  const takesAll = namespaces.some(
    ({ repositories, registries }) => !registries && repositories.includes('**'),
  );
  return takesAll ? sets.filter(({ namespaceIndex }) => namespaceIndex !== undefined) : sets;
}

function swallowedEntries(merged: MergedRule, source: LoadedPolicy['source']): readonly Problem[] {
  const allow = merged.with.get('allow');
  const deny = merged.with.get('deny');
  if (!allow || !deny || !Array.isArray(allow.value) || !Array.isArray(deny.value)) return [];
  const { origin } = allow.origin.kind === 'file' ? allow : deny;
  if (origin.kind !== 'file') return [];
  const { value: other } = origin === allow.origin ? deny : allow;
  const own: unknown[] = origin === allow.origin ? allow.value : deny.value;
  return own.flatMap((entry, index) =>
    Array.isArray(other) && other.includes(entry)
      ? [problemAt(source, [...origin.path, index], `"${entry}" is denied as well as allowed, and deny wins`)]
      : [],
  );
}

function governsDestination({ registries }: PolicyDocument, to: string): boolean {
  const [region, account] = to.split('/').toReversed();
  return (
    !registries ||
    registries.some(
      (one) => (!account || one.account === account) && one.regions.some((name) => name === region),
    )
  );
}

function shareRegistry(one: NamespaceEntry | undefined, other: NamespaceEntry | undefined): boolean {
  if (!one?.registries || !other?.registries) return true;
  return one.registries.some((name) => other.registries?.includes(name));
}

/** The positions of what stood before. */
function repeated(names: readonly string[]): readonly number[] {
  return names.flatMap((name, index) => (names.indexOf(name) < index ? [index] : []));
}
