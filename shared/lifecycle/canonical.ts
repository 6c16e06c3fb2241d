import { canonicalJson } from '../domain/canonical-json';
import type { LifecyclePolicy, LifecycleRule } from './grammar';

/**
 * One text for all spellings of one policy. ECR gives rules back by priority; the order within a list of patterns means
 * nothing, nor does a default that is written out.
 */
export function canonicalPolicy({ rules }: LifecyclePolicy): string {
  const sorted = rules.toSorted((one, other) => one.rulePriority - other.rulePriority);
  return canonicalJson({ rules: sorted.map(canonicalRule) });
}

/** Whether two policies say the same, descriptions included. */
export function samePolicy(one: LifecyclePolicy, other: LifecyclePolicy): boolean {
  return canonicalPolicy(one) === canonicalPolicy(other);
}

function canonicalRule({ rulePriority, description = '', selection, action }: LifecycleRule): object {
  const { tagPatternList, tagPrefixList, ...rest } = selection;
  return {
    rulePriority,
    description,
    action,
    selection: {
      storageClass: 'standard',
      ...rest,
      ...(tagPatternList ? { tagPatternList: [...tagPatternList].sort() } : {}),
      ...(tagPrefixList ? { tagPrefixList: [...tagPrefixList].sort() } : {}),
    },
  };
}
