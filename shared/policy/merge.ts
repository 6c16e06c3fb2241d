import type { ActionKind, Mode } from '../domain/action';
import type { Severity } from '../domain/result';
import { catalogue } from '../rules';
import type { Rule } from '../rules/rule';
import type {
  NamespaceEntry,
  PolicyDocument,
  PresetName,
  RuleEntries,
  RuleSettings,
} from './policy-document';
import { presets } from './presets';
import type { Path } from './problem';

/** Where a value comes from: a preset, a path of the policy file, or nobody said anything. */
export type Origin =
  | { readonly kind: 'preset'; readonly preset: PresetName }
  | { readonly kind: 'file'; readonly path: Path }
  | { readonly kind: 'default' };

export interface Traced<T> {
  readonly value: T;
  readonly origin: Origin;
}

/** Rules as one part of the policy gives them, and the mode that this part sets for all. */
export interface Layer {
  readonly rules: RuleEntries;
  readonly mode?: Traced<Mode> | undefined;
  /** Where a path within `rules` comes from. */
  originOf(path: Path): Origin;
}

/** A rule that runs, each of its values with its origin. Parameters are as written: not parsed, no defaults. */
export interface MergedRule {
  readonly rule: Rule;
  /** Where the innermost layer names the rule. */
  readonly origin: Origin;
  readonly severity: Traced<Severity>;
  readonly mode: Traced<Mode>;
  readonly action?: Traced<ActionKind>;
  readonly with: ReadonlyMap<string, Traced<unknown>>;
}

/** The layers of one namespace, or of the repositories that have none: preset, file, namespace. */
export function layersOf(document: PolicyDocument, namespaceIndex?: number): readonly Layer[] {
  const layers = [...presetLayer(document), fileLayer(document)];
  const namespace = namespaceIndex === undefined ? undefined : document.namespaces?.[namespaceIndex];
  if (namespaceIndex !== undefined && namespace)
    layers.push(namespaceLayer(namespace, ['namespaces', namespaceIndex]));
  return layers;
}

/**
 * The rules that run, in the catalogue's order. A later layer goes first, key by key of `with` (a list replaces);
 * `disabled` forgets what the layers before it say of the rule. The mode is the innermost that is set, a rule's own
 * before its layer's.
 */
export function mergeRules(layers: readonly Layer[]): readonly MergedRule[] {
  return catalogue.flatMap((rule) => mergeRule(rule, layers) ?? []);
}

function mergeRule(rule: Rule, layers: readonly Layer[]): MergedRule | undefined {
  const disabledAt = layers.findLastIndex(({ rules }) => rules[rule.id] === 'disabled');
  const naming = layers.flatMap((layer, index) => {
    const settings = layer.rules[rule.id];
    return settings && settings !== 'disabled' && index > disabledAt ? [{ layer, settings }] : [];
  });
  const innermost = naming.at(-1);
  if (!innermost) return undefined;

  const setting = <K extends keyof RuleSettings>(
    key: K,
  ): Traced<NonNullable<RuleSettings[K]>> | undefined => {
    const found = naming.findLast(({ settings }) => settings[key] != null);
    const value = found?.settings[key];
    return found && value != null ? { value, origin: found.layer.originOf([rule.id, key]) } : undefined;
  };
  const mode = (): Traced<Mode> => {
    for (const layer of layers.toReversed()) {
      const own = naming.find((one) => one.layer === layer)?.settings.mode;
      if (own) return { value: own, origin: layer.originOf([rule.id, 'mode']) };
      if (layer.mode) return layer.mode;
    }
    return { value: 'report', origin: { kind: 'default' } };
  };
  const parameters = naming.flatMap(({ layer, settings }) =>
    Object.entries(settings.with ?? {}).map(
      ([key, value]) => [key, { value, origin: layer.originOf([rule.id, 'with', key]) }] as const,
    ),
  );
  const action = setting('action');
  return {
    rule,
    origin: innermost.layer.originOf([rule.id]),
    severity: setting('severity') ?? { value: rule.severity, origin: { kind: 'default' } },
    mode: mode(),
    ...(action ? { action } : {}),
    with: new Map(parameters),
  };
}

function presetLayer(document: PolicyDocument): Layer[] {
  const preset = document.extends;
  if (!preset) return [];
  const { 'namespace-allowed': namespaceAllowed, ...rules } = presets[preset].rules ?? {};
  // Before the first namespace is written every repository would fail, which tells nobody anything.
  const withNamespaces = document.namespaces?.length
    ? { ...rules, 'namespace-allowed': namespaceAllowed }
    : rules;
  return [{ rules: withNamespaces, originOf: () => ({ kind: 'preset', preset }) }];
}

function fileLayer({ rules = {}, mode }: PolicyDocument): Layer {
  return {
    rules,
    mode: mode && { value: mode, origin: { kind: 'file', path: ['mode'] } },
    originOf: (path) => ({ kind: 'file', path: ['rules', ...path] }),
  };
}

function namespaceLayer({ rules = {}, mode, replication }: NamespaceEntry, at: Path): Layer {
  // Saying where images have to be asks for it to be checked.
  const implied = replication && !rules.replicated ? { replicated: {} } : {};
  return {
    rules: { ...rules, ...implied },
    mode: mode && { value: mode, origin: { kind: 'file', path: [...at, 'mode'] } },
    originOf: ([rule = '', ...rest]) => ({
      kind: 'file',
      path: rule in implied ? [...at, 'replication'] : [...at, 'rules', rule, ...rest],
    }),
  };
}
