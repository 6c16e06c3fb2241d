import { readFileSync } from 'node:fs';
import { isoTime } from '../shared/domain/duration';
import { type Compilation, compilePolicy } from '../shared/policy/compile';
import type { Problem } from '../shared/policy/problem';
import type { Output } from './output';

export interface PolicyValidateOptions {
  /** Default `policy.yaml`. */
  readonly file?: string;
  readonly output?: 'text' | 'json';
  /** Epoch milliseconds: exemptions that ended before are warned of. */
  readonly now: number;
}

/** `policy validate [FILE]`: 0 valid, 1 invalid, 2 when the file cannot be read. */
export function policyValidate(
  { file = 'policy.yaml', output: format, now }: PolicyValidateOptions,
  output: Output,
): number {
  const text = readText(file);
  if (text instanceof Error) {
    output.stderr(`cannot read ${file}: ${text.message}\n`);
    return 2;
  }
  const { errors, warnings } = compileFile(file, text, now);
  const valid = errors.length === 0;
  if (format === 'json') {
    output.stdout(`${JSON.stringify({ valid, errors, warnings }, null, 2)}\n`);
  } else {
    output.stdout(errors.map((error) => `${problemLine(error, 'error')}\n`).join(''));
    output.stdout(warnings.map((warning) => `${problemLine(warning, 'warning')}\n`).join(''));
    output.stdout(`${verdict(file, errors.length, warnings.length)}\n`);
  }
  return valid ? 0 : 1;
}

/** The text of a policy file, or why there is none. */
export function readText(file: string): string | Error {
  try {
    return readFileSync(file, 'utf8');
  } catch (reason) {
    return reason instanceof Error ? reason : new Error(String(reason));
  }
}

export function compileFile(file: string, text: string, now: number): Compilation {
  return compilePolicy({ file, text, readFile: (path) => readFileSync(path, 'utf8') }, isoTime(now));
}

export function problemLine(
  { file, line, column, path, message }: Problem,
  kind: 'error' | 'warning',
): string {
  return `${file}:${line}:${column}: ${kind}: ${path ? `${path}: ` : ''}${message}`;
}

function verdict(file: string, errors: number, warnings: number): string {
  const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;
  if (errors > 0) return `${file} is not valid: ${counted(errors, 'error')}`;
  return warnings > 0 ? `${file} is valid, with ${counted(warnings, 'warning')}` : `${file} is valid`;
}
