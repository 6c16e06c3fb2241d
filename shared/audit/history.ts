import { isArrival } from '../events/touches';
import { movesTag } from './holder';
import type { AuditRecord } from './record';

/** One move of a tag. `from` is null at the first, `to` is null at a delete; `actor` is null where no CloudTrail told. */
export interface TagMove {
  /** ISO instant of the event. */
  readonly time: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly actor: string | null;
  /** The event's id. */
  readonly event: string;
}

/**
 * A tag's moves in event-time order, from the records of its chain in any order. Events that changed nothing (a
 * digest pushed again under its own tag) are no moves.
 */
export function tagHistory(records: readonly AuditRecord[]): TagMove[] {
  const triggers = records
    .toSorted((one, other) => (one.record < other.record ? -1 : 1))
    .flatMap((record) => record.triggers ?? []);
  const actors = new Map(
    triggers.filter((one) => one.kind === 'actor').map((one) => [one.digest ?? '', one.actor ?? null]),
  );
  const moves: TagMove[] = [];
  let from: string | null = null;
  for (const trigger of triggers
    .filter(movesTag)
    .toSorted((one, other) => Date.parse(one.time) - Date.parse(other.time))) {
    const to = isArrival(trigger.kind) ? (trigger.digest ?? null) : null;
    if (to === from) continue;
    const actor = trigger.actor ?? actors.get(to ?? from ?? '') ?? null;
    moves.push({ time: trigger.time, from, to, actor, event: trigger.id });
    from = to;
  }
  return moves;
}
