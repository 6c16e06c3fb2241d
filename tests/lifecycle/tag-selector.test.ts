import * as fc from 'fast-check';
import { matchesPattern, tagSelector } from '../../shared/lifecycle/tag-selector';

test.each([
  ['prod*', ['prod', 'prod1', 'production-team1'], ['my-prod', 'Prod', '']],
  ['*prod*', ['repo-production', 'prod-team', 'prod'], ['pro-d']],
  ['*test*1*2*3', ['test123', 'a-test-1-2-3'], ['test12', 'test321', 'test1233x']],
  ['test*1*2*3*', ['test123', 'test-1-2-3-end'], ['a-test123']],
  ['v1.0', ['v1.0'], ['v1x0', 'v1.0.1', '']],
  ['*', ['', 'anything'], []],
  ['a*a', ['aa', 'aba'], ['a']],
  ['', [''], ['a']],
])('the pattern %j takes the whole tag', (pattern, matching, others) => {
  for (const tag of matching) expect([tag, matchesPattern(pattern, tag)]).toEqual([tag, true]);
  for (const tag of others) expect([tag, matchesPattern(pattern, tag)]).toEqual([tag, false]);
});

test('a pattern matches as a regular expression of it does', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*'), maxLength: 9 });
  const tag = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 12 });
  void fc.assert(
    fc.property(text, tag, (pattern, name) => {
      const parts = pattern.split('*').map((part) => part.replaceAll('.', '\\.'));
      expect(matchesPattern(pattern, name)).toBe(new RegExp(`^${parts.join('.*')}$`).test(name));
    }),
    { numRuns: 3000 },
  );
});

test('each entry of a list has to be met, by whichever tag', () => {
  const both = tagSelector({ tagStatus: 'tagged', tagPatternList: ['a*', '*z'] });
  expect([both(['a1', '1z']), both(['abcz']), both(['a1']), both(['1z', 'x']), both([])]).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
  const prefixes = tagSelector({ tagStatus: 'tagged', tagPrefixList: ['a', 'b*'] });
  expect([prefixes(['a', 'b*c']), prefixes(['a', 'bc'])]).toEqual([true, false]);
});

test('untagged, any, and a tag where no list is', () => {
  const untagged = tagSelector({ tagStatus: 'untagged' });
  expect([untagged([]), untagged(['a'])]).toEqual([true, false]);
  const any = tagSelector({ tagStatus: 'any' });
  expect([any([]), any(['a'])]).toEqual([true, true]);
  const empty = tagSelector({ tagStatus: 'tagged', tagPatternList: [] });
  expect([empty([]), empty(['a'])]).toEqual([false, true]);
});
