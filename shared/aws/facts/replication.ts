import {
  DescribeImageReplicationStatusCommand,
  DescribeRegistryCommand,
  type ECRClient,
} from '@aws-sdk/client-ecr';
import { isUnseen, type ReplicationDestination, type Unseen } from '../../domain/facts';
import type { ReplicationStatus } from '../../evaluation/facts';
import { readFact } from '../errors';

/** The destinations of every rule of the registry's configuration, in a stable order. */
export async function readReplicationDestinations(
  ecr: ECRClient,
): Promise<readonly Omit<ReplicationDestination, 'since'>[] | Unseen> {
  const read = await readFact('ecr:DescribeRegistry', [], async () => {
    const answer = await ecr.send(new DescribeRegistryCommand({}));
    return (answer.replicationConfiguration?.rules ?? []).flatMap((rule) => {
      const prefixes = (rule.repositoryFilters ?? []).map(({ filter }) => filter ?? '').toSorted();
      return (rule.destinations ?? []).map((one) => ({
        account: one.registryId ?? '',
        region: one.region ?? '',
        prefixes,
      }));
    });
  });
  if (read === null) return [];
  return isUnseen(read) ? read : read.toSorted(byName);
}

/** What the source says of one image; an image that no rule matches has no destinations. */
export async function readReplicationStatus(
  ecr: ECRClient,
  account: string,
  repository: string,
  digest: string,
): Promise<readonly ReplicationStatus[] | Unseen> {
  const absent = ['ImageNotFoundException', 'RepositoryNotFoundException'];
  const read = await readFact('ecr:DescribeImageReplicationStatus', absent, async () => {
    const answer = await ecr.send(
      new DescribeImageReplicationStatusCommand({
        registryId: account,
        repositoryName: repository,
        imageId: { imageDigest: digest },
      }),
    );
    return (answer.replicationStatuses ?? []).map((one) => ({
      account: one.registryId ?? '',
      region: one.region ?? '',
      status: one.status ?? 'IN_PROGRESS',
      ...(one.failureCode && { failureCode: one.failureCode }),
    }));
  });
  return read ?? [];
}

function byName(
  one: Omit<ReplicationDestination, 'since'>,
  other: Omit<ReplicationDestination, 'since'>,
): number {
  const name = ({ account, region, prefixes }: typeof one) => `${account} ${region} ${prefixes.join(' ')}`;
  return name(one) < name(other) ? -1 : 1;
}
