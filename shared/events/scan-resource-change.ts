import * as z from 'zod/mini';
import type { Trigger } from '../domain/trigger';
import { type Envelope, type EventType, triggerOf } from './envelope';
import { aList, anObject, read, repositoryName, word } from './fields';
import { repositoryNamed } from './named';

/**
 * ECR Scan Resource Change: what enhanced scanning covers in these repositories changed. AWS documents the change of
 * frequency alone. (Amazon ECR user guide, "Amazon ECR events and EventBridge".)
 */
export const scanResourceChange: EventType = {
  source: 'aws.ecr',
  detailType: 'ECR Scan Resource Change',
  triggersOf: scanResourceTriggers,
};

const scanResourceDetail = z.object(
  {
    'action-type': word,
    repositories: z.array(z.object({ 'repository-name': repositoryName }, anObject), aList),
  },
  anObject,
);

function scanResourceTriggers(event: Envelope): readonly Trigger[] {
  const detail = read(scanResourceDetail, event.detail, 'detail');
  return detail.repositories.map((one) =>
    triggerOf(
      event,
      'settings',
      repositoryNamed({ registry: event.registry, repository: one['repository-name'] }),
      {
        detail: detail['action-type'],
      },
    ),
  );
}
