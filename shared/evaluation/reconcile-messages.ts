import { InvalidInput, Unavailable } from '../domain/errors';
import type { Trigger } from '../domain/trigger';
import { parseEvent } from '../events/index';
import { parseRecheck } from '../events/recheck';
import { type ReconcileDependencies, reconcile } from './reconcile';

/** A message of the reconcile queue: an EventBridge envelope or a recheck of ours. */
export interface Message {
  readonly id: string;
  readonly body: string;
  /** How often it was received, this time included. */
  readonly receiveCount: number;
  readonly receipt: string;
}

/** The queue as far as a message's fate goes. */
export interface Inbox {
  /** Keeps what nobody can use, with the reason, where people find it. */
  reject(message: Message, reason: string): Promise<void>;
  /** Lets the message come again after so many seconds. */
  comeAgain(message: Message, seconds: number): Promise<void>;
}

export type Fate =
  | { readonly message: Message; readonly end: 'done' }
  | { readonly message: Message; readonly end: 'rejected'; readonly reason: string }
  | {
      readonly message: Message;
      readonly end: 'again';
      readonly error: Error;
      readonly afterSeconds?: number;
    };

/** What time can lift comes again after these, then at the queue's own pace, and at last by redrive. */
const comeAgainSeconds: readonly number[] = [5, 30, 120];

/**
 * Takes a batch: each message becomes triggers, all are reconciled side by side, and each message ends on its own.
 * One that cannot be understood, or comes from a registry that the policy does not govern, is kept as rejected with
 * the reason; it never stops its batch mates.
 */
export async function reconcileMessages(
  messages: readonly Message[],
  dependencies: ReconcileDependencies & { readonly inbox: Inbox },
): Promise<readonly Fate[]> {
  const read = await Promise.all(
    messages.map(async (message) => ({ message, ...(await readMessage(message, dependencies)) })),
  );
  const outcomes = await reconcile(
    read.flatMap(({ triggers }) => triggers ?? []),
    dependencies,
  );
  const errors = new Map(outcomes.map(({ trigger, error }) => [trigger, error]));
  return Promise.all(
    read.map(async ({ message, triggers, rejected, error }) => {
      if (rejected !== undefined) return reject(message, rejected, dependencies.inbox);
      const failed =
        error ?? triggers?.map((trigger) => errors.get(trigger)).find((one) => one !== undefined);
      return failed ? retry(message, failed, dependencies.inbox) : { message, end: 'done' };
    }),
  );
}

interface ReadMessage {
  readonly triggers?: readonly Trigger[];
  readonly rejected?: string;
  readonly error?: Error;
}

async function readMessage(message: Message, dependencies: ReconcileDependencies): Promise<ReadMessage> {
  let body: unknown;
  try {
    body = JSON.parse(message.body);
  } catch (error) {
    return { rejected: `the message is not JSON: ${(error as SyntaxError).message.slice(0, 200)}` };
  }
  const recheck = parseRecheck(body);
  if (recheck) return readRecheck(recheck, dependencies);
  const parsed = parseEvent(body);
  if ('rejected' in parsed) return { rejected: parsed.rejected };
  const outside = parsed.triggers.find(({ resource }) => !dependencies.policy.governs(resource));
  if (outside) {
    const { account, region } = outside.resource;
    return { rejected: `account ${account} in ${region} is not listed under "registries" in the policy` };
  }
  return { triggers: parsed.triggers };
}

/** A recheck that is not due yet was cut short by the queue's longest delay: it hops on. */
async function readRecheck(
  trigger: Trigger & { until: string },
  { rechecks, now }: ReconcileDependencies,
): Promise<ReadMessage> {
  if (now() >= Date.parse(trigger.until)) return { triggers: [trigger] };
  try {
    await rechecks.schedule(trigger.resource, trigger.until);
    return { triggers: [] };
  } catch (error) {
    return { error: asError(error) };
  }
}

async function reject(message: Message, reason: string, inbox: Inbox): Promise<Fate> {
  try {
    await inbox.reject(message, reason);
    return { message, end: 'rejected', reason };
  } catch (error) {
    return { message, end: 'again', error: asError(error) };
  }
}

async function retry(message: Message, error: Error, inbox: Inbox): Promise<Fate> {
  if (error instanceof InvalidInput) return reject(message, error.message, inbox);
  const afterSeconds = error instanceof Unavailable ? comeAgainSeconds[message.receiveCount - 1] : undefined;
  if (afterSeconds === undefined) return { message, end: 'again', error };
  try {
    await inbox.comeAgain(message, afterSeconds);
    return { message, end: 'again', error, afterSeconds };
  } catch {
    // The queue's own visibility timeout brings it back, only later.
    return { message, end: 'again', error };
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
