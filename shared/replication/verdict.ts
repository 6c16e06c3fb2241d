import { isUnseen, type ReplicaFact } from '../domain/facts';
import { sameRegistry } from '../domain/resource';
import type { ExpectedDestination } from './expected-destinations';

/** How one destination stands for one tag. */
export type DestinationVerdict = ExpectedDestination & {
  readonly state: 'there' | 'waiting' | 'late' | 'failed' | 'other-digest' | 'unseen' | 'not-expected';
  readonly detail?: string;
};

/**
 * Compares what should be where with what is there, digest and tag. `movedAt` is when the tag came to the digest,
 * null where nobody saw it; `deadline` is the instant by which it should be everywhere. All times in epoch
 * milliseconds.
 *
 * What the destination shows decides; ECR's own status only explains an absence. An image without the tag counts as
 * absent: that is how ECR treats a destination that is immutable and already has the tag.
 */
export function replicationVerdicts(
  digest: string,
  movedAt: number | null,
  deadline: number,
  now: number,
  expected: readonly ExpectedDestination[],
  replicas: readonly ReplicaFact[],
): readonly DestinationVerdict[] {
  return expected.map((destination) => {
    const replica = replicas.find((one) => sameRegistry(one, destination));
    if (!replica) return { ...destination, state: 'unseen', detail: 'it was not read' };
    if (isUnseen(replica.digest)) return { ...destination, state: 'unseen', detail: replica.digest.message };
    if (replica.digest === digest) return { ...destination, state: 'there' };
    if (movedAt === null)
      return { ...destination, state: 'not-expected', detail: 'the tag moved before it was watched' };
    if (destination.since !== undefined && movedAt < Date.parse(destination.since)) {
      return {
        ...destination,
        state: 'not-expected',
        detail: 'the tag moved before replication was configured',
      };
    }
    if (replica.status === 'FAILED') {
      return { ...destination, state: 'failed', detail: replica.failureCode ?? 'ECR gives no failure code' };
    }
    if (now < deadline) return { ...destination, state: 'waiting' };
    if (replica.digest === null) return { ...destination, state: 'late' };
    return { ...destination, state: 'other-digest', detail: replica.digest };
  });
}
