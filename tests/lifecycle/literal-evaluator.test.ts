import type { ImageInput, Rule } from './literal-evaluator';
import { evaluateLiterally } from './literal-evaluator';

const now = Date.parse('2026-11-20T00:00:00Z') / 1000;
const ago = (days: number) => now - days * 86_400;

type Test = Pick<Rule['selection'], 'countType' | 'countNumber'> & Pick<Rule, 'action'>;
type Selector = Pick<Rule['selection'], 'tagStatus' | 'tagPatternList' | 'tagPrefixList' | 'storageClass'>;

const expire = { type: 'expire' } as const;
const archive = { type: 'transition', targetStorageClass: 'archive' } as const;
const any: Selector = { tagStatus: 'any' };
const untagged: Selector = { tagStatus: 'untagged' };
const tagged = (...tagPatternList: string[]): Selector => ({ tagStatus: 'tagged', tagPatternList });
const prefixed = (...tagPrefixList: string[]): Selector => ({ tagStatus: 'tagged', tagPrefixList });

const keep = (countNumber: number): Test => ({
  countType: 'imageCountMoreThan',
  countNumber,
  action: expire,
});
const pushedOver = (countNumber: number): Test => ({
  countType: 'sinceImagePushed',
  countNumber,
  action: expire,
});
const notPulled = (countNumber: number): Test => ({
  countType: 'sinceImagePulled',
  countNumber,
  action: archive,
});
const archivedOver = (countNumber: number): Test => ({
  countType: 'sinceImageTransitioned',
  countNumber,
  action: expire,
});

const rule = (rulePriority: number, selector: Selector, { action, ...test }: Test): Rule => ({
  rulePriority,
  selection: {
    ...selector,
    ...test,
    ...(test.countType === 'imageCountMoreThan' ? {} : { countUnit: 'days' }),
  },
  action,
});

const image = (name: string, tags: string[], days: number, more: Partial<ImageInput> = {}): ImageInput => ({
  imageDigest: name,
  imageTags: tags,
  imagePushedAt: ago(days),
  ...more,
});

/** `A(1) B(2)`: image A is acted on by rule 1, image B by rule 2. */
function result(rules: Rule[], images: ImageInput[]): string {
  return evaluateLiterally({ rules }, images, now)
    .acted.map(({ digest, priority, type }) => `${digest}(${priority}${type === 'EXPIRE' ? '' : ' archive'})`)
    .sort()
    .join(' ');
}

const abc = [
  image('A', ['beta-1', 'prod-1'], 10),
  image('B', ['beta-2', 'prod-2'], 9),
  image('C', ['beta-3'], 8),
];

const alphaBeta = [
  image('A', ['alpha-1', 'beta-1'], 4),
  image('B', [], 3),
  image('C', ['alpha-2'], 2),
  image('D', ['git-hash'], 1),
];

const release = image('shared', ['d-1', 'v1'], 9);
const builds = [image('d2', ['d-2'], 8), image('d3', ['d-3'], 7)];

describe('the examples of "Examples of lifecycle policies in Amazon ECR"', () => {
  test.each<[string, Rule[], ImageInput[], string]>([
    [
      'image count',
      [rule(1, untagged, keep(1))],
      [image('A', [], 3), image('B', [], 1), image('C', [], 2), image('D', ['x'], 9)],
      'A(1) C(1)',
    ],
    [
      'multiple rules, A',
      [rule(1, tagged('prod*'), keep(1)), rule(2, tagged('beta*'), keep(1))],
      abc,
      'A(1)',
    ],
    [
      'multiple rules, B',
      [rule(1, tagged('beta*'), keep(1)), rule(2, tagged('prod*'), keep(1))],
      abc,
      'A(1) B(1)',
    ],
    [
      'multiple tags, A',
      [rule(1, tagged('alpha*', 'beta*'), pushedOver(5))],
      [
        image('A', ['alpha-1'], 12),
        image('B', ['beta-1'], 11),
        image('C', ['alpha-2', 'beta-2'], 10),
        image('D', ['alpha-3'], 4),
        image('E', ['beta-3'], 3),
        image('F', ['alpha-4', 'beta-4'], 2),
      ],
      'C(1)',
    ],
    [
      'multiple tags, B',
      [rule(1, tagged('alpha*', 'beta*'), keep(1))],
      [
        image('A', ['alpha-1', 'beta-1', 'gamma-1'], 10),
        image('B', ['alpha-2', 'beta-2'], 9),
        image('C', ['alpha-3', 'beta-3', 'gamma-2'], 8),
      ],
      'A(1) B(1)',
    ],
    [
      'all images, A',
      [rule(1, any, keep(1))],
      [image('A', ['alpha-1'], 4), image('B', ['beta-1'], 3), image('C', [], 2), image('D', ['alpha-2'], 1)],
      'A(1) B(1) C(1)',
    ],
    [
      'all images, B',
      [rule(1, tagged('alpha*'), keep(1)), rule(2, untagged, pushedOver(1)), rule(3, any, keep(1))],
      [...alphaBeta, image('E', [], 1, { imagePushedAt: ago(1) + 1 })],
      'A(1) B(2) D(3)',
    ],
    [
      'all images, B, with the tagged image the newer one',
      [rule(1, tagged('alpha*'), keep(1)), rule(2, untagged, pushedOver(1)), rule(3, any, keep(1))],
      [...alphaBeta, image('E', [], 1, { imagePushedAt: ago(1) - 1 })],
      'A(1) B(2) E(2)',
    ],
  ])('%s', (_, rules, images, expected) => {
    expect(result(rules, images)).toBe(expected);
  });
});

describe('seen in the real service by others', () => {
  test('a guard rule shields a digest that carries a release tag', () => {
    const rules = [rule(1, tagged('v*'), keep(9999)), rule(2, tagged('d-*'), keep(1))];
    expect(result(rules, [release, ...builds])).toBe('d2(2)');
  });

  test('without the guard it goes, release tag and all', () => {
    expect(result([rule(2, tagged('d-*'), keep(1))], [release, ...builds])).toBe('d2(2) shared(2)');
  });

  test('the children of an index stay, though they are the oldest, and exactly the four next oldest go', () => {
    const children = ['k1', 'k2'].map((name) => image(name, [], 1));
    const index = image('index', ['latest'], 0.9, { imageReferences: ['k1', 'k2'] });
    const others = Array.from({ length: 23 }, (_, at) =>
      image(`t${String(at).padStart(2, '0')}`, [`t${at}`], (30 - at) / 40),
    );
    expect(
      result([rule(1, untagged, pushedOver(1)), rule(2, any, keep(20))], [...children, index, ...others]),
    ).toBe('index(2) t00(2) t01(2) t02(2)');
  });
});

describe('derived from the statements', () => {
  test.each<[string, Rule[], ImageInput[], string]>([
    [
      'a count rule above an age rule; an age on the boundary',
      [rule(1, tagged('v*'), keep(2)), rule(2, any, pushedOver(30))],
      [
        image('A', ['v1'], 90),
        image('B', ['v2'], 60),
        image('C', ['v3'], 50),
        image('D', ['tmp'], 40),
        image('E', [], 31),
        image('F', ['tmp2'], 30),
      ],
      'A(1) D(2) E(2)',
    ],
    [
      'a prefix stands at the start',
      [rule(1, prefixed('prod'), pushedOver(10))],
      [image('A', ['production-x'], 11), image('B', ['my-prod'], 11), image('C', ['prod'], 10)],
      'A(1)',
    ],
    [
      'one rule for each storage class',
      [rule(1, any, notPulled(90)), rule(2, { ...any, storageClass: 'archive' }, archivedOver(365))],
      [
        image('A', ['a'], 400, { lastRecordedPullTime: ago(10) }),
        image('B', ['b'], 400, { lastRecordedPullTime: ago(91) }),
        image('C', ['c'], 91),
        image('D', ['d'], 400, { lastActivatedAt: ago(5) }),
        image('E', ['e'], 500, { imageStatus: 'ARCHIVED', lastArchivedAt: ago(366) }),
        image('F', ['f'], 500, { imageStatus: 'ARCHIVED', lastArchivedAt: ago(365) }),
      ],
      'B(1 archive) C(1 archive) E(2)',
    ],
    [
      'a rule that does not act shields as well',
      [rule(1, untagged, pushedOver(30)), rule(2, any, keep(1))],
      [image('A', [], 5), image('B', ['x'], 4), image('C', ['y'], 3)],
      'B(2)',
    ],
  ])('%s', (_, rules, images, expected) => {
    expect(result(rules, images)).toBe(expected);
  });

  test.each([
    ['prod*', ['prod', 'prod1', 'production-team1'], ['my-prod', 'PROD']],
    ['*prod*', ['repo-production', 'prod-team'], ['pro-d']],
    ['*a*b', ['ab', 'xaxbxb'], ['abx', 'ba']],
    ['v1.0', ['v1.0'], ['v1x0', 'v1.0.1']],
  ])('%s matches the whole tag, literally but for the star', (pattern, yes, no) => {
    const images = [...yes, ...no].map((tag) => image(tag, [tag], 9));
    expect(result([rule(1, tagged(pattern), pushedOver(1))], images)).toBe(
      yes
        .map((tag) => `${tag}(1)`)
        .sort()
        .join(' '),
    );
  });
});

describe('referrers', () => {
  const rules = [rule(1, tagged('*'), pushedOver(5))];
  const subject = image('image', ['v1'], 9);
  const signature = image('signature', [], 9, { subjectManifestDigest: 'image' });

  test.each<[string, ImageInput[], string[]]>([
    ['follow their subject', [signature], ['signature']],
    [
      'follow in a chain, whatever their order',
      [image('of-signature', [], 9, { subjectManifestDigest: 'signature' }), signature],
      ['of-signature', 'signature'],
    ],
    ['of an image that is not there stay', [image('orphan', [], 9, { subjectManifestDigest: 'gone' })], []],
    [
      'wait until they are a day in their class',
      [
        image('fresh', [], 0.99, { subjectManifestDigest: 'image' }),
        image('day', [], 1, { subjectManifestDigest: 'image' }),
      ],
      ['day'],
    ],
    [
      'that a rule names go by the rule',
      [image('named', ['sig'], 9, { subjectManifestDigest: 'image' })],
      [],
    ],
    [
      'that an index lists are protected',
      [signature, image('index', [], 9, { imageReferences: ['signature'] })],
      [],
    ],
  ])('%s', (_, others, expected) => {
    expect(evaluateLiterally({ rules }, [...others, subject], now).follows.sort()).toEqual(expected);
  });

  test('that are archived do not follow into the archive', () => {
    const archived = image('signature', [], 9, {
      subjectManifestDigest: 'image',
      imageStatus: 'ARCHIVED',
      lastArchivedAt: ago(8),
    });
    const toArchive = [{ ...rules[0]!, action: archive }];
    expect(evaluateLiterally({ rules: toArchive }, [subject, archived], now).follows).toEqual([]);
    expect(evaluateLiterally({ rules }, [subject, archived], now).follows).toEqual(['signature']);
  });
});
