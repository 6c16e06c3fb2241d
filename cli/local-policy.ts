import { InvalidInput } from '../shared/domain/errors';
import type { CompiledPolicy } from '../shared/policy/compiled-policy';
import { compileFile, problemLine, readText } from './policy-validate';

export interface LocalPolicy {
  readonly file: string;
  readonly text: string;
  readonly compiled: CompiledPolicy;
}

/** The policy that an embedded cloud is to run by. Throws `InvalidInput` that names each error's place and way out. */
export function readLocalPolicy(file: string, now: number): LocalPolicy {
  const text = readText(file);
  if (text instanceof Error) {
    const missing = 'code' in text && text.code === 'ENOENT';
    throw new InvalidInput(
      missing
        ? `there is no policy file ${file} here: name one with --policy`
        : `cannot read the policy ${file}: ${text.message}`,
    );
  }
  const { policy: compiled, errors } = compileFile(file, text, now);
  if (!compiled) {
    const places = errors.map((problem) => problemLine(problem, 'error')).join('\n');
    throw new InvalidInput(`${file} is not valid, so nothing was started\n${places}`);
  }
  return { file, text, compiled };
}

/** The account and Regions to play: those that the policy governs, the first of them the hub's. */
export function placesOf({ registries = [] }: Pick<CompiledPolicy, 'registries'>): {
  account: string;
  regions: readonly string[];
} {
  const [first] = registries;
  if (!first) return { account: '111122223333', regions: ['eu-central-1', 'eu-west-1'] };
  const regions = registries.flatMap((registry) => registry.regions);
  return { account: first.account, regions: [...new Set(regions)] };
}
