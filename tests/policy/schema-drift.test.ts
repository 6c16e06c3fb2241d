import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv from 'ajv';
import { parse } from 'yaml';
import { policyJsonSchema } from '../../shared/policy/schema';

const top = join(__dirname, '../..');
const read = (path: string): string => readFileSync(path, 'utf8');

const schemaFile = join(top, 'policy.schema.json');
const generated = `${JSON.stringify(policyJsonSchema(), null, 2)}\n`;
// Regenerate with: UPDATE=1 npx jest tests/policy/schema-drift.test.ts
if (process.env.UPDATE) writeFileSync(schemaFile, generated);

test('is what the code generates (UPDATE=1 npx jest tests/policy/schema-drift.test.ts regenerates it)', () => {
  expect(read(schemaFile)).toBe(generated);
});

test('accepts the shipped policy and refuses what is misspelt', () => {
  const validate = new Ajv({ strict: false }).compile(JSON.parse(generated));
  expect(validate(parse(read(join(top, 'policy.yaml'))))).toBe(true);
  expect(validate({ version: 1, rules: { 'tag-fromat': {} } })).toBe(false);
  expect(validate({ version: 1, rules: { 'tag-format': { with: { alow: [] } } } })).toBe(false);
  expect(validate({ version: 1, rules: { 'tag-format': 'disabled' } })).toBe(true);
  expect(validate({})).toBe(false);
});
