import { z } from 'zod';
import type { Context } from './context';
import {
  digest,
  imageId,
  inRepository,
  listOf,
  nextToken,
  type Operations,
  operation,
  pageSize,
  positionFrom,
  seconds,
  tokenFrom,
} from './input';
import {
  findImage,
  type Image,
  manifestOf,
  missingImage,
  type Repository,
  repositoryIn,
  statusOf,
} from './state';

const status = z.enum(['ACTIVE', 'ARCHIVED', 'ACTIVATING', 'ANY']).default('ACTIVE');
const filter = z
  .object({ tagStatus: z.enum(['TAGGED', 'UNTAGGED', 'ANY']).default('ANY'), imageStatus: status })
  .default({ tagStatus: 'ANY', imageStatus: 'ACTIVE' });

/**
 * Reading what a repository holds. A page begins after the image that the token names, in order of arrival, so
 * that images coming and going between two pages make none of the others appear twice or not at all.
 */
export function listingOperations({ state }: Context): Operations {
  return {
    DescribeImages: operation(
      inRepository.extend({
        imageIds: listOf(imageId, 100).optional(),
        nextToken,
        maxResults: pageSize(1000, 100),
        filter,
      }),
      (input, place) => {
        const repository = repositoryIn(state, place, input.repositoryName);
        if (input.imageIds) {
          const named = input.imageIds.map((id) => {
            const image = findImage(repository, id);
            if (!image) throw missingImage(repository, id);
            return image;
          });
          const wanted = [...new Set(named)].filter((image) => passes(image, input.filter));
          return { imageDetails: wanted.map((image) => details(repository, image)) };
        }
        const after = input.nextToken ? positionFrom(z.tuple([z.int()]), input.nextToken)[0] : 0;
        const page = take(repository, after, input.maxResults, (image) => passes(image, input.filter));
        return {
          imageDetails: page.images.map((image) => details(repository, image)),
          ...(page.last !== undefined && { nextToken: tokenFrom([page.last]) }),
        };
      },
    ),

    ListImages: operation(
      inRepository.extend({ nextToken, maxResults: pageSize(1000, 100), filter }),
      (input, place) => {
        const { images } = repositoryIn(state, place, input.repositoryName);
        const [order, tag] = input.nextToken
          ? positionFrom(z.tuple([z.int(), z.string()]), input.nextToken)
          : [0, ''];
        const rows: { image: Image; tag: string }[] = [];
        for (const image of images.values()) {
          if (image.order < order || !passes(image, input.filter)) continue;
          const tags = image.tags.length > 0 ? image.tags : [''];
          const start = image.order === order ? tags.indexOf(tag) + 1 : 0;
          for (const one of tags.slice(start)) rows.push({ image, tag: one });
          if (rows.length > input.maxResults) break;
        }
        const page = rows.slice(0, input.maxResults);
        const last = rows.length > page.length ? page.at(-1) : undefined;
        return {
          imageIds: page.map((row) => ({
            imageDigest: row.image.digest,
            ...(row.tag !== '' && { imageTag: row.tag }),
          })),
          ...(last && { nextToken: tokenFrom([last.image.order, last.tag]) }),
        };
      },
    ),

    ListImageReferrers: operation(
      inRepository.extend({
        subjectId: z.object({ imageDigest: digest }),
        filter: z
          .object({ artifactTypes: z.array(z.string()).max(5).default([]), artifactStatus: status })
          .default({ artifactTypes: [], artifactStatus: 'ACTIVE' }),
        nextToken,
        maxResults: pageSize(50, 20),
      }),
      (input, place) => {
        const repository = repositoryIn(state, place, input.repositoryName);
        const { artifactTypes, artifactStatus } = input.filter;
        const after = input.nextToken ? positionFrom(z.tuple([z.int()]), input.nextToken)[0] : 0;
        const page = take(repository, after, input.maxResults, (image) => {
          const { subject, artifactType = '' } = manifestOf(image);
          return (
            subject === input.subjectId.imageDigest &&
            (artifactTypes.length === 0 || artifactTypes.includes(artifactType)) &&
            (artifactStatus === 'ANY' || artifactStatus === statusOf(image))
          );
        });
        return {
          referrers: page.images.map(referrer),
          ...(page.last !== undefined && { nextToken: tokenFrom([page.last]) }),
        };
      },
    ),
  };
}

/** The next images after `after`; `last` is set if there are more. */
function take(
  { images }: Repository,
  after: number,
  count: number,
  wanted: (image: Image) => boolean,
): { images: Image[]; last?: number } {
  const page: Image[] = [];
  for (const image of images.values()) {
    if (image.order <= after || !wanted(image)) continue;
    const last = page.at(-1);
    if (last && page.length === count) return { images: page, last: last.order };
    page.push(image);
  }
  return { images: page };
}

function passes(image: Image, { tagStatus, imageStatus }: z.infer<typeof filter>): boolean {
  const tagged = image.tags.length > 0 ? 'TAGGED' : 'UNTAGGED';
  return (
    (tagStatus === 'ANY' || tagStatus === tagged) &&
    (imageStatus === 'ANY' || imageStatus === statusOf(image))
  );
}

function details(repository: Repository, image: Image): object {
  const { mediaType, artifactType, subject } = manifestOf(image);
  return {
    registryId: repository.account,
    repositoryName: repository.settings.name,
    imageDigest: image.digest,
    ...(image.tags.length > 0 && { imageTags: [...image.tags] }),
    imageSizeInBytes: sizeOf(repository, image),
    imagePushedAt: seconds(image.pushedAt),
    imageManifestMediaType: mediaType,
    ...(artifactType !== undefined && { artifactMediaType: artifactType }),
    ...(subject !== undefined && { subjectManifestDigest: subject }),
    imageStatus: statusOf(image),
    ...(image.pulledAt !== undefined && { lastRecordedPullTime: seconds(image.pulledAt) }),
    ...(image.archivedAt !== undefined && { lastArchivedAt: seconds(image.archivedAt) }),
    ...(image.activatedAt !== undefined && { lastActivatedAt: seconds(image.activatedAt) }),
  };
}

/** For an index the size of its largest manifest, not their sum. */
function sizeOf(repository: Repository, image: Image): number {
  const { children, size } = manifestOf(image);
  const sizes = children.map((child) => repository.images.get(child)?.manifest?.size ?? 0);
  return Math.max(size, ...sizes);
}

function referrer(image: Image): object {
  const { text, mediaType, artifactType, annotations } = manifestOf(image);
  return {
    digest: image.digest,
    mediaType,
    ...(artifactType !== undefined && { artifactType }),
    size: Buffer.byteLength(text),
    ...(annotations && { annotations }),
    artifactStatus: statusOf(image),
  };
}
