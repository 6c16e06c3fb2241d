import type { PolicyDocument, PresetName } from './policy-document';

/** Policies to start from, in the same form as a file. */
export const presets: Readonly<Record<PresetName, PolicyDocument>> = {
  /** Right for a registry about which nothing else is known. */
  baseline: {
    version: 1,
    rules: {
      'tag-format': { severity: 'medium', with: { deny: ['latest'] } },
      // Of a preset this waits until the file has namespaces: without any, nothing could be allowed.
      'namespace-allowed': { severity: 'medium' },
      'tag-immutability': { severity: 'medium', with: { except: ['cache-*'] } },
      'lifecycle-policy-present': { severity: 'low' },
    },
  },
  /** Every image is a release, every repository has an owner, and nothing moves. */
  strict: {
    version: 1,
    rules: {
      'tag-format': {
        severity: 'high',
        with: { allow: ['semver', 'calver', 'git-sha', 'date'], deny: ['latest'] },
      },
      'namespace-allowed': { severity: 'high' },
      'tag-immutability': { severity: 'high', with: { except: [] } },
      'lifecycle-policy-present': { severity: 'medium' },
      replicated: { severity: 'high' },
    },
  },
  /** Tags as people like, but images go in the end. */
  sandbox: { version: 1, rules: { 'lifecycle-policy-present': { severity: 'low' } } },
  /** AWS Foundational Security Best Practices: Security Hub controls ECR.2 and ECR.3, at their severity. */
  'aws-foundational': {
    version: 1,
    rules: {
      'tag-immutability': { severity: 'medium', with: { except: [] } },
      'lifecycle-policy-present': { severity: 'medium' },
    },
  },
};
