import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import type { EventBus } from '../alerts/publish';
import { Unavailable } from '../domain/errors';
import { type OwnEvent, ownSource } from '../events/own-event';
import { asUnavailable } from './errors';

/** PutEvents takes at most ten entries ("PutEvents" in the EventBridge API reference). */
const entriesAtOnce = 10;

export function eventBus(client: EventBridgeClient, name: string): EventBus {
  return {
    async put(events) {
      for (let at = 0; at < events.length; at += entriesAtOnce) {
        await putSome(client, name, events.slice(at, at + entriesAtOnce));
      }
    },
  };
}

/** PutEvents answers 200 also where single entries failed. All are put again then: their ids stay the same. */
async function putSome(client: EventBridgeClient, name: string, events: readonly OwnEvent[]): Promise<void> {
  const command = new PutEventsCommand({
    Entries: events.map(({ detailType, detail }) => ({
      EventBusName: name,
      Source: ownSource,
      DetailType: detailType,
      Detail: JSON.stringify(detail),
    })),
  });
  const { FailedEntryCount = 0, Entries = [] } = await client.send(command).catch((error: unknown) => {
    throw asUnavailable('putting events on the bus', error);
  });
  if (FailedEntryCount === 0) return;
  const reasons = new Set(Entries.flatMap((entry) => entry.ErrorCode ?? []));
  throw new Unavailable(
    `the bus "${name}" did not take ${FailedEntryCount} of ${events.length} events: ${[...reasons].join(', ')}`,
  );
}
