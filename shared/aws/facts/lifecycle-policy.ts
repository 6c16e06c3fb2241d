import { type ECRClient, GetLifecyclePolicyCommand } from '@aws-sdk/client-ecr';
import type { LifecyclePolicyFact, Unseen } from '../../domain/facts';
import { readFact } from '../errors';

/** "None" is an answer here: a repository without a policy, or no repository at all. */
export async function readLifecyclePolicy(
  ecr: ECRClient,
  account: string,
  repository: string,
): Promise<LifecyclePolicyFact | null | Unseen> {
  return readFact(
    'ecr:GetLifecyclePolicy',
    ['LifecyclePolicyNotFoundException', 'RepositoryNotFoundException'],
    async () => {
      const answer = await ecr.send(
        new GetLifecyclePolicyCommand({ registryId: account, repositoryName: repository }),
      );
      return { text: answer.lifecyclePolicyText ?? '' };
    },
  );
}
