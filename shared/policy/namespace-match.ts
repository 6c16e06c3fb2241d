import { compareSpecificity, type Glob, repositoryGlobs } from '../rules/pattern';

interface NamespacePatterns {
  readonly repositories: readonly string[];
}

export interface NamespaceMatch<N> {
  readonly namespace: N;
  /** The pattern as the policy wrote it. */
  readonly pattern: string;
}

/**
 * Finds the namespace of a repository: the most specific pattern that matches, and of equally specific ones the
 * first in the file. `counts` leaves out namespaces of other registries.
 */
export function namespaceFinder<N extends NamespacePatterns>(
  namespaces: readonly N[],
): (repository: string, counts: (namespace: N) => boolean) => NamespaceMatch<N> | undefined {
  const candidates = namespaces.flatMap((namespace) =>
    namespace.repositories.flatMap((pattern) =>
      repositoryGlobs(pattern).map((glob) => ({ namespace, pattern, glob })),
    ),
  );
  // Array.prototype.sort is stable: the file's order stays where nothing is more specific.
  candidates.sort((one, other) => compareSpecificity(other.glob, one.glob));
  return (repository, counts) =>
    candidates.find((one) => counts(one.namespace) && one.glob.matches(repository));
}

/** One pattern of one namespace, by their positions in the file. */
export interface Claim {
  readonly namespace: number;
  readonly pattern: number;
  /** Without braces. */
  readonly glob: Glob;
}

/** Pairs of namespaces that claim the same pattern, so that neither is the more specific. */
export function identicalClaims(
  namespaces: readonly NamespacePatterns[],
  overlap: (one: number, other: number) => boolean,
): readonly { readonly first: Claim; readonly second: Claim }[] {
  const claims = namespaces.flatMap(({ repositories }, namespace) =>
    repositories.flatMap((text, pattern) =>
      repositoryGlobs(text).map((glob): Claim => ({ namespace, pattern, glob })),
    ),
  );
  const earlier = new Map<string, Claim[]>();
  return claims.flatMap((second) => {
    const same = earlier.get(second.glob.text) ?? [];
    earlier.set(second.glob.text, [...same, second]);
    const first = same.find(
      ({ namespace }) => namespace !== second.namespace && overlap(namespace, second.namespace),
    );
    return first ? [{ first, second }] : [];
  });
}
