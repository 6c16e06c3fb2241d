import { cpSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { bareEnvironment } from './emulator.mjs';

/**
 * The Serverless Framework as a person would run it, towards the emulator; on a copy of what was built, since it
 * leaves files behind. Answers with what it printed.
 */
export function serverlessFramework({ root, folder, emulator, run }) {
  const cli = join(
    dirname(createRequire(import.meta.url).resolve('serverless/package.json')),
    'bin/serverless.js',
  );
  const service = join(folder, 'service');
  for (const one of ['serverless.yml', 'dist/functions'])
    cpSync(join(root, one), join(service, one), { recursive: true });
  return (...options) =>
    run(process.execPath, [cli, ...options], {
      cwd: service,
      env: { ...bareEnvironment(folder), ...emulator.environment, SLS_NOTIFICATIONS_MODE: 'off' },
    });
}

/** The functions' names in serverless.yml, as the package has them. */
export function functionNames(packageFolder) {
  const state = JSON.parse(readFileSync(join(packageFolder, 'serverless-state.json'), 'utf8'));
  return Object.keys(state.service.functions);
}
