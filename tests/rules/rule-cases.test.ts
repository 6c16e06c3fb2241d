import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import * as z from 'zod/mini';
import type { Facts } from '../../shared/domain/facts';
import type { Resource } from '../../shared/domain/resource';
import { catalogue, ruleById } from '../../shared/rules';
import type { Rule } from '../../shared/rules/rule';

/** A case as a user could write it: a resource, what was read of it, and what the rule says. */
const caseFile = z.strictObject({
  rule: z.string(),
  cases: z.array(
    z.strictObject({
      name: z.string(),
      resource: z.string(),
      namespace: z.optional(z.string()),
      with: z.optional(z.record(z.string(), z.unknown())),
      facts: z.optional(z.record(z.string(), z.unknown())),
      expect: z.union([
        z.literal('pass'),
        z.strictObject({ fail: z.string(), evidence: z.optional(z.record(z.string(), z.unknown())) }),
        z.strictObject({ skip: z.string() }),
        z.strictObject({ error: z.string() }),
      ]),
    }),
  ),
});
type Case = z.infer<typeof caseFile>['cases'][number];

const folder = join(__dirname, 'cases');
const files = readdirSync(folder).map((name) =>
  caseFile.parse(parse(readFileSync(join(folder, name), 'utf8'))),
);

describe.each(files)('$rule', ({ rule: id, cases }) => {
  const rule = ruleById(id);
  if (!rule) throw new Error(`no rule ${id}`);

  test.each(cases)('$name', (given) => {
    const parameters = rule.parameters.parse(given.with ?? {});
    const result = rule.evaluate(
      {
        resource: resourceOf(given.resource),
        facts: declaredFacts(rule, given),
        ...(given.namespace ? { namespace: { name: given.namespace } } : {}),
        now: Date.parse('2026-11-25T00:00:00Z'),
      },
      parameters,
    );
    if (given.expect === 'pass') return expect(result).toEqual({ status: 'pass' });
    if ('fail' in given.expect) {
      const { fail: message, evidence } = given.expect;
      return expect(result).toMatchObject({
        status: 'fail',
        message,
        evidence: evidence ?? expect.anything(),
      });
    }
    const [[status, message] = []] = Object.entries(given.expect);
    return expect(result).toEqual({ status, message });
  });
});

test('every rule on settings and names has its cases', () => {
  const without = catalogue.map(({ id }) => id).filter((id) => !files.some(({ rule }) => rule === id));
  expect(without.filter((id) => id !== 'replicated')).toEqual([]);
});

function resourceOf(name: string): Resource {
  const registry = { account: '111122223333', region: 'eu-central-1' };
  const [repository = '', tag] = name.split(':');
  return tag
    ? { kind: 'tag', ...registry, repository, tag }
    : { kind: 'repository', ...registry, repository };
}

/** Only what the rule declares may be read, as in the pipeline. */
function declaredFacts(rule: Rule, { facts = {} }: Case): Facts {
  const known = { ...facts };
  const { repository } = known;
  if (typeof repository === 'object' && repository && !('unseen' in repository)) {
    known.repository = { mutabilityExclusions: [], ...repository };
  }
  return new Proxy({} as Facts, {
    get(_, name: keyof Facts) {
      if (!rule.facts.includes(name)) throw new Error(`${rule.id} reads ${name} and does not declare it`);
      return known[name];
    },
  });
}
