import { z } from 'zod';
import { AwsError } from '../service';
import { type Context, placeOf } from './context';
import { invalid } from './failures';
import {
  inRepository,
  listOf,
  nextToken,
  type Operations,
  operation,
  pageSize,
  positionFrom,
  repositoryName,
  resourceTags,
  seconds,
  tokenFrom,
} from './input';
import { policyOperations } from './policies';
import {
  arnOf,
  newSettings,
  type Place,
  type Repository,
  type RepositorySettings,
  type ResourceTag,
  registryIn,
  repositoryIn,
} from './state';

const exclusionFilters = z
  .array(
    z.object({
      filterType: z.literal('WILDCARD'),
      filter: z
        .string()
        .min(1)
        .max(128)
        .regex(/^[0-9a-zA-Z._*-]{1,128}$/),
    }),
  )
  .min(1)
  .max(5);

const mutability = z.enum(['MUTABLE', 'IMMUTABLE', 'MUTABLE_WITH_EXCLUSION', 'IMMUTABLE_WITH_EXCLUSION']);
const scanningConfiguration = z.object({ scanOnPush: z.boolean().default(false) });

export function repositoryOperations(context: Context): Operations {
  const { state, commit } = context;

  function change(
    place: Place,
    name: string,
    edit: (settings: RepositorySettings) => Partial<RepositorySettings>,
  ): Repository {
    const { settings } = repositoryIn(state, place, name);
    commit({ ...place, change: 'put-repository', settings: { ...settings, ...edit(settings) } });
    return repositoryIn(state, place, name);
  }

  /** Throws InvalidParameterException for what is no repository of this Region. */
  function repositoryBy(arn: string, { region }: Place): Repository {
    const [, where, account, name] = /^arn:[a-z-]+:ecr:([^:]+):(\d{12}):repository\/(.+)$/.exec(arn) ?? [];
    if (!account || !name || where !== region) {
      throw invalid('resourceArn', `must be the ARN of a repository in ${region}`);
    }
    return repositoryIn(state, { account, region }, name);
  }

  function retag(repository: Repository, tags: readonly ResourceTag[]): object {
    change(placeOf(repository), repository.settings.name, () => ({ tags }));
    return {};
  }

  return {
    CreateRepository: operation(
      z.object({
        repositoryName,
        tags: resourceTags.default([]),
        imageTagMutability: mutability.default('MUTABLE'),
        imageTagMutabilityExclusionFilters: exclusionFilters.optional(),
        imageScanningConfiguration: scanningConfiguration.default({ scanOnPush: false }),
        encryptionConfiguration: z
          .object({ encryptionType: z.enum(['AES256', 'KMS', 'KMS_DSSE']), kmsKey: z.string().optional() })
          .default({ encryptionType: 'AES256' }),
      }),
      (input, place) => {
        const name = input.repositoryName;
        if (registryIn(state, place).repositories.has(name)) {
          throw new AwsError(
            'RepositoryAlreadyExistsException',
            `The repository with name '${name}' already exists in the registry with id '${place.account}'`,
          );
        }
        const settings: RepositorySettings = {
          ...newSettings(name, context.clock.now()),
          mutability: input.imageTagMutability,
          exclusions: exclusionsFor(input.imageTagMutability, input.imageTagMutabilityExclusionFilters),
          scanOnPush: input.imageScanningConfiguration.scanOnPush,
          encryption: input.encryptionConfiguration,
          tags: mergedTags([], input.tags),
        };
        commit({ ...place, change: 'put-repository', settings });
        return { repository: description(repositoryIn(state, place, name)) };
      },
    ),

    DescribeRepositories: operation(
      z.object({
        repositoryNames: listOf(repositoryName, 100).optional(),
        maxResults: pageSize(1000, 100),
        nextToken,
      }),
      (input, place) => {
        if (input.repositoryNames) {
          const named = input.repositoryNames.map((name) => repositoryIn(state, place, name));
          return { repositories: named.map(description) };
        }
        const after = input.nextToken ? positionFrom(z.tuple([z.string()]), input.nextToken)[0] : '';
        const names = [...registryIn(state, place).repositories.keys()].filter((name) => name > after).sort();
        const page = names.slice(0, input.maxResults);
        return {
          repositories: page.map((name) => description(repositoryIn(state, place, name))),
          ...(names.length > page.length && { nextToken: tokenFrom(page.slice(-1)) }),
        };
      },
    ),

    DeleteRepository: operation(
      inRepository.extend({ force: z.boolean().default(false) }),
      (input, place) => {
        const repository = repositoryIn(state, place, input.repositoryName);
        if (repository.images.size > 0 && !input.force) {
          throw new AwsError(
            'RepositoryNotEmptyException',
            `The repository with name '${input.repositoryName}' in registry with id '${place.account}' ` +
              'cannot be deleted because it still contains images',
          );
        }
        commit({ ...place, change: 'remove-repository', repository: input.repositoryName });
        return { repository: description(repository) };
      },
    ),

    PutImageTagMutability: operation(
      inRepository.extend({
        imageTagMutability: mutability,
        imageTagMutabilityExclusionFilters: exclusionFilters.optional(),
      }),
      (input, place) => {
        const exclusions = exclusionsFor(input.imageTagMutability, input.imageTagMutabilityExclusionFilters);
        const { settings } = change(place, input.repositoryName, () => ({
          mutability: input.imageTagMutability,
          exclusions,
        }));
        return { ...identity(place, settings.name), ...mutabilityOf(settings) };
      },
    ),

    PutImageScanningConfiguration: operation(
      inRepository.extend({ imageScanningConfiguration: scanningConfiguration }),
      (input, place) => {
        const { scanOnPush } = input.imageScanningConfiguration;
        const { settings } = change(place, input.repositoryName, () => ({ scanOnPush }));
        return { ...identity(place, settings.name), imageScanningConfiguration: { scanOnPush } };
      },
    ),

    TagResource: operation(z.object({ resourceArn: z.string(), tags: resourceTags }), (input, place) => {
      const repository = repositoryBy(input.resourceArn, place);
      return retag(repository, mergedTags(repository.settings.tags, input.tags));
    }),

    UntagResource: operation(
      z.object({ resourceArn: z.string(), tagKeys: z.array(z.string()) }),
      (input, place) => {
        const repository = repositoryBy(input.resourceArn, place);
        return retag(
          repository,
          repository.settings.tags.filter(({ Key }) => !input.tagKeys.includes(Key)),
        );
      },
    ),

    ListTagsForResource: operation(z.object({ resourceArn: z.string() }), (input, place) => ({
      tags: repositoryBy(input.resourceArn, place).settings.tags,
    })),

    ...policyOperations(context, change),
  };
}

function exclusionsFor(
  imageTagMutability: z.infer<typeof mutability>,
  filters: z.infer<typeof exclusionFilters> | undefined,
): string[] {
  const wanted = imageTagMutability.endsWith('_WITH_EXCLUSION');
  if (wanted === (filters !== undefined)) return (filters ?? []).map(({ filter }) => filter);
  throw invalid(
    'imageTagMutabilityExclusionFilters',
    `ImageTagMutabilityExclusionFilters ${wanted ? "can't be null" : 'must be null'} ` +
      `when imageTagMutability is set as ${imageTagMutability}`,
  );
}

/** Throws InvalidTagParameterException, TooManyTagsException. */
function mergedTags(held: readonly ResourceTag[], added: readonly ResourceTag[]): ResourceTag[] {
  for (const { Key, Value } of added) {
    if (Key.length < 1 || Key.length > 128 || Value.length > 256 || /^aws:/i.test(Key)) {
      throw new AwsError('InvalidTagParameterException', `The tag with key '${Key}' is not valid`);
    }
  }
  const merged = new Map([...held, ...added].map((tag) => [tag.Key, tag]));
  if (merged.size > 50) throw new AwsError('TooManyTagsException', 'A repository has at most 50 tags');
  return [...merged.values()];
}

function identity({ account }: Place, repository: string): object {
  return { registryId: account, repositoryName: repository };
}

function mutabilityOf({ mutability, exclusions }: RepositorySettings): object {
  return {
    imageTagMutability: mutability,
    ...(exclusions.length > 0 && {
      imageTagMutabilityExclusionFilters: exclusions.map((filter) => ({ filterType: 'WILDCARD', filter })),
    }),
  };
}

function description(repository: Repository): object {
  const { account, region, settings } = repository;
  return {
    repositoryArn: arnOf(repository),
    ...identity(repository, settings.name),
    repositoryUri: `${account}.dkr.ecr.${region}.amazonaws.com/${settings.name}`,
    createdAt: seconds(settings.createdAt),
    ...mutabilityOf(settings),
    imageScanningConfiguration: { scanOnPush: settings.scanOnPush },
    encryptionConfiguration: settings.encryption,
  };
}
