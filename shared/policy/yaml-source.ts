import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  Parser,
  parseDocument,
  type YAMLError,
  type Node as YamlNode,
} from 'yaml';
import { inOrder, type Path, type Place, type Problem, pathText } from './problem';

/** A YAML file as a plain value that knows where each part of it stands. */
export interface YamlSource {
  readonly file: string;
  /** Plain JSON; `null` for a file with nothing but comments. */
  readonly value: unknown;
  /** Where the value at the path stands, or the nearest part around it. */
  placeOf(path: Path): Place;
  /** Where the key at the path stands. */
  placeOfKey(path: Path): Place;
  /** How the value is spelt, and the comment behind it: what YAML reads may differ from what was meant. */
  spelling(path: Path): { readonly text?: string | undefined; readonly comment?: string | undefined };
}

interface Part {
  readonly at: number;
  readonly key?: number;
  readonly text?: string | undefined;
  readonly comment?: string | undefined;
}

const longest = 1_000_000;
/** The parser calls itself for each level, and a stack that overflows within a regular expression ends the process. */
const deepest = 64;
const mostAliasedParts = 10_000;

/** Reads one YAML 1.2 document. All that is wrong with its syntax is answered as problems; nothing is thrown. */
export function readYaml(
  text: string,
  file: string,
): { source: YamlSource } | { problems: readonly Problem[] } {
  const whole = (message: string): { problems: readonly Problem[] } => ({
    problems: [{ file, line: 1, column: 1, path: '', message }],
  });
  if (text.length > longest) return whole(`the file has more than ${longest} characters`);
  if (depthOf(text) > deepest) return whole(`the file nests more than ${deepest} levels`);
  const lines = new LineCounter();
  const document = parseDocument(text, {
    version: '1.2',
    schema: 'core',
    lineCounter: lines,
    stringKeys: true,
    prettyErrors: false,
  });
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const problem = (offset: number, path: Path, message: string): Problem => ({
    file,
    ...place(offset),
    path: pathText(path),
    message,
  });
  const wrong = [...document.errors, ...document.warnings];
  if (wrong.length > 0) {
    return { problems: inOrder(wrong.map((one) => problem(one.pos[0], [], syntaxSentence(one, text)))) };
  }
  const { value, parts, faults } = unfold(document);
  if (faults.length > 0)
    return { problems: inOrder(faults.map(({ at, path, message }) => problem(at, path, message))) };
  const part = (path: Path): Part | undefined => parts.get(JSON.stringify(path));
  const nearest = (path: Path): Part => {
    for (let length = path.length; length > 0; length -= 1) {
      const found = part(path.slice(0, length));
      if (found) return found;
    }
    return part([]) ?? { at: 0 };
  };
  return {
    source: {
      file,
      value,
      placeOf: (path) => place(nearest(path).at),
      placeOfKey: (path) => {
        const found = nearest(path);
        return place(found.key ?? found.at);
      },
      spelling: (path) => part(path) ?? {},
    },
  };
}

interface Fault {
  readonly at: number;
  readonly path: Path;
  readonly message: string;
}

const plainTags = new Set(
  ['str', 'int', 'float', 'bool', 'null', 'map', 'seq'].map((name) => `tag:yaml.org,2002:${name}`),
);

/** Turns the document into plain values, noting where each stands and what cannot become one. */
function unfold(document: Document): {
  value: unknown;
  parts: ReadonlyMap<string, Part>;
  faults: readonly Fault[];
} {
  const parts = new Map<string, Part>();
  const faults: Fault[] = [];
  const anchors = new Map<string, YamlNode>();
  const open = new Set<YamlNode>();
  let aliased = 0;

  const visit = (node: unknown, path: Path, key: number | undefined, behindAlias: boolean): unknown => {
    if (!isYamlNode(node)) return null;
    const at = node.range?.[0] ?? key ?? 0;
    const refuse = (message: string): null => {
      faults.push({ at, path, message });
      return null;
    };
    if (isAlias(node)) {
      const target = anchors.get(node.source);
      if (!target) {
        return refuse(
          `YAML reads "*${node.source}" as an alias, and no "&${node.source}" stands before it: quote a pattern`,
        );
      }
      if (open.has(target))
        return refuse(`"*${node.source}" stands within "&${node.source}" and would contain itself`);
      return visit(target, path, key, true);
    }
    if (behindAlias) aliased += 1;
    if (aliased > mostAliasedParts) {
      return aliased === mostAliasedParts + 1
        ? refuse('the aliases unfold to too much: write the values out')
        : null;
    }
    if (node.tag !== undefined && !plainTags.has(node.tag))
      return refuse(`${node.tag} is not a kind of value that a policy has`);
    if (node.anchor !== undefined && !behindAlias) anchors.set(node.anchor, node);
    parts.set(JSON.stringify(path), {
      at,
      ...(key === undefined ? {} : { key }),
      ...(isScalar(node) ? { text: node.source, comment: node.comment ?? undefined } : {}),
    });
    open.add(node);
    try {
      if (isMap(node)) {
        // From entries: a key named __proto__ stays a key.
        return Object.fromEntries(
          node.items.map((pair) => {
            const name = isScalar(pair.key) ? String(pair.key.value ?? '') : '';
            const keyAt = isYamlNode(pair.key) ? pair.key.range?.[0] : undefined;
            return [name, visit(pair.value, [...path, name], keyAt ?? at, behindAlias)];
          }),
        );
      }
      if (isSeq(node))
        return node.items.map((item, index) => visit(item, [...path, index], undefined, behindAlias));
      const value: unknown = isScalar(node) ? node.value : null;
      if (typeof value === 'number' && !Number.isFinite(value))
        return refuse(`${value} is not a number that a policy can hold`);
      return value;
    } finally {
      open.delete(node);
    }
  };
  const value = visit(document.contents, [], undefined, false);
  return { value, parts, faults };
}

function isYamlNode(node: unknown): node is YamlNode {
  return isScalar(node) || isMap(node) || isSeq(node) || isAlias(node);
}

function syntaxSentence({ code, message, pos }: YAMLError, text: string): string {
  const rest = text.slice(pos[0]);
  switch (code) {
    case 'TAB_AS_INDENT':
      return 'YAML takes no tab for indentation: use spaces';
    case 'DUPLICATE_KEY':
      return `${/^[^:\s]+/.exec(rest)?.[0] ?? 'this key'} stands twice in one mapping: keep one`;
    case 'MULTIPLE_DOCS':
      return 'a second document begins here: a policy file holds one, so remove the line';
    case 'NON_STRING_KEY':
      return 'a key is text: write it in quotes';
    case 'TAG_RESOLVE_FAILED':
      return `YAML reads ${/^\S+/.exec(rest)?.[0] ?? 'this'} as a type: quote text that begins with "!"`;
    case 'BAD_ALIAS':
      return 'YAML reads "*" as the start of an alias: quote a pattern that begins with it';
    default:
      return message.split('\n')[0] ?? message;
  }
}

/** The greatest nesting, told from the concrete syntax, which is read without recursion. */
function depthOf(text: string): number {
  let greatest = 0;
  const waiting: [token: object, depth: number][] = [];
  for (const token of new Parser().parse(text)) waiting.push([token, 0]);
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const [token, depth] = next;
    greatest = Math.max(greatest, depth);
    const inner = 'items' in token && Array.isArray(token.items) ? token.items : [];
    for (const item of inner) waiting.push([item, depth + 1]);
    for (const part of ['value' in token ? token.value : undefined, 'key' in token ? token.key : undefined]) {
      if (typeof part === 'object' && part !== null) waiting.push([part, depth]);
    }
  }
  return greatest;
}
