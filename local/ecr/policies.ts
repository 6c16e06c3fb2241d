import { z } from 'zod';
import { AwsError } from '../service';
import type { Context } from './context';
import { invalid } from './failures';
import { inRepository, type Operations, operation } from './input';
import { type Place, type Repository, type RepositorySettings, repositoryIn } from './state';

export type ChangeRepository = (
  place: Place,
  name: string,
  edit: (settings: RepositorySettings) => Partial<RepositorySettings>,
) => Repository;

/** The two texts that a repository carries: who may use it, and what becomes of its images. */
export function policyOperations(context: Context, change: ChangeRepository): Operations {
  const { state } = context;

  function policyOf(place: Place, name: string): string {
    const { policy } = repositoryIn(state, place, name).settings;
    if (policy !== undefined) return policy;
    throw notFound('RepositoryPolicyNotFoundException', 'Repository policy', place, name);
  }

  function lifecyclePolicyOf(place: Place, name: string): string {
    const { lifecyclePolicy } = repositoryIn(state, place, name).settings;
    if (lifecyclePolicy !== undefined) return lifecyclePolicy;
    throw notFound('LifecyclePolicyNotFoundException', 'Lifecycle policy', place, name);
  }

  const repositoryPolicy = ({ account }: Place, name: string, policyText: string) => ({
    registryId: account,
    repositoryName: name,
    policyText,
  });
  const lifecyclePolicy = ({ account }: Place, name: string, lifecyclePolicyText: string) => ({
    registryId: account,
    repositoryName: name,
    lifecyclePolicyText,
  });

  return {
    SetRepositoryPolicy: operation(
      inRepository.extend({ policyText: z.string().max(10_240), force: z.boolean().optional() }),
      ({ repositoryName, policyText }, place) => {
        repositoryIn(state, place, repositoryName);
        if (!isPolicy(policyText)) throw invalid('PolicyText', 'Invalid repository policy provided');
        change(place, repositoryName, () => ({ policy: policyText }));
        return repositoryPolicy(place, repositoryName, policyText);
      },
    ),
    GetRepositoryPolicy: operation(inRepository, ({ repositoryName }, place) =>
      repositoryPolicy(place, repositoryName, policyOf(place, repositoryName)),
    ),
    DeleteRepositoryPolicy: operation(inRepository, ({ repositoryName }, place) => {
      const text = policyOf(place, repositoryName);
      change(place, repositoryName, () => ({ policy: undefined }));
      return repositoryPolicy(place, repositoryName, text);
    }),

    PutLifecyclePolicy: operation(
      inRepository.extend({ lifecyclePolicyText: z.string().min(100).max(30_720) }),
      ({ repositoryName, lifecyclePolicyText }, place) => {
        repositoryIn(state, place, repositoryName);
        const fault = context.validateLifecyclePolicy(lifecyclePolicyText);
        if (fault !== undefined) throw invalidLifecyclePolicy(fault);
        const text = normalised(lifecyclePolicyText);
        change(place, repositoryName, () => ({ lifecyclePolicy: text }));
        return lifecyclePolicy(place, repositoryName, text);
      },
    ),
    GetLifecyclePolicy: operation(inRepository, ({ repositoryName }, place) =>
      lifecyclePolicy(place, repositoryName, lifecyclePolicyOf(place, repositoryName)),
    ),
    DeleteLifecyclePolicy: operation(inRepository, ({ repositoryName }, place) => {
      const text = lifecyclePolicyOf(place, repositoryName);
      change(place, repositoryName, () => ({ lifecyclePolicy: undefined }));
      return lifecyclePolicy(place, repositoryName, text);
    }),
  };
}

/** A policy document as far as a registry needs it to be one: who may do what is not for the embedded cloud to say. */
export function isPolicy(text: string): boolean {
  return z.object({ Statement: z.union([z.object({}), z.array(z.object({})).min(1)]) }).safeParse(parse(text))
    .success;
}

/** The service gives the rules back by priority, whatever their order was. */
function normalised(text: string): string {
  const policy = z
    .looseObject({ rules: z.array(z.looseObject({ rulePriority: z.number() })).min(1) })
    .safeParse(parse(text));
  if (!policy.success) throw invalidLifecyclePolicy('Could not map policyString into LifecyclePolicy.');
  const rules = [...policy.data.rules].sort((one, other) => one.rulePriority - other.rulePriority);
  return JSON.stringify({ ...policy.data, rules });
}

function invalidLifecyclePolicy(fault: string): AwsError {
  return invalid('LifecyclePolicyText', `Lifecycle policy validation failure: ${fault}`);
}

function notFound(code: string, what: string, { account }: Place, name: string): AwsError {
  return new AwsError(
    code,
    `${what} does not exist for the repository with name '${name}' in the registry with id '${account}'`,
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
