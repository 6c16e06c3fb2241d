import * as z from 'zod/mini';
import { didYouMean } from '../shared/policy/did-you-mean';
import type { JsonSchema } from '../shared/policy/schema';
import { catalogue, ruleById } from '../shared/rules';
import type { Rule } from '../shared/rules/rule';
import type { Output } from './output';

export interface RulesOptions {
  /** One rule's page; without it the catalogue. */
  readonly rule?: string;
  readonly output?: 'text' | 'json';
}

/** `rules [RULE]`: the catalogue, or one rule in full. 2 for a rule that does not exist. */
export function rules({ rule: id, output: format }: RulesOptions, output: Output): number {
  if (id === undefined) {
    output.stdout(format === 'json' ? json(catalogue.map(description)) : listing());
    return 0;
  }
  const rule = ruleById(id);
  if (!rule) {
    output.stderr(
      `no rule is called "${id}"${
        didYouMean(
          id,
          catalogue.map((one) => one.id),
        ) || '; `ecr-warden rules` lists them'
      }\n`,
    );
    return 2;
  }
  output.stdout(format === 'json' ? json(description(rule)) : page(rule));
  return 0;
}

function description(rule: Rule) {
  const { id, kind, sentence, severity, facts, actions, remediation } = rule;
  return { id, kind, sentence, severity, facts, parameters: parametersOf(rule), actions, remediation };
}

function listing(): string {
  const widths = [Math.max(...catalogue.map(({ id }) => id.length)), 'repository'.length, 'critical'.length];
  const line = (cells: readonly string[], sentence: string): string =>
    `${cells.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join('  ')}  ${sentence}\n`;
  return catalogue.map(({ id, kind, severity, sentence }) => line([id, kind, severity], sentence)).join('');
}

function page(rule: Rule): string {
  const properties = Object.entries(parametersOf(rule).properties ?? {});
  const parameters = properties.map(([name, schema]) => {
    const preset = schema.default === undefined ? '' : ` (default ${JSON.stringify(schema.default)})`;
    return `  ${name}${preset}\n    ${schema.description ?? schema.type ?? ''}\n`;
  });
  return [
    `${rule.id}: ${rule.sentence}\n\n`,
    `judges      a ${rule.kind}\n`,
    `severity    ${rule.severity}\n`,
    `reads       ${rule.facts.join(', ') || 'names alone'}\n`,
    `actions     ${rule.actions.join(', ') || 'none'}\n`,
    `put right   ${rule.remediation}\n`,
    ...(parameters.length > 0 ? ['\nparameters\n', ...parameters] : []),
  ].join('');
}

function parametersOf(rule: Rule): JsonSchema {
  const { $schema: _, ...schema } = z.toJSONSchema(rule.parameters, { io: 'input', target: 'draft-7' });
  return schema as JsonSchema;
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
