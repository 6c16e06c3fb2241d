import { closest, distance } from 'fastest-levenshtein';

/** `: did you mean "label"?`, or nothing when no known word is near. */
export function didYouMean(word: string, known: readonly string[]): string {
  if (known.length === 0) return '';
  const nearest = closest(word.toLowerCase(), [...known]);
  const near = distance(word.toLowerCase(), nearest) <= Math.max(2, Math.floor(nearest.length / 3));
  return near ? `: did you mean "${nearest}"?` : '';
}
