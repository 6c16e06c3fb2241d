import type { LifecyclePolicy, LifecycleRule } from './grammar';
import type { LifecycleImage } from './image';
import { isoTimeOfMany } from './iso-times';
import { type SimulationReadings, settledReadings } from './readings';
import {
  expiring,
  followers,
  moving,
  openRepository,
  protection,
  type Repository,
  staying,
} from './repository';
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
  return report({ rules, repository, oldestFirst, verdicts, readings, now });
}

const dayMilliseconds = 86_400_000;

interface CompiledRule {
  readonly priority: number;
  readonly action: PreviewResult['action'];
  readonly archived: boolean;
  readonly matches: (tags: readonly string[]) => boolean;
  /** So many images are left, where the rule counts images and not days. */
  readonly most?: number;
  /** Whether the rule's time is over; undefined where the image does not tell, or nothing but its place counts. */
  readonly isOver: (image: LifecycleImage) => boolean | undefined;
}

function compileRule(
  { rulePriority, selection, action }: LifecycleRule,
  now: number,
  readings: SimulationReadings,
): CompiledRule {
  const { countType, countNumber } = selection;
  const age = countNumber * dayMilliseconds;
  const over = (since: number): boolean =>
    now - since > age || (readings.exactAge === 'acted-on' && now - since === age);
  return {
    priority: rulePriority,
    action:
      action.type === 'expire' ? { type: 'EXPIRE' } : { type: 'TRANSITION', targetStorageClass: 'ARCHIVE' },
    archived: selection.storageClass === 'archive',
    matches: tagSelector(selection),
    ...(countType === 'imageCountMoreThan' ? { most: countNumber } : {}),
    isOver: (image) => {
      switch (countType) {
        case 'imageCountMoreThan':
          return undefined;
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

/** The positions of all images, oldest first. */
function byAge(images: readonly LifecycleImage[], readings: SimulationReadings): Uint32Array {
  const dates = new Float64Array(images.length);
  const order = new Uint32Array(images.length);
  for (let at = 0; at < images.length; at += 1) {
    dates[at] = arrivedAt(images[at]!, readings);
    order[at] = at;
  }
  const sign = readings.equalDates === 'smaller-digest-older' ? 1 : -1;
  return order.sort((one, other) => {
    if (dates[one]! < dates[other]!) return -1;
    if (dates[one]! > dates[other]!) return 1;
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

/**
 * What matches, and whose time is over, is told image by image in the order in which they lie in memory; only the
 * counts have to go by age, and they need nothing but what was found.
 */
function judge(
  rules: readonly CompiledRule[],
  { images, archived, indexesOf }: Repository,
  oldestFirst: Uint32Array,
  readings: SimulationReadings,
): Verdicts {
  const counters = rules.flatMap(({ most }, rule) => (most === undefined ? [] : [{ rule, most }]));
  const counts = new Uint8Array(images.length * counters.length);
  const matching = new Int16Array(images.length).fill(nobody);
  const shielding = new Int16Array(images.length).fill(nobody);
  const acting = new Int16Array(images.length).fill(nobody);
  const acrossClasses = readings.shield === 'selector';

  for (let at = 0; at < images.length; at += 1) {
    const image = images[at]!;
    if (image.subject !== undefined && readings.referrers === 'outside-rules') continue;
    const inArchive = archived[at] === 1;
    const takesSlot = readings.childrenTakeSlots || !indexesOf.has(at);
    let counter = at * counters.length - 1;
    let matched = nobody;
    let shield = nobody;
    let actor = nobody;
    for (let index = 0; index < rules.length; index += 1) {
      const rule = rules[index]!;
      const isCounter = rule.most !== undefined;
      if (isCounter) counter += 1;
      const inClass = rule.archived === inArchive;
      if (!inClass && !(acrossClasses && shield === nobody)) continue;
      // A shielded image is of interest to the first rule only whose time is over, and a look at the clock is cheap.
      if (!isCounter && shield !== nobody && (actor !== nobody || !rule.isOver(image))) continue;
      if (!rule.matches(image.tags)) continue;
      if (shield === nobody) shield = index;
      if (!inClass) continue;
      if (matched === nobody) matched = index;
      if (isCounter) counts[counter] = takesSlot ? 1 : 0;
      else if (actor === nobody && rule.isOver(image)) actor = index;
    }
    matching[at] = matched;
    shielding[at] = shield;
    acting[at] = actor;
  }

  const counted = new Float64Array(counters.length);
  for (let place = images.length - 1; counters.length > 0 && place >= 0; place -= 1) {
    const at = oldestFirst[place]!;
    for (let counter = counters.length - 1; counter >= 0; counter -= 1) {
      if (counts[at * counters.length + counter] === 0) continue;
      counted[counter]! += 1;
      const { rule, most } = counters[counter]!;
      if (counted[counter]! > most && (acting[at] === nobody || rule < acting[at]!)) acting[at] = rule;
    }
  }
  return { matching, shielding, acting };
}

interface Judged {
  readonly rules: readonly CompiledRule[];
  readonly repository: Repository;
  readonly oldestFirst: Uint32Array;
  readonly verdicts: Verdicts;
  readonly readings: SimulationReadings;
  readonly now: number;
}

function report({ rules, repository, oldestFirst, verdicts, readings, now }: Judged): Simulation {
  const { matching, shielding, acting } = verdicts;
  const { images } = repository;
  /** What the rules alone would do. */
  const departures = new Uint8Array(images.length);
  for (let at = 0; at < images.length; at += 1) {
    const actor = acting[at]!;
    if (actor === nobody || actor !== shielding[at]) continue;
    departures[at] = rules[actor]!.action.type === 'EXPIRE' ? expiring : moving;
  }
  const wouldExpire = departures.slice();
  const indexNeeding = protection(repository, (index) => wouldExpire[index] === expiring, readings);
  for (const at of repository.indexesOf.keys()) {
    if (indexNeeding(at) !== undefined) departures[at] = staying;
  }
  const follows = followers(repository, departures, (at, departure) => {
    if (indexNeeding(at) !== undefined) return false;
    if (departure === moving && repository.archived[at] === 1) return false;
    return readings.freshReferrers === 'follow' || now - inClassSince(images[at]!) >= dayMilliseconds;
  });

  const keptImage = (at: number): KeptImage => {
    const { digest: imageDigest, tags: imageTags } = images[at]!;
    const subject = follows.has(at) ? repository.subjectOf.get(at) : undefined;
    if (subject !== undefined) {
      return { imageDigest, imageTags, reason: 'follows', subjectManifestDigest: images[subject]!.digest };
    }
    const actor = rules[acting[at]!];
    const rule = actor ?? rules[matching[at]!];
    if (!rule) return { imageDigest, imageTags, reason: 'no-rule-matches' };
    const { priority: rulePriority } = rule;
    if (!actor) return { imageDigest, imageTags, reason: reasonOf(rule, images[at]!), rulePriority };
    if (acting[at] !== shielding[at]) {
      const shieldedBy = rules[shielding[at]!]!.priority;
      return { imageDigest, imageTags, reason: 'shielded', shieldedBy, rulePriority };
    }
    const indexDigest = images[indexNeeding(at)!]!.digest;
    return { imageDigest, imageTags, reason: 'child-of-index', rulePriority, indexDigest };
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
      imagePushedAt: isoTimeOfMany(image.pushedAt),
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
function reasonOf({ most, isOver }: CompiledRule, image: LifecycleImage): KeptReason {
  if (most !== undefined) return 'among-newest';
  return isOver(image) === undefined ? 'time-unknown' : 'too-young';
}

/** Since when an image is in its storage class; where it does not tell, since never. */
function inClassSince({ status, pushedAt, activatedAt, archivedAt }: LifecycleImage): number {
  if (status === 'ARCHIVED') return archivedAt ?? Number.POSITIVE_INFINITY;
  return activatedAt ?? pushedAt;
}
