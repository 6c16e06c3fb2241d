import * as fc from 'fast-check';
import { canonicalPolicy, samePolicy } from '../../shared/lifecycle/canonical';
import type { LifecyclePolicy } from '../../shared/lifecycle/grammar';
import { archive, expire } from '../builders/lifecycle';

const rules = [
  expire(1, ['b*', 'a*'], { keep: 10 }),
  expire(2, 'untagged', { pushed: 1 }),
  archive(3, 'any', { pulled: 90 }),
  expire(4, 'any', { archived: 365 }),
];

test('order and defaults do not make another policy', () => {
  const spelt = {
    rules: [
      ...rules.slice(1).reverse(),
      {
        action: { type: 'expire' },
        selection: {
          countNumber: 10,
          countType: 'imageCountMoreThan',
          storageClass: 'standard',
          tagPatternList: ['a*', 'b*'],
          tagStatus: 'tagged',
        },
        description: '',
        rulePriority: 1,
      },
    ],
  } as const;
  expect(samePolicy({ rules }, spelt)).toBe(true);
  expect(canonicalPolicy(JSON.parse(canonicalPolicy({ rules })))).toBe(canonicalPolicy({ rules }));
});

test('whatever the order of rules', () => {
  const shuffled = fc.shuffledSubarray(rules, { minLength: rules.length });
  void fc.assert(fc.property(shuffled, (other) => samePolicy({ rules }, { rules: other })));
});

test.each<[string, LifecyclePolicy['rules']]>([
  ['a rule less', rules.slice(1)],
  ['another number', [expire(1, ['a*', 'b*'], { keep: 11 }), ...rules.slice(1)]],
  ['another pattern', [expire(1, ['a*', 'c*'], { keep: 10 }), ...rules.slice(1)]],
  ['another priority', [expire(9, ['a*', 'b*'], { keep: 10 }), ...rules.slice(1)]],
  ['another action', [archive(1, ['a*', 'b*'], { keep: 10 }), ...rules.slice(1)]],
  ['a description', rules.map((rule) => ({ ...rule, description: 'x' }))],
])('%s makes another policy', (_, others) => {
  expect(samePolicy({ rules }, { rules: others })).toBe(false);
});
