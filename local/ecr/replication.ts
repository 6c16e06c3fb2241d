import { announceCall } from './cloudtrail';
import { type Context, placeOf } from './context';
import { deleted, replicated } from './events';
import { imageId, inRepository, type Operations, operation } from './input';
import { isFrozen, replicationFilterMatches } from './matching';
import { scanOnPush } from './scanning';
import {
  type Image,
  imageIn,
  manifestOf,
  newSettings,
  type Place,
  type Replica,
  type ReplicationRule,
  type Repository,
  registryIn,
  repositoryIn,
  statusOf,
} from './state';

const failureAfter = 2000;

export interface Replication {
  /** A push, a retag or a restore sets out for every destination. What arrives there goes no further. */
  start(repository: Repository, image: Image, tag: string): void;
  /** Where a rule replicates deletions, what goes at the source goes there too: a tag, or all of an image. */
  remove(repository: Repository, digest: string, tag?: string): void;
  /** Sends off again what was under way when the state was journaled. */
  resume(): void;
}

/** "Private image replication" in the Amazon ECR user guide. */
export function createReplication(context: Context): Replication {
  const { state, clock, commit } = context;

  function setReplica(repository: Repository, digest: string, replica: Replica): void {
    const others = (repository.images.get(digest)?.replicas ?? []).filter((one) => !samePlace(one, replica));
    commit({
      ...placeOf(repository),
      change: 'mark-image',
      repository: repository.settings.name,
      digest,
      marks: { replicas: [...others, replica] },
    });
  }

  function send(repository: Repository, digest: string, tag: string, to: Place): void {
    const copy = {
      ...placeOf(repository),
      repository: repository.settings.name,
      digest,
      tag,
      destination: { account: to.account, region: to.region },
    };
    const delay = context.replicationDelay(copy);
    clock.after(delay === 'fail' ? failureAfter : delay, () => {
      const source = registryIn(state, copy).repositories.get(copy.repository);
      const image = source?.images.get(digest);
      const replica = image?.replicas?.find((one) => samePlace(one, to));
      if (!source || !image || !replica?.pending.includes(tag)) return;
      arrive(source, image, tag, replica, delay === 'fail');
    });
  }

  /** One failed tag leaves the image failed, whatever else arrives, until it is pushed again. */
  function arrive(source: Repository, image: Image, tag: string, replica: Replica, fails: boolean): void {
    const to = { account: replica.account, region: replica.region };
    const pending = replica.pending.filter((one) => one !== tag);
    const announced = { repository: source.settings.name, digest: image.digest, tag, source };
    if (fails || replica.status === 'FAILED') {
      const failure = { status: 'FAILED', failureCode: 'ReplicationFailed' } as const;
      setReplica(source, image.digest, { ...to, ...failure, pending });
    } else {
      const status = pending.length > 0 ? 'IN_PROGRESS' : 'COMPLETE';
      setReplica(source, image.digest, { ...to, status, pending });
    }
    if (fails) {
      context.announce(to, replicated(to, announced, 'FAILED'));
      return;
    }
    const destination = repositoryAt(to, source.settings.name);
    const arrived = put(destination, image, image.tags.includes(tag) ? tag : undefined);
    context.announce(to, replicated(to, announced, 'SUCCESS'));
    scanOnPush(context, destination, arrived);
  }

  /** The destination's repository; without a creation template a new one is mutable and has no policies. */
  function repositoryAt(place: Place, name: string): Repository {
    const known = registryIn(state, place).repositories.get(name);
    if (known) return known;
    const { account, region } = place;
    commit({ account, region, change: 'put-repository', settings: newSettings(name, clock.now()) });
    const created = repositoryIn(state, place, name);
    const role = `arn:aws:sts::${account}:assumed-role/AWSServiceRoleForECRReplication/ecr-replication`;
    announceCall(
      context,
      { operation: 'CreateRepository', input: { repositoryName: name }, account, region },
      role,
      { repository: { repositoryName: name, registryId: account } },
    );
    return created;
  }

  /** An immutable destination that has the tag receives the image without it. */
  function put(destination: Repository, image: Image, tag: string | undefined): Image {
    const holder = tag === undefined ? undefined : destination.tags.get(tag);
    const refused =
      tag !== undefined && holder && holder.digest !== image.digest && isFrozen(destination.settings, tag);
    const { text, mediaType } = manifestOf(image);
    const name = destination.settings.name;
    const at = { ...placeOf(destination), repository: name, digest: image.digest };
    const restored = destination.images.get(image.digest);
    commit({
      ...at,
      change: 'put-image',
      manifest: text,
      mediaType,
      pushedAt: clock.now(),
      ...(tag !== undefined && !refused && { tag }),
    });
    if (restored && statusOf(restored) !== 'ACTIVE') {
      commit({ ...at, change: 'mark-image', marks: { status: 'ACTIVE', activatedAt: clock.now() } });
    }
    return imageIn(destination, { imageDigest: image.digest });
  }

  return {
    start(repository, image, tag) {
      for (const to of destinationsOf(rulesFor(context, repository))) {
        const earlier = image.replicas?.find((one) => samePlace(one, to))?.pending ?? [];
        const pending = [...new Set([...earlier, tag])];
        setReplica(repository, image.digest, { ...to, status: 'IN_PROGRESS', pending });
        send(repository, image.digest, tag, to);
      }
    },

    remove(repository, digest, tag) {
      const { name } = repository.settings;
      const rules = rulesFor(context, repository).filter((rule) => rule.deleteReplication?.enabled);
      for (const to of destinationsOf(rules)) {
        const destination = registryIn(state, to).repositories.get(name);
        const image = destination?.images.get(digest);
        if (!destination || !image) continue;
        const tags = tag === undefined ? [...image.tags] : image.tags.filter((one) => one === tag);
        if (tag === undefined) {
          commit({ ...to, change: 'remove-image', repository: name, digest });
          if (tags.length === 0) context.announce(to, deleted(destination, image));
        }
        for (const one of tags) {
          if (tag !== undefined) commit({ ...to, change: 'remove-tag', repository: name, tag: one });
          context.announce(to, deleted(destination, image, one));
        }
      }
    },

    resume() {
      for (const registry of state.registries.values()) {
        for (const repository of registry.repositories.values()) {
          for (const image of repository.images.values()) {
            for (const replica of image.replicas ?? []) {
              for (const tag of replica.pending) send(repository, image.digest, tag, replica);
            }
          }
        }
      }
    },
  };
}

export function replicationOperations({ state }: Context): Operations {
  return {
    DescribeImageReplicationStatus: operation(inRepository.extend({ imageId }), (input, place) => {
      const image = imageIn(repositoryIn(state, place, input.repositoryName), input.imageId);
      return {
        repositoryName: input.repositoryName,
        imageId: { ...input.imageId, imageDigest: image.digest },
        replicationStatuses: (image.replicas ?? []).map(({ account, pending: _, ...status }) => ({
          registryId: account,
          ...status,
        })),
      };
    }),
  };
}

function rulesFor({ state }: Context, repository: Repository): ReplicationRule[] {
  return registryIn(state, repository).settings.replication.rules.filter(
    ({ repositoryFilters }) =>
      repositoryFilters === undefined ||
      repositoryFilters.some(({ filter }) => replicationFilterMatches(filter, repository.settings.name)),
  );
}

function destinationsOf(rules: readonly ReplicationRule[]): Place[] {
  const places = rules.flatMap(({ destinations }) =>
    destinations.map(({ region, registryId }) => ({ account: registryId, region })),
  );
  return places.filter((place, index) => places.findIndex((one) => samePlace(one, place)) === index);
}

function samePlace(one: Place, other: Place): boolean {
  return one.account === other.account && one.region === other.region;
}
