import * as z from 'zod/mini';
import type { Trigger } from '../domain/trigger';
import { type Envelope, type EventType, triggerOf } from './envelope';
import { anObject, digest, read, repositoryName, word } from './fields';
import { imageOf } from './named';

/** ECR Image Scan: basic scanning finished with an image. (Amazon ECR user guide, "Amazon ECR events and EventBridge".) */
export const imageScan: EventType = {
  source: 'aws.ecr',
  detailType: 'ECR Image Scan',
  triggersOf: scanTriggers,
};

const scanDetail = z.object(
  { 'scan-status': word, 'repository-name': repositoryName, 'image-digest': digest },
  anObject,
);

/** Basic and enhanced scanning say the same of an image, as far as we ask. */
export function scanTriggers(event: Envelope): readonly Trigger[] {
  const detail = read(scanDetail, event.detail, 'detail');
  const image = imageOf(
    { registry: event.registry, repository: detail['repository-name'], digest: detail['image-digest'] },
    'detail.image-digest',
  );
  return [triggerOf(event, 'scan', image, { detail: detail['scan-status'] })];
}
