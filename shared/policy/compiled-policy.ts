import type { ActionKind, Mode } from '../domain/action';
import type { Severity } from '../domain/result';
import type {
  AlertsEntry,
  ExemptionEntry,
  LifecycleRuleEntry,
  LimitsEntry,
  RegistryEntry,
} from './policy-document';

/**
 * The policy files made plain: presets merged, parameters parsed, exemptions read. Plain JSON, so that what runs
 * needs no YAML.
 */
export interface CompiledPolicy extends CompiledContent {
  /** SHA-256 of the canonical JSON of everything but `hash` and `builtAt`, as lower-case hexadecimal. */
  readonly hash: string;
  /** ISO instant. */
  readonly builtAt: string;
}

export interface CompiledContent {
  readonly version: 1;
  /** Absent: every registry is governed. */
  readonly registries?: readonly RegistryEntry[];
  /** For registries, and for repositories without a namespace. */
  readonly rules: readonly CompiledRule[];
  readonly namespaces: readonly CompiledNamespace[];
  readonly lifecycle: Readonly<Record<string, readonly LifecycleRuleEntry[]>>;
  readonly protect: { readonly tags: readonly string[] };
  readonly limits: LimitsEntry;
  readonly alerts: AlertsEntry;
  readonly exemptions: readonly ExemptionEntry[];
}

export interface CompiledRule {
  readonly id: string;
  readonly severity: Severity;
  readonly mode: Mode;
  readonly action?: ActionKind;
  readonly parameters: unknown;
}

export interface CompiledNamespace {
  readonly name: string;
  readonly repositories: readonly string[];
  /** Names from `registries`; absent: all. */
  readonly registries?: readonly string[];
  readonly owner?: { readonly team: string; readonly slack?: string; readonly approvers: readonly string[] };
  readonly lifecycle?: string;
  /** `to`: a Region of the same account, or `<account>/<Region>`. */
  readonly replication?: { readonly to: readonly string[]; readonly withinMilliseconds: number };
  readonly rules: readonly CompiledRule[];
}
