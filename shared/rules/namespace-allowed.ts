import * as z from 'zod/mini';
import { fail, pass } from '../domain/result';
import type { Rule } from './rule';

const parameters = z.strictObject({});

/** Every repository belongs to somebody. */
export const namespaceAllowed: Rule<'repository', z.infer<typeof parameters>> = {
  id: 'namespace-allowed',
  kind: 'repository',
  sentence: 'A repository belongs to a namespace of the policy.',
  severity: 'medium',
  facts: [],
  parameters,
  remediation:
    'Add the repository to a namespace in the policy, or move its images to a repository that has one.',
  actions: [],
  evaluate({ resource: { repository }, namespace }) {
    if (namespace) return pass();
    return fail(`no namespace of the policy matches repository "${repository}"`, { repository });
  },
};
