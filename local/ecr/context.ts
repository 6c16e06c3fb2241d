import type { Clock } from '../clock';
import type { EcrEvent } from './events';
import type { Change, Place, Repository, ScanFinding, State } from './state';

/** What the operations share. */
export interface Context {
  readonly clock: Clock;
  readonly regions: readonly string[];
  readonly state: State;
  newId(): string;
  /** Journals a change, then applies it: the only way in which state moves. */
  commit(change: Change): void;
  /** Puts an event on the bus of a registry's account and Region, now. */
  announce(place: Place, event: Pick<EcrEvent, 'detail-type' | 'resources' | 'detail'>): void;
  /** What a basic scan finds. */
  findings(image: { readonly repository: string; readonly digest: string }): readonly ScanFinding[];
  /** Says what is wrong with a lifecycle policy's text, or nothing. */
  validateLifecyclePolicy(text: string): string | undefined;
  /** How long the way to a destination takes, in milliseconds, or that it fails. */
  replicationDelay(copy: Copy): number | 'fail';
  /** How long an archived image takes to become active again, in milliseconds. */
  readonly restoreDelay: number;
}

/** One image and tag on its way to one destination. */
export interface Copy extends Place {
  readonly repository: string;
  readonly digest: string;
  /** Empty for an image without a tag. */
  readonly tag: string;
  readonly destination: Place;
}

export function placeOf({ account, region }: Repository): Place {
  return { account, region };
}
