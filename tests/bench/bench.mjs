#!/usr/bin/env node
// `npm run bench -- NAME [ARGUMENTS]` runs tests/bench/NAME.ts or NAME.mjs; without a name it says which there are.
// A benchmark in TypeScript is bundled to dist/bench/NAME.js first, and each program in its folder NAME, which it runs in
// processes of their own, to dist/bench/NAME/.

import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { argv, execPath, exit, stderr } from 'node:process';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const folder = dirname(fileURLToPath(import.meta.url));
const root = join(folder, '../..');

const [name, ...rest] = argv.slice(2);
const names = readdirSync(folder).flatMap(
  (file) => /^(?!bench\.)([a-z-]+)\.(?:ts|mjs)$/.exec(file)?.[1] ?? [],
);
if (name === undefined || !names.includes(name)) {
  if (name !== undefined) stderr.write(`there is no benchmark ${name}\n`);
  stderr.write(`usage: npm run bench -- NAME, where NAME is one of: ${names.sort().join(', ')}\n`);
  exit(2);
}
const script = existsSync(join(folder, `${name}.mjs`)) ? join(folder, `${name}.mjs`) : await bundled(name);
// Ctrl-C reaches the benchmark as well, which then ends what it started: this only waits for it.
process.on('SIGINT', () => undefined);
spawn(execPath, [script, ...rest], { stdio: 'inherit', cwd: root }).on('exit', (code) => exit(code ?? 1));

/** @param {string} name */
async function bundled(name) {
  const parts = existsSync(join(folder, name)) ? readdirSync(join(folder, name)) : [];
  await build({
    entryPoints: [
      join(folder, `${name}.ts`),
      ...parts.filter((file) => file.endsWith('.ts')).map((file) => join(folder, name, file)),
    ],
    outbase: folder,
    outdir: join(root, 'dist/bench'),
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    packages: 'external',
    logLevel: 'warning',
  });
  return join(root, 'dist/bench', `${name}.js`);
}
