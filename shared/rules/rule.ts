import type * as z from 'zod/mini';
import type { ActionKind } from '../domain/action';
import type { FactName, Facts } from '../domain/facts';
import type { Holder } from '../domain/holder';
import type { Registry, Resource, ResourceKind } from '../domain/resource';
import type { Result, Severity } from '../domain/result';

/** The namespace that a repository belongs to, as far as rules ask. */
export interface RuleNamespace {
  readonly name: string;
  readonly replication?: { readonly to: readonly Registry[]; readonly withinMilliseconds: number };
}

/** Everything that a rule may look at. Facts that the rule does not declare throw when they are read. */
export interface Subject<R extends Resource = Resource> {
  readonly resource: R;
  readonly facts: Facts;
  readonly holder?: Holder;
  /** Absent when no namespace of the policy matches the repository. */
  readonly namespace?: RuleNamespace;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** A map and not `Extract` in place, so that a rule about tags is assignable to `Rule`. */
type ResourceOfKind = { readonly [K in ResourceKind]: Extract<Resource, { kind: K }> };

/**
 * One requirement. The file is named after the id, the sentence is what `ecr-warden rules` prints, and `evaluate`
 * is pure: the same subject and parameters give the same result, whoever asks.
 */
export interface Rule<K extends ResourceKind = ResourceKind, P = unknown> {
  readonly id: string;
  readonly kind: K;
  /** What is required, as one sentence for people. */
  readonly sentence: string;
  readonly severity: Severity;
  /** The facts that `evaluate` reads, exactly. A rule on names alone declares none and costs no call to pass. */
  readonly facts: readonly FactName[];
  readonly parameters: z.ZodMiniType<P>;
  /** What whoever owns the resource does about a failure, as one imperative sentence. */
  readonly remediation: string;
  /** The actions that can put a failure right. */
  readonly actions: readonly ActionKind[];
  evaluate(subject: Subject<ResourceOfKind[K]>, parameters: P): Result;
}
