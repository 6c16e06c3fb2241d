import * as fc from 'fast-check';
import { parsePolicy, parsePolicyValue } from '../../shared/lifecycle/parse';
import { settledReadings } from '../../shared/lifecycle/readings';
import { ruleListFaults, validatePolicy } from '../../shared/lifecycle/validate';
import { archive, expire, policyText } from '../builders/lifecycle';

const keepTen = { countType: 'imageCountMoreThan', countNumber: 10 };
const twoWeeks = { countType: 'sinceImagePushed', countUnit: 'days', countNumber: 14 };
const inArchive = {
  tagStatus: 'any',
  storageClass: 'archive',
  countType: 'sinceImageTransitioned',
  countUnit: 'days',
  countNumber: 90,
};
const toArchive = { type: 'transition', targetStorageClass: 'archive' };

/** A rule that is right, but for what is given. */
function rule(selection: object, action: object = { type: 'expire' }, over: object = {}): object {
  return { rulePriority: 1, selection, action, ...over };
}

function errorsOf(...rules: readonly unknown[]): readonly (readonly [string, string])[] {
  return parsePolicy(policyText({ rules }).padEnd(100)).errors.map(({ path, message }) => [path, message]);
}

describe('ECR takes', () => {
  test.each<[string, ...object[]]>([
    ['patterns by count', rule({ tagStatus: 'tagged', tagPatternList: ['v*'], ...keepTen })],
    ['prefixes by age', rule({ tagStatus: 'tagged', tagPrefixList: ['prod'], ...twoWeeks })],
    ['the class written out', rule({ tagStatus: 'any', storageClass: 'standard', ...keepTen })],
    [
      'four wildcards a pattern',
      rule({ tagStatus: 'tagged', tagPatternList: ['*test*1*2*3', 'test*1*2*3*'], ...keepTen }),
    ],
    ['archiving by pull', archive(1, 'any', { pulled: 90 })],
    ['archiving by count', archive(1, 'any', { keep: 1 })],
    ['archiving by age', archive(1, ['prod*'], { pushed: 30 })],
    ['expiring after 90 days in the archive', rule(inArchive)],
    ['any once a storage class', archive(1, 'any', { pushed: 30 }), expire(2, 'any', { archived: 365 })],
    [
      'untagged once a storage class',
      expire(1, 'untagged', { pushed: 1 }),
      expire(2, 'untagged', { archived: 90 }),
    ],
    [
      'any last of its class, in whatever order it stands',
      expire(9, 'any', { keep: 1 }),
      expire(3, ['v*'], { keep: 1 }),
      expire(20, ['v*'], { archived: 90 }),
    ],
    [
      'a prefix beside the pattern of the same text',
      rule({ tagStatus: 'tagged', tagPrefixList: ['v*'], ...keepTen }),
      expire(2, ['v*'], { keep: 1 }),
    ],
    ['one prefix in two classes', expire(1, ['v*'], { keep: 1 }), expire(2, ['v*'], { archived: 90 })],
    ['numbers far apart', expire(1, ['a'], { keep: 1 }), expire(999_999, ['b'], { keep: 9999 })],
    ['a description', rule({ tagStatus: 'any', ...keepTen }, { type: 'expire' }, { description: '' })],
    ['fifty rules', ...Array.from({ length: 50 }, (_, at) => expire(at + 1, [`t${at}`], { keep: 1 }))],
  ])('%s', (_, ...rules) => {
    expect(errorsOf(...rules)).toEqual([]);
  });
});

describe('ECR refuses', () => {
  const selection = (name: string): string => `rules[0].selection.${name}`;
  test.each<[name: string, path: string, message: RegExp, ...rules: unknown[]]>([
    [
      'a second rule for untagged images',
      'rules[1].selection.tagStatus',
      /rules\[0\] selects untagged images of the class standard already/,
      expire(1, 'untagged', { pushed: 1 }),
      expire(2, 'untagged', { keep: 1 }),
    ],
    [
      'any before the last',
      'rules[0].rulePriority',
      /"any" comes last .*above 2/,
      expire(1, 'any', { keep: 1 }),
      expire(2, ['v*'], { keep: 1 }),
    ],
    [
      'any twice in a class',
      'rules[1].rulePriority',
      /"any" comes last .*above 5/,
      expire(5, 'any', { keep: 1 }),
      expire(2, 'any', { pushed: 1 }),
    ],
    [
      'tagged without a list',
      selection('tagStatus'),
      /needs a tagPatternList/,
      rule({ tagStatus: 'tagged', ...keepTen }),
    ],
    [
      'null',
      'rules[0].description',
      /text, or leave it out, not null/,
      rule({ tagStatus: 'any', ...keepTen }, undefined, { description: null }),
    ],
    [
      'null in a selection',
      selection('tagPrefixList'),
      /leave it out: ECR takes no null/,
      rule({ tagStatus: 'tagged', tagPatternList: ['v'], tagPrefixList: null, ...keepTen }),
    ],
    [
      'an unknown tagStatus',
      selection('tagStatus'),
      /one of "tagged", "untagged", "any", not "ANY"/,
      rule({ tagStatus: 'ANY', ...keepTen }),
    ],
    [
      'an unknown countType',
      selection('countType'),
      /one of "imageCountMoreThan".*not "imageCount"/,
      rule({ tagStatus: 'any', ...keepTen, countType: 'imageCount' }),
    ],
    [
      'an unknown action',
      'rules[0].action.type',
      /one of "expire", "transition", not "delete"/,
      rule({ tagStatus: 'any', ...keepTen }, { type: 'delete' }),
    ],
    [
      'a unit beside a count',
      selection('countUnit'),
      /leave it out/,
      rule({ tagStatus: 'any', ...keepTen, countUnit: 'days' }),
    ],
    [
      'no unit beside an age',
      selection('countUnit'),
      /missing: write "days" beside sinceImagePushed/,
      rule({ tagStatus: 'any', ...twoWeeks, countUnit: undefined }),
    ],
    [
      'another unit',
      selection('countUnit'),
      /"days": there is no other unit, not "hours"/,
      rule({ tagStatus: 'any', ...twoWeeks, countUnit: 'hours' }),
    ],
    [
      'a target beside expire',
      'rules[0].action.targetStorageClass',
      /leave it out/,
      rule({ tagStatus: 'any', ...keepTen }, { type: 'expire', targetStorageClass: 'archive' }),
    ],
    [
      'transition without a target',
      'rules[0].action.targetStorageClass',
      /missing: write "archive"/,
      rule({ tagStatus: 'any', ...keepTen }, { type: 'transition' }),
    ],
    [
      'transition to standard',
      'rules[0].action.targetStorageClass',
      /"archive", not "standard"/,
      rule({ tagStatus: 'any', ...keepTen }, { type: 'transition', targetStorageClass: 'standard' }),
    ],
    [
      'any with a list',
      selection('tagPatternList'),
      /leave tagPatternList out/,
      rule({ tagStatus: 'any', tagPatternList: ['v*'], ...keepTen }),
    ],
    [
      'untagged with a list',
      selection('tagPrefixList'),
      /leave tagPrefixList out/,
      rule({ tagStatus: 'untagged', tagPrefixList: ['v'], ...keepTen }),
    ],
    [
      'an empty list',
      selection('tagPatternList'),
      /the list is empty/,
      rule({ tagStatus: 'tagged', tagPatternList: [], ...keepTen }),
    ],
    [
      'both lists',
      selection('tagPrefixList'),
      /not both/,
      rule({ tagStatus: 'tagged', tagPatternList: ['v*'], tagPrefixList: ['v'], ...keepTen }),
    ],
    [
      'a list that is none',
      selection('tagPatternList'),
      /a list such as \["v\*"\], not "v\*"/,
      rule({ tagStatus: 'tagged', tagPatternList: 'v*', ...keepTen }),
    ],
    [
      'an entry that is no text',
      selection('tagPrefixList[1]'),
      /text, not 1/,
      rule({ tagStatus: 'tagged', tagPrefixList: ['v', 1], ...keepTen }),
    ],
    [
      'a fifth wildcard',
      selection('tagPatternList[0]'),
      /has 6 wildcards.* at most 4/,
      rule({ tagStatus: 'tagged', tagPatternList: ['test*1*2*3*4*5*6'], ...keepTen }),
    ],
    [
      'countNumber 0',
      selection('countNumber'),
      /whole number from 1, not 0/,
      rule({ tagStatus: 'any', ...keepTen, countNumber: 0 }),
    ],
    [
      'countNumber 1.5',
      selection('countNumber'),
      /not 1.5/,
      rule({ tagStatus: 'any', ...keepTen, countNumber: 1.5 }),
    ],
    [
      'a number in quotes',
      selection('countNumber'),
      /not "10"/,
      rule({ tagStatus: 'any', ...keepTen, countNumber: '10' }),
    ],
    [
      'no countNumber',
      selection('countNumber'),
      /it is missing/,
      rule({ tagStatus: 'any', countType: 'imageCountMoreThan' }),
    ],
    [
      'expiring by pull',
      'rules[0].action.type',
      /can only archive/,
      rule({ tagStatus: 'any', ...twoWeeks, countType: 'sinceImagePulled' }),
    ],
    ['archiving what is archived', 'rules[0].action.type', /"expire"/, rule(inArchive, toArchive)],
    [
      '89 days in the archive',
      selection('countNumber'),
      /90 or more/,
      rule({ ...inArchive, countNumber: 89 }),
    ],
    [
      'time in the archive without the class',
      selection('storageClass'),
      /"archive"/,
      rule({ ...inArchive, storageClass: undefined }),
    ],
    [
      'time in the archive of the standard class',
      selection('storageClass'),
      /"archive"/,
      rule({ ...inArchive, storageClass: 'standard' }),
    ],
    [
      'counting in the archive',
      selection('storageClass'),
      /only sinceImageTransitioned counts/,
      rule({ tagStatus: 'any', ...keepTen, storageClass: 'archive' }),
    ],
    [
      'an unknown class',
      selection('storageClass'),
      /one of "standard", "archive", not "glacier"/,
      rule({ tagStatus: 'any', ...keepTen, storageClass: 'glacier' }),
    ],
    [
      'priority 0',
      'rules[0].rulePriority',
      /whole number from 1, not 0/,
      rule({ tagStatus: 'any', ...keepTen }, undefined, { rulePriority: 0 }),
    ],
    ['no selection', 'rules[0].selection', /missing/, { rulePriority: 1, action: { type: 'expire' } }],
    [
      'no action',
      'rules[0].action',
      /missing/,
      { rulePriority: 1, selection: { tagStatus: 'any', ...keepTen } },
    ],
    ['a rule that is none', 'rules[0]', /an object with rulePriority.*not "expire"/, 'expire'],
    [
      'an unknown property',
      selection('countnumber'),
      /did you mean "countNumber"\?/,
      rule({ tagStatus: 'any', ...keepTen, countnumber: 10 }),
    ],
    [
      'an unknown property of a rule',
      'rules[0].name',
      /known here: rulePriority, description/,
      rule({ tagStatus: 'any', ...keepTen }, undefined, { name: 'x' }),
    ],
    [
      'an unknown property of an action',
      'rules[0].action.after',
      /no "after"/,
      rule({ tagStatus: 'any', ...keepTen }, { type: 'expire', after: 1 }),
    ],
    [
      'a number twice',
      'rules[1].rulePriority',
      /rules\[0\] has 3 too/,
      expire(3, ['a*'], { keep: 1 }),
      expire(3, ['b*'], { keep: 1 }),
    ],
    [
      'a prefix twice',
      'rules[1].selection.tagPrefixList[1]',
      /"prod" stands in rules\[0\] already/,
      rule({ tagStatus: 'tagged', tagPrefixList: ['prod'], ...keepTen }),
      rule({ tagStatus: 'tagged', tagPrefixList: ['dev', 'prod'], ...twoWeeks }, undefined, {
        rulePriority: 2,
      }),
    ],
    [
      'a pattern twice',
      'rules[1].selection.tagPatternList[0]',
      /"v\*" stands in rules\[0\] already/,
      expire(1, ['v*'], { keep: 1 }),
      expire(2, ['v*'], { pushed: 1 }),
    ],
    [
      'a pattern twice in one list',
      selection('tagPatternList[1]'),
      /stands in this list already/,
      expire(1, ['v*', 'v*'], { keep: 1 }),
    ],
    [
      'a fifty-first rule',
      'rules',
      /51 rules.* at most 50/,
      ...Array.from({ length: 51 }, (_, at) => expire(at + 1, [`t${at}`], { keep: 1 })),
    ],
  ])('%s', (_, path, message, ...rules) => {
    expect(errorsOf(...rules)).toEqual([[path, expect.stringMatching(message)]]);
  });

  const pad = (text: string, length: number): string => text + ' '.repeat(length - text.length);
  const good = JSON.stringify({ rules: [expire(1, 'any', { keep: 1 })] });

  test.each<[name: string, text: string, message: RegExp]>([
    ['an empty text', pad('', 100), /the text is empty/],
    ['what is no JSON', pad('{\n  "rules": [}', 120), /not JSON: Unexpected token '}'.*rules": \[}/s],
    ['JSON that ends too late', pad(`${good}\n ]`, 160), /not JSON: .* in line 2, column 2/],
    ['a trailing comma', `${good.slice(0, -1)},}`, /not JSON/],
    ['a byte order mark', `\ufeff${good}`, /byte order mark/],
    ['a list', pad('[]', 100), /write \{ "rules": \[ … \] \} around the list/],
    ['text in quotes', JSON.stringify(good), /out of its quotes/],
    ['null', pad('null', 100), /not null/],
    ['an answer of GetLifecyclePolicy', JSON.stringify({ lifecyclePolicyText: good }), /take the text under/],
    ['30,721 characters', pad(good, 30_721), /30721 characters.* at most 30720/],
  ])('%s', (_, text, message) => {
    expect(parsePolicy(text).errors).toEqual([{ path: '', message: expect.stringMatching(message) }]);
  });

  test('99 characters, with whatever else is wrong', () => {
    expect(parsePolicy(pad('{"rules":[]}', 99)).errors).toEqual([
      { path: '', message: expect.stringMatching(/99 characters.* under 100/) },
      { path: 'rules', message: expect.stringMatching(/no rules.*DeleteLifecyclePolicy/) },
    ]);
    expect(parsePolicy(pad('{"rules":[]}', 100)).errors).toHaveLength(1);
    expect(parsePolicy(pad(good, 30_720)).valid).toBe(true);
  });
});

test('all that is wrong is told at once, with the rule’s number', () => {
  const { errors } = parsePolicyValue({
    rules: [
      {
        rulePriority: 30,
        selection: { tagStatus: 'tagged', countType: 'sinceImagePushed', countNumber: 0 },
        action: {},
      },
      { rulePriority: -1, selection: [], action: { type: 'expire' } },
    ],
    Rules: [],
  });
  expect(errors.map(({ rulePriority, path }) => [rulePriority, path])).toEqual([
    [undefined, 'Rules'],
    [30, 'rules[0].selection.tagStatus'],
    [30, 'rules[0].selection.countNumber'],
    [30, 'rules[0].selection.countUnit'],
    [30, 'rules[0].action.type'],
    [undefined, 'rules[1].rulePriority'],
    [undefined, 'rules[1].selection'],
  ]);
});

test('a value is judged as its text is, whatever it is', () => {
  void fc.assert(
    fc.property(fc.anything(), (value) => {
      expect(validatePolicy({ rules: value }).length).toBeGreaterThan(0);
    }),
  );
  const word = fc.constantFrom(
    'any',
    'tagged',
    'expire',
    'sinceImagePushed',
    'days',
    'archive',
    null,
    1,
    90,
    'v*',
  );
  const loose = fc.record(
    {
      rulePriority: fc.constantFrom(1, 2, 0),
      selection: fc.dictionary(
        fc.constantFrom(
          'tagStatus',
          'countType',
          'countUnit',
          'countNumber',
          'storageClass',
          'tagPatternList',
        ),
        fc.oneof(word, fc.array(word, { maxLength: 2 })),
      ),
      action: fc.dictionary(fc.constantFrom('type', 'targetStorageClass'), word),
    },
    { requiredKeys: [] },
  );
  void fc.assert(
    fc.property(fc.array(loose, { maxLength: 3 }), (rules) => {
      const text = policyText({ rules }).padEnd(100);
      expect(parsePolicy(text).errors).toEqual(validatePolicy(JSON.parse(text)));
    }),
  );
});

test('the places of a template are counted from its list', () => {
  expect(ruleListFaults([rule({ tagStatus: 'tagged', tagPatternList: [7], ...keepTen })])).toEqual([
    { at: [0, 'selection', 'tagPatternList', 0], message: 'write text, not 7', rulePriority: 1 },
  ]);
  const many = Array.from({ length: 50 }, (_, at) => expire(at + 1, ['x'.repeat(700) + at], { keep: 1 }));
  expect(ruleListFaults(many)).toEqual([{ at: [], message: expect.stringMatching(/at most 30720/) }]);
});

test.each([
  ['targetStorageClass', 'optional', [rule({ tagStatus: 'any', ...keepTen }, { type: 'transition' })]],
  ['emptyLists', 'accepted', [rule({ tagStatus: 'tagged', tagPatternList: [], ...keepTen })]],
  ['unknownProperties', 'accepted', [rule({ tagStatus: 'any', ...keepTen }, undefined, { name: 'x' })]],
  ['listsWithoutTagged', 'accepted', [rule({ tagStatus: 'any', tagPatternList: ['v*'], ...keepTen })]],
  ['repeatedEntries', 'accepted', [expire(1, ['v*'], { keep: 1 }), expire(2, ['v*'], { pushed: 1 })]],
])('what is settled about %s can be read otherwise', (name, reading, rules) => {
  expect(validatePolicy({ rules })).toHaveLength(1);
  expect(validatePolicy({ rules }, { ...settledReadings, [name]: reading })).toEqual([]);
});
