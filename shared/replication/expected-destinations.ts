import type { ReplicationDestination } from '../domain/facts';
import { type Registry, sameRegistry } from '../domain/resource';

/** Where a tag should be, and since when the destination asks for it. */
export interface ExpectedDestination extends Registry {
  /** ISO instant; a tag moved before it is not expected there. Absent where the policy itself asks. */
  readonly since?: string;
}

/**
 * The destinations of a repository: those of the registry's replication configuration whose filters match (raw
 * prefixes, no filter means every repository: "Private image replication" in the Amazon ECR user guide) and those
 * that its namespace demands. A destination that both name is one.
 */
export function expectedDestinations(
  home: Registry,
  repository: string,
  configured: readonly ReplicationDestination[],
  demanded: readonly Registry[],
): readonly ExpectedDestination[] {
  const expected: ExpectedDestination[] = demanded.map(({ account, region }) => ({ account, region }));
  for (const { account, region, prefixes, since } of configured) {
    const matches = prefixes.length === 0 || prefixes.some((prefix) => repository.startsWith(prefix));
    if (matches && !expected.some((one) => sameRegistry(one, { account, region })))
      expected.push({ account, region, since });
  }
  return expected.filter((one) => !sameRegistry(one, home));
}
