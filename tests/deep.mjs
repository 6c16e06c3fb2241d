/** The same properties as `npm test`, at large counts: every test file that asks for DEEP, one after another. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const files = readdirSync(join(root, 'tests'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.ts'))
  .filter((file) => readFileSync(join(root, 'tests', file), 'utf8').includes('process.env.DEEP'));
process.stdout.write(`deep: ${files.join(', ')}\n`);
const { status } = spawnSync(
  process.execPath,
  [
    '--max-old-space-size=16384',
    join(root, 'node_modules/jest/bin/jest.js'),
    '--runInBand',
    '--testTimeout=3600000',
    ...files,
  ],
  { cwd: root, stdio: 'inherit', env: { ...process.env, DEEP: '1' } },
);
process.exit(status ?? 1);
