import {
  DescribeImagesCommand,
  type ECRClient,
  type ImageDetail,
  type ImageIdentifier,
} from '@aws-sdk/client-ecr';
import type { ImageFact, Unseen } from '../../domain/facts';
import { readFact } from '../errors';

/**
 * One image by tag or digest. DescribeImages answers for archived images only when asked for `ANY`, and leaves no
 * trace: it is not a pull ("DescribeImages" in the Amazon ECR API reference).
 */
export async function readImage(
  ecr: ECRClient,
  account: string,
  repository: string,
  id: ImageIdentifier,
): Promise<ImageFact | null | Unseen> {
  return readFact(
    'ecr:DescribeImages',
    ['ImageNotFoundException', 'RepositoryNotFoundException'],
    async () => {
      const answer = await ecr.send(
        new DescribeImagesCommand({
          registryId: account,
          repositoryName: repository,
          imageIds: [id],
          filter: { imageStatus: 'ANY' },
        }),
      );
      const [detail] = answer.imageDetails ?? [];
      return detail ? imageFact(detail) : null;
    },
  );
}

export function imageFact(detail: ImageDetail): ImageFact {
  return {
    digest: detail.imageDigest ?? '',
    tags: (detail.imageTags ?? []).toSorted(),
    pushedAt: (detail.imagePushedAt ?? new Date(0)).toISOString(),
    status:
      detail.imageStatus === 'ARCHIVED' || detail.imageStatus === 'ACTIVATING'
        ? detail.imageStatus
        : 'ACTIVE',
    ...(detail.imageManifestMediaType && { mediaType: detail.imageManifestMediaType }),
    ...(detail.artifactMediaType && { artifactMediaType: detail.artifactMediaType }),
    ...(detail.imageSizeInBytes !== undefined && { sizeBytes: detail.imageSizeInBytes }),
    ...(detail.lastRecordedPullTime && { lastPulledAt: detail.lastRecordedPullTime.toISOString() }),
  };
}
