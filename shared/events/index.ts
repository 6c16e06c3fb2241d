import { InvalidInput } from '../domain/errors';
import { resourceKey } from '../domain/resource';
import type { Trigger } from '../domain/trigger';
import { cloudTrailCall, cloudTrailServiceEvent } from './cloudtrail-call';
import { type EventType, readEnvelope } from './envelope';
import { quoted } from './fields';
import { imageAction } from './image-action';
import { imageScan } from './image-scan';
import { inspectorScan } from './inspector-scan';
import { pullThroughCacheAction } from './pull-through-cache-action';
import { referrerAction } from './referrer-action';
import { replicationAction } from './replication-action';
import { scanResourceChange } from './scan-resource-change';

/** Every event that this version understands. */
export const eventTypes: readonly EventType[] = [
  imageAction,
  referrerAction,
  replicationAction,
  pullThroughCacheAction,
  imageScan,
  scanResourceChange,
  inspectorScan,
  cloudTrailCall,
  cloudTrailServiceEvent,
];

/** No triggers: a known event that changes nothing we look at. Rejected: a sentence of at most 300 characters. */
export type ParsedEvent = { readonly triggers: readonly Trigger[] } | { readonly rejected: string };

/** Reads one event as EventBridge delivers it, already parsed from JSON. Never throws on any JSON value. */
export function parseEvent(body: unknown): ParsedEvent {
  try {
    return { triggers: triggersOf(body) };
  } catch (error) {
    if (!(error instanceof InvalidInput)) throw error;
    return { rejected: error.message };
  }
}

const byName = new Map(eventTypes.map((type) => [`${type.source} ${type.detailType}`, type]));

function triggersOf(body: unknown): readonly Trigger[] {
  const event = readEnvelope(body);
  const type = byName.get(`${event.source} ${event.detailType}`);
  if (!type) {
    const name = `detail-type ${quoted(event.detailType)} of source ${quoted(event.source)}`;
    throw new InvalidInput(`${name} is not known to this version`);
  }
  return onceEach(type.triggersOf(event));
}

/** Kind, event id and resource are a trigger's key, so an event that names a resource twice gives one trigger. */
function onceEach(triggers: readonly Trigger[]): readonly Trigger[] {
  if (triggers.length < 2) return triggers;
  const byKey = new Map<string, Trigger>();
  for (const trigger of triggers) {
    const key = `${trigger.kind} ${resourceKey(trigger.resource)}`;
    if (!byKey.has(key)) byKey.set(key, trigger);
  }
  return [...byKey.values()];
}
