import type { LifecycleImage } from './image';
import type { Simulation } from './simulate';

/** Dollars for a gigabyte and a month; a gigabyte is 2^30 bytes. */
export interface StoragePrices {
  readonly standard: number;
  readonly archive: number;
}

/** us-east-1; the archive below 150 TB, which costs what the standard class does. */
export const listPrices: StoragePrices = { standard: 0.1, archive: 0.1 };

export interface StorageLine {
  readonly images: number;
  readonly bytes: number;
  readonly dollarsAMonth: number;
}

export interface StorageCost {
  readonly before: StorageLine;
  readonly expired: StorageLine;
  /** What moves to the archive, at the archive's price. */
  readonly archived: StorageLine;
  readonly after: StorageLine;
}

/**
 * What the images cost before and after a run. Upper bounds: ECR bills a layer once a repository, whichever images
 * share it, and an index's size is its largest child's once more.
 */
export function storageCost(
  images: readonly LifecycleImage[],
  { previewResults }: Simulation,
  prices: StoragePrices = listPrices,
): StorageCost {
  const actions = new Map(previewResults.map(({ imageDigest, action }) => [imageDigest, action.type]));
  const price = (bytes: number, archived: boolean): number =>
    (bytes / 2 ** 30) * (archived ? prices.archive : prices.standard);
  const sum = (
    chosen: readonly LifecycleImage[],
    archived: (image: LifecycleImage) => boolean,
  ): StorageLine => ({
    images: chosen.length,
    bytes: chosen.reduce((total, { bytes }) => total + bytes, 0),
    dollarsAMonth: chosen.reduce((total, image) => total + price(image.bytes, archived(image)), 0),
  });
  const acted = (action: string): readonly LifecycleImage[] =>
    images.filter(({ digest }) => actions.get(digest) === action);
  const isArchived = ({ status }: LifecycleImage): boolean => status === 'ARCHIVED';
  return {
    before: sum(images, isArchived),
    expired: sum(acted('EXPIRE'), isArchived),
    archived: sum(acted('TRANSITION'), () => true),
    after: sum(
      images.filter(({ digest }) => actions.get(digest) !== 'EXPIRE'),
      (image) => isArchived(image) || actions.has(image.digest),
    ),
  };
}
