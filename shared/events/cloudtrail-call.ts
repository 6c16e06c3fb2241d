import * as z from 'zod/mini';
import { InvalidInput } from '../domain/errors';
import type { Trigger, TriggerKind } from '../domain/trigger';
import { type Envelope, type EventType, triggerOf } from './envelope';
import {
  account,
  aList,
  anObject,
  digest,
  instant,
  quoted,
  read,
  remark,
  repositoryName,
  tag,
  text,
  word,
} from './fields';
import { type Named, narrowest, repositoryNamed, tagOrImage } from './named';

/**
 * A call of ECR's API, or what ECR did by itself, as a trail that logs management events delivers it. These alone
 * say who. (Amazon ECR user guide, "Logging Amazon ECR actions with AWS CloudTrail".)
 */
export const cloudTrailCall: EventType = {
  source: 'aws.ecr',
  detailType: 'AWS API Call via CloudTrail',
  triggersOf: cloudTrailTriggers,
};

/** AWS does not document under which detail-type `PolicyExecutionEvent` comes, so both take every entry. */
export const cloudTrailServiceEvent: EventType = {
  source: 'aws.ecr',
  detailType: 'AWS Service Event via CloudTrail',
  triggersOf: cloudTrailTriggers,
};

/** A CloudTrail entry; the event's time is the entry's own where it has one. */
interface Call {
  readonly event: Envelope;
  readonly name: string;
  readonly actor: string | undefined;
  readonly request: unknown;
  readonly response: unknown;
  readonly details: unknown;
}

type ReadCall = (call: Call) => readonly Trigger[];

const calls: ReadonlyMap<string, ReadCall> = new Map<string, ReadCall>([
  ['PutImage', putImage],
  ['BatchDeleteImage', batchDeleteImage],
  ['UpdateImageStorageClass', updateImageStorageClass],
  ...named(onRepository('settings'), [
    'CreateRepository',
    'PutLifecyclePolicy',
    'DeleteLifecyclePolicy',
    'SetRepositoryPolicy',
    'DeleteRepositoryPolicy',
    'PutImageTagMutability',
    'PutImageScanningConfiguration',
    'TagResource',
    'UntagResource',
  ]),
  ['DeleteRepository', onRepository('repository-deleted')],
  ...named(onRegistry, [
    'PutRegistryScanningConfiguration',
    'PutReplicationConfiguration',
    'PutRegistryPolicy',
    'DeleteRegistryPolicy',
    'CreateRepositoryCreationTemplate',
    'UpdateRepositoryCreationTemplate',
    'DeleteRepositoryCreationTemplate',
    'CreatePullThroughCacheRule',
    'UpdatePullThroughCacheRule',
    'DeletePullThroughCacheRule',
    'PutSigningConfiguration',
    'DeleteSigningConfiguration',
    'PutAccountSetting',
    'RegisterPullTimeUpdateExclusion',
    'DeregisterPullTimeUpdateExclusion',
    'StartReplicationBackfill',
    'StopReplicationBackfill',
  ]),
  ['PolicyExecutionEvent', policyExecutionEvent],
  ['DryRunEvent', dryRunEvent],
  // They write, and what they lead to has an event of its own.
  ...named(nothing, [
    'InitiateLayerUpload',
    'UploadLayerPart',
    'CompleteLayerUpload',
    'StartImageScan',
    'StartLifecyclePolicyPreview',
    'ReplicateImage',
    'BatchImportUpstreamImage',
  ]),
]);

const isRead = /^(?:Describe|Get|List|BatchGet|BatchCheck|Validate)/;

const anything = z.optional(z.unknown());

const entrySchema = z.object(
  {
    eventSource: z.literal('ecr.amazonaws.com', 'ecr.amazonaws.com'),
    eventName: word,
    eventTime: z.catch(z.optional(instant), undefined),
    readOnly: z.catch(z.optional(z.boolean()), undefined),
    errorCode: z.nullish(text(/^[ -~]{0,200}$/, 'an error code')),
    userIdentity: z.catch(
      z.optional(z.object({ arn: remark, invokedBy: remark, principalId: remark, accountId: remark })),
      undefined,
    ),
    requestParameters: anything,
    responseElements: anything,
    serviceEventDetails: anything,
  },
  anObject,
);

function cloudTrailTriggers(envelope: Envelope): readonly Trigger[] {
  const entry = read(entrySchema, envelope.detail, 'detail');
  const by = entry.userIdentity;
  const call: Call = {
    event: { ...envelope, time: entry.eventTime ?? envelope.time },
    name: entry.eventName,
    actor: by?.arn || by?.invokedBy || by?.principalId || by?.accountId,
    request: entry.requestParameters,
    response: entry.responseElements,
    details: entry.serviceEventDetails,
  };
  const readCall = calls.get(call.name);
  if (!readCall && (entry.readOnly || isRead.test(call.name))) return [];
  if (isInAnotherAccount(call)) return [];
  if (entry.errorCode) return [failedCall(call, entry.errorCode)];
  if (!readCall) throw new InvalidInput(`the ECR call ${quoted(call.name)} is not known to this version`);
  return readCall(call);
}

function nothing(): readonly Trigger[] {
  return [];
}

function named(readCall: ReadCall, names: readonly string[]): readonly (readonly [string, ReadCall])[] {
  return names.map((name) => [name, readCall]);
}

/**
 * The caller's account has the entry too when the registry is another's; read as a call on its own registry it would
 * name repositories that are not there. The registry's own account tells us.
 */
function isInAnotherAccount({ event, request }: Call): boolean {
  const { registryId } = read(registrySchema, request, '');
  return registryId !== undefined && registryId !== event.registry.account;
}

const registrySchema = z.catch(z.object({ registryId: z.optional(account) }), { registryId: undefined });

/** Images that a call names, in its request or its response. */
const imageId = z.object({ imageTag: tag, imageDigest: digest }, anObject);

const putImageRequest = z.object({ repositoryName, imageTag: tag, imageDigest: digest }, anObject);

const putImageResponse = z.catch(z.optional(z.object({ image: z.object({ imageId }) })), undefined);

/** The actor of a PUSH. CloudTrail carries the manifest as well; what counts is its digest. */
function putImage(call: Call): readonly Trigger[] {
  const asked = read(putImageRequest, call.request, requestField);
  const done = read(putImageResponse, call.response, responseField)?.image.imageId;
  const image = tagOrImage(
    {
      registry: call.event.registry,
      repository: asked.repositoryName,
      tag: asked.imageTag || done?.imageTag,
      digest: done?.imageDigest || asked.imageDigest,
    },
    `${responseField}.image.imageId.imageDigest`,
  );
  return [triggerOf(call.event, 'actor', image, { actor: call.actor, detail: call.name })];
}

const repositoryAlone = z.object({ repositoryName }, anObject);
const batchDeleteResponse = z.object({ imageIds: z.array(imageId, aList) }, anObject);

/** The actor of each DELETE: the response lists what went, one entry a (digest, tag). */
function batchDeleteImage(call: Call): readonly Trigger[] {
  const { repositoryName: repository } = read(repositoryAlone, call.request, requestField);
  const { imageIds } = read(batchDeleteResponse, call.response, responseField);
  return imageIds.map(({ imageTag, imageDigest }) => {
    const names = { registry: call.event.registry, repository, tag: imageTag, digest: imageDigest };
    const image = tagOrImage(names, `${responseField}.imageIds.imageDigest`);
    return triggerOf(call.event, 'actor', image, { actor: call.actor, detail: call.name });
  });
}

const storageClassRequest = z.object(
  { repositoryName, imageId, targetStorageClass: z.nullish(word) },
  anObject,
);
const storageClassResponse = z.catch(z.optional(z.object({ imageId })), undefined);

function updateImageStorageClass(call: Call): readonly Trigger[] {
  const asked = read(storageClassRequest, call.request, requestField);
  const done = read(storageClassResponse, call.response, responseField)?.imageId;
  const imageDigest = done?.imageDigest || asked.imageId.imageDigest;
  const names = { registry: call.event.registry, repository: asked.repositoryName, digest: imageDigest };
  const image = tagOrImage(
    imageDigest ? names : { ...names, tag: asked.imageId.imageTag },
    `${requestField}.imageId.imageDigest`,
  );
  const detail = asked.targetStorageClass ?? undefined;
  return [triggerOf(call.event, 'storage-class', image, { actor: call.actor, detail })];
}

const repositoryRequest = z.object(
  { repositoryName: z.nullish(repositoryName), resourceArn: z.nullish(repositoryName) },
  anObject,
);

function onRepository(kind: TriggerKind): ReadCall {
  return (call) => {
    const asked = read(repositoryRequest, call.request, requestField);
    const repository = asked.repositoryName ?? asked.resourceArn;
    if (!repository) {
      throw new InvalidInput(`${requestField}.repositoryName is missing: expected a repository's name`);
    }
    const resource = repositoryNamed({ registry: call.event.registry, repository });
    return [triggerOf(call.event, kind, resource, { actor: call.actor, detail: call.name })];
  };
}

function onRegistry(call: Call): readonly Trigger[] {
  const registry = registryOf(call);
  return [triggerOf(call.event, 'registry-settings', registry, { actor: call.actor, detail: call.name })];
}

function registryOf({ event }: Call): Named {
  return { resource: { kind: 'registry', ...event.registry } };
}

const policyExecutionDetails = z.object(
  {
    repositoryName,
    lifecycleEventPolicy: z.catch(
      z.optional(
        z.object({ lifecycleEventRules: z.array(z.object({ rulePriority: z.number(), action: word })) }),
      ),
      undefined,
    ),
    lifecycleEventImageActions: z.nullish(
      z.array(
        z.object(
          {
            rulePriority: z.catch(z.optional(z.number()), undefined),
            lifecycleEventImage: z.object({ digest, tagList: z.nullish(z.array(tag, aList)) }, anObject),
          },
          anObject,
        ),
        aList,
      ),
    ),
  },
  anObject,
);

/**
 * ECR ran a lifecycle policy; the entry comes also when nothing was to do, and in several for ten images and more.
 * An image has its action from the rule that it fell under: `expire` or `transition`.
 */
function policyExecutionEvent(call: Call): readonly Trigger[] {
  const run = read(policyExecutionDetails, call.details, detailsField);
  const { event, actor } = call;
  const actionOf = new Map(
    run.lifecycleEventPolicy?.lifecycleEventRules.map((rule) => [
      rule.rulePriority,
      rule.action.toLowerCase(),
    ]),
  );
  const names = { registry: event.registry, repository: run.repositoryName };
  const images = (run.lifecycleEventImageActions ?? []).flatMap((one) => {
    const { digest: imageDigest, tagList } = one.lifecycleEventImage;
    const tags = tagList?.length ? tagList : [undefined];
    const detail = one.rulePriority === undefined ? undefined : actionOf.get(one.rulePriority);
    return tags.map((imageTag) => {
      const image = tagOrImage(
        { ...names, tag: imageTag, digest: imageDigest },
        `${detailsField}.lifecycleEventImageActions.lifecycleEventImage.digest`,
      );
      return triggerOf(event, 'policy-run', image, { actor, detail });
    });
  });
  return [triggerOf(event, 'policy-run', repositoryNamed(names), { actor, detail: call.name }), ...images];
}

/** A lifecycle policy was previewed: recorded as what happened, since nothing was done. */
function dryRunEvent(call: Call): readonly Trigger[] {
  const { repositoryName: repository } = read(
    z.object({ repositoryName }, anObject),
    call.details,
    detailsField,
  );
  const resource = repositoryNamed({ registry: call.event.registry, repository });
  return [triggerOf(call.event, 'failed', resource, { actor: call.actor, detail: call.name })];
}

const lenientImageId = z.catch(
  z.optional(z.object({ imageTag: z.catch(tag, undefined), imageDigest: z.catch(digest, undefined) })),
  undefined,
);

const failedRequest = z.catch(
  z.object({
    repositoryName: z.catch(z.optional(repositoryName), undefined),
    resourceArn: z.catch(z.optional(repositoryName), undefined),
    imageTag: z.catch(tag, undefined),
    imageDigest: z.catch(digest, undefined),
    imageId: lenientImageId,
    imageIds: z.catch(z.optional(z.array(lenientImageId)), undefined),
  }),
  {},
);

/** What a failed call asked for may itself be what was wrong, so it is named as far as it can be. */
function failedCall(call: Call, errorCode: string): Trigger {
  const asked = read(failedRequest, call.request, requestField);
  const repository = asked.repositoryName ?? asked.resourceArn;
  const onlyImage = asked.imageId ?? (asked.imageIds?.length === 1 ? asked.imageIds[0] : undefined);
  const resource = repository
    ? narrowest({
        registry: call.event.registry,
        repository,
        tag: asked.imageTag || onlyImage?.imageTag,
        digest: asked.imageDigest || onlyImage?.imageDigest,
      })
    : registryOf(call);
  return triggerOf(call.event, 'failed', resource, {
    actor: call.actor,
    detail: `${call.name} ${errorCode}`,
  });
}

const requestField = 'detail.requestParameters';
const responseField = 'detail.responseElements';
const detailsField = 'detail.serviceEventDetails';
