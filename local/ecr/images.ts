import { z } from 'zod';
import { AwsError } from '../service';
import { type Context, placeOf } from './context';
import { deleted, pushed, storageClassUpdated } from './events';
import type { ImageId } from './failures';
import {
  digest,
  digestPattern,
  imageId,
  imageTag,
  inRepository,
  looseImageIds,
  type Operations,
  operation,
  tagPattern,
} from './input';
import { claimedDigest, digestOf, type Manifest, readManifest } from './manifest';
import { isFrozen } from './matching';
import type { Replication } from './replication';
import { scanOnPush } from './scanning';
import {
  findImage,
  type Image,
  imageIn,
  type Marks,
  manifestOf,
  type Repository,
  registryIn,
  repositoryIn,
  statusOf,
} from './state';

interface Failure {
  readonly imageId: ImageId;
  readonly failureCode: string;
  readonly failureReason: string;
}

const tagsPerImage = 1000;

export interface Images {
  readonly operations: Operations;
  /** Goes on restoring what was being restored when the state was journaled. */
  resume(): void;
}

/** Pushing, pulling, deleting and archiving images. */
export function imageOperations(context: Context, replication: Replication): Images {
  const { state, clock, commit } = context;

  function announcePush(repository: Repository, image: Image, tag: string | undefined): void {
    context.announce(placeOf(repository), pushed(repository, image, tag));
    scanOnPush(context, repository, image);
    replication.start(repository, image, tag ?? '');
  }

  function mark(repository: Repository, image: Image, marks: Marks): void {
    commit({
      ...placeOf(repository),
      change: 'mark-image',
      repository: repository.settings.name,
      digest: image.digest,
      marks,
    });
  }

  function restore(repository: Repository, image: Image): void {
    const activatedAt = clock.now();
    mark(repository, image, { status: 'ACTIVE', activatedAt });
    context.announce(placeOf(repository), storageClassUpdated(repository, image, activatedAt));
  }

  /** A restore behaves like a new push, except that its event says what it is. */
  function restoreLater(repository: Repository, image: Image): void {
    clock.after(context.restoreDelay, () => {
      if (!isHeld(repository, image) || statusOf(image) !== 'ACTIVATING') return;
      restore(repository, image);
      scanOnPush(context, repository, image);
      for (const tag of image.tags.length > 0 ? image.tags : ['']) replication.start(repository, image, tag);
    });
  }

  /** Neither the image nor its repository was deleted in the meantime. */
  function isHeld(repository: Repository, image: Image): boolean {
    const { name } = repository.settings;
    return (
      registryIn(state, repository).repositories.get(name) === repository &&
      repository.images.get(image.digest) === image
    );
  }

  /** Removes what the id names and answers what went, as (digest, tag) pairs. */
  function remove(repository: Repository, id: ImageId): ImageId[] | Failure {
    const image = findImage(repository, id);
    const failure = refusal(repository, id, image);
    if (failure || !image) return failure ?? failed(id, 'ImageNotFound');
    const at = { ...placeOf(repository), repository: repository.settings.name };
    const tags = id.imageTag === undefined ? [...image.tags] : [id.imageTag];
    const goes = tags.length === image.tags.length;
    if (id.imageTag === undefined) commit({ ...at, change: 'remove-image', digest: image.digest });
    else commit({ ...at, change: 'remove-tag', tag: id.imageTag });
    if (tags.length === 0) context.announce(at, deleted(repository, image));
    for (const tag of tags) context.announce(at, deleted(repository, image, tag));
    replication.remove(repository, image.digest, goes ? undefined : id.imageTag);
    if (tags.length === 0) return [{ imageDigest: image.digest }];
    return tags.map((tag) => ({ imageDigest: image.digest, imageTag: tag }));
  }

  const operations: Operations = {
    PutImage: operation(
      inRepository.extend({
        imageManifest: z.string().min(1).max(4_194_304),
        imageManifestMediaType: z.string().optional(),
        imageTag: imageTag.optional(),
        imageDigest: digest.optional(),
      }),
      (input, place) => {
        const repository = repositoryIn(state, place, input.repositoryName);
        const manifest = readManifest(input.imageManifest, input.imageManifestMediaType);
        const imageDigest = digestIn(repository, manifest);
        if (input.imageDigest !== undefined && input.imageDigest !== imageDigest) {
          throw new AwsError(
            'ImageDigestDoesNotMatchException',
            `The image digest '${input.imageDigest}' does not match the digest '${imageDigest}' of the manifest`,
          );
        }
        checkPush(repository, manifest, imageDigest, input.imageTag);
        const archived = repository.images.get(imageDigest);
        commit({
          ...place,
          change: 'put-image',
          repository: input.repositoryName,
          digest: imageDigest,
          manifest: manifest.text,
          mediaType: manifest.mediaType,
          pushedAt: clock.now(),
          ...(input.imageTag !== undefined && { tag: input.imageTag }),
        });
        const image = imageIn(repository, { imageDigest });
        if (archived && statusOf(archived) !== 'ACTIVE') restore(repository, image);
        announcePush(repository, image, input.imageTag);
        return {
          image: answered(repository, image, {
            imageDigest,
            ...(input.imageTag !== undefined && { imageTag: input.imageTag }),
          }),
        };
      },
    ),

    BatchGetImage: operation(
      inRepository.extend({
        imageIds: looseImageIds,
        acceptedMediaTypes: z.array(z.string()).min(1).max(100).optional(),
      }),
      (input, place) => {
        const repository = repositoryIn(state, place, input.repositoryName);
        const images: object[] = [];
        const failures: Failure[] = [];
        for (const id of input.imageIds) {
          const image = findImage(repository, id);
          const failure = malformed(id) ?? (image ? inaccessible(id, image) : mismatch(repository, id));
          if (failure || !image) {
            failures.push(failure ?? failed(id, 'ImageNotFound'));
            continue;
          }
          mark(repository, image, { pulledAt: clock.now() });
          images.push(answered(repository, image, { ...id, imageDigest: image.digest }));
        }
        return { images, failures };
      },
    ),

    BatchDeleteImage: operation(inRepository.extend({ imageIds: looseImageIds }), (input, place) => {
      const repository = repositoryIn(state, place, input.repositoryName);
      const outcomes = input.imageIds.map((id) => remove(repository, id));
      return {
        imageIds: outcomes.flatMap((outcome) => (Array.isArray(outcome) ? outcome : [])),
        failures: outcomes.filter((outcome) => !Array.isArray(outcome)),
      };
    }),

    UpdateImageStorageClass: operation(
      inRepository.extend({ imageId, targetStorageClass: z.enum(['STANDARD', 'ARCHIVE']) }),
      (input, place) => {
        const repository = repositoryIn(state, place, input.repositoryName);
        const image = imageIn(repository, input.imageId);
        checkStorageClass(repository, image, input.targetStorageClass);
        if (input.targetStorageClass === 'ARCHIVE') {
          mark(repository, image, { status: 'ARCHIVED', archivedAt: clock.now() });
          context.announce(place, storageClassUpdated(repository, image));
        } else {
          mark(repository, image, { status: 'ACTIVATING' });
          restoreLater(repository, image);
        }
        return {
          registryId: place.account,
          repositoryName: input.repositoryName,
          imageId: { ...input.imageId, imageDigest: image.digest },
          imageStatus: statusOf(image),
        };
      },
    ),
  };
  return {
    operations,
    resume() {
      for (const { repositories } of state.registries.values()) {
        for (const repository of repositories.values()) {
          for (const image of repository.images.values()) {
            if (statusOf(image) === 'ACTIVATING') restoreLater(repository, image);
          }
        }
      }
    },
  };
}

/** A replayed image is known by its digest although nobody has the content that would give it. */
function digestIn(repository: Repository, manifest: Manifest): string {
  const claimed = claimedDigest(manifest);
  const held = claimed === undefined ? undefined : repository.images.get(claimed);
  return held && manifestOf(held).text === manifest.text ? held.digest : digestOf(manifest.text);
}

/** Throws what ECR answers to a push that it does not take. */
function checkPush(
  repository: Repository,
  manifest: Manifest,
  imageDigest: string,
  tag: string | undefined,
): void {
  const { name } = repository.settings;
  const where = `in the repository with name '${name}' in registry with id '${repository.account}'`;
  const missing = manifest.children.filter((child) => !repository.images.has(child));
  if (missing.length > 0) {
    throw new AwsError(
      'ReferencedImagesNotFoundException',
      `Images with digests '[${missing.join(', ')}]' required for pushing image into repository with name ` +
        `'${name}' in the registry with id '${repository.account}' do not exist`,
    );
  }
  const image = repository.images.get(imageDigest);
  const tagged = tag === undefined || image?.tags.includes(tag);
  if (image && statusOf(image) === 'ACTIVE' && tagged) {
    throw new AwsError(
      'ImageAlreadyExistsException',
      `Image with digest '${imageDigest}'${tag === undefined ? '' : ` and tag '${tag}'`} already exists ${where}`,
    );
  }
  if (tag === undefined || tagged) return;
  if (repository.tags.has(tag) && isFrozen(repository.settings, tag)) {
    throw new AwsError(
      'ImageTagAlreadyExistsException',
      `The image tag '${tag}' already exists in the '${name}' repository and cannot be overwritten ` +
        'because the tag is immutable.',
    );
  }
  if (image && image.tags.length >= tagsPerImage) {
    throw new AwsError('LimitExceededException', `An image has at most ${tagsPerImage} tags`);
  }
}

function checkStorageClass(repository: Repository, image: Image, target: 'STANDARD' | 'ARCHIVE'): void {
  const archived = statusOf(image) !== 'ACTIVE';
  if (archived === (target === 'ARCHIVE')) {
    throw notSupported(`The image is already in the storage class ${target}`);
  }
  if (target === 'ARCHIVE' && repository.parents.has(image.digest)) {
    throw notSupported('The image is referenced by a manifest list');
  }
}

function notSupported(message: string): AwsError {
  return new AwsError('ImageStorageClassUpdateNotSupportedException', message);
}

function answered(repository: Repository, image: Image, id: ImageId): object {
  const { text, mediaType } = manifestOf(image);
  return {
    registryId: repository.account,
    repositoryName: repository.settings.name,
    imageId: id,
    imageManifest: text,
    imageManifestMediaType: mediaType,
  };
}

/** Why an id cannot be deleted, if so. An image stays while an index lists it: its last tag stays with it. */
function refusal(repository: Repository, id: ImageId, image: Image | undefined): Failure | undefined {
  if (!image) return malformed(id) ?? mismatch(repository, id);
  const whole = id.imageTag === undefined || image.tags.length === 1;
  const pinned = whole && repository.parents.has(image.digest);
  return malformed(id) ?? (pinned ? failed(id, 'ImageReferencedByManifestList') : undefined);
}

function malformed(id: ImageId): Failure | undefined {
  if (id.imageDigest === undefined && id.imageTag === undefined) return failed(id, 'MissingDigestAndTag');
  if (id.imageDigest !== undefined && !digestPattern.test(id.imageDigest)) {
    return failed(id, 'InvalidImageDigest');
  }
  if (id.imageTag !== undefined && !tagPattern.test(id.imageTag)) return failed(id, 'InvalidImageTag');
  return undefined;
}

/** Digest and tag are both held, but not by one image: what makes a delete conditional. */
function mismatch({ images, tags }: Repository, id: ImageId): Failure | undefined {
  const { imageDigest, imageTag } = id;
  if (imageDigest === undefined || imageTag === undefined) return undefined;
  return images.has(imageDigest) && tags.has(imageTag) ? failed(id, 'ImageTagDoesNotMatchDigest') : undefined;
}

function inaccessible(id: ImageId, image: Image): Failure | undefined {
  return statusOf(image) === 'ACTIVE' ? undefined : failed(id, 'ImageInaccessible');
}

const reasons = {
  ImageNotFound: 'Requested image not found',
  MissingDigestAndTag: 'Invalid request parameters: both tag and digest cannot be null',
  InvalidImageDigest:
    "Invalid request parameters: image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'",
  InvalidImageTag: 'Invalid request parameters: image tag is not valid',
  ImageTagDoesNotMatchDigest: 'The tag does not refer to the image with this digest',
  ImageReferencedByManifestList: 'Requested image referenced by manifest list',
  ImageInaccessible: 'Requested image is archived; restore it first',
} as const;

function failed(id: ImageId, failureCode: keyof typeof reasons): Failure {
  return { imageId: id, failureCode, failureReason: reasons[failureCode] };
}
