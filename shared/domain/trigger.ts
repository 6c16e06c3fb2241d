import type { Registry, Resource } from './resource';

/** Why we looked. */
export type TriggerKind =
  | 'push'
  | 'replicate'
  | 'delete'
  | 'storage-class'
  | 'scan'
  | 'referrer'
  | 'settings'
  | 'registry-settings'
  | 'repository-deleted'
  | 'policy-run'
  | 'pull-through'
  | 'actor'
  | 'failed'
  | 'recheck'
  | 'sweep'
  | 'slack'
  | 'command';

/**
 * One reason to look at one resource: the narrowest that the event names. An event that names several resources
 * gives several triggers.
 */
export interface Trigger {
  readonly kind: TriggerKind;
  /** The event's own id: one emission has one id, however often it is delivered. */
  readonly eventId: string;
  /** ISO instant at which the event happened, by the clock of who emitted it. */
  readonly eventTime: string;
  readonly resource: Resource;
  /** The digest that the event names beside a tag. */
  readonly digest?: string;
  /** Where a replicated image came from. */
  readonly source?: Registry;
  /** The image that a signature, SBOM or attestation refers to, where the event or the tag says so. */
  readonly subject?: string;
  /** The caller's ARN, from CloudTrail alone. */
  readonly actor?: string;
  /** What happened in the event's own words, such as `PutLifecyclePolicy` or `REPLICATE FAILED: AccessDenied`. */
  readonly detail?: string;
  /** For `recheck`: the instant that the head must still hold. */
  readonly until?: string;
}
