import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { InvalidInput } from '../shared/domain/errors';
import type { Output } from './output';

interface BuildScript {
  buildFunctions(): Promise<readonly { readonly name: string; readonly changed: boolean }[]>;
  packageService(): Promise<void>;
}

/** The checkout, seen from `dist/cli/main.js`, which is where this runs. */
export const checkout = resolve(__dirname, '../..');

const patienceMilliseconds = 500;

/**
 * Brings the functions' bundles and the package up to date, as a deployment would have them: with the checkout's own
 * policy, whatever policy is to be tried out. Says so where it takes a while. Throws `InvalidInput`.
 */
export async function buildWhatChanged(output: Output): Promise<void> {
  const timer = setTimeout(
    () => output.stderr('Building what changed, as it would be deployed …\n'),
    patienceMilliseconds,
  );
  try {
    // By a path that no bundler follows: the script belongs to the checkout.
    const script: BuildScript = await import(pathToFileURL(join(checkout, 'build.mjs')).href);
    await script.buildFunctions();
    await script.packageService();
  } catch (error) {
    throw new InvalidInput(`the build failed: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  } finally {
    clearTimeout(timer);
  }
}
