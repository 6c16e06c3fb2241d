import type { RepositorySettings, ScanningRule } from './state';

/**
 * ECR has a matcher of its own for each feature. Replication: a plain prefix, `prod` matches `production`
 * ("Private image replication").
 */
export function replicationFilterMatches(filter: string, repository: string): boolean {
  return repository.startsWith(filter);
}

/** Scanning: anywhere in the name, but anchored once there is a `*` ("Filters to choose which repositories are scanned"). */
export function scanningFilterMatches(filter: string, repository: string): boolean {
  return filter.includes('*') ? globMatches(filter, repository) : repository.includes(filter);
}

/** Of several rules the more frequent scan wins. */
export function scanFrequencyOf(
  rules: readonly ScanningRule[],
  repository: string,
): ScanningRule['scanFrequency'] {
  const matching = rules.filter(({ repositoryFilters }) =>
    repositoryFilters.some(({ filter }) => scanningFilterMatches(filter, repository)),
  );
  const found = (['CONTINUOUS_SCAN', 'SCAN_ON_PUSH'] as const).find((frequency) =>
    matching.some(({ scanFrequency }) => scanFrequency === frequency),
  );
  return found ?? 'MANUAL';
}

/** Whether a tag, once given, stays where it is ("Preventing image tags from being overwritten"). */
export function isFrozen({ mutability, exclusions }: RepositorySettings, tag: string): boolean {
  const excluded = exclusions.some((exclusion) => globMatches(exclusion, tag));
  switch (mutability) {
    case 'MUTABLE':
      return false;
    case 'IMMUTABLE':
      return true;
    case 'MUTABLE_WITH_EXCLUSION':
      return excluded;
    case 'IMMUTABLE_WITH_EXCLUSION':
      return !excluded;
  }
}

/** `*` is any run of characters, also none; the pieces between are found from left to right, without backtracking. */
function globMatches(glob: string, text: string): boolean {
  const [first = '', ...rest] = glob.split('*');
  const last = rest.pop();
  if (last === undefined) return text === glob;
  if (!text.startsWith(first) || text.length < first.length + last.length || !text.endsWith(last))
    return false;
  const end = text.length - last.length;
  let at = first.length;
  for (const piece of rest) {
    const found = text.indexOf(piece, at);
    if (found < 0 || found + piece.length > end) return false;
    at = found + piece.length;
  }
  return true;
}
