import type { TagSelection } from './grammar';

/** What a list entry asks of a tag: how it begins, how it ends, and what stands between in this order. */
interface Entry {
  readonly start: string;
  readonly end: string;
  readonly between: readonly string[];
  /** A tag under this length cannot match. */
  readonly length: number;
  /** Without a wildcard: the tag is `start` and nothing more. */
  readonly exact: boolean;
}

/** Compiles a rule's tag selection. Each pattern or prefix has to be met by some tag, not all by one tag. */
export function tagSelector(selection: TagSelection): (tags: readonly string[]) => boolean {
  switch (selection.tagStatus) {
    case 'any':
      return () => true;
    case 'untagged':
      return (tags) => tags.length === 0;
    case 'tagged': {
      const { tagPatternList = [], tagPrefixList = [] } = selection;
      const entries = [...tagPatternList.map(patternEntry), ...tagPrefixList.map(prefixEntry)];
      const [only] = entries;
      // A list that nobody filled asks nothing but that there is a tag.
      if (!only) return (tags) => tags.length > 0;
      if (entries.length === 1) return (tags) => someMatches(tags, only);
      return (tags) => entries.every((entry) => someMatches(tags, entry));
    }
  }
}

/** Whether `*`, any run of characters or none, makes the pattern the whole tag. */
export function matchesPattern(pattern: string, tag: string): boolean {
  return matches(tag, patternEntry(pattern));
}

function patternEntry(pattern: string): Entry {
  const [start = '', ...rest] = pattern.split('*');
  const end = rest.pop() ?? '';
  return {
    start,
    end,
    between: rest.filter((part) => part !== ''),
    length: pattern.replaceAll('*', '').length,
    exact: !pattern.includes('*'),
  };
}

function prefixEntry(prefix: string): Entry {
  return { start: prefix, end: '', between: [], length: prefix.length, exact: false };
}

function someMatches(tags: readonly string[], entry: Entry): boolean {
  for (let index = 0; index < tags.length; index += 1) {
    if (matches(tags[index]!, entry)) return true;
  }
  return false;
}

/** Taking each part at the first place it fits leaves most room for the next, so no place is tried twice. */
function matches(tag: string, { start, end, between, length, exact }: Entry): boolean {
  if (tag.length < length || (exact && tag.length > length)) return false;
  if (!tag.startsWith(start) || !tag.endsWith(end)) return false;
  let from = start.length;
  for (const part of between) {
    const found = tag.indexOf(part, from);
    if (found < 0) return false;
    from = found + part.length;
  }
  return from + end.length <= tag.length;
}
