import * as z from 'zod/mini';
import type { Trigger } from '../domain/trigger';
import { type Envelope, type EventType, triggerOf } from './envelope';
import { account, anObject, digest, read, region, remark, repositoryName, tag, word } from './fields';
import { narrowest, subjectOf, tagOrImage } from './named';

/**
 * ECR Replication Action: an image arrived, or failed to, in the registry of the envelope, which is the destination.
 * (Amazon ECR user guide, "Amazon ECR events and EventBridge".)
 */
export const replicationAction: EventType = {
  source: 'aws.ecr',
  detailType: 'ECR Replication Action',
  triggersOf: replicationTriggers,
};

const replicationDetail = z.object(
  {
    'action-type': z.literal('REPLICATE', 'REPLICATE'),
    result: word,
    'repository-name': repositoryName,
    'image-digest': digest,
    'image-tag': tag,
    'source-account': account,
    'source-region': region,
    // AWS says that a failed event may say more, and not where: these are the names of the pull through cache's event.
    'failure-code': remark,
    'failure-reason': remark,
  },
  anObject,
);

function replicationTriggers(event: Envelope): readonly Trigger[] {
  const detail = read(replicationDetail, event.detail, 'detail');
  const names = {
    registry: event.registry,
    repository: detail['repository-name'],
    tag: detail['image-tag'],
    digest: detail['image-digest'],
  };
  const source = { account: detail['source-account'], region: detail['source-region'] };
  if (detail.result === 'SUCCESS') {
    const named = tagOrImage(names, 'detail.image-digest');
    return [triggerOf(event, 'replicate', named, { source, subject: subjectOf(names.tag) })];
  }
  const said = [`REPLICATE ${detail.result}`, detail['failure-code'], detail['failure-reason']];
  return [triggerOf(event, 'failed', narrowest(names), { source, detail: said.filter(Boolean).join(': ') })];
}
