import { createHash } from 'node:crypto';
import { dirname, isAbsolute, join } from 'node:path';
import { canonicalJson } from '../domain/canonical-json';
import { durationMilliseconds } from '../domain/duration';
import {
  compileRule,
  exemptionProblems,
  exemptionWarnings,
  lifecycleProblems,
  policyWarnings,
  type RuleSet,
  referenceProblems,
} from './checks';
import type { CompiledContent, CompiledNamespace, CompiledPolicy, CompiledRule } from './compiled-policy';
import { type LoadedExemptions, type LoadedPolicy, loadExemptions, loadPolicy, problemAt } from './load';
import { layersOf, mergeRules } from './merge';
import type { NamespaceEntry, OwnerEntry } from './policy-document';
import { inOrder, type Problem } from './problem';

export interface PolicyFile {
  readonly file: string;
  readonly text: string;
  /** Reads a file beside the policy; throws when it cannot. */
  readFile(path: string): string;
}

export interface Compilation {
  /** Present exactly when there are no errors. */
  readonly policy?: CompiledPolicy;
  readonly errors: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/** Compiles the policy's text with all it names. `builtAt` is an ISO instant: the time to which warnings refer. */
export function compilePolicy({ file, text, readFile }: PolicyFile, builtAt: string): Compilation {
  const loaded = loadPolicy(text, file);
  if ('problems' in loaded) return { errors: loaded.problems, warnings: [] };
  const { document } = loaded;
  const namespaces = document.namespaces ?? [];
  const outside: RuleSet = { rules: mergeRules(layersOf(document)) };
  const inside = namespaces.map(
    (_, namespaceIndex): RuleSet => ({
      namespaceIndex,
      rules: mergeRules(layersOf(document, namespaceIndex)),
    }),
  );
  const sets = [outside, ...inside];
  const rules = new Map(sets.map((set) => [set, compileRules(set, loaded)]));
  const exemptions = readExemptions(loaded, readFile);

  const errors = inOrder([
    ...referenceProblems(loaded),
    ...lifecycleProblems(loaded),
    ...[...rules.values()].flatMap(({ problems }) => problems),
    ...('problems' in exemptions ? exemptions.problems : exemptionProblems(exemptions)),
  ]);
  if ('problems' in exemptions || errors.length > 0) return { errors, warnings: [] };

  const rulesOf = (set: RuleSet | undefined): readonly CompiledRule[] =>
    (set && rules.get(set)?.compiled) ?? [];
  const content: CompiledContent = plain({
    version: 1,
    ...(document.registries ? { registries: document.registries } : {}),
    rules: rulesOf(outside),
    namespaces: namespaces.map((namespace, index) => compiledNamespace(namespace, rulesOf(inside[index]))),
    lifecycle: document.lifecycle ?? {},
    protect: document.protect ?? { tags: [] },
    limits: document.limits ?? {},
    alerts: document.alerts ?? {},
    exemptions: exemptions.entries,
  });
  return {
    policy: { ...content, hash: createHash('sha256').update(canonicalJson(content)).digest('hex'), builtAt },
    errors,
    warnings: inOrder([
      ...policyWarnings(loaded, sets),
      ...exemptionWarnings(exemptions, sets, Date.parse(builtAt)),
    ]),
  };
}

function compileRules(
  { rules }: RuleSet,
  loaded: LoadedPolicy,
): { readonly compiled: readonly CompiledRule[]; readonly problems: readonly Problem[] } {
  const results = rules.map((rule) => compileRule(rule, loaded));
  return {
    compiled: results.flatMap((result) => ('rule' in result ? [result.rule] : [])),
    problems: results.flatMap((result) => ('problems' in result ? result.problems : [])),
  };
}

function readExemptions(
  { document, source }: LoadedPolicy,
  readFile: PolicyFile['readFile'],
): LoadedExemptions | { readonly problems: readonly Problem[] } {
  const name = document.exemptions;
  if (name === undefined) return { entries: [], source };
  const path = isAbsolute(name) ? name : join(dirname(source.file), name);
  let text: string;
  try {
    text = readFile(path);
  } catch (reason) {
    const why = reason instanceof Error ? reason.message : String(reason);
    return { problems: [problemAt(source, ['exemptions'], `cannot read "${name}": ${why}`)] };
  }
  return loadExemptions(text, path);
}

function compiledNamespace(namespace: NamespaceEntry, rules: readonly CompiledRule[]): CompiledNamespace {
  const { name, repositories, registries, owner, lifecycle, replication } = namespace;
  return {
    name,
    repositories,
    ...(registries ? { registries } : {}),
    ...(owner ? { owner: compiledOwner(owner) } : {}),
    ...(lifecycle ? { lifecycle } : {}),
    ...(replication
      ? { replication: { to: replication.to, withinMilliseconds: durationMilliseconds(replication.within) } }
      : {}),
    rules,
  };
}

function compiledOwner({ team, slack, approvers = [] }: OwnerEntry): NonNullable<CompiledNamespace['owner']> {
  return { team, ...(slack ? { slack } : {}), approvers };
}

/** JSON has no `undefined`, and neither has the canonical form. */
function plain<T>(value: T): T {
  return JSON.parse(JSON.stringify(value));
}
