import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compilePolicy } from '../../shared/policy/compile';
import { openPolicy } from '../../shared/policy/open';
import { tagFormat } from '../../shared/rules/tag-format';
import { builtAt } from './compiled';

const top = join(__dirname, '../..');
const read = (path: string): string => readFileSync(path, 'utf8');
const file = join(top, 'policy.yaml');

test('the shipped policy is valid, without a warning', () => {
  const { errors, warnings } = compilePolicy({ file, text: read(file), readFile: read }, builtAt);
  expect({ errors, warnings }).toEqual({ errors: [], warnings: [] });
});

test('under the shipped policy payments refuses latest', () => {
  const { policy } = compilePolicy({ file, text: read(file), readFile: read }, builtAt);
  const registry = { account: '111122223333', region: 'eu-central-1' };
  const { rules } = openPolicy(policy!).effectiveFor(registry, 'payments/api');
  const selected = rules.find(({ rule }) => rule.id === tagFormat.id);
  expect(selected).toMatchObject({ severity: 'high', mode: 'enforce', action: 'quarantine-tag' });
  expect(selected?.parameters).toEqual({ allow: ['semver'], deny: ['latest'] });
});
