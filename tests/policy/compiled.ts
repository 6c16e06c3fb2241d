import { type Compilation, compilePolicy } from '../../shared/policy/compile';
import type { CompiledPolicy } from '../../shared/policy/compiled-policy';

export const builtAt = '2026-11-25T00:00:00Z';

/** Compiles text as `policy.yaml`; `exemptions` is the text of whatever file it names. */
export function compileText(text: string, exemptions?: string): Compilation {
  const readFile = (path: string): string => {
    if (exemptions === undefined) throw new Error(`no such file: ${path}`);
    return exemptions;
  };
  return compilePolicy({ file: 'policy.yaml', text, readFile }, builtAt);
}

export function validPolicy(text: string, exemptions?: string): CompiledPolicy {
  const { policy, errors } = compileText(text, exemptions);
  if (!policy) throw new Error(errors.map(({ line, message }) => `${line}: ${message}`).join('\n'));
  return policy;
}
