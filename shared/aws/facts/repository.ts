import { DescribeRepositoriesCommand, type ECRClient, type Repository } from '@aws-sdk/client-ecr';
import type { RepositoryFact, Unseen } from '../../domain/facts';
import { readFact } from '../errors';

export async function readRepository(
  ecr: ECRClient,
  account: string,
  repository: string,
): Promise<RepositoryFact | null | Unseen> {
  return readFact('ecr:DescribeRepositories', ['RepositoryNotFoundException'], async () => {
    const answer = await ecr.send(
      new DescribeRepositoriesCommand({ registryId: account, repositoryNames: [repository] }),
    );
    const [found] = answer.repositories ?? [];
    return found ? repositoryFact(found) : null;
  });
}

export function repositoryFact(found: Repository): RepositoryFact {
  return {
    arn: found.repositoryArn ?? '',
    createdAt: (found.createdAt ?? new Date(0)).toISOString(),
    tagMutability: found.imageTagMutability ?? 'MUTABLE',
    mutabilityExclusions: (found.imageTagMutabilityExclusionFilters ?? [])
      .map(({ filter }) => filter ?? '')
      .toSorted(),
    encryption: found.encryptionConfiguration?.encryptionType ?? 'AES256',
    ...(found.encryptionConfiguration?.kmsKey && { kmsKey: found.encryptionConfiguration.kmsKey }),
  };
}
