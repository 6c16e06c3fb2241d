import { type LifecyclePolicy, limits } from './grammar';
import { settledReadings, type ValidationReadings } from './readings';
import { type Fault, type PolicyError, policyError, policyFaults, shapeFaults, tooLong } from './validate';

export type ParsedPolicy =
  | { readonly valid: true; readonly policy: LifecyclePolicy; readonly errors: readonly [] }
  | { readonly valid: false; readonly errors: readonly PolicyError[] };

/**
 * Reads the text of a lifecycle policy as PutLifecyclePolicy would, and says of all that is wrong where it stands and
 * what to do. Text that is no JSON is a policy that is not valid, like any other.
 */
export function parsePolicy(text: string, readings: ValidationReadings = settledReadings): ParsedPolicy {
  const faults = [...textFaults(text)];
  const value = jsonValue(text.replace(/^\ufeff/, ''));
  if (value instanceof SyntaxError) faults.push({ at: [], message: syntaxSentence(value, text) });
  else faults.push(...shapeFaults(value, readings));
  return parsed(value, faults);
}

/** The same for a policy that is already a value, such as `{ rules: [...] }` around a template of `policy.yaml`. */
export function parsePolicyValue(
  value: unknown,
  readings: ValidationReadings = settledReadings,
): ParsedPolicy {
  return parsed(value, policyFaults(value, readings));
}

function parsed(value: unknown, faults: readonly Fault[]): ParsedPolicy {
  if (faults.length > 0) return { valid: false, errors: faults.map(policyError) };
  // A value without a fault is a policy.
  return { valid: true, policy: value as LifecyclePolicy, errors: [] };
}

function* textFaults(text: string): Generator<Fault> {
  if (text.startsWith('\ufeff')) {
    yield {
      at: [],
      message: 'the text begins with a byte order mark, which is no JSON: save it as UTF-8 without one',
    };
  }
  if (text.length < limits.shortestText) {
    yield {
      at: [],
      message: `the text has ${text.length} characters, and ECR takes no policy under ${limits.shortestText}: a rule with all it needs is longer`,
    };
  }
  if (text.length > limits.longestText) yield { at: [], message: tooLong(text.length) };
}

function jsonValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (reason) {
    return reason instanceof SyntaxError ? reason : new SyntaxError(String(reason));
  }
}

/** The engine quotes the place, or counts characters from 0, where people look for lines. */
function syntaxSentence({ message }: SyntaxError, text: string): string {
  if (text.trim() === '') return 'the text is empty: a policy is JSON such as { "rules": [ … ] }';
  const [, what, offset] = /^(.*?)(?: in JSON)? at position (\d+)/s.exec(message) ?? [];
  if (offset === undefined) return `the text is not JSON: ${message.replace(/ is not valid JSON$/, '')}`;
  const before = text.slice(0, Number(offset)).split('\n');
  return `the text is not JSON: ${what} in line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}
