import { braceExpand, Minimatch, type MinimatchOptions } from 'minimatch';
import { InvalidInput } from '../domain/errors';
import { linearRegex } from './linear-regex';
import { namedFormats } from './named-formats';

/** What matches names; `text` is as the policy wrote it. */
export interface Pattern {
  readonly text: string;
  matches(name: string): boolean;
}

/** A glob without braces. Of two that match one name, the one with the greater `specificity` is meant. */
export interface Glob extends Pattern {
  readonly specificity: readonly number[];
}

const longest = 256;
const mostAlternatives = 100;
const globOptions: MinimatchOptions = {
  dot: true,
  nonegate: true,
  nocomment: true,
  noext: true,
  platform: 'linux',
  braceExpandMax: mostAlternatives + 1,
};

/** A tag pattern: a named format, a tag or glob, or `/re/`. Throws `InvalidInput` that says what is wrong. */
export function tagPattern(text: string): Pattern {
  const format = namedFormats.get(text);
  if (format) return { text, matches: format.matches };
  if (text.startsWith('/')) return expressionPattern(text);
  const globs = expandedGlobs(text);
  return { text, matches: (tag) => globs.some((glob) => glob.matches(tag)) };
}

/**
 * A repository pattern: a glob whose `*` stays within a segment and whose `**` crosses them, as one glob for each
 * alternative in braces. `payments/**` does not match `payments` itself. Throws `InvalidInput`.
 */
export function repositoryGlobs(text: string): readonly Glob[] {
  if (text.startsWith('!')) {
    throw new InvalidInput(
      `"${text}": patterns are positive only; give what should differ a namespace of its own`,
    );
  }
  if (text.startsWith('/')) {
    throw new InvalidInput(
      `"${text}": a repository pattern is a glob such as payments/**, and no name starts with "/"`,
    );
  }
  if (/[A-Z]/.test(text)) {
    throw new InvalidInput(`"${text}": repository names are lower case, so this matches none`);
  }
  return expandedGlobs(text);
}

/** Why the text is no pattern, or undefined: what a schema asks. */
export function patternProblem(text: string, compile: (text: string) => unknown): string | undefined {
  try {
    compile(text);
    return undefined;
  } catch (reason) {
    if (reason instanceof InvalidInput) return reason.message;
    throw reason;
  }
}

/** Greater, equal or less than 0 as `one` is more, equally or less specific than `other`. */
export function compareSpecificity(one: Glob, other: Glob): number {
  for (const [index, value] of one.specificity.entries()) {
    const difference = value - (other.specificity[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function expressionPattern(text: string): Pattern {
  const [, expression, flags] = /^\/(.*)\/([a-z]*)$/s.exec(text) ?? [];
  if (expression === undefined || expression === '') {
    throw new InvalidInput(`"${text}": a regular expression stands between two slashes, such as /^v\\d+$/`);
  }
  if (flags) throw new InvalidInput(`"${text}": write flags into the expression, such as /(?${flags})…/`);
  refuseLength(text);
  return { text, matches: linearRegex(expression) };
}

function expandedGlobs(text: string): readonly Glob[] {
  refuseLength(text);
  refuseForeignCharacters(text);
  refuseUnclosed(text);
  const expanded = [...new Set(braceExpand(text, globOptions))];
  if (expanded.length > mostAlternatives) {
    throw new InvalidInput(
      `"${text}": the braces stand for more than ${mostAlternatives} patterns; write a list`,
    );
  }
  if (expanded.some((one) => one.includes('{'))) {
    throw new InvalidInput(`"${text}": braces hold alternatives, such as {a,b}`);
  }
  return expanded.map(oneGlob);
}

function oneGlob(text: string): Glob {
  const literal = !/[*?[\\]/.test(text);
  if (literal) return { text, specificity: [1, text.length, 0, 0], matches: (name) => name === text };
  const crossing = text.match(/\*\*/g)?.length ?? 0;
  const wild = text.match(/\*+|\?|\[[^\]]*\]/g) ?? [];
  const literals = text.length - wild.reduce((sum, one) => sum + one.length, 0);
  const glob = new Minimatch(text, globOptions);
  return { text, specificity: [0, literals, -crossing, -wild.length], matches: (name) => glob.match(name) };
}

function refuseLength(text: string): void {
  if (text === '')
    throw new InvalidInput('an empty pattern matches nothing: write a tag, a glob or a named format');
  if (text.length > longest) {
    throw new InvalidInput(`a pattern has at most ${longest} characters, and this one has ${text.length}`);
  }
}

/** What stands in no tag and no repository name can only be a slip, most often an expression without its slashes. */
function refuseForeignCharacters(text: string): void {
  const outsideClasses = text.replace(/\[[!^][^\]]*\]/g, '');
  const foreign = /[^A-Za-z0-9._\-/*?[\]{},\\]/.exec(outsideClasses)?.[0];
  if (foreign === undefined) return;
  const hint = /[$^|()+]/.test(foreign) ? `; for a regular expression write /${text}/` : '';
  throw new InvalidInput(`"${text}": ${JSON.stringify(foreign)} stands in no tag or repository name${hint}`);
}

/** A glob library takes an unclosed bracket or brace literally, which nobody who wrote one meant. */
function refuseUnclosed(text: string): void {
  let braces = 0;
  let inClass = false;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    if (character === '\\') index += 1;
    else if (character === '{') braces += 1;
    else if (character === '}') braces -= 1;
    else if (character === ']') inClass = false;
    else if (character === '[') inClass = true;
    if (braces < 0) throw new InvalidInput(`"${text}": a "}" has no "{" before it`);
  }
  if (inClass) throw new InvalidInput(`"${text}": "[" is not closed`);
  if (braces > 0) throw new InvalidInput(`"${text}": "{" is not closed`);
  if (/(^|[^\\])\\$/.test(text)) throw new InvalidInput(`"${text}": nothing follows the last "\\"`);
}
