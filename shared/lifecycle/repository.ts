import { digestTable } from './digest-table';
import type { LifecycleImage } from './image';
import type { SimulationReadings } from './readings';

/** The images with what they are to each other; positions are those of the list. */
export interface Repository {
  readonly images: readonly LifecycleImage[];
  /** 1 where an image is in the archive. */
  readonly archived: Uint8Array;
  /** The indexes that name an image as their child. */
  readonly indexesOf: ReadonlyMap<number, readonly number[]>;
  readonly subjectOf: ReadonlyMap<number, number>;
}

export function openRepository(images: readonly LifecycleImage[], readings: SimulationReadings): Repository {
  const archived = new Uint8Array(images.length);
  const indexesOf = new Map<number, number[]>();
  const subjectOf = new Map<number, number>();
  const positionOf = digestTable(images);
  for (let at = 0; at < images.length; at += 1) {
    const image = images[at]!;
    if (isArchived(image, readings)) archived[at] = 1;
    for (const digest of image.children) {
      const child = positionOf(digest);
      if (child === undefined) continue;
      const known = indexesOf.get(child);
      if (known) known.push(at);
      else indexesOf.set(child, [at]);
    }
    const subject = image.subject === undefined ? undefined : positionOf(image.subject);
    if (subject !== undefined) subjectOf.set(at, subject);
  }
  return { images, archived, indexesOf, subjectOf };
}

function isArchived({ status }: LifecycleImage, { activating }: SimulationReadings): boolean {
  return status === 'ARCHIVED' || (status === 'ACTIVATING' && activating === 'archive');
}

/** What becomes of an image, as a number: there may be a million. */
export const [staying, expiring, moving] = [0, 1, 2];

/** Finds the index, if any, for which an image has to stay; of several the one with the smallest digest. */
export function protection(
  { images, archived, indexesOf }: Repository,
  wouldExpire: (index: number) => boolean,
  readings: SimulationReadings,
): (at: number) => number | undefined {
  const known = new Map<number, number | undefined>();
  const protects = (index: number): boolean => {
    if (archived[index] === 1 && readings.archivedIndexes === 'release') return false;
    if (readings.expiringIndexes === 'protect') return true;
    return !wouldExpire(index) || indexNeeding(index) !== undefined;
  };
  function indexNeeding(at: number): number | undefined {
    const indexes = indexesOf.get(at);
    if (!indexes) return undefined;
    if (known.has(at)) return known.get(at);
    // Only what names itself as its child could come here again before the answer is known.
    known.set(at, at);
    const needing = indexes
      .filter(protects)
      .reduce<number | undefined>(
        (least, index) =>
          least === undefined || images[index]!.digest < images[least]!.digest ? index : least,
        undefined,
      );
    known.set(at, needing);
    return needing;
  }
  return indexNeeding;
}

/**
 * The images that go with their subject, be it that the subject itself only follows. What an index needs stays, and
 * what is in the archive already does not move there.
 */
export function followers(
  { subjectOf }: Repository,
  departures: Uint8Array,
  mayFollow: (at: number, departure: number) => boolean,
): ReadonlySet<number> {
  const known = new Map<number, number>();
  for (const start of subjectOf.keys()) {
    const path: number[] = [];
    let end: number | undefined = start;
    while (end !== undefined && departures[end] === staying && !known.has(end)) {
      path.push(end);
      known.set(end, staying);
      end = subjectOf.get(end);
    }
    let departure = end === undefined ? staying : departures[end] || known.get(end) || staying;
    for (const at of path.reverse()) {
      if (departure !== staying && !mayFollow(at, departure)) departure = staying;
      known.set(at, departure);
    }
  }
  return new Set([...known].flatMap(([at, departure]) => (departure === staying ? [] : [at])));
}
