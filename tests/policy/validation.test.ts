import * as fc from 'fast-check';
import type { Problem } from '../../shared/policy/problem';
import { compileText } from './compiled';

const namespace = (rest: string): string => `version: 1
namespaces:
  - name: a
    repositories: [a/**]
${rest}`;

const prod = 'registries: [{ name: prod, account: "111122223333", regions: [eu-west-1] }]\n';

const keepTen =
  '{ rulePriority: 1, action: { type: expire }, selection: { tagStatus: any, countType: imageCountMoreThan, countNumber: 10 } }';

/** Line and column, path, and a part of the sentence. */
type Expected = readonly [at: string, path: string, message: RegExp];

function expectProblems(problems: readonly Problem[], expected: readonly Expected[]): void {
  expect(problems.map(({ line, column, path }) => [`${line}:${column}`, path])).toEqual(
    expected.map(([at, path]) => [at, path]),
  );
  for (const [index, [, , message]] of expected.entries()) expect(problems[index]?.message).toMatch(message);
}

describe('YAML that says something else than it seems to', () => {
  test.each<[name: string, text: string, ...Expected]>([
    ['an empty file', '', '1:1', '', /empty: write at least "version: 1"/],
    ['nothing but comments', '# soon\n', '1:1', '', /empty/],
    [
      'a hash is a comment',
      namespace('    owner:\n      team: t\n      slack: #payments\n'),
      '7:14',
      'namespaces[0].owner.slack',
      /reads "#payments" as a comment/,
    ],
    [
      'a number where text is wanted',
      namespace('    owner: { team: 1.10 }'),
      '5:20',
      'namespaces[0].owner.team',
      /reads 1\.10 as the number 1\.1, .* write "1\.10", in quotes/,
    ],
    [
      'an account id that loses its zero',
      'version: 1\nregistries: [{ name: p, account: 012345678901, regions: [eu-west-1] }]',
      '2:34',
      'registries[0].account',
      /as the number 12345678901, .* write "012345678901"/,
    ],
    [
      'an account id without quotes',
      'version: 1\nregistries: [{ name: p, account: 111122223333, regions: [eu-west-1] }]',
      '2:34',
      'registries[0].account',
      /write "111122223333", in quotes/,
    ],
    [
      'true where text is wanted',
      namespace('    owner: { team: true }'),
      '5:20',
      'namespaces[0].owner.team',
      /reads true as true or false/,
    ],
    ['a number in quotes', 'version: "1"', '1:10', 'version', /write 1 without quotes/],
    ['a key that stands twice', 'version: 1\nmode: report\nmode: enforce', '3:1', '', /mode stands twice/],
    ['a tab', 'version: 1\nrules:\n\ttag-format: {}', '3:1', '', /no tab for indentation/],
    ['two documents', 'version: 1\n---\nversion: 1', '2:1', '', /a second document begins here/],
    [
      'an alias that contains itself',
      'version: 1\nprotect: &a { tags: [*a] }',
      '2:22',
      'protect.tags[0]',
      /would contain itself/,
    ],
    [
      'a glob that reads as an alias',
      'version: 1\nprotect: { tags: [*-rc] }',
      '2:19',
      'protect.tags[0]',
      /as an alias.*quote a pattern/,
    ],
    ['a star alone', 'version: 1\nprotect: { tags: [*] }', '2:19', '', /start of an alias: quote/],
    ['an exclamation mark', 'version: 1\nmode: !report', '2:7', '', /reads !report as a type: quote/],
    [
      'a type that is no JSON',
      'version: 1\nlifecycle: { s: [{ a: !!binary aGk= }] }',
      '2:32',
      'lifecycle.s[0].a',
      /not a kind of value/,
    ],
    [
      'a number that is no JSON',
      'version: 1\nlifecycle: { s: [{ a: .nan }] }',
      '2:23',
      'lifecycle.s[0].a',
      /NaN is not a number/,
    ],
    ['a merge key', 'version: 1\n<<: { mode: report }', '2:1', '["<<"]', /no merge keys/],
    ['a key that is a mapping', 'version: 1\n? { a: 1 }\n: 2', '2:3', '', /a key is text/],
    ['a list at the top', '[1]', '1:1', '', /a mapping of keys here, not a list/],
    ['too deep nesting', '['.repeat(20_000), '1:1', '', /nests more than 64 levels/],
    ['too long a file', ' '.repeat(1_000_001), '1:1', '', /more than 1000000 characters/],
  ])('%s', (_name, text, ...expected) => {
    expectProblems(
      compileText(text).errors.filter(({ message }) => !message.startsWith('"version" is missing')),
      [expected],
    );
  });

  test('aliases that unfold without end', () => {
    const lists = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name, index, names) => {
      const inner = index === 0 ? 'x' : `*${names[index - 1]}`;
      return `${name}: &${name} [${Array(10).fill(inner).join(', ')}]`;
    });
    expect(compileText(lists.join('\n')).errors).toMatchObject([
      { message: expect.stringMatching(/unfold to too much/) },
    ]);
  });

  test.each(['yes', 'no', 'on', 'off'])('%s is text', (word) => {
    expect(compileText(namespace(`    owner: { team: ${word} }`)).errors).toEqual([]);
  });

  test('a plain alias is what it stands for', () => {
    const text =
      'version: 1\nprotect: { tags: &kept [prod] }\nrules: { tag-format: { with: { allow: *kept } } }';
    expect(compileText(text).policy?.rules[0]?.parameters).toEqual({ allow: ['prod'] });
  });

  test('a byte order mark and Windows line ends', () => {
    expectProblems(compileText('\uFEFFversion: 1\r\nmode: x\r\n').errors, [
      ['2:7', 'mode', /one of report, enforce/],
    ]);
  });
});

describe('what a policy may say', () => {
  test.each<[name: string, text: string, ...Expected]>([
    [
      'an unknown key',
      'version: 1\nnamspaces: []',
      '2:1',
      'namspaces',
      /unknown key "namspaces": did you mean "namespaces"\?/,
    ],
    [
      'a key that is called __proto__',
      'version: 1\n__proto__: { mode: report }',
      '2:1',
      '__proto__',
      /unknown key/,
    ],
    ['no version', 'mode: report', '1:1', 'version', /"version" is missing: write 1/],
    ['another version', 'version: 2', '1:10', 'version', /write 1, not 2/],
    ['an unknown preset', 'version: 1\nextends: basline', '2:10', 'extends', /did you mean "baseline"\?/],
    ['an unknown mode', 'version: 1\nmode: enforc', '2:7', 'mode', /did you mean "enforce"\?/],
    [
      'an unknown rule',
      'version: 1\nrules:\n  tag-fromat: {}',
      '3:3',
      'rules.tag-fromat',
      /unknown rule "tag-fromat": did you mean "tag-format"\?/,
    ],
    [
      'a rule that is announced',
      'version: 1\nrules:\n  scan-completed: {}',
      '3:3',
      'rules.scan-completed',
      /"scan-completed" is not available in this version/,
    ],
    [
      'a rule switched off by false',
      'version: 1\nrules: { tag-format: false }',
      '2:22',
      'rules.tag-format',
      /write `disabled`/,
    ],
    [
      'a rule without settings',
      'version: 1\nrules:\n  tag-format:\n',
      '3:14',
      'rules.tag-format',
      /\{\} takes the defaults/,
    ],
    [
      'an unknown parameter',
      'version: 1\nrules: { tag-format: { with: { alow: [semver] } } }',
      '2:32',
      'rules.tag-format.with.alow',
      /did you mean "allow"\?/,
    ],
    [
      'a parameter of another type',
      'version: 1\nrules: { tag-format: { with: { allow: semver } } }',
      '2:39',
      'rules.tag-format.with.allow',
      /a list here, not text/,
    ],
    [
      'an expression that needs look-around',
      'version: 1\nrules: { tag-format: { with: { deny: ["/(?=x)/"] } } }',
      '2:39',
      'rules.tag-format.with.deny[0]',
      /linear time/,
    ],
    [
      'an action that the rule has not',
      'version: 1\nrules: { tag-format: { action: set-lifecycle-policy } }',
      '2:32',
      'rules.tag-format.action',
      /write quarantine-tag/,
    ],
    [
      'an action of a rule without any',
      'version: 1\nrules: { namespace-allowed: { action: quarantine-tag } }',
      '2:39',
      'rules.namespace-allowed.action',
      /this rule has no action/,
    ],
    [
      'a short account id',
      'version: 1\nregistries: [{ name: p, account: "1", regions: [eu-west-1] }]',
      '2:34',
      'registries[0].account',
      /twelve digits/,
    ],
    [
      'a misspelt Region',
      'version: 1\nregistries: [{ name: p, account: "111122223333", regions: [eu_west_1] }]',
      '2:60',
      'registries[0].regions[0]',
      /such as eu-central-1/,
    ],
    [
      'a negative pattern',
      'version: 1\nnamespaces: [{ name: a, repositories: ["!a/**"] }]',
      '2:40',
      'namespaces[0].repositories[0]',
      /positive only/,
    ],
    [
      'a duration without a unit',
      namespace('    replication: { to: [eu-west-1], within: "30" }'),
      '5:45',
      'namespaces[0].replication.within',
      /such as 30m/,
    ],
    [
      'a channel with its hash',
      namespace('    owner: { team: t, slack: "#payments" }'),
      '5:30',
      'namespaces[0].owner.slack',
      /without "#"/,
    ],
    [
      'an unknown time zone',
      'version: 1\nalerts: { slack: { channel: c, digest: { at: "09:00", timezone: Berlin } } }',
      '2:65',
      'alerts.slack.digest.timezone',
      /such as Europe\/Berlin/,
    ],
    [
      'a broken number',
      'version: 1\nlimits: { actionsPerHour: 1.5 }',
      '2:27',
      'limits.actionsPerHour',
      /a whole number/,
    ],
    [
      'an unknown lifecycle template',
      `${namespace('    lifecycle: servics\n')}lifecycle: { services: [${keepTen}] }`,
      '5:16',
      'namespaces[0].lifecycle',
      /did you mean "services"\?/,
    ],
    [
      'a lifecycle template that ECR would refuse',
      `version: 1\nlifecycle:\n  services:\n    - ${keepTen.replace('10', '0')}`,
      '4:125',
      'lifecycle.services[0].selection.countNumber',
      /a whole number from 1, not 0/,
    ],
    [
      'an unknown registry',
      `${namespace('    registries: [prd]\n')}${prod}`,
      '5:18',
      'namespaces[0].registries[0]',
      /unknown registry "prd": did you mean "prod"\?/,
    ],
    [
      'a namespace twice',
      namespace('  - { name: a, repositories: [b/**] }'),
      '5:13',
      'namespaces[1].name',
      /called "a"/,
    ],
    [
      'one pattern for two namespaces',
      namespace('  - { name: b, repositories: ["{a,b}/**"] }'),
      '5:31',
      'namespaces[1].repositories[0]',
      /namespace "a" claims "a\/\*\*" too \(line 4\)/,
    ],
    [
      'exemptions that are not there',
      'version: 1\nexemptions: gone.yaml',
      '2:13',
      'exemptions',
      /cannot read "gone.yaml": no such file: gone.yaml/,
    ],
  ])('%s', (_name, text, ...expected) => {
    expectProblems(compileText(text).errors, [expected]);
  });

  test('all that is wrong is told at once, in the order of the file', () => {
    const { errors } = compileText(
      'version: 2\nmode: x\nrules: { a: {}, tag-format: { severity: worst, wit: {} } }',
    );
    expect(errors.map(({ path }) => path)).toEqual([
      'version',
      'mode',
      'rules.a',
      'rules.tag-format.severity',
      'rules.tag-format.wit',
    ]);
  });

  test('namespaces of different registries may share a pattern', () => {
    const text = `version: 1
registries:
  - { name: dev, account: "111122223333", regions: [eu-west-1] }
  - { name: prod, account: "444455556666", regions: [eu-west-1] }
namespaces:
  - { name: a, repositories: ["a/**"], registries: [dev] }
  - { name: b, repositories: ["a/**"], registries: [prod] }`;
    expect(compileText(text).errors).toEqual([]);
  });
});

describe('exemptions', () => {
  const file = 'version: 1\nextends: baseline\nexemptions: exemptions.yaml\n';
  const entry = (part: string): string =>
    `- { ${part}, repositories: [a], owner: o, ticket: T-1, reason: r }`;

  test.each<[name: string, text: string, ...Expected]>([
    [
      'an unknown rule',
      entry('rule: tag-fromat, through: 2027-01-31'),
      '1:11',
      '[0].rule',
      /did you mean "tag-format"/,
    ],
    [
      'no such day',
      entry('rule: tag-format, through: 2027-02-30'),
      '1:32',
      '[0].through',
      /"2027-02-30" is no day/,
    ],
    ['no end', entry('rule: tag-format'), '1:3', '[0].through', /"through" is missing/],
    [
      'an instant instead of a day',
      entry('rule: tag-format, through: 2027-01-31T00:00:00Z'),
      '1:32',
      '[0].through',
      /is no day/,
    ],
    ['a mapping instead of a list', 'rule: tag-format', '1:1', '', /a list here/],
    [
      'an unknown key',
      entry('rule: tag-format, through: 2027-01-31, tag: x'),
      '1:44',
      '[0].tag',
      /did you mean "tags"/,
    ],
  ])('%s', (_name, text, ...expected) => {
    const { errors, policy } = compileText(file, text);
    expectProblems(errors, [expected]);
    expect(errors[0]?.file).toBe('exemptions.yaml');
    expect(policy).toBeUndefined();
  });

  test('none at all is fine', () => {
    expect(compileText(file, '# none left\n')).toMatchObject({ errors: [], policy: { exemptions: [] } });
  });

  test('one that ended is warned of, from the day after its last', () => {
    const through = (day: string): readonly Problem[] =>
      compileText(file, entry(`rule: tag-format, through: ${day}`)).warnings;
    expect(through('2026-11-25')).toEqual([]);
    expectProblems(through('2026-11-24'), [['1:32', '[0].through', /ended with 2026-11-24/]]);
  });
});

describe('what is legal and most likely not meant', () => {
  test.each<[name: string, text: string, ...Expected]>([
    [
      'an entry both allowed and denied',
      'version: 1\nrules: { tag-format: { with: { allow: [semver, latest], deny: [latest] } } }',
      '2:48',
      'rules.tag-format.with.allow[1]',
      /deny wins/,
    ],
    [
      'an inherited deny that swallows an allow',
      'version: 1\nextends: baseline\nrules: { tag-format: { with: { allow: [latest] } } }',
      '3:40',
      'rules.tag-format.with.allow[0]',
      /deny wins/,
    ],
    [
      'a rule that every namespace disables',
      'version: 1\nrules: { tag-format: {} }\nnamespaces: [{ name: a, repositories: ["**"], rules: { tag-format: disabled } }]',
      '2:10',
      'rules.tag-format',
      /every namespace disables/,
    ],
    [
      'a rule disabled where it does not run',
      namespace('    rules: { tag-format: disabled }'),
      '5:14',
      'namespaces[0].rules.tag-format',
      /does not run here anyway/,
    ],
    [
      'owners asked for where nobody can have one',
      'version: 1\nrules: { namespace-allowed: {} }',
      '2:10',
      'rules.namespace-allowed',
      /every repository fails/,
    ],
    [
      'replication to where nobody looks',
      `${namespace('    replication: { to: [eu-west-2], within: 1h }\n')}${prod}`,
      '5:25',
      'namespaces[0].replication.to[0]',
      /no entry of `registries` has eu-west-2/,
    ],
  ])('%s', (_name, text, ...expected) => {
    const { errors, warnings } = compileText(text);
    expect(errors).toEqual([]);
    expectProblems(warnings, [expected]);
  });
});

const yamlLike = fc
  .array(
    fc.constantFrom(
      ...[
        'version: 1',
        'rules',
        'tag-format',
        'namespaces',
        'name: a',
        'with',
        'allow',
        'exemptions: e',
        'extends: strict',
      ],
      ...[
        '\n',
        '\n  ',
        '\n    ',
        ': ',
        '- ',
        '[',
        ']',
        '{',
        '}',
        ', ',
        '"',
        "'",
        '#',
        '&a ',
        '*a',
        '!!str ',
        '!x',
        '|',
        '>',
        '? ',
        '%',
        '\t',
        '---',
        '\u0000',
        '\uFEFF',
        '~',
        '1.10',
      ],
    ),
    { maxLength: 30 },
  )
  .map((parts) => parts.join(''));

test('whatever the text, problems are answered and have a place', () => {
  void fc.assert(
    fc.property(
      fc.oneof(
        yamlLike,
        yamlLike.map((text) => `version: 1\n${text}`),
        fc.string({ unit: 'binary' }),
      ),
      (text) => {
        const { policy, errors, warnings } = compileText(text, text);
        expect(policy === undefined).toBe(errors.length > 0);
        for (const { line, column, message } of [...errors, ...warnings]) {
          expect(line).toBeGreaterThanOrEqual(1);
          expect(column).toBeGreaterThanOrEqual(1);
          expect(line).toBeLessThanOrEqual(text.split(/\r\n|\r|\n/).length);
          expect(message).not.toMatch(/undefined|Invalid input|\[object/);
        }
      },
    ),
    { numRuns: 1_500 },
  );
});
