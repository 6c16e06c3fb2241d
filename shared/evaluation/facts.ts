import { createHash } from 'node:crypto';
import { canonicalJson } from '../domain/canonical-json';
import type {
  FactName,
  Facts,
  ImageFact,
  LifecyclePolicyFact,
  ReplicaFact,
  ReplicationConfigurationFact,
  ReplicationDestination,
  RepositoryFact,
  Unseen,
} from '../domain/facts';
import { isUnseen } from '../domain/facts';
import {
  type ImageResource,
  type Registry,
  type RepositoryResource,
  type Resource,
  repositoryOf,
  resourceKey,
  sameRegistry,
  type TagResource,
} from '../domain/resource';
import { expectedDestinations } from '../replication/expected-destinations';
import type { RuleNamespace } from '../rules/rule';

/**
 * ECR as evaluation reads it, every registry behind one interface. Each answers `null` for what ECR says is not
 * there, `Unseen` for what waiting does not lift, and throws `Unavailable` for what it does.
 */
export interface EcrReader {
  tag(resource: TagResource): Promise<ImageFact | null | Unseen>;
  image(resource: ImageResource): Promise<ImageFact | null | Unseen>;
  repository(resource: RepositoryResource): Promise<RepositoryFact | null | Unseen>;
  lifecyclePolicy(resource: RepositoryResource): Promise<LifecyclePolicyFact | null | Unseen>;
  /** The destinations of the registry's replication configuration, with their filters. */
  replicationDestinations(
    registry: Registry,
  ): Promise<readonly Omit<ReplicationDestination, 'since'>[] | Unseen>;
  /** What the source says of an image's replication; an empty list where ECR lists no destination. */
  replicationStatus(resource: TagResource, digest: string): Promise<readonly ReplicationStatus[] | Unseen>;
}

export type ReplicationStatus = Registry &
  Pick<ReplicaFact, 'failureCode'> & { readonly status: 'IN_PROGRESS' | 'COMPLETE' | 'FAILED' };

/** One turn's reads: each fact at most once, shared by everything judged in the turn, and forgotten after it. */
export interface Turn {
  tag(resource: TagResource): Promise<ImageFact | null | Unseen>;
  load(names: readonly FactName[], about: About): Promise<Partial<Facts>>;
}

export interface About {
  readonly resource: Resource;
  readonly namespace?: RuleNamespace;
}

/** The replication configuration with the instants since when each destination is known. */
export type ConfigurationReader = (registry: Registry) => Promise<ReplicationConfigurationFact | Unseen>;

export function openTurn(ecr: EcrReader, configuration: ConfigurationReader): Turn {
  const reads = new Map<string, Promise<unknown>>();
  function once<T>(name: string, resource: Resource, read: () => Promise<T>): Promise<T> {
    const key = `${name} ${resourceKey(resource)}`;
    const known = reads.get(key) as Promise<T> | undefined;
    if (known) return known;
    const reading = read();
    reads.set(key, reading);
    return reading;
  }

  const tag = (resource: TagResource) => once('tag', resource, () => ecr.tag(resource));

  const loaders: { [N in FactName]: (about: About) => Promise<Facts[N]> } = {
    tag: ({ resource }) => tag(expectKind(resource, 'tag')),
    image: ({ resource }) => once('image', resource, () => ecr.image(expectKind(resource, 'image'))),
    repository({ resource }) {
      const repository = repositoryOf(expectInRepository(resource));
      return once('repository', repository, () => ecr.repository(repository));
    },
    lifecyclePolicy({ resource }) {
      const repository = repositoryOf(expectInRepository(resource));
      return once('lifecyclePolicy', repository, () => ecr.lifecyclePolicy(repository));
    },
    replicationConfiguration({ resource }) {
      const registry = { kind: 'registry', account: resource.account, region: resource.region } as const;
      return once('replicationConfiguration', registry, () => configuration(registry));
    },
    replicas: (about) => once('replicas', about.resource, () => readReplicas(about)),
  };

  /** The destination's own answer first: where all of them have the digest, the source need not be asked. */
  async function readReplicas(about: About): Promise<readonly ReplicaFact[] | Unseen> {
    const resource = expectKind(about.resource, 'tag');
    const [image, configured] = await Promise.all([tag(resource), loaders.replicationConfiguration(about)]);
    if (image === null) return [];
    if (isUnseen(image)) return image;
    if (isUnseen(configured)) return configured;
    const demanded = about.namespace?.replication?.to ?? [];
    const expected = expectedDestinations(resource, resource.repository, configured.destinations, demanded);
    const replicas = await Promise.all(
      expected.map(async ({ account, region }): Promise<ReplicaFact> => {
        const there = await tag({ ...resource, account, region });
        return { account, region, digest: isUnseen(there) ? there : (there?.digest ?? null) };
      }),
    );
    if (replicas.every((one) => one.digest === image.digest)) return replicas;
    const statuses = await ecr.replicationStatus(resource, image.digest);
    if (isUnseen(statuses)) return replicas;
    return replicas.map((replica) => {
      const said = statuses.find((one) => sameRegistry(one, replica));
      return said
        ? { ...replica, status: said.status, ...(said.failureCode && { failureCode: said.failureCode }) }
        : replica;
    });
  }

  return {
    tag,
    async load(names, about) {
      const entries = await Promise.all(
        names.map(async (name) => [name, await loaders[name](about)] as const),
      );
      return Object.fromEntries(entries);
    },
  };
}

/** SHA-256 over what was read, so that two evaluations can be shown to have seen the same. */
export function hashOfFacts(facts: Partial<Facts>): Uint8Array | undefined {
  if (Object.keys(facts).length === 0) return undefined;
  return createHash('sha256').update(canonicalJson(facts)).digest();
}

function expectKind<K extends Resource['kind']>(resource: Resource, kind: K): Extract<Resource, { kind: K }> {
  if (resource.kind !== kind) throw new Error(`a rule on a ${resource.kind} declares a fact of a ${kind}`);
  return resource as Extract<Resource, { kind: K }>;
}

function expectInRepository(resource: Resource): Exclude<Resource, { kind: 'registry' }> {
  if (resource.kind === 'registry') throw new Error('a rule on a registry declares a fact of a repository');
  return resource;
}
