import { isoTime } from '../domain/duration';
import type { Holder } from '../domain/holder';
import type { Trigger } from '../domain/trigger';
import { isArrival } from '../events/touches';

/** A read this long after the newest event is not stale: ECR has shown by then what it was told. */
export const settlingMilliseconds = 120_000;

/** A trigger that put the tag on a digest, or took it away. */
export function movesTag(trigger: Pick<Trigger, 'kind' | 'digest' | 'detail'>): boolean {
  if (isArrival(trigger.kind)) return trigger.digest !== undefined;
  return trigger.kind === 'delete' || (trigger.kind === 'policy-run' && trigger.detail === 'expire');
}

interface Move {
  readonly time: number;
  readonly holder: Holder;
}

function moveOf(trigger: Trigger): Move {
  return {
    time: Date.parse(trigger.eventTime),
    holder: {
      digest: isArrival(trigger.kind) ? (trigger.digest ?? null) : null,
      since: trigger.eventTime,
      event: trigger.eventId,
      ...(trigger.source && { source: trigger.source }),
    },
  };
}

/** Epoch milliseconds up to which the holder is known to hold; before everything where there is none. */
export function knownUntil(holder: Holder | undefined): number {
  const instant = holder?.since ?? holder?.asOf;
  return instant == null ? Number.NEGATIVE_INFINITY : Date.parse(instant);
}

/**
 * The holder after events, by event time alone: a late event is recorded and moves nothing. `tie` says that two
 * events of one instant name different digests, which only ECR's own answer can settle.
 */
export function holderAfterEvents(
  before: Holder | undefined,
  triggers: readonly Trigger[],
): { holder?: Holder; tie: boolean } {
  const moves = triggers.filter(movesTag).map(moveOf);
  moves.sort((one, other) => one.time - other.time || compareDigests(one.holder, other.holder));
  let holder = before;
  let tie = false;
  for (const move of moves) {
    const known = knownUntil(holder);
    if (move.time > known) {
      tie = false;
      holder = move.holder;
    } else if (move.time === known && move.holder.digest !== holder?.digest) tie = true;
  }
  return { ...(holder && { holder }), tie };
}

/**
 * ECR's answer overrides events on equal times, and when it was read more than two minutes after the newest event
 * (a fresh read can be stale). How long the tag has been there is then unknown: a clock of ours would be a guess.
 */
export function holderAfterRead(
  after: { holder?: Holder; tie: boolean },
  digest: string | null,
  readAt: number,
): Holder | undefined {
  const { holder, tie } = after;
  if (holder ? holder.digest === digest : digest === null) return holder;
  if (tie) return { digest, since: holder?.since ?? null };
  const settled = readAt - settlingMilliseconds;
  if (knownUntil(holder) > settled) return holder;
  return { digest, since: null, asOf: isoTime(settled) };
}

function compareDigests(one: Holder, other: Holder): number {
  return (one.digest ?? '') < (other.digest ?? '') ? -1 : 1;
}
