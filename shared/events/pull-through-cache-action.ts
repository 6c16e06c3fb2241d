import * as z from 'zod/mini';
import type { Trigger } from '../domain/trigger';
import { type Envelope, type EventType, triggerOf } from './envelope';
import { anObject, digest, read, remark, repositoryName, tag, word } from './fields';
import { narrowest, subjectOf, tagOrImage } from './named';

/**
 * ECR Pull Through Cache Action: ECR tried to bring an image from the upstream registry. (Amazon ECR user guide,
 * "Amazon ECR events and EventBridge".)
 */
export const pullThroughCacheAction: EventType = {
  source: 'aws.ecr',
  detailType: 'ECR Pull Through Cache Action',
  triggersOf: pullThroughTriggers,
};

const pullThroughDetail = z.object(
  {
    'sync-status': word,
    'repository-name': repositoryName,
    'image-digest': digest,
    'image-tag': tag,
    'failure-code': remark,
    'failure-reason': remark,
  },
  anObject,
);

function pullThroughTriggers(event: Envelope): readonly Trigger[] {
  const detail = read(pullThroughDetail, event.detail, 'detail');
  const names = {
    registry: event.registry,
    repository: detail['repository-name'],
    tag: detail['image-tag'],
    digest: detail['image-digest'],
  };
  if (detail['sync-status'] === 'SUCCESS') {
    const named = tagOrImage(names, 'detail.image-digest');
    return [triggerOf(event, 'pull-through', named, { subject: subjectOf(names.tag) })];
  }
  const said = [
    `PULL_THROUGH_CACHE ${detail['sync-status']}`,
    detail['failure-code'],
    detail['failure-reason'],
  ];
  return [triggerOf(event, 'failed', narrowest(names), { detail: said.filter(Boolean).join(': ') })];
}
