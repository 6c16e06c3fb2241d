import * as fc from 'fast-check';
import { readImages } from '../../shared/lifecycle/image';
import { parsePolicy } from '../../shared/lifecycle/parse';
import type { SimulationReadings } from '../../shared/lifecycle/readings';
import { simulate } from '../../shared/lifecycle/simulate';
import type { Case } from './arbitraries';
import { lifecycleCase } from './arbitraries';
import type { Rule } from './literal-evaluator';
import { evaluateLiterally } from './literal-evaluator';

const numRuns = process.env.DEEP ? 100_000 : 2_000;

interface Verdict {
  readonly acted: readonly string[];
  readonly follows: readonly string[];
}

function literally({ policy, images, now }: Case): Verdict {
  const { acted, follows } = evaluateLiterally(policy, images, now);
  return {
    acted: acted.map(({ digest, priority, type }) => `${digest} ${type} by rule ${priority}`).sort(),
    follows: follows.toSorted(),
  };
}

function simulated({ policy, images, now }: Case, readings: Partial<SimulationReadings> = {}): Verdict {
  const parsed = parsePolicy(JSON.stringify(policy));
  if (!parsed.valid) throw new Error(JSON.stringify(parsed.errors));
  const { previewResults, kept } = simulate(parsed.policy, readImages(images), { now: now * 1000, readings });
  return {
    acted: previewResults
      .map((each) => `${each.imageDigest} ${each.action.type} by rule ${each.appliedRulePriority}`)
      .sort(),
    follows: kept.flatMap((each) => (each.reason === 'follows' ? [each.imageDigest] : [])).sort(),
  };
}

test('simulate agrees with the literal reading of the user guide', () => {
  void fc.assert(
    fc.property(lifecycleCase(), (each) => {
      expect(simulated(each)).toEqual(literally(each));
    }),
    { numRuns },
  );
}, 600_000);

// What the two are compared on is worth as much as the corners it reaches.
describe('the random cases', () => {
  const cases = fc.sample(lifecycleCase(), { numRuns: 2_000, seed: 7 });

  test.each<[string, number, (each: Case) => boolean]>([
    ['act by several rules', 100, (each) => new Set(priorities(each)).size > 1],
    ['expire what is archived', 100, (each) => acts(each, (image) => image.imageStatus === 'ARCHIVED')],
    ['act on what was restored', 50, (each) => acts(each, (image) => image.lastActivatedAt !== undefined)],
    [
      'act on an index with children',
      50,
      (each) => acts(each, (image) => image.imageReferences !== undefined),
    ],
    ['have followers', 100, (each) => literally(each).follows.length > 0],
    ['have followers of followers', 5, hasChain],
    [
      'have ties in push time',
      500,
      ({ images }) => distinct(images.map((image) => image.imagePushedAt)) < images.length,
    ],
    ['have many rules', 50, ({ policy }) => policy.rules.length > 20],
    ['write rules out of order', 500, ({ policy }) => !isAscending(policy.rules)],
    ['have an `any` rule in each class', 50, ({ policy }) => policy.rules.filter(isAny).length === 2],
  ])('%s', (_, atLeast, holds) => {
    expect(cases.filter(holds).length).toBeGreaterThanOrEqual(atLeast);
  });

  test.each<Partial<SimulationReadings>>([
    { restoredImages: 'by-push' },
    { shield: 'selector' },
    { expiringIndexes: 'release' },
    { archivedIndexes: 'release' },
    { childrenTakeSlots: false },
    { referrers: 'outside-rules' },
    { activating: 'archive' },
    { equalDates: 'smaller-digest-newer' },
    { exactAge: 'acted-on' },
  ])('tell %j from the settled reading', (readings) => {
    const differs = (each: Case) => simulated(each, readings).acted.join() !== literally(each).acted.join();
    expect(cases.some(differs)).toBe(true);
  });

  test('have valid policies', () => {
    for (const { policy } of cases) expect(faults(policy.rules)).toEqual([]);
  });
});

function priorities({ policy, images, now }: Case): number[] {
  return evaluateLiterally(policy, images, now).acted.map((act) => act.priority);
}

function acts({ policy, images, now }: Case, on: (image: Case['images'][number]) => boolean): boolean {
  const { acted } = evaluateLiterally(policy, images, now);
  return images.some((image) => on(image) && acted.some((act) => act.digest === image.imageDigest));
}

function hasChain({ policy, images, now }: Case): boolean {
  const { follows } = evaluateLiterally(policy, images, now);
  return images.some(
    ({ imageDigest, subjectManifestDigest }) =>
      follows.includes(imageDigest) && follows.includes(subjectManifestDigest ?? ''),
  );
}

function distinct(values: readonly unknown[]): number {
  return new Set(values).size;
}

function isAny({ selection }: Rule): boolean {
  return selection.tagStatus === 'any';
}

function isAscending(rules: readonly Rule[]): boolean {
  return rules.every((rule, at) => at === 0 || rule.rulePriority > rules[at - 1]!.rulePriority);
}

/** "Lifecycle policy properties in Amazon ECR", as far as the arbitraries could break it. */
function faults(rules: readonly Rule[]): string[] {
  const found: string[] = [];
  const check = (ok: boolean, fault: string) => ok || found.push(fault);
  const length = JSON.stringify({ rules }).length;
  check(rules.length >= 1 && rules.length <= 50, 'number of rules');
  check(length >= 100 && length <= 30_720, 'length of the text');
  check(distinct(rules.map((rule) => rule.rulePriority)) === rules.length, 'unique priorities');
  for (const { rulePriority, selection, action } of rules) {
    const { countType, countUnit, countNumber, storageClass } = selection;
    const { tagStatus, tagPatternList, tagPrefixList } = selection;
    const lists = [tagPatternList, tagPrefixList].filter((list) => list !== undefined);
    check(Number.isInteger(rulePriority) && rulePriority >= 1, 'rulePriority');
    check(Number.isInteger(countNumber) && countNumber >= 1, 'countNumber');
    check((countUnit === 'days') === (countType !== 'imageCountMoreThan'), 'countUnit');
    check((storageClass === 'archive') === (countType === 'sinceImageTransitioned'), 'storageClass');
    check(countType !== 'sinceImagePulled' || action.type === 'transition', 'expire by pull');
    check(countType !== 'sinceImageTransitioned' || action.type === 'expire', 'transition in the archive');
    check(countType !== 'sinceImageTransitioned' || countNumber >= 90, 'days in the archive');
    check((action.type === 'transition') === (action.targetStorageClass === 'archive'), 'target class');
    check(lists.length === (tagStatus === 'tagged' ? 1 : 0), 'one list with tagged');
    check(
      lists.every((list) => list.length > 0),
      'empty list',
    );
    check(
      (tagPatternList ?? []).every((pattern) => pattern.split('*').length <= 5),
      'four stars',
    );
  }
  for (const storageClass of ['standard', 'archive']) {
    const same = rules.filter((rule) => (rule.selection.storageClass ?? 'standard') === storageClass);
    const last = Math.max(...same.map((rule) => rule.rulePriority));
    const patterns = same.flatMap((rule) => rule.selection.tagPatternList ?? []);
    const prefixes = same.flatMap((rule) => rule.selection.tagPrefixList ?? []);
    check(same.filter((rule) => rule.selection.tagStatus === 'untagged').length <= 1, 'one untagged rule');
    check(
      same.filter(isAny).every((rule) => rule.rulePriority === last),
      'any has the last word',
    );
    check(distinct(patterns) === patterns.length, 'unique patterns');
    check(distinct(prefixes) === prefixes.length, 'unique prefixes');
  }
  return found;
}
