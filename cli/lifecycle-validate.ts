import { parsePolicy } from '../shared/lifecycle/parse';
import type { PolicyError } from '../shared/lifecycle/validate';
import { counted, type Format, jsonText, type Output, printable } from './output';
import { readText } from './policy-validate';

export interface LifecycleValidateOptions {
  readonly file: string;
  readonly output?: Format;
}

/** `lifecycle validate FILE`: 0 if ECR would take the policy, 1 if not, 2 when the file cannot be read. */
export function lifecycleValidate(
  { file, output: format }: LifecycleValidateOptions,
  output: Output,
): number {
  const text = readText(file);
  if (text instanceof Error) {
    output.stderr(`cannot read ${file}: ${text.message}\n`);
    return 2;
  }
  const { valid, errors } = parsePolicy(text);
  if (format === 'json') output.stdout(jsonText({ valid, errors }));
  else {
    output.stdout(errors.map((error) => `${file}: error: ${policyErrorLine(error)}\n`).join(''));
    output.stdout(
      valid ? `${file} is valid\n` : `${file} is not valid: ${counted(errors.length, 'error')}\n`,
    );
  }
  return valid ? 0 : 1;
}

/** `rules[2].selection.countNumber (priority 30): write a whole number …` */
export function policyErrorLine({ rulePriority, path, message }: PolicyError): string {
  const priority = rulePriority === undefined ? '' : ` (priority ${rulePriority})`;
  return printable(path === '' ? message : `${path}${priority}: ${message}`);
}
