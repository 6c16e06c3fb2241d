import type { Registry } from './resource';

/** What is known of who moved a tag last; it stands in the tag's newest record. */
export interface Holder {
  /** `null`: the tag was deleted. */
  readonly digest: string | null;
  /** ISO instant at which the tag came to this digest; `null` where only a look at ECR told us of it. */
  readonly since: string | null;
  /** The event that moved it. */
  readonly event?: string;
  /** The registry that it was replicated from. */
  readonly source?: Registry;
  /** ISO instant up to which this is known to hold, where `since` is unknown: an event before it moves nothing. */
  readonly asOf?: string;
}
