import { BlockList, isIP } from 'node:net';
import { AwsError } from './service';

/**
 * Amazon EventBridge's event pattern language.
 *
 * Sources: "Comparison operators for use in event patterns in Amazon EventBridge" in the EventBridge user guide, and
 * for what that page leaves open (arrays of objects, what counts as a leaf) the documentation of Event Ruler, the
 * library behind EventBridge.
 *
 * Where an event has arrays of objects, two corners differ from Event Ruler: a field named both inside and outside of
 * one `$or` may match in different elements, and a list or `$or` that mixes `exists: false` with other wishes is asked
 * of each element alone.
 */
export type Matcher = (event: unknown) => boolean;

type Scalar = string | number | boolean | null;
type Json = Record<string, unknown>;
type Test = (value: Scalar) => boolean;

interface Node {
  /** Whether the value at this place of the event, or `undefined` where there is none, is one the pattern wants. */
  matches(value: unknown): boolean;
  /** True where the pattern asks for nothing but absence: then no element of an array may have the field. */
  readonly wantsAbsence: boolean;
}

// Event Ruler refuses these as field names inside `$or`, to tell operators from fields.
const OPERATORS = new Set([
  'anything-but',
  'cidr',
  'equals-ignore-case',
  'exists',
  'numeric',
  'prefix',
  'suffix',
  'wildcard',
]);

/**
 * Compiles a parsed event pattern; matching takes time proportional to pattern and event.
 *
 * @throws AwsError `InvalidEventPatternException`, naming the path of what is wrong
 */
export function compilePattern(pattern: unknown): Matcher {
  if (!isObject(pattern)) throw invalid('Filter is not an object', []);
  const root = compileObject(pattern, [], false);
  return (event) => isObject(event) && root.matches(event);
}

function compileObject(pattern: Json, path: string[], insideOr: boolean): Node {
  const entries = Object.entries(pattern);
  if (entries.length === 0) throw invalid('Empty objects are not allowed', path);
  const parts = entries.map(([name, want]): Node => {
    const here = [...path, name];
    if (name === '$or') return compileOr(want, path);
    if (insideOr && OPERATORS.has(name)) {
      throw invalid(`${name} is a reserved field name which cannot be used inside $or`, here);
    }
    const field = compileField(want, here, insideOr);
    return { ...field, matches: (value) => field.matches(member(value, name)) };
  });
  return {
    matches: (object) => parts.every((part) => part.matches(object)),
    wantsAbsence: parts.every((part) => part.wantsAbsence),
  };
}

function compileOr(want: unknown, path: string[]): Node {
  const here = [...path, '$or'];
  if (!Array.isArray(want)) throw invalid('$or must be followed by an array of objects', here);
  if (want.length < 2) throw invalid('There must be at least 2 objects in a $or relationship', here);
  const branches = want.map((branch: unknown, index) => {
    if (!isObject(branch)) throw invalid('Only objects are allowed in the array of $or', here);
    return compileObject(branch, [...path, `$or[${index}]`], true);
  });
  return {
    matches: (object) => branches.some((branch) => branch.matches(object)),
    wantsAbsence: branches.every((branch) => branch.wantsAbsence),
  };
}

function compileField(want: unknown, path: string[], insideOr: boolean): Node {
  if (Array.isArray(want)) return compileLeaf(want, path);
  if (!isObject(want)) throw invalid(`"${path.at(-1)}" must be an object or an array`, path);
  const inner = compileObject(want, path, insideOr);
  return {
    wantsAbsence: inner.wantsAbsence,
    matches(value) {
      const objects = elements(value).filter(isObject);
      if (objects.length === 0) return inner.matches(undefined);
      return inner.wantsAbsence ? objects.every(inner.matches) : objects.some(inner.matches);
    },
  };
}

function compileLeaf(wants: unknown[], path: string[]): Node {
  if (wants.length === 0) throw invalid('Empty arrays are not allowed', path);
  const tests: Test[] = [];
  let absent = false;
  for (const want of wants) {
    const compiled = compileWant(want, path);
    if (compiled === 'absent') absent = true;
    else tests.push(compiled);
  }
  return {
    wantsAbsence: tests.length === 0,
    matches(value) {
      // Only scalars are leaves: an object, or an array without a scalar, counts as absent.
      const leaves = elements(value).filter(isScalar);
      if (leaves.length === 0) return absent;
      return leaves.some((leaf) => tests.some((test) => test(leaf)));
    },
  };
}

function compileWant(want: unknown, path: string[]): Test | 'absent' {
  if (isScalar(want)) return (value) => value === want;
  if (!isObject(want)) throw invalid('Match value must be String, number, true, false, or null', path);
  const [operator, operand] = onlyEntry(want, path);
  const here = [...path, operator];
  switch (operator) {
    case 'exists':
      if (typeof operand !== 'boolean') {
        throw invalid('exists match pattern must be either true or false', here);
      }
      return operand ? () => true : 'absent';
    case 'anything-but':
      return compileAnythingBut(operand, here);
    case 'numeric':
      return compileNumeric(operand, here);
    case 'cidr':
      return compileCidr(operand, here);
    default:
      return compileText(operator, operand, here);
  }
}

/** The operators on text alone: prefix, suffix, equals-ignore-case, wildcard. */
function compileText(operator: string, operand: unknown, path: string[], foldable = true): Test {
  const affix = operator === 'prefix' || operator === 'suffix';
  if (affix && foldable && isObject(operand)) {
    const [inner, text] = onlyEntry(operand, path);
    if (inner !== 'equals-ignore-case') throw invalid(`Unsupported ${operator} operator: ${inner}`, path);
    const folded = fold(string(text, inner, [...path, inner]));
    return onText((value) =>
      operator === 'prefix' ? fold(value).startsWith(folded) : fold(value).endsWith(folded),
    );
  }
  switch (operator) {
    case 'prefix': {
      const prefix = string(operand, operator, path);
      return onText((value) => value.startsWith(prefix));
    }
    case 'suffix': {
      const suffix = string(operand, operator, path);
      return onText((value) => value.endsWith(suffix));
    }
    case 'equals-ignore-case': {
      const folded = fold(string(operand, operator, path));
      return onText((value) => fold(value) === folded);
    }
    case 'wildcard':
      return compileWildcard(string(operand, operator, path), path);
    default:
      throw invalid(`Unrecognized match type ${operator}`, path);
  }
}

function compileAnythingBut(operand: unknown, path: string[]): Test {
  if (isObject(operand)) {
    const [operator, inner] = onlyEntry(operand, path);
    const here = [...path, operator];
    if (!['prefix', 'suffix', 'equals-ignore-case', 'wildcard'].includes(operator)) {
      throw invalid(`Unsupported anything-but pattern: ${operator}`, here);
    }
    const tests = list(inner, here).map((one) => compileText(operator, one, here, false));
    return (value) => !tests.some((test) => test(value));
  }
  const values = list(operand, path);
  if (values.every((value) => typeof value === 'string') || values.every(isNumber)) {
    const refused = new Set<unknown>(values);
    return (value) => !refused.has(value);
  }
  throw invalid('Inside anything but list, either all values are number or string', path);
}

// "Numeric matching is limited to values between -5.0e9 and +5.0e9 inclusive."
const NUMERIC_LIMIT = 5e9;

function compileNumeric(operand: unknown, path: string[]): Test {
  if (!Array.isArray(operand)) throw invalid('Value of numeric must be an array', path);
  if (operand.length === 0) {
    throw invalid('Invalid member in numeric match: an operator is missing', path);
  }
  const [operator, bound, second, upper] = operand;
  const compare = comparison(operator, bound, path);
  const inRange = (value: Scalar): value is number =>
    typeof value === 'number' && Math.abs(value) <= NUMERIC_LIMIT;
  if (operand.length <= 2) return (value) => inRange(value) && compare(value);
  if (operand.length > 4 || (operator !== '>' && operator !== '>=')) {
    throw invalid('Too many terms in numeric range expression', path);
  }
  if (second !== '<' && second !== '<=') throw invalid(`Bad numeric range operator: ${second}`, path);
  const compareUpper = comparison(second, upper, path);
  if (bound >= upper) throw invalid('Bottom must be less than top', path);
  return (value) => inRange(value) && compare(value) && compareUpper(value);
}

function comparison(operator: unknown, bound: unknown, path: string[]): (value: number) => boolean {
  if (!isNumber(bound)) throw invalid('Value of numeric must be numeric', path);
  if (Math.abs(bound) > NUMERIC_LIMIT) {
    throw invalid(`Value must be between ${-NUMERIC_LIMIT} and ${NUMERIC_LIMIT}, inclusive`, path);
  }
  switch (operator) {
    case '=':
      return (value) => value === bound;
    case '<':
      return (value) => value < bound;
    case '<=':
      return (value) => value <= bound;
    case '>':
      return (value) => value > bound;
    case '>=':
      return (value) => value >= bound;
    default:
      throw invalid(`Unrecognized numeric range operator: ${String(operator)}`, path);
  }
}

function compileCidr(operand: unknown, path: string[]): Test {
  const text = string(operand, 'cidr', path);
  const [address = '', bits = '', ...rest] = text.split('/');
  const family = isIP(address);
  if (rest.length > 0 || bits === '') throw invalid(`Malformed CIDR, one '/' required: ${text}`, path);
  if (family === 0) throw invalid(`Nonstandard IP address: ${address}`, path);
  if (!/^\d+$/.test(bits)) throw invalid('Malformed CIDR, mask bits must be an integer', path);
  const widest = family === 4 ? 32 : 128;
  if (Number(bits) > widest) throw invalid(`IPv${family} mask bits must be at most ${widest}`, path);
  const network = new BlockList();
  network.addSubnet(address, Number(bits), family === 4 ? 'ipv4' : 'ipv6');
  return onText((value) => isIP(value) === family && network.check(value, family === 4 ? 'ipv4' : 'ipv6'));
}

function compileWildcard(pattern: string, path: string[]): Test {
  const [head = '', ...later] = literals(pattern, path);
  const tail = later.pop();
  if (tail === undefined) return onText((value) => value === head);
  return onText((value) => {
    if (value.length < head.length + tail.length) return false;
    if (!value.startsWith(head) || !value.endsWith(tail)) return false;
    // Taking the first place for each literal leaves the most room for the rest, so nothing is ever tried twice.
    const end = value.length - tail.length;
    let position = head.length;
    for (const literal of later) {
      const found = value.indexOf(literal, position);
      if (found < 0 || found + literal.length > end) return false;
      position = found + literal.length;
    }
    return true;
  });
}

/** What stands between the `*` of a wildcard, with `\*` and `\\` resolved. */
function literals(pattern: string, path: string[]): string[] {
  const parts: string[] = [];
  let literal = '';
  for (let index = 0; index < pattern.length; index += 1) {
    const character = pattern[index];
    if (character === '*') {
      if (pattern[index + 1] === '*') throw invalid(`Consecutive wildcard characters at pos ${index}`, path);
      parts.push(literal);
      literal = '';
    } else if (character === '\\') {
      index += 1;
      const escaped = pattern[index];
      if (escaped !== '*' && escaped !== '\\') {
        throw invalid(`Invalid escape character at pos ${index - 1}`, path);
      }
      literal += escaped;
    } else {
      literal += character;
    }
  }
  return [...parts, literal];
}

function onText(test: (value: string) => boolean): Test {
  return (value) => typeof value === 'string' && test(value);
}

function fold(text: string): string {
  return text.toLowerCase();
}

/** A value as the matcher sees it: arrays, also nested ones, are "crushed out". */
function elements(value: unknown): unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value.flat(Number.POSITIVE_INFINITY) : [value];
}

function member(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

function list(value: unknown, path: string[]): unknown[] {
  if (!Array.isArray(value)) return [value];
  if (value.length === 0) throw invalid('Empty arrays are not allowed', path);
  return value;
}

function onlyEntry(object: Json, path: string[]): [string, unknown] {
  const [entry, ...others] = Object.entries(object);
  if (!entry) throw invalid('Match expression name not found', path);
  if (others.length > 0) throw invalid('Only one key allowed in match expression', path);
  return entry;
}

function string(value: unknown, operator: string, path: string[]): string {
  if (typeof value !== 'string') throw invalid(`${operator} match pattern must be a string`, path);
  return value;
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}

function isScalar(value: unknown): value is Scalar {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(reason: string, path: string[]): AwsError {
  const where = path.length === 0 ? 'the top level' : path.join('.');
  return new AwsError(
    'InvalidEventPatternException',
    `Event pattern is not valid. Reason: ${reason}\n at ${where}`,
  );
}
