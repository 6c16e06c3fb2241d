import type * as z from 'zod/mini';
import { announcedRules, catalogue } from '../rules';
import { didYouMean } from './did-you-mean';
import type { ExemptionEntry, PolicyDocument } from './policy-document';
import { inOrder, type Path, type Problem, pathText } from './problem';
import {
  exemptionsJsonSchema,
  exemptionsSchema,
  type JsonSchema,
  policyJsonSchema,
  policySchema,
} from './schema';
import { readYaml, type YamlSource } from './yaml-source';

/** A policy file as it was written. */
export interface LoadedPolicy {
  readonly document: PolicyDocument;
  readonly source: YamlSource;
}

export interface LoadedExemptions {
  readonly entries: readonly ExemptionEntry[];
  readonly source: YamlSource;
}

export type Loaded<T> = T | { readonly problems: readonly Problem[] };

/** Reads a policy's text and checks its shape: what each value is by itself, not what they are to each other. */
export function loadPolicy(text: string, file: string): Loaded<LoadedPolicy> {
  const read = readYaml(text, file);
  if ('problems' in read) return read;
  const { source } = read;
  if (source.value === null) {
    return { problems: [problemAt(source, [], 'the file is empty: write at least "version: 1"')] };
  }
  const problems = shapeProblems(policySchema, source, policyJsonSchema);
  // As it was read, not as it was parsed: a default filled in now would hide what a preset says.
  return problems.length > 0 ? { problems } : { document: source.value as PolicyDocument, source };
}

/** Reads the text of an exemptions file: a list, or nothing at all once the last exemption is gone. */
export function loadExemptions(text: string, file: string): Loaded<LoadedExemptions> {
  const read = readYaml(text, file);
  if ('problems' in read) return read;
  const { source } = read;
  if (source.value === null) return { entries: [], source };
  const problems = shapeProblems(exemptionsSchema, source, exemptionsJsonSchema);
  return problems.length > 0 ? { problems } : { entries: source.value as ExemptionEntry[], source };
}

export function problemAt(source: YamlSource, path: Path, message: string): Problem {
  return { file: source.file, ...source.placeOf(path), path: pathText(path), message };
}

export function problemAtKey(source: YamlSource, path: Path, message: string): Problem {
  return { file: source.file, ...source.placeOfKey(path), path: pathText(path), message };
}

/** What a parameter schema says of values that stand at `origin` in the file. */
export function issueProblem(source: YamlSource, path: Path, issue: Issue): Problem {
  return problemAt(source, path, sentenceOf(issue, source, path));
}

/** The sentence for a rule that a policy or an exemption names and the catalogue has not. */
export function unknownRule(id: string): string {
  if (announcedRules.includes(id)) return `the rule "${id}" is not available in this version`;
  return `unknown rule "${id}"${didYouMean(
    id,
    catalogue.map((rule) => rule.id),
  )}`;
}

type Issue = z.core.$ZodIssue;

function shapeProblems(
  schema: z.ZodMiniType<unknown>,
  source: YamlSource,
  jsonSchema: () => JsonSchema,
): readonly Problem[] {
  const parsed = schema.safeParse(source.value, { reportInput: true });
  if (parsed.success) return [];
  const known = jsonSchema();
  const problems = (issues: readonly Issue[], above: Path): Problem[] =>
    issues.flatMap((issue): Problem | Problem[] => {
      const path = [...above, ...issue.path.map((step) => (typeof step === 'number' ? step : String(step)))];
      switch (issue.code) {
        case 'unrecognized_keys': {
          const keys = keysAt(known, path);
          return issue.keys.map((key) => problemAtKey(source, [...path, key], unknownKey(key, path, keys)));
        }
        case 'invalid_union': {
          const meant = issue.errors.find((errors) => !errors.some(isOfAnotherKind));
          return meant ? problems(meant, path) : problemAt(source, path, sentenceOf(issue, source, path));
        }
        case 'invalid_key':
          return problemAtKey(source, path, issue.issues[0]?.message ?? 'is no name');
        default:
          return problemAt(source, path, sentenceOf(issue, source, path));
      }
    });
  return inOrder(problems(parsed.error.issues, []));
}

/** Whether an alternative of a union was not meant at all, rather than meant and got wrong. */
function isOfAnotherKind({ path, code }: Issue): boolean {
  return path.length === 0 && (code === 'invalid_type' || code === 'invalid_value');
}

function unknownKey(key: string, path: Path, known: readonly string[]): string {
  if (path.at(-1) === 'rules') return unknownRule(key);
  if (key === '<<') return 'YAML 1.2 has no merge keys: write the keys out';
  if (known.length === 0) return `unknown key "${key}": there is none to set here`;
  return `unknown key "${key}"${didYouMean(key, known) || `: known are ${known.join(', ')}`}`;
}

function sentenceOf(issue: Issue, source: YamlSource, path: Path): string {
  switch (issue.code) {
    case 'invalid_type':
      // Nothing at all may stand here, and only the schema knows why.
      return issue.expected === 'never'
        ? issue.message
        : typeSentence(issue.expected, issue.input, source, path);
    case 'invalid_value':
      return valueSentence(issue.values, issue.input, source, path);
    case 'invalid_union':
      return 'write `disabled`, or settings such as { severity: high }; {} takes the defaults';
    default:
      return issue.message;
  }
}

function typeSentence(expected: string, input: unknown, source: YamlSource, path: Path): string {
  const wanted = kinds.get(expected) ?? expected;
  const { text, comment } = source.spelling(path);
  if (input === undefined) return `"${path.at(-1)}" is missing`;
  if (input === null && comment !== undefined) {
    return `YAML reads "#${comment}" as a comment, so there is no value: leave the "#" out, or write quotes where it belongs to the text`;
  }
  if (input === null) return `there is no value: write ${wanted}`;
  if (expected === 'string' && (typeof input === 'number' || typeof input === 'boolean')) {
    const reading = text === String(input) ? kinds.get(typeof input) : `the ${typeof input} ${input}`;
    return `YAML reads ${text ?? input} as ${reading}, and text is wanted: write "${text ?? input}", in quotes`;
  }
  return `write ${wanted} here, not ${kindOf(input)}`;
}

function valueSentence(values: readonly unknown[], input: unknown, source: YamlSource, path: Path): string {
  if (input === undefined) return `"${path.at(-1)}" is missing: write ${values.join(' or ')}`;
  const spelt = values.find((value) => String(value) === String(input));
  if (typeof spelt === 'number') return `write ${spelt} without quotes`;
  const { comment } = source.spelling(path);
  if (input === null && comment !== undefined) return typeSentence('string', input, source, path);
  const choice = values.length === 1 ? `${values[0]}` : `one of ${values.join(', ')}`;
  const given = typeof input === 'string' ? `"${input}"` : kindOf(input);
  return `write ${choice}, not ${given}${typeof input === 'string' ? didYouMean(input, values.map(String)) : ''}`;
}

const kinds = new Map([
  ['string', 'text'],
  ['number', 'a number'],
  ['int', 'a whole number'],
  ['boolean', 'true or false'],
  ['array', 'a list'],
  ['object', 'a mapping of keys'],
  ['record', 'a mapping of keys'],
]);

function kindOf(input: unknown): string {
  if (input === null) return 'nothing';
  if (Array.isArray(input)) return 'a list';
  if (typeof input === 'number' || typeof input === 'boolean') return String(input);
  return kinds.get(typeof input) ?? typeof input;
}

/** The keys that may stand at a path. */
function keysAt(schema: JsonSchema, path: Path): readonly string[] {
  let here = alternatives(schema);
  for (const step of path) {
    here = here.flatMap(({ properties, additionalProperties, items }) => {
      const next = typeof step === 'number' ? items : (properties?.[step] ?? additionalProperties);
      return typeof next === 'object' ? alternatives(next) : [];
    });
  }
  return here.flatMap(({ properties }) => Object.keys(properties ?? {}));
}

function alternatives(schema: JsonSchema): readonly JsonSchema[] {
  return schema.anyOf?.flatMap(alternatives) ?? [schema];
}
