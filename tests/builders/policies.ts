import * as z from 'zod/mini';
import { isUnseen } from '../../shared/domain/facts';
import type { ResourceKind } from '../../shared/domain/resource';
import { error, fail, pass, skip } from '../../shared/domain/result';
import type { EffectivePolicy, Policy, SelectedRule } from '../../shared/policy/effective-policy';
import type { Rule } from '../../shared/rules/rule';

/** A rule for tests; without `evaluate` it passes. */
export function rule<K extends ResourceKind>(over: Partial<Rule<K>> & { id: string; kind: K }): Rule {
  return {
    sentence: 'A rule for tests.',
    severity: 'medium',
    facts: [],
    parameters: z.unknown(),
    remediation: 'Do nothing.',
    actions: [],
    evaluate: () => pass(),
    ...over,
  } as Rule;
}

export function selected(one: Rule, over: Partial<SelectedRule> = {}): SelectedRule {
  return { rule: one, severity: one.severity, mode: 'report', parameters: {}, ...over };
}

/** A policy that is the same for every repository. */
export function policyOf(
  rules: readonly (Rule | SelectedRule)[],
  over: Partial<Policy & EffectivePolicy> = {},
): Policy {
  const effective: EffectivePolicy = {
    rules: rules.map((one) => ('rule' in one ? one : selected(one))),
    exemptionFor: over.exemptionFor ?? (() => undefined),
    ...(over.namespace && { namespace: over.namespace }),
  };
  return {
    hash: over.hash ?? 'a'.repeat(64),
    builtAt: over.builtAt ?? '2026-11-20T00:00:00Z',
    governs: over.governs ?? (() => true),
    effectiveFor: () => effective,
  };
}

/** Fails on an image that a tag points to: the smallest rule whose answer a push elsewhere can change. */
export const heldImage = rule({
  id: 'held-image',
  kind: 'image',
  facts: ['image'],
  evaluate({ facts: { image } }) {
    if (image === null) return skip('gone');
    if (isUnseen(image)) return error(image.message);
    return image.tags.length > 0 ? fail(`held by ${image.tags.join(', ')}`) : pass();
  },
});

/** A rule on names alone that refuses tags of a name. */
export function deniedTag(tag: string): Rule {
  return rule({
    id: 'denied-tag',
    kind: 'tag',
    evaluate: ({ resource }) =>
      resource.kind === 'tag' && resource.tag === tag ? fail(`"${tag}" is denied`) : pass(),
  });
}
