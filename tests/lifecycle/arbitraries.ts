import * as fc from 'fast-check';
import type { ImageInput, Policy, Rule } from './literal-evaluator';

/**
 * Valid lifecycle policies with repositories that reach their corners: few letters, few days and few moments,
 * so that patterns overlap, counts run out, push times tie and ages fall exactly on a boundary.
 */

const day = 24 * 60 * 60;
const now = Date.parse('2026-11-20T06:30:00Z') / 1000;
const letters = ['a', 'b', 'B', '1'];

export interface Case {
  readonly policy: Policy;
  readonly images: readonly ImageInput[];
  readonly now: number;
}

export function lifecycleCase(): fc.Arbitrary<Case> {
  return fc.record({ policy: policy(), images: repository(), now: fc.constant(now) });
}

// Policies

type Selection = Rule['selection'];
type Count = Pick<Selection, 'storageClass' | 'countType' | 'countUnit' | 'countNumber'> &
  Pick<Rule, 'action'>;
type Tags = Pick<Selection, 'tagStatus' | 'tagPatternList' | 'tagPrefixList'>;
type Unranked = Omit<Rule, 'rulePriority'>;

const archive = { type: 'transition', targetStorageClass: 'archive' } as const;
const expire = { type: 'expire' } as const;

const standardDays = fc.constantFrom(1, 1, 2, 3, 30, 90, 365);

const standardCount: fc.Arbitrary<Count> = fc
  .tuple(
    fc.oneof(
      fc.record({
        countType: fc.constant('imageCountMoreThan' as const),
        countNumber: fc.oneof(
          { weight: 5, arbitrary: fc.constantFrom(1, 1, 2, 2, 3, 5) },
          { weight: 1, arbitrary: fc.constant(9999) },
        ),
        action: fc.constantFrom<Rule['action']>(expire, archive),
      }),
      fc.record({
        countType: fc.constant('sinceImagePushed' as const),
        countUnit: fc.constant('days' as const),
        countNumber: fc.oneof(
          { weight: 6, arbitrary: standardDays },
          { weight: 1, arbitrary: fc.constant(36500) },
        ),
        action: fc.constantFrom<Rule['action']>(expire, archive),
      }),
      fc.record({
        countType: fc.constant('sinceImagePulled' as const),
        countUnit: fc.constant('days' as const),
        countNumber: standardDays,
        action: fc.constant(archive),
      }),
    ),
    fc.boolean(),
  )
  .map(([count, written]) => (written ? { ...count, storageClass: 'standard' as const } : count));

const archiveCount: fc.Arbitrary<Count> = fc.record({
  storageClass: fc.constant('archive' as const),
  countType: fc.constant('sinceImageTransitioned' as const),
  countUnit: fc.constant('days' as const),
  countNumber: fc.constantFrom(90, 90, 91, 365),
  action: fc.constant(expire),
});

const anyCount = fc.oneof({ weight: 3, arbitrary: standardCount }, { weight: 1, arbitrary: archiveCount });

const letter = fc.constantFrom(...letters);
const prefix = fc
  .tuple(letter, fc.array(fc.constantFrom(...letters, '.', '-'), { maxLength: 2 }))
  .map(([first, rest]) => [first, ...rest].join(''));

const pattern = fc
  .oneof(
    { weight: 3, arbitrary: fc.tuple(letter, fc.constant('*')) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('*'), letter) },
    { weight: 1, arbitrary: fc.tuple(letter, fc.constant('*'), letter) },
    { weight: 1, arbitrary: fc.constant(['*']) },
    {
      weight: 2,
      arbitrary: fc.tuple(
        fc.constantFrom(...letters, '*'),
        fc.array(fc.constantFrom(...letters, '.', '*', '*'), { maxLength: 5 }).map((rest) => rest.join('')),
      ),
    },
  )
  .map((parts) => parts.join(''))
  .filter((text) => text.split('*').length - 1 <= 4);

const tagged: fc.Arbitrary<Tags> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.uniqueArray(pattern, { minLength: 1, maxLength: 3 }).map((tagPatternList) => ({
      tagStatus: 'tagged' as const,
      tagPatternList,
    })),
  },
  {
    weight: 1,
    arbitrary: fc.uniqueArray(prefix, { minLength: 1, maxLength: 2 }).map((tagPrefixList) => ({
      tagStatus: 'tagged' as const,
      tagPrefixList,
    })),
  },
);

const description = fc.option(fc.constantFrom('', 'keep a few'), { freq: 5, nil: undefined });

function unranked(tags: fc.Arbitrary<Tags>, count: fc.Arbitrary<Count>): fc.Arbitrary<Unranked> {
  return fc
    .record({ tags, count, description })
    .map(({ tags, count: { action, ...count }, description }) => ({
      ...(description === undefined ? {} : { description }),
      selection: { ...tags, ...count },
      action,
    }));
}

function maybe<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T[]> {
  return fc.array(arbitrary, { maxLength: 1 });
}

const any = fc.constant<Tags>({ tagStatus: 'any' });
const untagged = fc.constant<Tags>({ tagStatus: 'untagged' });

export function policy(): fc.Arbitrary<Policy> {
  const taggedRules = fc.oneof(
    { weight: 8, arbitrary: fc.array(unranked(tagged, anyCount), { maxLength: 4 }) },
    {
      weight: 1,
      arbitrary: fc.array(unranked(tagged, anyCount), { minLength: 8, maxLength: 46, size: 'max' }),
    },
  );
  return fc
    .record({
      tagged: taggedRules,
      untagged: maybe(unranked(untagged, standardCount)),
      untaggedArchived: maybe(unranked(untagged, archiveCount)),
      any: maybe(unranked(any, standardCount)),
      anyArchived: maybe(unranked(any, archiveCount)),
      order: fc.array(fc.nat(99), { minLength: 50, maxLength: 50 }),
      gaps: fc.array(fc.oneof({ weight: 3, arbitrary: fc.constant(1) }, fc.integer({ min: 1, max: 40 })), {
        minLength: 50,
        maxLength: 50,
      }),
      written: fc.array(fc.nat(99), { minLength: 50, maxLength: 50 }),
    })
    .map((parts) => {
      const others = shuffled(
        [...withoutRepeats(parts.tagged), ...parts.untagged, ...parts.untaggedArchived],
        parts.order,
      );
      // `any` has the lowest priority within its storage class, not within the policy.
      const ranked = [...parts.any, ...parts.anyArchived].reduce(
        (rules, rule) => insertedAfterItsClass(rules, rule, parts.order[49]!),
        others,
      );
      const rules = ranked.map((rule, at) => ({
        rulePriority: parts.gaps.slice(0, at + 1).reduce((sum, gap) => sum + gap, 0),
        ...rule,
      }));
      return { rules: shuffled(rules, parts.written) };
    })
    .filter(({ rules }) => rules.length > 0);
}

function storageClass(rule: Unranked): string {
  return rule.selection.storageClass ?? 'standard';
}

/** A pattern, and likewise a prefix, stands once over the rules of a storage class. */
function withoutRepeats(rules: readonly Unranked[]): Unranked[] {
  const taken = new Set<string>();
  const isNew = (key: string) => !taken.has(key) && taken.add(key).has(key);
  return rules.flatMap((rule): Unranked[] => {
    const { tagPatternList, tagPrefixList, ...selection } = rule.selection;
    const patterns = tagPatternList?.filter((each) => isNew(`${storageClass(rule)} pattern ${each}`));
    const prefixes = tagPrefixList?.filter((each) => isNew(`${storageClass(rule)} prefix ${each}`));
    if (patterns?.length) return [{ ...rule, selection: { ...selection, tagPatternList: patterns } }];
    if (prefixes?.length) return [{ ...rule, selection: { ...selection, tagPrefixList: prefixes } }];
    return [];
  });
}

function insertedAfterItsClass(rules: readonly Unranked[], rule: Unranked, choice: number): Unranked[] {
  const earliest = rules.findLastIndex((each) => storageClass(each) === storageClass(rule)) + 1;
  return rules.toSpliced(earliest + (choice % (rules.length - earliest + 1)), 0, rule);
}

function shuffled<T>(items: readonly T[], keys: readonly number[]): T[] {
  return items
    .map((item, at) => ({ item, key: keys[at % keys.length]! }))
    .toSorted((one, other) => one.key - other.key)
    .map(({ item }) => item);
}

// Repositories

/** Seconds ago: on a boundary, a hair to either side of one, or anywhere in the last days. */
const age = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.constantFrom(1, 2, 3, 30, 90, 91, 365, 366), fc.constantFrom(-1, 0, 0, 1))
      .map(([days, seconds]) => days * day + seconds),
  },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 4 * day }) },
);

const tag = fc
  .tuple(letter, fc.array(fc.constantFrom(...letters, '.', '-'), { maxLength: 2 }))
  .map(([first, rest]) => [first, ...rest].join(''));

type Life = 'plain' | 'archived' | 'restored' | 'activating' | 'archived again' | 'activating again';

const blueprint = fc.record({
  life: fc.oneof(
    { weight: 4, arbitrary: fc.constant<Life>('plain') },
    { weight: 4, arbitrary: fc.constantFrom<Life>('archived', 'restored') },
    { weight: 1, arbitrary: fc.constantFrom<Life>('activating', 'archived again', 'activating again') },
  ),
  ages: fc.tuple(age, age, age),
  pulled: fc.option(age, { nil: undefined }),
  tags: fc.oneof(
    { weight: 1, arbitrary: fc.constant<string[]>([]) },
    { weight: 3, arbitrary: fc.array(tag, { minLength: 1, maxLength: 3 }) },
  ),
  listsNoTags: fc.boolean(),
  saysActive: fc.boolean(),
  // Positions among the images built before it: a digest cannot name what names it.
  children: fc.oneof(
    { weight: 4, arbitrary: fc.constant<number[]>([]) },
    { weight: 1, arbitrary: fc.array(fc.nat(40), { minLength: 1, maxLength: 3 }) },
  ),
  subject: fc.option(fc.nat(40), { freq: 2, nil: undefined }),
});
type Blueprint = typeof blueprint extends fc.Arbitrary<infer T> ? T : never;

export function repository(): fc.Arbitrary<ImageInput[]> {
  return fc
    .record({
      blueprints: fc.oneof(
        { weight: 4, arbitrary: fc.array(blueprint, { maxLength: 8 }) },
        { weight: 1, arbitrary: fc.array(blueprint, { minLength: 8, maxLength: 24, size: 'max' }) },
      ),
      digests: fc.uniqueArray(fc.integer({ min: 0, max: 255 }), { minLength: 25, maxLength: 25 }),
      order: fc.array(fc.nat(99), { minLength: 25, maxLength: 25 }),
    })
    .map(({ blueprints, digests, order }) => {
      const names = digests.map(digest);
      const taken = new Set<string>();
      const images = blueprints.map((each, at) => {
        // A tag names one image of a repository.
        const tags = [...new Set(each.tags)].filter((tag) => !taken.has(tag));
        for (const tag of tags) taken.add(tag);
        return built(each, tags, names[at]!, names.slice(0, at));
      });
      return shuffled(images, order);
    });
}

function digest(number: number): string {
  const byte = number.toString(16).padStart(2, '0');
  return `sha256:${byte.repeat(32)}`;
}

function built(plan: Blueprint, tags: string[], imageDigest: string, earlier: readonly string[]): ImageInput {
  const [first, second, third] = plan.ages.toSorted((one, other) => other - one);
  const times = { pushed: now - first!, second: now - second!, third: now - third! };
  const children = plan.children.map((at) => named(at, earlier));
  return {
    imageDigest,
    imagePushedAt: times.pushed,
    ...(tags.length === 0 && plan.listsNoTags ? {} : { imageTags: tags }),
    ...(plan.pulled === undefined ? {} : { lastRecordedPullTime: now - Math.min(plan.pulled, first!) }),
    ...lived(plan, times),
    ...(children.length === 0 ? {} : { imageReferences: children }),
    ...(plan.subject === undefined ? {} : { subjectManifestDigest: named(plan.subject, earlier) }),
  };
}

function lived(plan: Blueprint, { second, third }: { second: number; third: number }): Partial<ImageInput> {
  switch (plan.life) {
    case 'plain':
      return plan.saysActive ? { imageStatus: 'ACTIVE' } : {};
    case 'archived':
      return { imageStatus: 'ARCHIVED', lastArchivedAt: second };
    case 'restored':
      return { imageStatus: 'ACTIVE', lastArchivedAt: second, lastActivatedAt: third };
    case 'activating':
      return { imageStatus: 'ACTIVATING', lastArchivedAt: second };
    case 'activating again':
      return { imageStatus: 'ACTIVATING', lastArchivedAt: third, lastActivatedAt: second };
    case 'archived again':
      return { imageStatus: 'ARCHIVED', lastActivatedAt: second, lastArchivedAt: third };
  }
}

/** One of the earlier images, or now and then one that the repository does not hold. */
function named(at: number, earlier: readonly string[]): string {
  return earlier[at % (earlier.length + 1)] ?? `sha256:${'f0'.repeat(31)}0f`;
}
