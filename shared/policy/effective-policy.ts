import type { ActionKind, Mode } from '../domain/action';
import type { Exemption } from '../domain/finding';
import type { Registry, Resource } from '../domain/resource';
import type { Severity } from '../domain/result';
import type { Rule, RuleNamespace } from '../rules/rule';

/** One rule as it runs for one repository. */
export interface SelectedRule {
  readonly rule: Rule;
  readonly severity: Severity;
  readonly mode: Mode;
  readonly action?: ActionKind;
  /** Checked against the rule's schema when the policy was compiled. */
  readonly parameters: unknown;
}

export interface Owner {
  readonly team: string;
  /** A channel's name without `#`, or its id. */
  readonly slack?: string;
  /** Slack user or user group ids. */
  readonly approvers: readonly string[];
}

/** The sum of the policy files for one repository (or for the registry itself, where `repository` was not given). */
export interface EffectivePolicy {
  readonly namespace?: RuleNamespace & { readonly owner?: Owner };
  readonly rules: readonly SelectedRule[];
  /** The exemption in force at `now` for a failing result, if any. Exemptions name repositories, tags or digests. */
  exemptionFor(
    rule: string,
    resource: Resource,
    digest: string | undefined,
    now: number,
  ): Exemption | undefined;
}

/** A compiled policy, opened. */
export interface Policy {
  /** SHA-256 over the compiled policy's canonical form, as lower-case hexadecimal. */
  readonly hash: string;
  /** ISO instant at which it was compiled: of two policies the one built later decides. */
  readonly builtAt: string;
  /** Whether the registry is one that the policy governs. */
  governs(registry: Registry): boolean;
  effectiveFor(registry: Registry, repository?: string): EffectivePolicy;
}
