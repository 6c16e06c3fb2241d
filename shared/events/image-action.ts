import * as z from 'zod/mini';
import type { Trigger } from '../domain/trigger';
import { type Envelope, type EventType, triggerOf } from './envelope';
import { anObject, digest, read, repositoryName, tag, word } from './fields';
import { imageOf, narrowest, subjectOf, tagOrImage } from './named';

/**
 * ECR Image Action: an image was pushed, deleted, archived or restored; one event a (digest, tag). The tag may be
 * absent or empty: a child of an index has none. (Amazon ECR user guide, "Amazon ECR events and EventBridge".)
 */
export const imageAction: EventType = {
  source: 'aws.ecr',
  detailType: 'ECR Image Action',
  triggersOf: (event) => actionTriggers(event, 'push'),
};

const actionDetail = z.object(
  {
    'action-type': z.enum(['PUSH', 'DELETE', 'UPDATE_STORAGE_CLASS'], 'PUSH, DELETE or UPDATE_STORAGE_CLASS'),
    result: word,
    'repository-name': repositoryName,
    'image-digest': digest,
    'image-tag': tag,
    'target-storage-class': z.nullish(word),
  },
  anObject,
);

/** Images and referrers share one detail; only what a push is called differs. */
export function actionTriggers(event: Envelope, arrival: 'push' | 'referrer'): readonly Trigger[] {
  const detail = read(actionDetail, event.detail, 'detail');
  const names = {
    registry: event.registry,
    repository: detail['repository-name'],
    tag: detail['image-tag'],
    digest: detail['image-digest'],
  };
  const action = detail['action-type'];
  if (detail.result !== 'SUCCESS') {
    return [triggerOf(event, 'failed', narrowest(names), { detail: `${action} ${detail.result}` })];
  }
  const subject = subjectOf(names.tag);
  switch (action) {
    case 'PUSH': {
      const kind = subject ? 'referrer' : arrival;
      return [triggerOf(event, kind, tagOrImage(names, digestField), { subject })];
    }
    case 'DELETE':
      return [triggerOf(event, 'delete', tagOrImage(names, digestField), { subject })];
    case 'UPDATE_STORAGE_CLASS': {
      const storageClass = detail['target-storage-class'] ?? undefined;
      return [triggerOf(event, 'storage-class', imageOf(names, digestField), { detail: storageClass })];
    }
  }
}

const digestField = 'detail.image-digest';
