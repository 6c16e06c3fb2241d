import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const root = join(__dirname, '..');

/**
 * A module of ours with one line of its sources changed, so that a test can be seen to find what that line prevents.
 * The line must stand in the file exactly once: a mutant that no longer applies fails its test.
 */
export async function mutant<T>(entry: string, file: string, from: string, to: string): Promise<T> {
  const path = join(root, file);
  const source = readFileSync(path, 'utf8');
  if (source.split(from).length !== 2)
    throw new Error(`${file} does not hold this line exactly once: ${from}`);
  const built = await build({
    entryPoints: [join(root, entry)],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    plugins: [
      {
        name: 'mutant',
        setup: ({ onLoad }) =>
          onLoad({ filter: /\.ts$/ }, (args) =>
            args.path === path ? { contents: source.replace(from, to), loader: 'ts' } : undefined,
          ),
      },
    ],
  });
  const loaded: { exports: T } = { exports: {} as T };
  new Function('module', 'exports', 'require', built.outputFiles[0]!.text)(loaded, loaded.exports, require);
  return loaded.exports;
}
