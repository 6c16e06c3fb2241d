import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

interface Build {
  buildFunctions(options?: {
    readonly policyFile?: string;
    readonly log?: (line: string) => void;
  }): Promise<readonly { readonly name: string; readonly bytes: number; readonly changed: boolean }[]>;
  packageService(options?: { readonly log?: (line: string) => void }): Promise<void>;
}

/** The checkout, seen from `dist/cli/main.js`, which is where this runs. */
export const checkout = resolve(__dirname, '../..');

/** The build script is no part of any bundle: it is loaded from the checkout when it is needed. */
export async function loadBuild(): Promise<Build> {
  const loaded: Build = await import(pathToFileURL(join(checkout, 'build.mjs')).href);
  return loaded;
}
