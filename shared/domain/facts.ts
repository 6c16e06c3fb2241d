import type { Registry } from './resource';

/** What was read about a resource. A fact that could not be read, and never will by waiting, says why. */
export interface Unseen {
  readonly unseen: 'denied' | 'archived' | 'unsupported';
  readonly message: string;
}

/** The image behind a tag or digest, from DescribeImages; `null` when ECR answers that there is none. */
export interface ImageFact {
  readonly digest: string;
  readonly tags: readonly string[];
  /** ISO instant. A retag does not renew it. */
  readonly pushedAt: string;
  readonly mediaType?: string;
  readonly artifactMediaType?: string;
  /** Compressed bytes; for an index the largest child, not the sum. */
  readonly sizeBytes?: number;
  readonly status: 'ACTIVE' | 'ARCHIVED' | 'ACTIVATING';
  /** ISO instant; ECR renews it at most once a day. */
  readonly lastPulledAt?: string;
}

export type TagMutability = 'MUTABLE' | 'IMMUTABLE' | 'MUTABLE_WITH_EXCLUSION' | 'IMMUTABLE_WITH_EXCLUSION';

/** A repository's own settings, from DescribeRepositories; `null` when there is no such repository. */
export interface RepositoryFact {
  readonly arn: string;
  /** ISO instant. */
  readonly createdAt: string;
  readonly tagMutability: TagMutability;
  /** Tag wildcards that are excluded from the setting. */
  readonly mutabilityExclusions: readonly string[];
  readonly encryption: string;
  readonly kmsKey?: string;
}

/** The lifecycle policy's text as ECR returns it; `null` when there is none. */
export interface LifecyclePolicyFact {
  readonly text: string;
}

/** The registry's replication configuration, with the instant from which we know of each destination. */
export interface ReplicationConfigurationFact {
  readonly destinations: readonly ReplicationDestination[];
}

export interface ReplicationDestination extends Registry {
  /** Raw name prefixes (PREFIX_MATCH); empty means every repository. */
  readonly prefixes: readonly string[];
  /** ISO instant at which the destination was first seen: what was pushed before it is not replicated. */
  readonly since: string;
}

/** How one destination stands for one tag: what the source says, and what the destination shows. */
export interface ReplicaFact extends Registry {
  /** DescribeImageReplicationStatus at the source; absent where ECR lists no such destination. */
  readonly status?: 'IN_PROGRESS' | 'COMPLETE' | 'FAILED';
  readonly failureCode?: string;
  /** The digest that the tag points to at the destination; `null` when the tag is not there. */
  readonly digest: string | null | Unseen;
}

export interface Facts {
  readonly tag: ImageFact | null | Unseen;
  readonly image: ImageFact | null | Unseen;
  readonly repository: RepositoryFact | null | Unseen;
  readonly lifecyclePolicy: LifecyclePolicyFact | null | Unseen;
  readonly replicationConfiguration: ReplicationConfigurationFact | Unseen;
  /** One entry a destination that the tag should reach. */
  readonly replicas: readonly ReplicaFact[] | Unseen;
}
export type FactName = keyof Facts;

export function isUnseen(fact: unknown): fact is Unseen {
  return typeof fact === 'object' && fact !== null && 'unseen' in fact;
}
