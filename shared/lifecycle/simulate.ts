import { isoTime } from '../domain/duration';
import { InvalidInput } from '../domain/errors';
import type { LifecyclePolicy, LifecycleRule } from './grammar';
import type { LifecycleImage } from './image';
import { type SimulationReadings, settledReadings } from './readings';
import { tagSelector } from './tag-selector';

/** What ECR's own preview answers for an image that a rule acts on, in its words. */
export interface PreviewResult {
  readonly imageDigest: string;
  readonly imageTags: readonly string[];
  /** ISO instant. */
  readonly imagePushedAt: string;
  readonly action:
    | { readonly type: 'EXPIRE' }
    | { readonly type: 'TRANSITION'; readonly targetStorageClass: 'ARCHIVE' };
  readonly appliedRulePriority: number;
}

export const keptReasons = [
  /** No rule's storage class and tags are the image's. */
  'no-rule-matches',
  /** It is among the newest that the first matching rule leaves. */
  'among-newest',
  /** It is not yet over the first matching rule's age. */
  'too-young',
  /** The first matching rule counts from a time that the image does not tell. */
  'time-unknown',
  /** A rule would act, and one before it matches the image and thereby shields it. */
  'shielded',
  /** A rule would act, and an index needs the image. */
  'child-of-index',
  /** No rule acts, and the image goes with the one that it refers to. */
  'follows',
] as const;
export type KeptReason = (typeof keptReasons)[number];

export interface KeptImage {
  readonly imageDigest: string;
  readonly imageTags: readonly string[];
  readonly reason: KeptReason;
  /** The priority of the rule that shields it. */
  readonly shieldedBy?: number;
  /** The rule that leaves it, or that would act on it. */
  readonly rulePriority?: number;
  /** The index that needs it. */
  readonly indexDigest?: string;
  /** The image that it follows. */
  readonly subjectManifestDigest?: string;
}

export interface Simulation {
  /** Oldest first, as they go. */
  readonly previewResults: readonly PreviewResult[];
  /** All others, oldest first. */
  readonly kept: readonly KeptImage[];
  readonly summary: {
    readonly expiringImageTotalCount: number;
    readonly transitioningImageTotalCount: number;
    /** Of the expiring images; layers that they share with others are counted all the same. */
    readonly bytes: number;
  };
}

export interface SimulateOptions {
  /** Epoch milliseconds at which the policy runs. */
  readonly now: number;
  readonly readings?: Partial<SimulationReadings>;
}

/**
 * What one run of the policy does to a repository, and why all else stays ("How lifecycle policies work" in the ECR
 * user guide). All rules are evaluated at the same time; the first whose class and tags are the image's is the only one
 * that may act on it, and the others count it nevertheless.
 */
export function simulate(
  policy: LifecyclePolicy,
  images: readonly LifecycleImage[],
  { now, readings: chosen }: SimulateOptions,
): Simulation {
  const readings = { ...settledReadings, ...chosen };
  const rules = policy.rules
    .toSorted((one, other) => one.rulePriority - other.rulePriority)
    .map((rule) => compileRule(rule, now, readings));
  const repository = openRepository(images, readings);
  const oldestFirst = byAge(images, readings);
  const verdicts = judge(rules, repository, oldestFirst, readings);
  return report(rules, repository, oldestFirst, verdicts, readings);
}

const dayMilliseconds = 86_400_000;

interface CompiledRule {
  readonly priority: number;
  readonly action: PreviewResult['action'];
  readonly archived: boolean;
  readonly matches: (tags: readonly string[]) => boolean;
  /** Whether the rule counts images and not days. */
  readonly counts: boolean;
  /** So many images are left. */
  readonly most: number;
  /** What happened before this instant is old enough; undefined where the image does not tell. */
  readonly isOld: (image: LifecycleImage) => boolean | undefined;
}

function compileRule(
  { rulePriority, selection, action }: LifecycleRule,
  now: number,
  readings: SimulationReadings,
): CompiledRule {
  const { countType, countNumber } = selection;
  const age = countNumber * dayMilliseconds;
  const over =
    readings.exactAge === 'kept'
      ? (since: number) => now - since > age
      : (since: number) => now - since >= age;
  return {
    priority: rulePriority,
    action:
      action.type === 'expire' ? { type: 'EXPIRE' } : { type: 'TRANSITION', targetStorageClass: 'ARCHIVE' },
    archived: selection.storageClass === 'archive',
    matches: tagSelector(selection),
    counts: countType === 'imageCountMoreThan',
    most: countNumber,
    isOld: (image) => {
      switch (countType) {
        case 'imageCountMoreThan':
        case 'sinceImagePushed':
          return over(arrivedAt(image, readings));
        case 'sinceImagePulled':
          return over(usedAt(image));
        case 'sinceImageTransitioned':
          return image.archivedAt === undefined ? undefined : over(image.archivedAt);
      }
    },
  };
}

/** What an image is sorted by, and aged by since its push. */
function arrivedAt(
  { pushedAt, activatedAt }: LifecycleImage,
  { restoredImages }: SimulationReadings,
): number {
  return restoredImages === 'by-restore' ? (activatedAt ?? pushedAt) : pushedAt;
}

/** The last pull; the restore where it was not pulled since; the push where it never was. */
function usedAt({ pushedAt, activatedAt, pulledAt }: LifecycleImage): number {
  if (activatedAt !== undefined && (pulledAt === undefined || pulledAt < activatedAt)) return activatedAt;
  return pulledAt ?? pushedAt;
}

function isArchived({ status }: LifecycleImage, { activating }: SimulationReadings): boolean {
  return status === 'ARCHIVED' || (status === 'ACTIVATING' && activating === 'archive');
}

/** The images with what they are to each other; positions are those of the list. */
interface Repository {
  readonly images: readonly LifecycleImage[];
  readonly archived: Uint8Array;
  /** The indexes that name an image as their child. */
  readonly indexesOf: ReadonlyMap<number, readonly number[]>;
  readonly subjectOf: ReadonlyMap<number, number>;
}

function openRepository(images: readonly LifecycleImage[], readings: SimulationReadings): Repository {
  const archived = new Uint8Array(images.length);
  const indexesOf = new Map<number, number[]>();
  const subjectOf = new Map<number, number>();
  const positions = positionsOf(images);
  for (let at = 0; at < images.length; at += 1) {
    const image = images[at]!;
    if (isArchived(image, readings)) archived[at] = 1;
    if (image.children.length === 0 && image.subject === undefined) continue;
    for (const digest of image.children) {
      const child = positions.get(digest);
      if (child === undefined) continue;
      const known = indexesOf.get(child);
      if (known) known.push(at);
      else indexesOf.set(child, [at]);
    }
    const subject = image.subject === undefined ? undefined : positions.get(image.subject);
    if (subject !== undefined) subjectOf.set(at, subject);
  }
  return { images, archived, indexesOf, subjectOf };
}

/** DescribeImages gives each digest once; ListImages gives one entry a tag, by which counts would be wrong. */
function positionsOf(images: readonly LifecycleImage[]): ReadonlyMap<string, number> {
  const positions = new Map<string, number>();
  for (let at = 0; at < images.length; at += 1) {
    const { digest } = images[at]!;
    positions.set(digest, at);
    if (positions.size > at) continue;
    const first = images.findIndex((one) => one.digest === digest);
    throw new InvalidInput(
      `images[${at}].imageDigest: ${digest} stands at images[${first}] already; list a digest once, with all its tags`,
    );
  }
  return positions;
}

/** The positions of all images, oldest first. */
function byAge(images: readonly LifecycleImage[], readings: SimulationReadings): Uint32Array {
  const dates = Float64Array.from(images, (image) => arrivedAt(image, readings));
  const sign = readings.equalDates === 'smaller-digest-older' ? 1 : -1;
  const order = Uint32Array.from(images, (_, at) => at);
  return order.sort((one, other) => {
    const difference = dates[one]! - dates[other]!;
    if (difference !== 0) return difference;
    return images[one]!.digest < images[other]!.digest ? -sign : sign;
  });
}

const nobody = -1;

/** For each image, positions of rules: typed, since there may be a million images. */
interface Verdicts {
  /** The first that matches. */
  readonly matching: Int16Array;
  /** The first that keeps rules behind it away: the matching one, as it is read. */
  readonly shielding: Int16Array;
  /** The first that would act if none stood before it. */
  readonly acting: Int16Array;
}

/** Youngest first, so that a rule that counts images has counted all younger ones when it comes to an image. */
function judge(
  rules: readonly CompiledRule[],
  { images, archived, indexesOf }: Repository,
  oldestFirst: Uint32Array,
  readings: SimulationReadings,
): Verdicts {
  const matching = new Int16Array(images.length).fill(nobody);
  const shielding = new Int16Array(images.length).fill(nobody);
  const acting = new Int16Array(images.length).fill(nobody);
  const counted = new Float64Array(rules.length);
  const acrossClasses = readings.shield === 'selector';
  for (let place = images.length - 1; place >= 0; place -= 1) {
    const at = oldestFirst[place]!;
    const image = images[at]!;
    if (image.subject !== undefined && readings.referrers === 'outside-rules') continue;
    const inArchive = archived[at] === 1;
    const takesSlot = readings.childrenTakeSlots || !indexesOf.has(at);
    let matched = nobody;
    let shield = nobody;
    let actor = nobody;
    for (let index = 0; index < rules.length; index += 1) {
      const rule = rules[index]!;
      const inClass = rule.archived === inArchive;
      if (!inClass && !(acrossClasses && shield === nobody)) continue;
      // An image that is decided is of interest only to rules that count it; a look at the clock is cheap.
      if (!rule.counts && shield !== nobody && (actor !== nobody || !rule.isOld(image))) continue;
      if (!rule.matches(image.tags)) continue;
      if (shield === nobody) shield = index;
      if (!inClass) continue;
      if (matched === nobody) matched = index;
      if (rule.counts && takesSlot) counted[index]! += 1;
      const acts = rule.counts ? counted[index]! > rule.most : rule.isOld(image);
      if (acts && actor === nobody) actor = index;
    }
    matching[at] = matched;
    shielding[at] = shield;
    acting[at] = actor;
  }
  return { matching, shielding, acting };
}

const [staying, expiring, moving] = [0, 1, 2];

function report(
  rules: readonly CompiledRule[],
  repository: Repository,
  oldestFirst: Uint32Array,
  { matching, shielding, acting }: Verdicts,
  readings: SimulationReadings,
): Simulation {
  const { images } = repository;
  const departureBy = (rule: CompiledRule): number => (rule.action.type === 'EXPIRE' ? expiring : moving);
  const actorOn = (at: number): CompiledRule | undefined =>
    acting[at] === shielding[at] ? rules[acting[at]!] : undefined;
  const indexNeeding = protection(
    repository,
    (index) => {
      const actor = actorOn(index);
      return actor !== undefined && departureBy(actor) === expiring;
    },
    readings,
  );
  const departures = Uint8Array.from(images, (_, at) => {
    const actor = actorOn(at);
    return !actor || indexNeeding(at) !== undefined ? staying : departureBy(actor);
  });
  const follows = followers(repository, departures, indexNeeding);

  const keptImage = (at: number): KeptImage => {
    const { digest: imageDigest, tags: imageTags } = images[at]!;
    const image = { imageDigest, imageTags };
    const subject = follows.has(at) ? repository.subjectOf.get(at) : undefined;
    if (subject !== undefined) {
      return { ...image, reason: 'follows', subjectManifestDigest: images[subject]!.digest };
    }
    const actor = rules[acting[at]!];
    if (actor) {
      const { priority: rulePriority } = actor;
      if (acting[at] !== shielding[at]) {
        return { ...image, reason: 'shielded', shieldedBy: rules[shielding[at]!]!.priority, rulePriority };
      }
      const indexDigest = images[indexNeeding(at)!]!.digest;
      return { ...image, reason: 'child-of-index', rulePriority, indexDigest };
    }
    const rule = rules[matching[at]!];
    if (!rule) return { ...image, reason: 'no-rule-matches' };
    return { ...image, reason: reasonOf(rule, images[at]!), rulePriority: rule.priority };
  };

  const previewResults: PreviewResult[] = [];
  const kept: KeptImage[] = [];
  let bytes = 0;
  let expired = 0;
  for (const at of oldestFirst) {
    if (departures[at] === staying) {
      kept.push(keptImage(at));
      continue;
    }
    const image = images[at]!;
    const { action, priority } = rules[acting[at]!]!;
    previewResults.push({
      imageDigest: image.digest,
      imageTags: image.tags,
      imagePushedAt: isoTime(image.pushedAt),
      action,
      appliedRulePriority: priority,
    });
    if (departures[at] !== expiring) continue;
    expired += 1;
    bytes += image.bytes;
  }
  return {
    previewResults,
    kept,
    summary: {
      expiringImageTotalCount: expired,
      transitioningImageTotalCount: previewResults.length - expired,
      bytes,
    },
  };
}

/** Why the first rule that matches leaves the image, if no rule would act. */
function reasonOf({ counts, isOld }: CompiledRule, image: LifecycleImage): KeptReason {
  if (counts) return 'among-newest';
  return isOld(image) === undefined ? 'time-unknown' : 'too-young';
}

/** Finds the index, if any, for which an image has to stay; of several the one with the smallest digest. */
function protection(
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
function followers(
  { archived, subjectOf }: Repository,
  departures: Uint8Array,
  indexNeeding: (at: number) => number | undefined,
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
      if (indexNeeding(at) !== undefined || (departure === moving && archived[at] === 1)) departure = staying;
      known.set(at, departure);
    }
  }
  return new Set([...known].flatMap(([at, departure]) => (departure === staying ? [] : [at])));
}
