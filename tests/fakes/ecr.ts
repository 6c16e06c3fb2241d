import type {
  ImageFact,
  LifecyclePolicyFact,
  ReplicationDestination,
  RepositoryFact,
} from '../../shared/domain/facts';
import {
  type Registry,
  type RepositoryResource,
  scopeOf,
  type TagResource,
} from '../../shared/domain/resource';
import type { EcrReader, ReplicationStatus } from '../../shared/evaluation/facts';

interface FakeRepository {
  readonly fact: RepositoryFact;
  readonly tags: Map<string, string>;
  readonly images: Map<string, string>;
  lifecyclePolicy: LifecyclePolicyFact | null;
}

export interface FakeEcr extends EcrReader {
  /** Every read, as `tag payments/api:v1`. */
  readonly calls: string[];
  create(repository: RepositoryResource, over?: Partial<RepositoryFact>): void;
  push(tag: TagResource, digest: string, at?: string): void;
  remove(tag: TagResource): void;
  setLifecyclePolicy(repository: RepositoryResource, text: string): void;
  setDestinations(destinations: readonly Omit<ReplicationDestination, 'since'>[]): void;
  setStatus(digest: string, statuses: readonly ReplicationStatus[]): void;
}

/** ECR in memory: every answer is what stands now, as a registry that is never stale would give it. */
export function fakeEcr(): FakeEcr {
  const repositories = new Map<string, FakeRepository>();
  const statuses = new Map<string, readonly ReplicationStatus[]>();
  const calls: string[] = [];
  let destinations: readonly Omit<ReplicationDestination, 'since'>[] = [];
  const repositoryOf = (registry: Registry & { repository: string }) =>
    repositories.get(`${registry.account}/${registry.region}/${registry.repository}`);
  const called = (name: string): void => void calls.push(name);

  function image(repository: FakeRepository | undefined, digest: string | undefined): ImageFact | null {
    if (!repository || !digest) return null;
    const pushedAt = repository.images.get(digest);
    if (!pushedAt) return null;
    const tags = [...repository.tags].filter(([, held]) => held === digest).map(([tag]) => tag);
    return { digest, tags: tags.toSorted(), pushedAt, status: 'ACTIVE' };
  }

  const ecr: FakeEcr = {
    calls,
    create(resource, over = {}) {
      const fact: RepositoryFact = {
        arn: `arn:aws:ecr:${resource.region}:${resource.account}:repository/${resource.repository}`,
        createdAt: '2026-11-01T00:00:00Z',
        tagMutability: 'MUTABLE',
        mutabilityExclusions: [],
        encryption: 'AES256',
        ...over,
      };
      repositories.set(scopeOf(resource), {
        fact,
        tags: new Map(),
        images: new Map(),
        lifecyclePolicy: null,
      });
    },
    push(tag, digest, at = '2026-11-20T10:00:00Z') {
      if (!repositoryOf(tag)) ecr.create({ ...tag, kind: 'repository' });
      const repository = repositoryOf(tag)!;
      if (!repository.images.has(digest)) repository.images.set(digest, at);
      repository.tags.set(tag.tag, digest);
    },
    remove(tag) {
      const repository = repositoryOf(tag);
      if (!repository) return;
      const digest = repository.tags.get(tag.tag);
      repository.tags.delete(tag.tag);
      if (digest && ![...repository.tags.values()].includes(digest)) repository.images.delete(digest);
    },
    setLifecyclePolicy(resource, text) {
      repositoryOf(resource)!.lifecyclePolicy = { text };
    },
    setDestinations(given) {
      destinations = given;
    },
    setStatus(digest, given) {
      statuses.set(digest, given);
    },
    async tag(resource) {
      called(`tag ${resource.repository}:${resource.tag}`);
      const repository = repositoryOf(resource);
      return image(repository, repository?.tags.get(resource.tag));
    },
    async image(resource) {
      called(`image ${resource.repository}`);
      return image(repositoryOf(resource), resource.digest);
    },
    async repository(resource) {
      called(`repository ${resource.repository}`);
      return repositoryOf(resource)?.fact ?? null;
    },
    async lifecyclePolicy(resource) {
      called(`lifecyclePolicy ${resource.repository}`);
      return repositoryOf(resource)?.lifecyclePolicy ?? null;
    },
    async replicationDestinations() {
      called('replicationDestinations');
      return destinations;
    },
    async replicationStatus(resource, digest) {
      called(`replicationStatus ${resource.repository}`);
      return statuses.get(digest) ?? [];
    },
  };
  return ecr;
}
