import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { policyShow, type ShownPolicy } from '../../cli/policy-show';
import { policyValidate } from '../../cli/policy-validate';
import { rules } from '../../cli/rules';

const now = Date.parse('2026-11-25T00:00:00Z');

function captured(run: (output: { stdout(text: string): void; stderr(text: string): void }) => number) {
  let stdout = '';
  let stderr = '';
  const code = run({
    stdout: (text) => {
      stdout += text;
    },
    stderr: (text) => {
      stderr += text;
    },
  });
  return { code, stdout, stderr };
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'policy-'));
});
afterAll(() => rmSync(folder, { recursive: true }));
const written = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

describe('policy validate', () => {
  test('says that a valid file is valid', () => {
    const file = written('good.yaml', 'version: 1\nextends: baseline\n');
    expect(captured((out) => policyValidate({ file, now }, out))).toEqual({
      code: 0,
      stdout: `${file} is valid\n`,
      stderr: '',
    });
    const json = captured((out) => policyValidate({ file, now, output: 'json' }, out));
    expect(JSON.parse(json.stdout)).toEqual({ valid: true, errors: [], warnings: [] });
  });

  test('names file, line and column of each error', () => {
    const file = written('bad.yaml', 'version: 1\nmode: enforc\nrules: [\n');
    const { code, stdout } = captured((out) => policyValidate({ file, now, output: 'json' }, out));
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      valid: false,
      errors: [{ file, line: 4, column: 1, path: '' }],
    });
    const typo = written('typo.yaml', 'version: 1\nmode: enforc\n');
    const text = captured((out) => policyValidate({ file: typo, now }, out));
    expect(text.stdout).toContain(`${typo}:2:7: error: mode: write one of report, enforce, not "enforc"`);
    expect(text.stdout).toContain('is not valid: 1 error');
  });

  test('reads exemptions beside the policy, and places their errors in their own file', () => {
    const exemptions = written('e.yaml', '- { rule: nope }\n');
    const file = written('with-exemptions.yaml', 'version: 1\nexemptions: e.yaml\n');
    const { stdout } = captured((out) => policyValidate({ file, now, output: 'json' }, out));
    expect(JSON.parse(stdout).errors[0]).toMatchObject({ file: exemptions, line: 1 });
  });

  test('cannot judge a file that is not there', () => {
    const file = join(folder, 'gone.yaml');
    expect(captured((out) => policyValidate({ file, now, output: 'json' }, out))).toEqual({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('cannot read'),
    });
  });
});

describe('policy show', () => {
  const text = `version: 1
extends: baseline
rules:
  tag-format: { with: { allow: [semver, git-sha] } }
namespaces:
  - name: payments
    repositories: ["payments/**"]
    mode: enforce
    rules:
      tag-format: { with: { allow: [semver] } }
`;
  const shown = (repository: string): ShownPolicy => {
    const policy = written('show.yaml', text);
    return JSON.parse(captured((out) => policyShow({ repository, policy, now, output: 'json' }, out)).stdout);
  };

  test('gives each value with its place, its preset, or as a default', () => {
    const { namespace, rules } = shown('payments/api');
    const file = join(folder, 'show.yaml');
    expect(namespace?.name).toEqual({ value: 'payments', from: { file, line: 6, column: 11 } });
    expect(rules[0]).toEqual({
      id: 'tag-format',
      severity: { value: 'medium', from: { preset: 'baseline' } },
      mode: { value: 'enforce', from: { file, line: 8, column: 11 } },
      with: {
        allow: { value: ['semver'], from: { file, line: 10, column: 36 } },
        deny: { value: ['latest'], from: { preset: 'baseline' } },
      },
    });
  });

  test('a repository of nobody has the rules for all', () => {
    const { namespace, rules } = shown('stray');
    expect(namespace).toBeUndefined();
    expect(rules[0]?.with.allow).toMatchObject({ value: ['semver', 'git-sha'], from: { line: 4 } });
    expect(rules[0]?.mode).toEqual({ value: 'report', from: { default: true } });
  });

  test('prints a line a value', () => {
    const policy = written('show.yaml', text);
    const { code, stdout } = captured((out) => policyShow({ repository: 'payments/api', policy, now }, out));
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ {2}namespace +payments +.*show\.yaml:6$/m);
    expect(stdout).toMatch(/^ {2}with\.deny +latest +preset baseline$/m);
  });

  test('says what is wrong with a policy that is not valid', () => {
    const policy = written('bad.yaml', 'version: 3\n');
    expect(captured((out) => policyShow({ repository: 'a', policy, now }, out))).toEqual({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('bad.yaml:1:10: error: version'),
    });
  });
});

describe('rules', () => {
  test('lists the catalogue', () => {
    const { code, stdout } = captured((out) => rules({}, out));
    expect(code).toBe(0);
    expect(stdout).toMatch(/^tag-format +tag +high +A tag matches/m);
    expect(JSON.parse(captured((out) => rules({ output: 'json' }, out)).stdout)).toContainEqual(
      expect.objectContaining({
        id: 'tag-immutability',
        facts: ['repository'],
        actions: ['set-tag-immutability'],
      }),
    );
  });

  test('shows one rule with its parameters', () => {
    const { stdout } = captured((out) => rules({ rule: 'tag-immutability' }, out));
    expect(stdout).toContain('except (default [])');
  });

  test('guesses at a misspelt rule', () => {
    expect(captured((out) => rules({ rule: 'tag-fromat' }, out))).toEqual({
      code: 2,
      stdout: '',
      stderr: 'no rule is called "tag-fromat": did you mean "tag-format"?\n',
    });
  });
});
