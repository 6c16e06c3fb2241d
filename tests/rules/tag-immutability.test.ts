import * as fc from 'fast-check';
import { covers } from '../../shared/rules/tag-immutability';

const wildcard = fc
  .array(fc.constantFrom('*', 'a', 'b', '-'), { maxLength: 6 })
  .map((parts) => parts.join(''));
const asExpression = (text: string): RegExp => new RegExp(`^${text.replaceAll('*', '.*')}$`);

const shortTags = ['', 'a', 'b', '-'].flatMap((a) =>
  ['', 'a', 'b', '-'].flatMap((b) =>
    ['', 'a', 'b', '-', 'c'].flatMap((c) => ['', 'a', 'c'].map((d) => a + b + c + d)),
  ),
);

test('a covered wildcard matches nothing that its cover does not', () => {
  void fc.assert(
    fc.property(wildcard, wildcard, (outer, inner) => {
      fc.pre(covers(outer, inner));
      expect(
        shortTags.filter((tag) => asExpression(inner).test(tag) && !asExpression(outer).test(tag)),
      ).toEqual([]);
    }),
    { numRuns: 3_000 },
  );
});

test('a wildcard that is not covered matches something that its cover does not', () => {
  void fc.assert(
    fc.property(wildcard, wildcard, (outer, inner) => {
      fc.pre(!covers(outer, inner));
      // `c` stands in neither, so one for each star is a witness.
      const witness = inner.replaceAll('*', 'c');
      expect(asExpression(inner).test(witness) && !asExpression(outer).test(witness)).toBe(true);
    }),
    { numRuns: 3_000 },
  );
});

test.each([
  ['*', 'anything-*', true],
  ['cache-*', 'cache-*', true],
  ['cache-*', 'cache-', true],
  ['a*a', 'a', false],
  ['*-dev', 'x-*-dev', true],
  ['a*b*c', 'a-b*b-c', true],
  ['latest', '*', false],
])('%s covers %s: %s', (outer, inner, expected) => {
  expect(covers(outer, inner)).toBe(expected);
});
