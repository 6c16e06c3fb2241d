import * as fc from 'fast-check';
import { InvalidInput } from '../../shared/domain/errors';
import type { LifecycleRule } from '../../shared/lifecycle/grammar';
import type { LifecycleImage } from '../../shared/lifecycle/image';
import type { SimulationReadings } from '../../shared/lifecycle/readings';
import { type KeptImage, type Simulation, simulate } from '../../shared/lifecycle/simulate';
import { acted, archive, day, expire, image, now } from '../builders/lifecycle';

function keptOf(rules: readonly LifecycleRule[], images: readonly LifecycleImage[]): readonly KeptImage[] {
  return simulate({ rules }, images, { now }).kept;
}

const archived = (days: number): Partial<LifecycleImage> => ({
  status: 'ARCHIVED',
  archivedAt: now - days * day,
});

describe('why an image stays', () => {
  const keepOne = expire(2, 'any', { keep: 1 });
  test.each<[string, LifecycleRule[], LifecycleImage[], Partial<KeptImage>]>([
    ['no rule matches', [expire(1, ['v*'], { keep: 1 })], [], { reason: 'no-rule-matches' }],
    [
      'a rule of another class matches',
      [expire(1, 'any', { archived: 90 })],
      [],
      { reason: 'no-rule-matches' },
    ],
    [
      'it is among the newest',
      [expire(1, 'any', { keep: 2 })],
      [image('b', [], 2)],
      { reason: 'among-newest', rulePriority: 1 },
    ],
    ['it is too young', [expire(1, 'any', { pushed: 5 })], [], { reason: 'too-young', rulePriority: 1 }],
    [
      'a rule before shields it',
      [expire(1, 'untagged', { pushed: 90 }), keepOne],
      [image('b', [], 2)],
      { reason: 'shielded', shieldedBy: 1, rulePriority: 2 },
    ],
    [
      'a rule before matches it, and none behind would act',
      [expire(1, 'untagged', { pushed: 90 }), expire(2, 'any', { keep: 5 })],
      [],
      { reason: 'too-young', rulePriority: 1 },
    ],
    [
      'an index needs it',
      [keepOne],
      [image('b', ['v1'], 2, { children: ['a'] })],
      { reason: 'child-of-index', rulePriority: 2, indexDigest: 'b' },
    ],
  ])('%s', (_, rules, others, expected) => {
    const [kept] = keptOf(rules, [image('a', [], 5), ...others]);
    expect(kept).toEqual({ imageDigest: 'a', imageTags: [], ...expected });
  });

  test('an archived image that does not say since when is kept: unknown is no age', () => {
    const images = [image('a', [], 900, { status: 'ARCHIVED' })];
    expect(keptOf([expire(1, 'any', { archived: 90 })], images)).toMatchObject([{ reason: 'time-unknown' }]);
  });
});

describe('children of an index', () => {
  const parent = image('index', ['v1'], 9, { children: ['a', 'elsewhere'] });
  test('stay while the index is there, also one that goes, also an archived one', () => {
    const images = [image('a', [], 9), parent];
    expect(acted([expire(1, 'any', { pushed: 1 })], images)).toEqual(['index(1)']);
    expect(acted([expire(1, 'untagged', { pushed: 1 })], images)).toEqual([]);
    expect(acted([expire(1, 'untagged', { pushed: 1 })], [image('a', [], 9)])).toEqual(['a(1)']);
    const inArchive = { ...parent, ...archived(9) };
    expect(acted([expire(1, 'untagged', { pushed: 1 })], [image('a', [], 9), inArchive])).toEqual([]);
  });

  test('take slots like any image', () => {
    const images = [image('a', [], 3), image('index', ['v1'], 2, { children: ['a'] }), image('b', [], 4)];
    expect(acted([expire(1, 'any', { keep: 2 })], images)).toEqual(['b(1)']);
  });

  test('of several indexes the smallest digest is named', () => {
    const images = [
      image('a', [], 9),
      image('z', ['z'], 1, { children: ['a'] }),
      image('m', ['m'], 2, { children: ['a'] }),
    ];
    expect(keptOf([expire(1, 'untagged', { pushed: 1 })], images)[0]).toMatchObject({ indexDigest: 'm' });
  });
});

describe('a referrer', () => {
  const subject = image('subject', ['v1'], 40);
  const signature = image('signature', [], 40, { subject: 'subject' });
  const tagged = expire(1, ['v*'], { pushed: 30 });

  test('follows its subject, and what refers to it follows too', () => {
    const attestation = image('attestation', [], 1, { subject: 'signature' });
    expect(keptOf([tagged], [attestation, signature, subject])).toEqual([
      { imageDigest: 'signature', imageTags: [], reason: 'follows', subjectManifestDigest: 'subject' },
      { imageDigest: 'attestation', imageTags: [], reason: 'follows', subjectManifestDigest: 'signature' },
    ]);
  });

  test('is no part of what expires', () => {
    const { previewResults, summary } = simulate({ rules: [tagged] }, [signature, subject], { now });
    expect(previewResults).toHaveLength(1);
    expect(summary).toEqual({ expiringImageTotalCount: 1, transitioningImageTotalCount: 0, bytes: 100 });
  });

  test('goes by a rule where one acts', () => {
    const rules = [tagged, expire(2, 'untagged', { pushed: 30 })];
    expect(acted(rules, [signature, subject])).toEqual(['signature(2)', 'subject(1)']);
  });

  test('stays while its subject does, and where that is unknown', () => {
    const images = [image('subject', ['v1'], 1), signature, image('b', [], 1, { subject: 'gone' })];
    expect(keptOf([tagged], images).map(({ imageDigest, reason }) => [imageDigest, reason])).toEqual([
      ['signature', 'no-rule-matches'],
      ['b', 'no-rule-matches'],
      ['subject', 'too-young'],
    ]);
  });

  test('stays while an index needs it, and where it would move but is there already', () => {
    const index = image('index', ['x'], 1, { children: ['signature'] });
    expect(keptOf([tagged], [signature, subject, index])[0]).toMatchObject({ reason: 'no-rule-matches' });
    const stored = { ...signature, ...archived(3) };
    const rules = [archive(1, ['v*'], { pushed: 30 })];
    expect(keptOf(rules, [stored, subject])[0]).toMatchObject({ reason: 'no-rule-matches' });
    expect(keptOf(rules, [signature, subject])[0]).toMatchObject({ reason: 'follows' });
    expect(keptOf([tagged], [stored, subject])[0]).toMatchObject({ reason: 'follows' });
  });

  test('of each other follow nobody', () => {
    const images = [image('a', [], 40, { subject: 'b' }), image('b', [], 40, { subject: 'a' })];
    expect(keptOf([tagged], images).map(({ reason }) => reason)).toEqual(Array(2).fill('no-rule-matches'));
  });
});

test('of one date the smaller digest is the older', () => {
  const images = [image('b', [], 5), image('c', [], 5), image('a', [], 5)];
  expect(acted([expire(1, 'any', { keep: 1 })], images)).toEqual(['a(1)', 'b(1)']);
});

test('a restore renews the date', () => {
  const images = [image('restored', [], 50, { activatedAt: now - day }), image('b', [], 5)];
  expect(acted([expire(1, 'any', { keep: 1 })], images)).toEqual(['b(1)']);
  expect(acted([expire(1, 'any', { pushed: 3 })], images)).toEqual(['b(1)']);
});

test('a digest twice is refused by its places', () => {
  const images = [image('a', [], 1), image('b', [], 2), image('a', ['v1'], 3)];
  const run = () => simulate({ rules: [] }, images, { now });
  expect(run).toThrow(InvalidInput);
  expect(run).toThrow('images[2].imageDigest: a stands at images[0] already');
});

describe('what is settled can be read otherwise:', () => {
  const index = image('index', ['v1'], 9, { children: ['child'] });
  const child = image('child', [], 8);
  const any = expire(1, 'any', { pushed: 5 });
  const restored = image('restored', [], 9, { activatedAt: now - day });
  test.each<[Partial<SimulationReadings>, LifecycleRule[], LifecycleImage[], string[], string[]]>([
    [{ restoredImages: 'by-push' }, [any], [restored], [], ['restored(1)']],
    [
      { shield: 'selector' },
      [expire(1, 'any', { keep: 9 }), expire(2, 'any', { archived: 90 })],
      [image('a', [], 200, archived(100))],
      ['a(2)'],
      [],
    ],
    [{ expiringIndexes: 'release' }, [any], [index, child], ['index(1)'], ['index(1)', 'child(1)']],
    [{ archivedIndexes: 'release' }, [any], [{ ...index, ...archived(9) }, child], [], ['child(1)']],
    [
      { childrenTakeSlots: false },
      [expire(1, 'any', { keep: 2 })],
      [index, child, image('a', [], 1)],
      ['index(1)'],
      [],
    ],
    [{ referrers: 'outside-rules' }, [any], [image('a', [], 9, { subject: 'b' })], ['a(1)'], []],
    [{ activating: 'archive' }, [any], [image('a', [], 9, { status: 'ACTIVATING' })], ['a(1)'], []],
    [
      { equalDates: 'smaller-digest-newer' },
      [expire(1, 'any', { keep: 1 })],
      [image('a', [], 9), image('b', [], 9)],
      ['a(1)'],
      ['b(1)'],
    ],
    [{ exactAge: 'acted-on' }, [any], [image('a', [], 5)], [], ['a(1)']],
  ])('%j', (readings, rules, images, settled, otherwise) => {
    expect(acted(rules, images)).toEqual(settled);
    expect(acted(rules, images, readings)).toEqual(otherwise);
  });

  test('{"freshReferrers":"follow"}', () => {
    const images = (hours: number) => [
      image('subject', ['v1'], 9),
      image('signature', [], hours / 24, { subject: 'subject' }),
    ];
    const rules = [expire(1, ['v*'], { pushed: 5 })];
    const reasons = (hours: number, readings: Partial<SimulationReadings>) =>
      simulate({ rules }, images(hours), { now, readings }).kept.map(({ reason }) => reason);
    expect(reasons(23.9, {})).toEqual(['no-rule-matches']);
    expect(reasons(23.9, { freshReferrers: 'follow' })).toEqual(['follows']);
    expect(reasons(24, {})).toEqual(['follows']);
  });

  test('an index within an index that goes is released once that is', () => {
    const images = [
      image('outer', ['v1'], 9, { children: ['inner'] }),
      image('inner', [], 8, { children: ['leaf'] }),
      image('leaf', [], 7),
      image('own', ['v2'], 6, { children: ['own'] }),
    ];
    expect(acted([any], images, { expiringIndexes: 'release' })).toEqual(['outer(1)', 'inner(1)', 'leaf(1)']);
  });
});

describe('for any policy and any images', () => {
  const names = [...'abcdefghijkl'];
  const tags = fc.uniqueArray(fc.constantFrom('v1', 'v2', 'dev-1', 'prod'), { maxLength: 2 });
  const days = fc.integer({ min: 0, max: 12 }).map((half) => half / 2);
  const images: fc.Arbitrary<readonly LifecycleImage[]> = fc.subarray(names).chain((digests) =>
    fc.tuple(
      ...digests.map((digest) =>
        fc
          .record({
            tags,
            days,
            activatedAt: fc.option(days, { nil: undefined, freq: 4 }),
            pulledAt: fc.option(days, { nil: undefined }),
            inArchive: fc.option(fc.integer({ min: 80, max: 100 }), { nil: undefined, freq: 3 }),
            children: fc.oneof(
              { weight: 4, arbitrary: fc.constant([]) },
              { weight: 1, arbitrary: fc.subarray(names, { maxLength: 2 }) },
            ),
            subject: fc.option(fc.constantFrom(...names), { nil: undefined, freq: 4 }),
          })
          .map(({ tags, days, activatedAt, pulledAt, inArchive, children, subject }) =>
            image(digest, tags, days, {
              children,
              ...(activatedAt === undefined ? {} : { activatedAt: now - activatedAt * day }),
              ...(pulledAt === undefined ? {} : { pulledAt: now - pulledAt * day }),
              ...(inArchive === undefined ? {} : archived(inArchive)),
              ...(subject === undefined || subject === digest ? {} : { subject }),
            }),
          ),
      ),
    ),
  );
  const number = fc.integer({ min: 1, max: 5 });
  const selector = fc.constantFrom('any', 'untagged', ['v*'], ['*d*'], ['v*', '*1'], ['prod']);
  const oneRule: fc.Arbitrary<LifecycleRule> = fc.oneof(
    fc.tuple(selector, number).map(([tags, keep]) => expire(1, tags as 'any', { keep })),
    fc.tuple(selector, number).map(([tags, pushed]) => expire(1, tags as 'any', { pushed })),
    fc.tuple(selector, number).map(([tags, pulled]) => archive(1, tags as 'any', { pulled })),
    fc.tuple(selector, number).map(([tags, keep]) => archive(1, tags as 'any', { keep })),
    selector.map((tags) => expire(1, tags as 'any', { archived: 90 })),
  );
  const rules = fc
    .array(oneRule, { maxLength: 5 })
    .map((list) => list.map((rule, at) => ({ ...rule, rulePriority: 10 * (at + 1) })));
  const run = (list: readonly LifecycleRule[], of: readonly LifecycleImage[]): Simulation =>
    simulate({ rules: list }, of, { now });
  const check = <T>(property: fc.IProperty<T>): void => {
    void fc.assert(property, { numRuns: 1500 });
  };

  test('each image is acted on once or is kept with a reason', () => {
    check(
      fc.property(rules, images, (list, of) => {
        const { previewResults, kept, summary } = run(list, of);
        const told = [...previewResults, ...kept].map(({ imageDigest }) => imageDigest);
        expect(told.sort()).toEqual(of.map(({ digest }) => digest).sort());
        expect(previewResults).toHaveLength(
          summary.expiringImageTotalCount + summary.transitioningImageTotalCount,
        );
        for (const { reason, shieldedBy, rulePriority } of kept) {
          expect(shieldedBy !== undefined).toBe(reason === 'shielded');
          if (shieldedBy !== undefined) expect(shieldedBy).toBeLessThan(rulePriority!);
        }
      }),
    );
  });

  test('neither the order of images nor that of rules matters', () => {
    const shuffled = fc
      .tuple(rules, images)
      .chain(([list, of]) =>
        fc.tuple(
          fc.constant(run(list, of)),
          fc.shuffledSubarray(list, { minLength: list.length }),
          fc.shuffledSubarray([...of], { minLength: of.length }),
        ),
      );
    check(
      fc.property(shuffled, ([expected, list, of]) => {
        expect(run(list, of)).toEqual(expected);
      }),
    );
  });

  test('a rule put before the others takes from them and adds nothing to them', () => {
    check(
      fc.property(rules, images, oneRule, (list, of, first) => {
        const before = new Set(run(list, of).previewResults.map((one) => JSON.stringify(one)));
        const after = run([{ ...first, rulePriority: 1 }, ...list], of).previewResults;
        for (const one of after) {
          if (one.appliedRulePriority !== 1) expect(before).toContain(JSON.stringify(one));
        }
      }),
    );
  });

  test('no image is newer than one that the same count leaves for no other reason', () => {
    check(
      fc.property(selector, number, images, (tags, keep, of) => {
        const { previewResults, kept } = run([expire(1, tags as 'any', { keep })], of);
        const date = (digest: string): number => {
          const { activatedAt, pushedAt } = of.find((one) => one.digest === digest)!;
          return activatedAt ?? pushedAt;
        };
        const newest = kept.filter(({ reason }) => reason === 'among-newest');
        for (const { imageDigest } of previewResults) {
          for (const one of newest) expect(date(imageDigest)).toBeLessThanOrEqual(date(one.imageDigest));
        }
      }),
    );
  });

  test('a second run acts on nothing but what an index needed that is gone', () => {
    check(
      fc.property(rules, images, (list, of) => {
        const first = run(list, of);
        const actions = new Map(first.previewResults.map((one) => [one.imageDigest, one.action.type]));
        const left = of.flatMap((one) => {
          const action = actions.get(one.digest);
          if (action === 'EXPIRE') return [];
          return action ? [{ ...one, status: 'ARCHIVED' as const, archivedAt: now }] : [one];
        });
        const freed = first.kept.filter(({ reason }) => reason === 'child-of-index');
        for (const { imageDigest } of run(list, left).previewResults) {
          expect(freed.map((one) => one.imageDigest)).toContain(imageDigest);
        }
      }),
    );
  });
});
