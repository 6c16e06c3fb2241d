import type {
  CountSelection,
  LifecyclePolicy,
  LifecycleRule,
  TagSelection,
} from '../../shared/lifecycle/grammar';
import type { LifecycleImage } from '../../shared/lifecycle/image';
import type { SimulationReadings } from '../../shared/lifecycle/readings';
import { simulate } from '../../shared/lifecycle/simulate';

export const now = Date.parse('2026-11-20T00:00:00Z');
export const day = 86_400_000;

/** An image pushed so many days ago. */
export function image(
  digest: string,
  tags: readonly string[],
  days: number,
  over: Partial<LifecycleImage> = {},
): LifecycleImage {
  return { digest, tags, pushedAt: now - days * day, status: 'ACTIVE', bytes: 100, children: [], ...over };
}

export type Tags = 'any' | 'untagged' | readonly string[];
export type Count =
  | { readonly keep: number }
  | { readonly pushed: number }
  | { readonly pulled: number }
  | { readonly archived: number };

export function expire(rulePriority: number, tags: Tags, count: Count): LifecycleRule {
  return { rulePriority, selection: { ...tagsOf(tags), ...countOf(count) }, action: { type: 'expire' } };
}

export function archive(rulePriority: number, tags: Tags, count: Count): LifecycleRule {
  const action = { type: 'transition', targetStorageClass: 'archive' } as const;
  return { rulePriority, selection: { ...tagsOf(tags), ...countOf(count) }, action };
}

/** What the rules do, as `digest(rule)`, oldest first. */
export function acted(
  rules: readonly LifecycleRule[],
  images: readonly LifecycleImage[],
  readings: Partial<SimulationReadings> = {},
): readonly string[] {
  return simulate({ rules }, images, { now, readings }).previewResults.map(
    ({ imageDigest, appliedRulePriority }) => `${imageDigest}(${appliedRulePriority})`,
  );
}

/** A policy as text of the length that ECR takes. */
export function policyText(policy: LifecyclePolicy | object): string {
  return JSON.stringify(policy, null, 2);
}

function tagsOf(tags: Tags): TagSelection {
  return typeof tags === 'string' ? { tagStatus: tags } : { tagStatus: 'tagged', tagPatternList: tags };
}

function countOf(count: Count): CountSelection {
  if ('keep' in count) return { countType: 'imageCountMoreThan', countNumber: count.keep };
  if ('pushed' in count)
    return { countType: 'sinceImagePushed', countUnit: 'days', countNumber: count.pushed };
  if ('pulled' in count)
    return { countType: 'sinceImagePulled', countUnit: 'days', countNumber: count.pulled };
  return {
    storageClass: 'archive',
    countType: 'sinceImageTransitioned',
    countUnit: 'days',
    countNumber: count.archived,
  };
}
