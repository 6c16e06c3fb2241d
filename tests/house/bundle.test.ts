import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageAll, root } from '../packaged';

const folder = join(root, 'dist/functions');

beforeAll(packageAll, 60_000);

/** The sources that have bytes in a file of a bundle. */
function sourcesIn(name: string, file = 'index.js'): string[] {
  const meta = JSON.parse(readFileSync(join(folder, name, 'meta.json'), 'utf8'));
  const inputs: Record<string, { bytesInOutput: number }> = meta.outputs[`dist/${file}`].inputs;
  return Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : []));
}

const names = readdirSync(join(root, 'functions')).map((file) => file.replace(/\.ts$/, ''));

test('there is a bundle for each function', () => {
  expect(readdirSync(folder).toSorted()).toEqual(names.toSorted());
});

test('reconcile starts with at most 420 KB', () => {
  expect(statSync(join(folder, 'reconcile/index.js')).size).toBeLessThanOrEqual(420_000);
});

test.each(names)('%s carries nothing that it cannot use', (name) => {
  const unused =
    /zod\/v4\/locales|aws-xray-sdk|client-sso|nested-clients|credential-provider-(ini|sso|process|http|node)\//;
  expect(sourcesIn(name).filter((path) => unused.test(path))).toEqual([]);
  expect(sourcesIn(name).length).toBeGreaterThan(20);
});

test('what is seldom needed is a file of its own', () => {
  expect(sourcesIn('reconcile').filter((path) => /re2js|client-sts|assume-role/.test(path))).toEqual([]);
  expect(sourcesIn('reconcile', 're2js.js').some((path) => path.includes('re2js'))).toBe(true);
  expect(sourcesIn('reconcile', 'assume-role.js')).toContain('shared/aws/assume-role.ts');
});

test('the seldom files load, and export what is asked of them', () => {
  const script = `
    const { RE2JS } = require('./re2js.js');
    const { assumeRole } = require('./assume-role.js');
    console.log(RE2JS.compile('^v[0-9]+$').test('v1'), typeof assumeRole('arn', 'id', 'eu-west-1'));`;
  const cwd = join(folder, 'reconcile');
  const env = { ...process.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' };
  const output = execFileSync(process.execPath, ['-e', script], { cwd, env, encoding: 'utf8' });
  expect(output.trim()).toBe('true function');
});

test('a policy that is not valid stops the build, with the place and the sentence', () => {
  const folder = mkdtempSync(join(tmpdir(), 'warden-build-'));
  try {
    const policyFile = join(folder, 'policy.yaml');
    writeFileSync(policyFile, 'version: 1\nrules:\n  tag-formt: {}\n');
    const script = `import('./build.mjs')
      .then(({ buildFunctions }) => buildFunctions({ policyFile: ${JSON.stringify(policyFile)} }))
      .catch(({ message }) => { console.log(message); process.exitCode = 1; });`;
    const { status, stdout } = spawnSync(process.execPath, ['-e', script], { cwd: root, encoding: 'utf8' });
    expect(status).toBe(1);
    expect(stdout).toMatch(/policy\.yaml:3:3: error: rules\.tag-formt: unknown rule "tag-formt".*tag-format/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('an unchanged source is not built again, and prints so', () => {
  const output = execFileSync(process.execPath, ['build.mjs', '--package'], { cwd: root, encoding: 'utf8' });
  const lines = output.trimEnd().split('\n');
  expect(lines.filter((line) => line.endsWith('unchanged'))).toHaveLength(names.length + 1);
  expect(lines.filter((line) => / KB/.test(line))).toHaveLength(names.length);
});
