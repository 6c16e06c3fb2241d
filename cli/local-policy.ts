import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvalidInput } from '../shared/domain/errors';
import type { CompiledPolicy } from '../shared/policy/compiled-policy';
import { compileFile, problemLine, readText } from './policy-validate';

/** Reads and compiles the policy that an embedded cloud is to run by. Throws `InvalidInput` that names each error's place and way out. */
export function readLocalPolicy(
  file: string,
  now: number,
  adapt: (text: string, policy: CompiledPolicy) => string = (text) => text,
): CompiledPolicy {
  const text = readText(file);
  if (text instanceof Error) {
    const missing = 'code' in text && text.code === 'ENOENT';
    throw new InvalidInput(
      missing
        ? `there is no policy file ${file} here: name one with --policy`
        : `cannot read the policy ${file}: ${text.message}`,
    );
  }
  const compiled = compiledText(file, text, now);
  const adapted = adapt(text, compiled);
  return adapted === text ? compiled : compiledText(file, adapted, now);
}

function compiledText(file: string, text: string, now: number): CompiledPolicy {
  const { policy, errors } = compileFile(file, text, now);
  if (policy) return policy;
  const places = errors.map((problem) => problemLine(problem, 'error')).join('\n');
  throw new InvalidInput(`${file} is not valid, so nothing was started\n${places}`);
}

/** The account and Regions to play: those that the policy governs, the first of them the hub's. */
export function placesOf({ registries = [] }: Pick<CompiledPolicy, 'registries'>): {
  readonly account: string;
  readonly regions: readonly [string, ...string[]];
} {
  const [home = 'eu-central-1', ...others] = registries.flatMap((registry) => registry.regions);
  if (registries.length === 0) others.push('eu-west-1');
  const regions = [home, ...new Set(others.filter((region) => region !== home))] as const;
  return { account: registries[0]?.account ?? '111122223333', regions: [...regions] };
}

/** The compiled policy in a file that functions can read; `remove` takes it away again. */
export function policyFileFor(policy: CompiledPolicy): { readonly path: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'ecr-warden-policy-'));
  const path = join(folder, 'policy.json');
  writeFileSync(path, JSON.stringify(policy));
  return { path, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
