import type { ActionKind, Mode } from '../domain/action';
import type { Severity } from '../domain/result';

/** What a policy file says, as it says it: nothing merged, nothing filled in. */
export interface PolicyDocument {
  readonly version: 1;
  readonly extends?: PresetName | undefined;
  readonly registries?: readonly RegistryEntry[] | undefined;
  readonly mode?: Mode | undefined;
  readonly rules?: RuleEntries | undefined;
  readonly namespaces?: readonly NamespaceEntry[] | undefined;
  /** Lists of rules in ECR's own grammar, by name. */
  readonly lifecycle?: Readonly<Record<string, readonly LifecycleRuleEntry[]>> | undefined;
  readonly protect?: { readonly tags: readonly string[] } | undefined;
  readonly limits?: LimitsEntry | undefined;
  readonly alerts?: AlertsEntry | undefined;
  /** The exemptions file, relative to the policy file. */
  readonly exemptions?: string | undefined;
}

export const presetNames = ['baseline', 'strict', 'sandbox', 'aws-foundational'] as const;
export type PresetName = (typeof presetNames)[number];

export type RuleEntries = Readonly<Record<string, RuleEntry | undefined>>;
export type RuleEntry = 'disabled' | RuleSettings;

export interface RuleSettings {
  readonly severity?: Severity | undefined;
  readonly action?: ActionKind | undefined;
  readonly mode?: Mode | undefined;
  readonly with?: Readonly<Record<string, unknown>> | undefined;
}

export interface RegistryEntry {
  readonly name: string;
  readonly account: string;
  readonly regions: readonly string[];
}

export interface NamespaceEntry {
  readonly name: string;
  readonly repositories: readonly string[];
  readonly registries?: readonly string[] | undefined;
  readonly owner?: OwnerEntry | undefined;
  readonly mode?: Mode | undefined;
  readonly lifecycle?: string | undefined;
  readonly replication?: { readonly to: readonly string[]; readonly within: string } | undefined;
  readonly rules?: RuleEntries | undefined;
}

export interface OwnerEntry {
  readonly team: string;
  readonly slack?: string | undefined;
  readonly approvers?: readonly string[] | undefined;
}

export type LifecycleRuleEntry = Readonly<Record<string, unknown>>;

export interface LimitsEntry {
  readonly actionsPerHour?: number | undefined;
  readonly actionsPerRepositoryPerHour?: number | undefined;
  readonly minimumTaggedImages?: number | undefined;
}

export interface AlertsEntry {
  readonly slack?:
    | {
        readonly channel: string;
        readonly minimumSeverity?: Severity | undefined;
        readonly digest?: { readonly at: string; readonly timezone?: string | undefined } | undefined;
      }
    | undefined;
}

/** One entry of the exemptions file. */
export interface ExemptionEntry {
  readonly rule: string;
  readonly repositories: readonly string[];
  readonly tags?: readonly string[] | undefined;
  readonly digests?: readonly string[] | undefined;
  readonly owner: string;
  readonly ticket: string;
  readonly reason: string;
  /** ISO date, inclusive, UTC. */
  readonly through: string;
}

/** Epoch milliseconds of the first instant at which an exemption no longer holds. */
export function exemptionEnd(through: string): number {
  return Date.parse(`${through}T00:00:00Z`) + 86_400_000;
}
