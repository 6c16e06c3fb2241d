import { parsePolicy } from '../../shared/lifecycle/parse';
import { simulate } from '../../shared/lifecycle/simulate';
import { acted, archive, day, expire, image, now, policyText } from '../builders/lifecycle';

/** "Examples of lifecycle policies" in the ECR user guide, and what others saw in real runs. Ages are days. */
describe('an example of the user guide', () => {
  test('by age (V01)', () => {
    const rules = [expire(1, ['prod*'], { pushed: 14 })];
    const images = [
      image('a', ['prod-1'], 15),
      image('b', ['prod-2'], 14),
      image('c', ['dev-1'], 15),
      image('d', [], 15),
      image('e', ['x', 'production'], 400),
    ];
    expect(acted(rules, images)).toEqual(['e(1)', 'a(1)']);
  });

  test('by pull (V02, V12)', () => {
    const rules = [archive(1, 'any', { pulled: 90 })];
    expect(parsePolicy(policyText({ rules })).valid).toBe(true);
    expect(parsePolicy(policyText({ rules: [expire(1, 'any', { pulled: 90 })] })).valid).toBe(false);
    const pulled = (days: number) => ({ pulledAt: now - days * day });
    const images = [image('a', [], 200, pulled(91)), image('b', ['v1'], 200, pulled(90)), image('c', [], 91)];
    expect(acted(rules, images)).toEqual(['a(1)', 'c(1)']);
  });

  test('by time in the archive (V03)', () => {
    const rules = [expire(1, 'any', { archived: 365 })];
    expect(parsePolicy(policyText({ rules })).valid).toBe(true);
    const archived = (days: number) => ({ status: 'ARCHIVED', archivedAt: now - days * day }) as const;
    const images = [
      image('a', ['v1'], 900, archived(366)),
      image('b', [], 900, archived(365)),
      image('c', [], 900, { archivedAt: now - 900 * day }),
    ];
    expect(acted(rules, images)).toEqual(['a(1)']);
  });

  test('by count (V04)', () => {
    const images = [image('a', [], 3), image('b', [], 2), image('c', [], 1), image('d', ['v1'], 9)];
    expect(acted([expire(1, 'untagged', { keep: 1 })], images)).toEqual(['a(1)', 'b(1)']);
  });

  const twoTagged = [
    image('A', ['beta-1', 'prod-1'], 10),
    image('B', ['beta-2', 'prod-2'], 9),
    image('C', ['beta-3'], 8),
  ];

  test('of several rules, the first shields (V05)', () => {
    const rules = [expire(1, ['prod*'], { keep: 1 }), expire(2, ['beta*'], { keep: 1 })];
    expect(acted(rules, twoTagged)).toEqual(['A(1)']);
    expect(simulate({ rules }, twoTagged, { now }).kept).toEqual([
      {
        imageDigest: 'B',
        imageTags: ['beta-2', 'prod-2'],
        reason: 'shielded',
        shieldedBy: 1,
        rulePriority: 2,
      },
      { imageDigest: 'C', imageTags: ['beta-3'], reason: 'among-newest', rulePriority: 2 },
    ]);
  });

  test('of several rules, the other way round (V06)', () => {
    const rules = [expire(1, ['beta*'], { keep: 1 }), expire(2, ['prod*'], { keep: 1 })];
    expect(acted(rules, twoTagged)).toEqual(['A(1)', 'B(1)']);
  });

  test('of several patterns in one rule by age (V07)', () => {
    const images = [
      image('A', ['alpha-1'], 12),
      image('B', ['beta-1'], 11),
      image('C', ['alpha-2', 'beta-2'], 10),
      image('D', ['alpha-3'], 4),
      image('E', ['beta-3'], 3),
      image('F', ['alpha-4', 'beta-4'], 2),
    ];
    expect(acted([expire(1, ['alpha*', 'beta*'], { pushed: 5 })], images)).toEqual(['C(1)']);
  });

  test('of several patterns in one rule by count (V08)', () => {
    const images = [
      image('A', ['alpha-1', 'beta-1', 'gamma-1'], 10),
      image('B', ['alpha-2', 'beta-2'], 9),
      image('C', ['alpha-3', 'beta-3', 'gamma-2'], 8),
    ];
    expect(acted([expire(1, ['alpha*', 'beta*'], { keep: 1 })], images)).toEqual(['A(1)', 'B(1)']);
  });

  test('of all images (V09)', () => {
    const images = [
      image('A', ['alpha-1'], 4),
      image('B', ['beta-1'], 3),
      image('C', [], 2),
      image('D', ['alpha-2'], 1),
    ];
    expect(acted([expire(1, 'any', { keep: 1 })], images)).toEqual(['A(1)', 'B(1)', 'C(1)']);
  });

  test('of all images behind other rules, which counts what those took (V10)', () => {
    const rules = [
      expire(1, ['alpha*'], { keep: 1 }),
      expire(2, 'untagged', { pushed: 1 }),
      expire(3, 'any', { keep: 1 }),
    ];
    const images = (newest: number) => [
      image('A', ['alpha-1', 'beta-1'], 4),
      image('B', [], 3),
      image('C', ['alpha-2'], 2),
      image('D', ['git-hash'], 1),
      image('E', [], newest),
    ];
    expect(acted(rules, images(0.99))).toEqual(['A(1)', 'B(2)', 'D(3)']);
    expect(acted(rules, images(1.01))).toEqual(['A(1)', 'B(2)', 'E(2)']);
  });

  test('of archiving by age (V11)', () => {
    const rules = [archive(1, ['prod*'], { pushed: 30 })];
    const { previewResults, summary } = simulate({ rules }, [image('a', ['prod1'], 31), image('b', [], 31)], {
      now,
    });
    expect(previewResults).toEqual([
      {
        imageDigest: 'a',
        imageTags: ['prod1'],
        imagePushedAt: '2026-10-20T00:00:00Z',
        action: { type: 'TRANSITION', targetStorageClass: 'ARCHIVE' },
        appliedRulePriority: 1,
      },
    ]);
    expect(summary).toEqual({ expiringImageTotalCount: 0, transitioningImageTotalCount: 1, bytes: 0 });
  });

  test('of archiving first and expiring later: two rules for any, one a storage class (V13)', () => {
    const rules = [archive(1, 'any', { pushed: 30 }), expire(2, 'any', { archived: 365 })];
    expect(parsePolicy(policyText({ rules })).valid).toBe(true);
    const images = [
      image('a', [], 31),
      image('b', [], 900, { status: 'ARCHIVED', archivedAt: now - 366 * day }),
      image('c', [], 900, { status: 'ARCHIVED', archivedAt: now - 300 * day }),
    ];
    expect(acted(rules, images)).toEqual(['b(2)', 'a(1)']);
  });
});

describe('a run that somebody saw', () => {
  test('a guard rule shields an image with two tags (V17)', () => {
    const images = [image('shared', ['d-1', 'v1'], 9), image('b', ['d-2'], 8), image('c', ['d-3'], 7)];
    const second = expire(2, ['d-*'], { keep: 1 });
    expect(acted([expire(1, ['v*'], { keep: 9999 }), second], images)).toEqual(['b(2)']);
    expect(acted([second], images)).toEqual(['shared(2)', 'b(2)']);
  });

  test('children of an index stay, and are counted (V18)', () => {
    const images = [
      image('child-1', [], 0.9),
      image('child-2', [], 0.9),
      image('index', ['latest'], 0.8, { children: ['child-1', 'child-2'] }),
      ...Array.from({ length: 23 }, (_, at) =>
        image(`t${String(at).padStart(2, '0')}`, [`v${at}`], 0.7 - at / 100),
      ),
    ];
    const rules = [expire(1, 'untagged', { pushed: 1 }), expire(2, 'any', { keep: 20 })];
    expect(acted(rules, images)).toEqual(['index(2)', 't00(2)', 't01(2)', 't02(2)']);
    expect(acted([expire(2, 'any', { keep: 20 })], images)).toHaveLength(4);
  });
});

describe('what follows from the rules', () => {
  test('count and age (V19)', () => {
    const images = [
      image('A', ['v1'], 90),
      image('B', ['v2'], 60),
      image('C', ['v3'], 50),
      image('D', ['tmp'], 40),
      image('E', [], 31),
      image('F', ['tmp2'], 30),
    ];
    const rules = [expire(1, ['v*'], { keep: 2 }), expire(2, 'any', { pushed: 30 })];
    expect(acted(rules, images)).toEqual(['A(1)', 'D(2)', 'E(2)']);
  });

  test('a prefix is one (V20)', () => {
    const rule = expire(1, 'any', { pushed: 10 });
    const selection = {
      tagStatus: 'tagged',
      tagPrefixList: ['prod'],
      countType: 'sinceImagePushed',
      countUnit: 'days',
      countNumber: 10,
    } as const;
    const images = [image('A', ['production-x'], 11), image('B', ['my-prod'], 11), image('C', ['prod'], 10)];
    expect(acted([{ ...rule, selection }], images)).toEqual(['A(1)']);
  });

  test('pulls, restores and the archive (V21)', () => {
    const ago = (days: number) => now - days * day;
    const images = [
      image('A', ['a'], 400, { pulledAt: ago(10) }),
      image('B', ['b'], 400, { pulledAt: ago(91) }),
      image('C', ['c'], 91),
      image('D', ['d'], 400, { activatedAt: ago(5), pulledAt: ago(200) }),
      image('E', ['e'], 800, { status: 'ARCHIVED', archivedAt: ago(366) }),
      image('F', ['f'], 800, { status: 'ARCHIVED', archivedAt: ago(365) }),
    ];
    const rules = [archive(1, 'any', { pulled: 90 }), expire(2, 'any', { archived: 365 })];
    expect([...acted(rules, images)].sort()).toEqual(['B(1)', 'C(1)', 'E(2)']);
  });

  test('a rule shields though it does not act (V22)', () => {
    const images = [image('A', [], 5), image('B', ['x'], 4), image('C', ['y'], 3)];
    const rules = [expire(1, 'untagged', { pushed: 30 }), expire(2, 'any', { keep: 1 })];
    expect(acted(rules, images)).toEqual(['B(2)']);
    expect(simulate({ rules }, images, { now }).kept[0]).toMatchObject({ imageDigest: 'A', shieldedBy: 1 });
  });
});
