import * as z from 'zod/mini';
import type { Registry } from '../domain/resource';
import type { Trigger, TriggerKind } from '../domain/trigger';
import { account, instant, read, region, text } from './fields';
import type { Named } from './named';

/** What EventBridge says of every event; `detail` is for the event's own type to read. */
export interface Envelope {
  readonly id: string;
  /** ISO instant in one spelling. */
  readonly time: string;
  readonly registry: Registry;
  readonly source: string;
  readonly detailType: string;
  readonly detail: unknown;
}

/** One detail-type that this version understands. */
export interface EventType {
  readonly source: 'aws.ecr' | 'aws.inspector2';
  readonly detailType: string;
  /** One trigger a resource that the event names. Throws `InvalidInput` that names the field and what is there. */
  triggersOf(event: Envelope): readonly Trigger[];
}

const envelope = z.object(
  {
    source: z.string('who emitted the event, such as aws.ecr'),
    'detail-type': z.string('the kind of event, such as "ECR Image Action"'),
    id: text(/^[!-~]{1,128}$/, "the event's id"),
    time: instant,
    account,
    region,
    detail: z.optional(z.unknown()),
  },
  'an EventBridge event as a JSON object',
);

/** Throws `InvalidInput` for anything that is not an EventBridge event. */
export function readEnvelope(body: unknown): Envelope {
  const said = read(envelope, body, '');
  return {
    id: said.id,
    time: said.time,
    registry: { account: said.account, region: said.region },
    source: said.source,
    detailType: said['detail-type'],
    detail: said.detail,
  };
}

/** What a trigger may say beside the resource, each where the event tells. */
export interface Circumstances {
  readonly source?: Registry;
  readonly subject?: string | undefined;
  readonly actor?: string | undefined;
  readonly detail?: string | undefined;
}

export function triggerOf(
  event: Envelope,
  kind: TriggerKind,
  { resource, digest }: Named,
  { source, subject, actor, detail }: Circumstances = {},
): Trigger {
  return {
    kind,
    eventId: event.id,
    eventTime: event.time,
    resource,
    ...(digest && { digest }),
    ...(source && { source }),
    ...(subject && { subject }),
    ...(actor && { actor }),
    ...(detail && { detail }),
  };
}
