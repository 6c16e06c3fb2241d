import { lifecyclePolicyPresent } from './lifecycle-policy-present';
import { namespaceAllowed } from './namespace-allowed';
import { replicated } from './replicated';
import type { Rule } from './rule';
import { tagFormat } from './tag-format';
import { tagImmutability } from './tag-immutability';

/** Every rule there is, in the order in which people read them. */
export const catalogue: readonly Rule[] = [
  tagFormat,
  namespaceAllowed,
  tagImmutability,
  lifecyclePolicyPresent,
  replicated,
];

/** Rules that are promised and do not run yet: naming one in a policy says so, instead of "unknown rule". */
export const announcedRules: readonly string[] = ['scan-completed'];

export function ruleById(id: string): Rule | undefined {
  return catalogue.find((rule) => rule.id === id);
}
