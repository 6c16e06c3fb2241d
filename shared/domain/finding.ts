import type { ActionKind, Mode } from './action';
import type { Evidence, Severity } from './result';

/** A result that is not `pass`, as it stands in a record. The keys are short words since DynamoDB bills names too. */
export interface JudgedResult {
  readonly rule: string;
  readonly status: 'fail' | 'pending' | 'skip' | 'error';
  readonly severity: Severity;
  readonly message: string;
  readonly evidence?: Evidence;
  /** ISO instant; present exactly when pending. */
  readonly until?: string;
  /** The digest that was judged, for a tag or an image. */
  readonly digest?: string;
  readonly mode: Mode;
  readonly action?: ActionKind;
  /** The exemption in force for this failing result. */
  readonly exemption?: Exemption;
}

export interface Exemption {
  readonly owner: string;
  readonly ticket: string;
  readonly reason: string;
  /** ISO date, inclusive, UTC. */
  readonly through: string;
}

/** A failing result remembered. Its identity is rule and resource; a head holds those that are not resolved. */
export interface OpenFinding {
  readonly rule: string;
  readonly status: 'open' | 'snoozed' | 'exempt';
  readonly severity: Severity;
  /** ISO instant at which the finding opened. */
  readonly openedAt: string;
}

export type ChangeKind = 'opened' | 'updated' | 'resolved' | 'reopened' | 'exempted' | 'snoozed';

/** A step of a finding. */
export interface Change {
  readonly rule: string;
  readonly kind: ChangeKind;
  /** Why a finding was resolved without a pass: the resource is gone, or the rule no longer runs here. */
  readonly reason?: string;
}
