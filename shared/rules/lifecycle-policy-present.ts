import * as z from 'zod/mini';
import { isUnseen } from '../domain/facts';
import { error, fail, pass } from '../domain/result';
import type { Rule } from './rule';

const parameters = z.strictObject({});

/** Images do not pile up for ever. What the lifecycle policy says is not looked at. */
export const lifecyclePolicyPresent: Rule<'repository', z.infer<typeof parameters>> = {
  id: 'lifecycle-policy-present',
  kind: 'repository',
  sentence: 'A repository has a lifecycle policy.',
  severity: 'low',
  facts: ['lifecyclePolicy'],
  parameters,
  remediation: 'Put a lifecycle policy on the repository, or give its namespace a lifecycle template.',
  actions: ['set-lifecycle-policy'],
  evaluate({ resource: { repository }, facts: { lifecyclePolicy } }) {
    if (isUnseen(lifecyclePolicy)) return error(lifecyclePolicy.message);
    if (lifecyclePolicy) return pass();
    return fail(`repository "${repository}" has no lifecycle policy`, { repository });
  },
};
