import * as fc from 'fast-check';
import type { Resource } from '../../shared/domain/resource';
import { compilePolicy } from '../../shared/policy/compile';
import type { CompiledPolicy } from '../../shared/policy/compiled-policy';
import type { EffectivePolicy, Policy } from '../../shared/policy/effective-policy';
import { mergeRules } from '../../shared/policy/merge';
import { openPolicy } from '../../shared/policy/open';
import type { RuleEntries } from '../../shared/policy/policy-document';
import { presets } from '../../shared/policy/presets';
import { builtAt, compileText, validPolicy } from './compiled';

const registry = { account: '111122223333', region: 'eu-central-1' };
const opened = (text: string, exemptions?: string): Policy => openPolicy(validPolicy(text, exemptions));

const ruleIn = (effective: EffectivePolicy, id: string) => effective.rules.find(({ rule }) => rule.id === id);

describe('what runs', () => {
  test('nothing without a preset and without rules', () => {
    expect(opened('version: 1').effectiveFor(registry, 'a').rules).toEqual([]);
  });

  test('without a preset, the rules that the file names', () => {
    const { rules } = opened('version: 1\nrules: { tag-format: {} }').effectiveFor(registry, 'a');
    expect(rules).toMatchObject([
      { rule: { id: 'tag-format' }, severity: 'high', mode: 'report', parameters: {} },
    ]);
  });

  test('a rule that asks for owners waits in a preset for the first namespace', () => {
    const ids = (text: string) =>
      opened(text)
        .effectiveFor(registry, 'a')
        .rules.map(({ rule }) => rule.id);
    expect(ids('version: 1\nextends: strict')).not.toContain('namespace-allowed');
    expect(ids('version: 1\nextends: strict\nnamespaces: [{ name: p, repositories: ["p/**"] }]')).toContain(
      'namespace-allowed',
    );
  });

  test('a namespace that says where images have to be has it checked', () => {
    const policy = opened(
      'version: 1\nnamespaces: [{ name: p, repositories: ["p/**"], replication: { to: [eu-west-1, 444455556666/eu-west-2], within: 2h } }]',
    );
    const effective = policy.effectiveFor(registry, 'p/a');
    expect(ruleIn(effective, 'replicated')).toMatchObject({
      severity: 'high',
      parameters: { within: '30m' },
    });
    expect(effective.namespace?.replication).toEqual({
      to: [
        { account: '111122223333', region: 'eu-west-1' },
        { account: '444455556666', region: 'eu-west-2' },
      ],
      withinMilliseconds: 7_200_000,
    });
    expect(
      policy.effectiveFor({ ...registry, region: 'eu-west-1' }, 'p/a').namespace?.replication?.to,
    ).toEqual([{ account: '444455556666', region: 'eu-west-2' }]);
    expect(ruleIn(policy.effectiveFor(registry, 'q/a'), 'replicated')).toBeUndefined();
  });

  test.each(Object.entries(presets))('the preset %s is a policy in itself', (name, preset) => {
    expect(compileText(JSON.stringify(preset)).errors).toEqual([]);
    expect(validPolicy(`version: 1\nextends: ${name}`).rules).toEqual(
      validPolicy(JSON.stringify(preset)).rules.filter(({ id }) => id !== 'namespace-allowed'),
    );
  });
});

describe('how layers add up', () => {
  const text = `version: 1
extends: baseline
rules:
  tag-format: { severity: critical, action: quarantine-tag, with: { allow: [semver, git-sha] } }
  tag-immutability: disabled
namespaces:
  - name: payments
    repositories: ["payments/**"]
    rules:
      tag-format: { with: { allow: [semver] } }
      tag-immutability: {}
  - { name: sandbox, repositories: ["sandbox/**"], rules: { tag-format: disabled } }`;
  const policy = opened(text);

  test('keys add up, and a list replaces', () => {
    expect(ruleIn(policy.effectiveFor(registry, 'payments/api'), 'tag-format')).toMatchObject({
      severity: 'critical',
      action: 'quarantine-tag',
      parameters: { allow: ['semver'], deny: ['latest'] },
    });
    expect(ruleIn(policy.effectiveFor(registry, 'other'), 'tag-format')?.parameters).toEqual({
      allow: ['semver', 'git-sha'],
      deny: ['latest'],
    });
  });

  test('a default of the rule does not hide what a preset says', () => {
    const empty = opened('version: 1\nextends: baseline\nrules: { tag-immutability: { with: {} } }');
    expect(ruleIn(empty.effectiveFor(registry, 'a'), 'tag-immutability')?.parameters).toEqual({
      except: ['cache-*'],
    });
  });

  test('disabled removes, and a rule that comes back starts afresh', () => {
    expect(ruleIn(policy.effectiveFor(registry, 'sandbox/x'), 'tag-format')).toBeUndefined();
    expect(ruleIn(policy.effectiveFor(registry, 'other'), 'tag-immutability')).toBeUndefined();
    expect(ruleIn(policy.effectiveFor(registry, 'payments/api'), 'tag-immutability')?.parameters).toEqual({
      except: [],
    });
  });

  test.each([
    ['nothing', '', '', '', '', 'report'],
    ['the file', 'enforce', '', '', '', 'enforce'],
    ['the rule before the file', 'report', 'enforce', '', '', 'enforce'],
    ['the namespace before the rule', 'report', 'enforce', 'report', '', 'report'],
    ['the rule in the namespace before all', 'report', 'report', 'report', 'enforce', 'enforce'],
  ])('mode: %s', (_name, file, rule, namespace, inner, expected) => {
    const mode = (value: string): string => (value ? `mode: ${value}` : '');
    const policy = opened(`version: 1
${mode(file)}
rules: { tag-format: { ${mode(rule)} } }
namespaces:
  - name: p
    repositories: ["p/**"]
    ${mode(namespace)}
    rules: { tag-format: { ${mode(inner)} } }`);
    expect(ruleIn(policy.effectiveFor(registry, 'p/a'), 'tag-format')?.mode).toBe(expected);
  });

  const settings = fc.record(
    {
      severity: fc.constantFrom('low', 'high'),
      mode: fc.constantFrom('report', 'enforce'),
      with: fc.record(
        { allow: fc.constant(['semver']), deny: fc.constant(['latest']) },
        { requiredKeys: [] },
      ),
    },
    { requiredKeys: [] },
  );
  const entries = fc.dictionary(
    fc.constantFrom('tag-format', 'tag-immutability', 'lifecycle-policy-present'),
    fc.oneof(fc.constant('disabled'), settings),
  ) as fc.Arbitrary<RuleEntries>;

  test('saying a thing twice says no more than once', () => {
    const values = (...layers: RuleEntries[]) =>
      mergeRules(layers.map((rules) => ({ rules, originOf: () => ({ kind: 'default' }) }))).map((merged) => ({
        id: merged.rule.id,
        severity: merged.severity.value,
        mode: merged.mode.value,
        with: Object.fromEntries([...merged.with].map(([key, { value }]) => [key, value])),
      }));
    void fc.assert(
      fc.property(entries, entries, (outer, inner) => {
        expect(values(outer, inner, inner)).toEqual(values(outer, inner));
        expect(values(outer, outer, inner)).toEqual(values(outer, inner));
        expect(values({}, outer)).toEqual(values(outer));
      }),
    );
  });
});

describe('the namespace of a repository', () => {
  const policy = opened(`version: 1
registries:
  - { name: dev, account: "111122223333", regions: [eu-central-1] }
  - { name: prod, account: "444455556666", regions: [eu-central-1, eu-west-1] }
namespaces:
  - { name: everything, repositories: ["**"] }
  - { name: payments, repositories: ["payments/**"], owner: { team: pay, slack: pay, approvers: [U1] } }
  - { name: cards, repositories: ["payments/cards-*", payments/vault], registries: [prod] }
  - { name: vault, repositories: [payments/vault], registries: [dev] }`);
  const prod = { account: '444455556666', region: 'eu-west-1' };

  test.each([
    [registry, 'stray', 'everything'],
    [registry, 'payments/api', 'payments'],
    [registry, 'payments/cards-api', 'payments'],
    [prod, 'payments/cards-api', 'cards'],
    [prod, 'payments/vault', 'cards'],
    [registry, 'payments/vault', 'vault'],
  ])('%j %s belongs to %s', (where, repository, expected) => {
    expect(policy.effectiveFor(where, repository).namespace?.name).toBe(expected);
  });

  test('it names its owner', () => {
    expect(policy.effectiveFor(registry, 'payments/api').namespace?.owner).toEqual({
      team: 'pay',
      slack: 'pay',
      approvers: ['U1'],
    });
  });

  test('a registry has none', () => {
    expect(policy.effectiveFor(registry).namespace).toBeUndefined();
  });

  test('of equally specific patterns the first in the file is meant', () => {
    const tied = opened(
      'version: 1\nnamespaces:\n  - { name: b, repositories: ["ab*"] }\n  - { name: a, repositories: ["*yz"] }',
    );
    expect(tied.effectiveFor(registry, 'abyz').namespace?.name).toBe('b');
  });

  test('only listed registries are governed, and all without a list', () => {
    expect(policy.governs(prod)).toBe(true);
    expect(policy.governs({ ...prod, region: 'us-east-1' })).toBe(false);
    expect(policy.governs({ ...prod, account: '999999999999' })).toBe(false);
    expect(opened('version: 1').governs({ account: '999999999999', region: 'us-east-1' })).toBe(true);
  });

  test('the answer for a repository is made once', () => {
    expect(policy.effectiveFor(registry, 'payments/api')).toBe(
      policy.effectiveFor({ ...registry }, 'payments/api'),
    );
  });
});

describe('exemptions in force', () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  const policy = opened(
    'version: 1\nextends: baseline\nexemptions: e.yaml',
    `- { rule: tag-format, repositories: [legacy/*], owner: o, ticket: T-1, reason: old, through: 2026-11-30 }
- { rule: tag-format, repositories: [api], tags: ["build-*"], owner: o, ticket: T-2, reason: tags, through: 2026-11-30 }
- { rule: tag-format, repositories: [api], digests: ["${digest}"], owner: o, ticket: T-3, reason: digest, through: 2026-11-30 }
- { rule: tag-format, repositories: [legacy/*], owner: o, ticket: T-4, reason: longer, through: 2026-12-31 }`,
  );
  const tag = (repository: string, name: string): Resource => ({
    kind: 'tag',
    ...registry,
    repository,
    tag: name,
  });
  const ticket = (
    resource: Resource,
    judged?: string,
    now = builtAt,
    rule = 'tag-format',
  ): string | undefined =>
    policy.effectiveFor(registry, 'x').exemptionFor(rule, resource, judged, Date.parse(now))?.ticket;

  test.each<[name: string, expected: string | undefined, ...Parameters<typeof ticket>]>([
    ['by repository, the one that lasts longest', 'T-4', tag('legacy/x', 'latest')],
    ['not another repository', undefined, tag('legacy', 'latest')],
    ['not another rule', undefined, tag('legacy/x', 'latest'), undefined, builtAt, 'tag-immutability'],
    ['by tag', 'T-2', tag('api', 'build-1')],
    ['not another tag', undefined, tag('api', 'latest')],
    ['by digest of the tag', 'T-3', tag('api', 'latest'), digest],
    ['by digest of the image', 'T-3', { kind: 'image', ...registry, repository: 'api', digest }],
    [
      'to the last instant of its last day',
      'T-2',
      tag('api', 'build-1'),
      undefined,
      '2026-11-30T23:59:59.999Z',
    ],
    ['and not beyond', undefined, tag('api', 'build-1'), undefined, '2026-12-01T00:00:00Z'],
    ['never a registry', undefined, { kind: 'registry', ...registry }],
  ])('%s', (_name, expected, ...question) => {
    expect(ticket(...question)).toBe(expected);
  });
});

describe('the compiled policy', () => {
  const text = 'version: 1\nextends: baseline\nmode: report\n';

  test('is plain JSON', () => {
    const compiled: CompiledPolicy = validPolicy(text);
    expect(JSON.parse(JSON.stringify(compiled))).toEqual(compiled);
  });

  test('has a hash of what it says, not of how or when it was written', () => {
    const { hash, builtAt: at } = validPolicy(text);
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(at).toBe(builtAt);
    expect(validPolicy(`# hello\n{ mode: report, extends: "baseline", version: 1 }`).hash).toBe(hash);
    expect(
      compilePolicy({ file: 'other.yaml', text, readFile: String }, '2027-01-01T00:00:00Z').policy?.hash,
    ).toBe(hash);
    expect(validPolicy(text.replace('report', 'enforce')).hash).not.toBe(hash);
    expect(openPolicy(validPolicy(text))).toMatchObject({ hash, builtAt });
  });

  test('has the same hash whatever the order of keys in a lifecycle template', () => {
    const hash = (start: string) =>
      validPolicy(
        `version: 1\nlifecycle: { services: [{ ${start}, action: { type: expire }, selection: { tagStatus: any, countType: imageCountMoreThan, countNumber: 10 } }] }`,
      ).hash;
    expect(hash('rulePriority: 1, description: a')).toBe(hash('description: a, rulePriority: 1'));
    expect(hash('rulePriority: 1, description: a')).not.toBe(hash('rulePriority: 1, description: b'));
  });

  test('of another version with other rules is refused by name', () => {
    const compiled = validPolicy(text);
    const foreign = {
      ...compiled,
      rules: [{ id: 'gone', severity: 'low', mode: 'report', parameters: {} } as const],
    };
    expect(() => openPolicy(foreign)).toThrow(/no rule "gone"/);
  });
});
