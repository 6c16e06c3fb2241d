import { createHash } from 'node:crypto';
import { canonicalJson } from '../domain/canonical-json';
import { InvalidInput, Refused, Unavailable } from '../domain/errors';
import { parseFindingChanged } from '../events/finding-changed';
import type { Policy } from '../policy/effective-policy';
import type { AlertsEntry } from '../policy/policy-document';
import { type Finding, type FindingKey, messageKey } from './finding';
import { RateLimited, RetryLater } from './retry-later';
import { routeOf } from './route';
import { findingMessage, type SlackMessage } from './slack/message';

/** What `state` remembers of a finding's message. */
export interface TrackedMessage {
  readonly scope: string;
  /** `slack#<name in scope>#<rule>`. */
  readonly key: string;
  /** Where it was posted; absent where that never came to be known. */
  readonly channel?: string;
  /** Slack's id of it within the channel; absent for what a webhook posted. */
  readonly ts?: string;
  /** What it shows: a hash, or a word for what a webhook told. Absent while, or since, somebody writes to it. */
  readonly shown?: string;
  /** Of the finding that it shows. */
  readonly sequence?: number;
  /** Epoch milliseconds until which somebody holds the right to write to Slack. */
  readonly claimedUntil?: number;
}

/** Everything throws `Unavailable`. */
export interface MessageStore {
  /** Read consistently. */
  message(scope: string, key: string): Promise<TrackedMessage | undefined>;
  /**
   * Takes the right to write until `until`, if nobody holds it at `now` (epoch milliseconds), and forgets what is
   * shown: a holder that dies may have shown anything. Answers the item as it was before, or `held`.
   */
  claim(key: FindingKey, now: number, until: number): Promise<{ before?: TrackedMessage } | 'held'>;
  /** Notes what is shown and gives the right back; false where the right was lost. May be done again. */
  mark(message: TrackedMessage, claimedUntil: number): Promise<boolean>;
  /** Puts the item back as it was before the claim, if the right is still held. */
  release(key: FindingKey, before: TrackedMessage | undefined, claimedUntil: number): Promise<void>;
}

export interface FindingReader {
  /** Read consistently. Throws `Unavailable`. */
  finding(scope: string, key: string): Promise<Finding | undefined>;
}

/**
 * Where messages go. `RateLimited`, `Refused` and `InvalidInput` mean that nothing was written; `Unavailable` that
 * nobody knows.
 */
export interface Messenger {
  /** The one channel that it can write to, whatever the policy says. */
  readonly channel?: string;
  post(channel: string, message: SlackMessage): Promise<{ readonly channel: string; readonly ts?: string }>;
  /** `gone`: people deleted it. `locked`: it cannot be edited any more. Absent where nothing can be edited. */
  readonly update?: (
    channel: string,
    ts: string,
    message: SlackMessage,
  ) => Promise<'updated' | 'gone' | 'locked'>;
}

export interface NotifyDependencies {
  readonly policy: Policy;
  readonly alerts: AlertsEntry;
  readonly findings: FindingReader;
  readonly messages: MessageStore;
  readonly messenger: Messenger;
  /** Epoch milliseconds. */
  now(): number;
}

export type Told = 'nothing' | 'posted' | 'updated' | 'remembered';

/** How long a right to write holds. The function's own time-out must not be longer, or two could write at once. */
const leaseMilliseconds = 60_000;

/**
 * Brings a finding's one Slack message up to what `state` says of it; the event that led here is only a reason to
 * look. Whoever writes to Slack holds the message's claim and reads the finding under it, so that writers come one
 * after another and the last one has seen the newest:
 *
 *     finding, then message: do they agree? → done
 *     claim (held by another → later) → finding again → post or edit → mark
 *
 * Only a crash or a lost answer between post and mark can cost a second message, since a post has no key by which
 * Slack could recognise it.
 */
export async function notify(key: FindingKey, dependencies: NotifyDependencies): Promise<Told> {
  const { findings, messages, now } = dependencies;
  const finding = await findings.finding(key.scope, key.key);
  const message = await messages.message(key.scope, messageKey(key.key));
  if (message?.claimedUntil !== undefined && message.claimedUntil > now())
    throw heldUntil(message.claimedUntil, now());
  if (stepFor(finding, message, dependencies).do === 'nothing') return 'nothing';

  const until = now() + leaseMilliseconds;
  const claim = await messages.claim(key, now(), until);
  if (claim === 'held') throw heldUntil(until, now());
  try {
    return await write(key, claim.before, until, dependencies);
  } catch (error) {
    // What was surely not written needs nobody to wait for the lease's end.
    if (error instanceof RateLimited || error instanceof Refused || error instanceof InvalidInput) {
      await messages.release(key, claim.before, until).catch(() => undefined);
    }
    throw error;
  }
}

/** One step under the claim, from a finding that was read under it. */
async function write(
  key: FindingKey,
  before: TrackedMessage | undefined,
  claimedUntil: number,
  dependencies: NotifyDependencies,
): Promise<Told> {
  const { findings, messages, messenger } = dependencies;
  const finding = await findings.finding(key.scope, key.key);
  const step = stepFor(finding, before, dependencies);
  if (!finding || step.do === 'nothing') {
    await messages.release(key, before, claimedUntil);
    return 'nothing';
  }
  const { message, face, channel } = step;
  const noted = { scope: key.scope, key: messageKey(key.key), shown: face, sequence: finding.sequence };
  const posted = async () => {
    const at = await messenger.post(channel, message);
    await mark({ ...noted, ...at }, claimedUntil, messages);
    return 'posted' as const;
  };
  if (step.do === 'post') return posted();

  const known = { ...noted, channel, ...(before?.ts && { ts: before.ts }) };
  if (step.do === 'update' && messenger.update && before?.ts) {
    const answer = await messenger.update(channel, before.ts, message);
    if (answer === 'locked' || (answer === 'gone' && finding.status === 'open')) return posted();
    await mark(known, claimedUntil, messages);
    return 'updated';
  }
  await mark(known, claimedUntil, messages);
  return 'remembered';
}

type Step =
  | { readonly do: 'nothing' }
  | {
      readonly do: 'post' | 'update' | 'remember';
      readonly message: SlackMessage;
      /** What the message shows, short. */
      readonly face: string;
      readonly channel: string;
    };

/** What the message needs to agree with the finding. Pure. */
function stepFor(
  finding: Finding | undefined,
  message: TrackedMessage | undefined,
  { policy, alerts, messenger }: NotifyDependencies,
): Step {
  if (!finding) return { do: 'nothing' };
  const route = routeOf(finding, policy, alerts);
  const content = findingMessage(finding, route);
  const face = messenger.update ? hashOf(content) : finding.status;
  const target = messenger.channel ?? route.channel;

  if (message?.channel === undefined) {
    // A claim that nobody gave back may have posted a message that we lost sight of: who read it reads the end too.
    const tells = finding.status === 'open' || message !== undefined;
    if (!tells || !target || !route.severeEnough) return { do: 'nothing' };
    return { do: 'post', message: content, face, channel: target };
  }
  if (message.shown === face) return { do: 'nothing' };
  const { channel } = message;
  if (messenger.update && message.ts) return { do: 'update', message: content, face, channel };
  // Posted by a webhook, or to be: every message is a new one, so only what people must know is worth it.
  const tells = finding.status === 'open' || finding.status === 'resolved';
  return { do: tells && target ? 'post' : 'remember', message: content, face, channel: target ?? channel };
}

/** The post cannot be taken back, so its mark is worth more than one attempt. */
async function mark(message: TrackedMessage, claimedUntil: number, messages: MessageStore): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      if (await messages.mark(message, claimedUntil)) return;
    } catch (error) {
      if (attempt === 3) throw error;
      continue;
    }
    throw new RetryLater('writing to Slack took longer than its claim: somebody else went on', 1);
  }
}

function heldUntil(until: number, now: number): RetryLater {
  return new RetryLater(
    'the message is being written by another invocation',
    Math.max(1, Math.ceil((until - now) / 1000)),
  );
}

function hashOf(message: SlackMessage): string {
  return createHash('sha256').update(canonicalJson(message)).digest('hex').slice(0, 32);
}

/** A message of the notify queue: a `Finding Changed` event as EventBridge delivers it. */
export interface NotifyQueueMessage {
  readonly id: string;
  readonly body: string;
  readonly receipt: string;
}

/** The queue as far as a message's fate goes. */
export interface NotifyInbox {
  comeAgain(message: NotifyQueueMessage, seconds: number): Promise<void>;
}

export interface Failed {
  readonly message: NotifyQueueMessage;
  readonly error: Error;
}

/**
 * Takes a batch, one finding after another, since Slack takes about one message a second and channel. Once Slack asks
 * for a pause or does not answer, the rest of the batch waits too: trying it would take the function past its time-out.
 * What fails comes again; what time cannot lift ends in the dead-letter queue with its reason in the log, and can be
 * redriven from there once people put it right.
 */
export async function notifyMessages(
  queued: readonly NotifyQueueMessage[],
  dependencies: NotifyDependencies & { readonly inbox: NotifyInbox },
): Promise<readonly Failed[]> {
  const failed: Failed[] = [];
  const ends = new Map<string, Error | undefined>();
  let pause: Error | undefined;
  for (const message of queued) {
    let error: Error | undefined = pause;
    if (!error) {
      try {
        const key = parseFindingChanged(JSON.parse(message.body));
        const name = `${key.scope} ${key.key}`;
        if (!ends.has(name)) ends.set(name, await endOf(() => notify(key, dependencies)));
        error = ends.get(name);
      } catch (unreadable) {
        error = asError(unreadable);
      }
    }
    if (!error) continue;
    if (stopsAll(error)) pause = error;
    failed.push({ message, error });
    // Where this fails, the queue's own visibility timeout brings the message back.
    if (error instanceof RetryLater) await endOf(() => dependencies.inbox.comeAgain(message, error.seconds));
  }
  return failed;
}

/** Not a claim that another invocation holds, which is about one finding alone. */
function stopsAll(error: Error): boolean {
  return error instanceof Unavailable && (error instanceof RateLimited || !(error instanceof RetryLater));
}

async function endOf(work: () => Promise<unknown>): Promise<Error | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return asError(error);
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
