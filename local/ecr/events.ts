import type { Clock } from '../clock';
import {
  arnOf,
  type Image,
  manifestOf,
  type Place,
  type Repository,
  repositoryArn,
  type ScanFinding,
} from './state';

/**
 * An event as EventBridge delivers it. Shapes: "Amazon ECR events and EventBridge" in the Amazon ECR user guide,
 * and what the published schemas and real captures add to it.
 */
export interface EcrEvent {
  readonly version: '0';
  readonly id: string;
  readonly 'detail-type': string;
  readonly source: 'aws.ecr';
  readonly account: string;
  /** ISO 8601, whole seconds, UTC. */
  readonly time: string;
  readonly region: string;
  readonly resources: readonly string[];
  readonly detail: Readonly<Record<string, unknown>>;
}

type Content = Pick<EcrEvent, 'detail-type' | 'resources' | 'detail'>;

export function envelope(
  { account, region }: Place,
  content: Content,
  id: string,
  clock: Pick<Clock, 'now'>,
): EcrEvent {
  return {
    version: '0',
    id,
    'detail-type': content['detail-type'],
    source: 'aws.ecr',
    account,
    time: isoSeconds(clock.now()),
    region,
    resources: content.resources,
    detail: content.detail,
  };
}

export function isoSeconds(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}

/** An untagged push carries an empty tag, as captured from the real service. */
export function pushed(repository: Repository, image: Image, tag = ''): Content {
  return imageAction(image, {
    result: 'SUCCESS',
    'repository-name': repository.settings.name,
    'image-digest': image.digest,
    'action-type': 'PUSH',
    'image-tag': tag,
    ...mediaTypes(image),
  });
}

export function deleted(repository: Repository, image: Image, tag?: string): Content {
  return imageAction(image, {
    result: 'SUCCESS',
    'repository-name': repository.settings.name,
    'image-digest': image.digest,
    'action-type': 'DELETE',
    ...(tag !== undefined && { 'image-tag': tag }),
  });
}

/** `activatedAt` (epoch milliseconds) belongs to a restore. */
export function storageClassUpdated(repository: Repository, image: Image, activatedAt?: number): Content {
  return imageAction(image, {
    result: 'SUCCESS',
    'repository-name': repository.settings.name,
    'image-digest': image.digest,
    'action-type': 'UPDATE_STORAGE_CLASS',
    'target-storage-class': activatedAt === undefined ? 'ARCHIVE' : 'STANDARD',
    ...mediaTypes(image),
    ...(activatedAt !== undefined && { 'last-activated-at': new Date(activatedAt).toISOString() }),
  });
}

/** What a replication brings, or fails to bring, to a destination: the event belongs to the destination. */
export function replicated(
  destination: Place,
  copy: {
    readonly repository: string;
    readonly digest: string;
    readonly tag: string;
    readonly source: Place;
  },
  result: 'SUCCESS' | 'FAILED',
): Content {
  return {
    'detail-type': 'ECR Replication Action',
    resources: [repositoryArn(destination, copy.repository)],
    detail: {
      result,
      'repository-name': copy.repository,
      'image-digest': copy.digest,
      'source-account': copy.source.account,
      'action-type': 'REPLICATE',
      'source-region': copy.source.region,
      'image-tag': copy.tag,
    },
  };
}

export function scanned(repository: Repository, image: Image, findings: readonly ScanFinding[]): Content {
  return {
    'detail-type': 'ECR Image Scan',
    resources: [arnOf(repository)],
    detail: {
      'scan-status': 'COMPLETE',
      'repository-name': repository.settings.name,
      'finding-severity-counts': severityCounts(findings),
      'image-digest': image.digest,
      'image-tags': [...image.tags],
    },
  };
}

export function severityCounts(findings: readonly ScanFinding[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { severity } of findings) counts[severity] = (counts[severity] ?? 0) + 1;
  return counts;
}

/** Signatures, SBOMs and attestations have a detail-type of their own. */
function imageAction(image: Image, detail: Record<string, unknown>): Content {
  const referrer = manifestOf(image).subject !== undefined;
  return { 'detail-type': referrer ? 'ECR Referrer Action' : 'ECR Image Action', resources: [], detail };
}

function mediaTypes(image: Image): Record<string, string> {
  const { mediaType, artifactType } = manifestOf(image);
  return {
    'manifest-media-type': mediaType,
    ...(artifactType !== undefined && { 'artifact-media-type': artifactType }),
  };
}
