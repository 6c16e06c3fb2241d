import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { CommandFailed } from './children.mjs';

/** Why there is no rehearsal here, where nothing is wrong with the project. */
export class Skipped extends Error {}

/**
 * A virtual environment with what requirements.txt pins, made anew when the pins or the Python change.
 *
 * @returns {Promise<{ bin: string, version: string }>} where its programs are, and Python's version
 * @throws {Skipped} without Python 3.10 or newer, or where pip cannot get the packages
 */
export async function pythonEnvironment({ folder, requirements, run, log }) {
  const { python, version } = await findPython(run);
  const stamp = join(folder, 'made-of');
  const madeOf = createHash('sha256').update(version).update(readFileSync(requirements)).digest('hex');
  const bin = join(folder, 'bin');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === madeOf && existsSync(join(bin, 'python')))
    return { bin, version };

  log(`installing ${basename(requirements)} into ${basename(folder)}, once`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await orSkip('a virtual environment cannot be made', () => run(python, ['-m', 'venv', folder]));
  await orSkip('pip cannot get the pinned packages', () =>
    run(join(bin, 'python'), [
      ...['-m', 'pip', 'install', '--quiet', '--no-input', '--disable-pip-version-check'],
      ...['--retries', '1', '--timeout', '15', '--requirement', requirements],
    ]),
  );
  writeFileSync(stamp, madeOf);
  return { bin, version };
}

async function findPython(run) {
  const question = 'import sys; print("%d.%d.%d" % sys.version_info[:3])';
  for (const python of ['python3', 'python']) {
    const version = await run(python, ['-c', question]).then(
      (text) => text.trim(),
      () => '',
    );
    const [major, minor] = version.split('.').map(Number);
    if (major === 3 && minor >= 10) return { python, version };
  }
  throw new Skipped('it needs Python 3.10 or newer, and there is none');
}

async function orSkip(what, command) {
  try {
    await command();
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    throw new Skipped(`${what}: ${reasonIn(error.message)}`);
  }
}

/** pip says of an index that it cannot reach only that nothing matches; why stands in its warnings. */
function reasonIn(printed) {
  if (/connection broken by|ProxyError|Read timed out/.test(printed))
    return 'the package index does not answer';
  const lines = printed.split('\n').filter((line) => line.trim() !== '');
  const reason = lines.findLast((line) => line.startsWith('ERROR:')) ?? lines.at(-1) ?? 'no reason given';
  return reason.replace(/^ERROR: /, '');
}
