import { InvalidInput } from '../shared/domain/errors';
import type { ReplayLine } from './ecr';
import { createIdSet } from './ecr/id-set';
import { readReplayLine, replayEventId } from './replay-line';

/** The pipeline as a replay sees it. */
export interface ReplayTarget {
  /** Makes one ECR event of a line. Throws `InvalidInput` for a line that it cannot take. */
  apply(line: ReplayLine, eventId: string): void;
  /** How many messages wait or are being worked on. */
  backlog(): number;
  /** Until every event, stream record and message is dealt with. */
  drained(): Promise<void>;
  /** The ids of the events of every record in the trail: one list a record, whichever run wrote it. */
  recordedEvents(): AsyncIterable<readonly string[]>;
  pause(milliseconds: number): Promise<void>;
}

export interface ReplayOptions {
  readonly limit?: number | undefined;
  /** Ends the feeding early; what was fed is still drained and counted. */
  readonly signal?: AbortSignal | undefined;
  onRejected(line: number, reason: string): void;
  /** After every line, with the lines so far. */
  onLine?(accepted: number): void;
  /** When nothing more is fed. */
  onFed?(accepted: number): void;
  /** When everything is done, before the trail is counted. */
  onDrained?(): void;
}

export interface ReplayCount {
  readonly events: {
    readonly accepted: number;
    readonly recorded: number;
    readonly rejected: number;
    readonly lost: number;
  };
  /** The trail's size. */
  readonly records: number;
}

/** So many messages keep every function busy; more would only grow the queue. */
const mostInFlight = 400;
/** The pipeline runs in this process: it gets a turn after so many lines. */
const linesATurn = 50;

/** Feeds the lines, waits until all is done, and counts in the trail itself what has arrived there. */
export async function replay(
  lines: AsyncIterable<{ readonly number: number; readonly text: string }>,
  target: ReplayTarget,
  { limit = Number.POSITIVE_INFINITY, signal, onRejected, onLine, onFed, onDrained }: ReplayOptions,
): Promise<ReplayCount> {
  const fed = createIdSet();
  const repeats = new Map<string, number>();
  let accepted = 0;
  let rejected = 0;
  for await (const { number, text } of lines) {
    if (accepted >= limit || signal?.aborted) break;
    accepted += 1;
    try {
      const line = readReplayLine(text);
      const id = replayEventId(text);
      target.apply(line, id);
      if (fed.has(id)) repeats.set(id, (repeats.get(id) ?? 0) + 1);
      else fed.add(id);
    } catch (error) {
      if (!(error instanceof InvalidInput)) throw error;
      rejected += 1;
      onRejected(number, error.message);
    }
    onLine?.(accepted);
    if (accepted % linesATurn === 0) await target.pause(0);
    while (target.backlog() >= mostInFlight && !signal?.aborted) await target.pause(2);
  }
  onFed?.(accepted);
  await target.drained();
  onDrained?.();

  const counted = createIdSet();
  let recorded = 0;
  let records = 0;
  for await (const ids of target.recordedEvents()) {
    records += 1;
    for (const id of ids) {
      if (!fed.has(id) || counted.has(id)) continue;
      counted.add(id);
      recorded += 1 + (repeats.get(id) ?? 0);
    }
  }
  return { events: { accepted, recorded, rejected, lost: accepted - recorded - rejected }, records };
}
