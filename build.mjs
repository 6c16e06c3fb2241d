#!/usr/bin/env node
// Builds what runs: the functions' bundles, the policy as they read it, the command line, the package to deploy.
// `node build.mjs` builds the functions and the policy; with --package the CloudFormation template and the zips too.
// What is up to date is left alone, by a hash of everything that went into it.

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const require = createRequire(import.meta.url);
const root = dirname(fileURLToPath(import.meta.url));
const functionsFolder = join(root, 'dist/functions');
const packageFolder = join(root, '.serverless');

/** Something the user can put right: its message is all there is to say. */
class BuildError extends Error {}

/** @type {import('esbuild').BuildOptions} */
const functionOptions = {
  absWorkingDir: root,
  bundle: true,
  write: false,
  metafile: true,
  minify: true,
  sourcemap: 'external',
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  // esbuild's default for Node takes the CommonJS builds, of which nothing can be left out.
  mainFields: ['module', 'main'],
  alias: { '@aws-sdk/credential-provider-node': join(root, 'shared/aws/environment-credentials.ts') },
  logLevel: 'silent',
};

/**
 * Builds every functions/*.ts to dist/functions/NAME/index.js, with the files that it loads only when it needs them
 * beside it, and the policy as each function reads it.
 *
 * @param {{ policyFile?: string, now?: number, log?: (line: string) => void }} [options]
 * @returns {Promise<{ name: string, bytes: number, changed: boolean }[]>}
 */
export async function buildFunctions({ policyFile = join(root, 'policy.yaml'), now = Date.now(), log } = {}) {
  const policy = await buildPolicy({ policyFile, now, log });
  const names = readdirSync(join(root, 'functions')).flatMap((file) =>
    file.endsWith('.ts') ? [file.slice(0, -3)] : [],
  );
  for (const name of existsSync(functionsFolder) ? readdirSync(functionsFolder) : []) {
    if (!names.includes(name)) rmSync(join(functionsFolder, name), { recursive: true });
  }
  const built = await Promise.all(names.map((name) => buildFunction(name, policy)));
  for (const { name, bytes, changed } of built) {
    log?.(
      `${name.padEnd(20)} ${String(Math.round(bytes / 1000)).padStart(5)} KB${changed ? '' : '  unchanged'}`,
    );
  }
  return built;
}

async function buildFunction(name, policy) {
  const folder = join(functionsFolder, name);
  const entry = join(root, 'functions', `${name}.ts`);
  const changed = await unlessUpToDate(folder, ['index.js', 'meta.json'], async () => {
    const { outputFiles, metafile } = await bundleWithLazyFiles(entry);
    const made = new Set(outputFiles.map(({ path }) => basename(path)));
    for (const file of existsSync(folder) ? readdirSync(folder) : []) {
      if (/\.js(\.map)?$/.test(file) && !made.has(file)) rmSync(join(folder, file));
    }
    for (const { path, contents } of outputFiles) write(join(folder, basename(path)), contents);
    write(join(folder, 'meta.json'), JSON.stringify(metafile));
    return Object.keys(metafile.inputs);
  });
  if (readFileSync(entry, 'utf8').includes('POLICY_FILE'))
    writeIfChanged(join(folder, 'policy.json'), policy);
  return { name, bytes: statSync(join(folder, 'index.js')).size, changed };
}

/**
 * A `require` in our own sources names what is loaded only when it is needed: it becomes a file of its own beside
 * index.js, so that a cold start does not read it.
 */
async function bundleWithLazyFiles(entry) {
  const { build } = require('esbuild');
  const entries = new Map([['index', entry]]);
  const lazyFiles = {
    name: 'lazy-files',
    setup(build) {
      build.onResolve({ filter: /./ }, async ({ path, kind, importer, resolveDir, pluginData }) => {
        if (kind !== 'require-call' || pluginData === 'asked' || /[\\/]node_modules[\\/]/.test(importer))
          return;
        const found = await build.resolve(path, { kind, importer, resolveDir, pluginData: 'asked' });
        if (found.external || found.errors.length > 0) return found;
        const name = basename(path);
        entries.set(name, found.path);
        return { path: `./${name}.js`, external: true };
      });
    },
  };
  const outputFiles = [];
  const metafile = { inputs: {}, outputs: {} };
  // A lazy file may name another one, which then is the next of the loop.
  for (const [name, path] of entries) {
    const built = await build({
      ...functionOptions,
      entryPoints: { [name]: path },
      outdir: 'dist',
      plugins: [lazyFiles],
    }).catch((error) => {
      throw new BuildError(error.message);
    });
    outputFiles.push(...built.outputFiles);
    Object.assign(metafile.inputs, built.metafile.inputs);
    Object.assign(metafile.outputs, built.metafile.outputs);
  }
  return { outputFiles, metafile };
}

/** Compiles the policy to dist/policy.json; the answer is its text. A policy of the same hash keeps its build time. */
async function buildPolicy({ policyFile, now, log }) {
  const { compilePolicy } = await policyCompiler();
  const shown = relative(process.cwd(), policyFile) || policyFile;
  const { policy, errors, warnings } = compilePolicy(
    { file: shown, text: readPolicy(policyFile, shown), readFile: (path) => readFileSync(path, 'utf8') },
    new Date(now).toISOString().replace(/\.\d{3}Z$/, 'Z'),
  );
  if (!policy) throw new BuildError(errors.map((problem) => problemLine(problem, 'error')).join('\n'));
  for (const warning of warnings) log?.(problemLine(warning, 'warning'));
  const file = join(root, 'dist/policy.json');
  const known = existsSync(file) ? readFileSync(file, 'utf8') : '';
  if (known.includes(`"hash":"${policy.hash}"`)) return known;
  const text = JSON.stringify(policy);
  write(file, text);
  return text;
}

function readPolicy(file, shown) {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new BuildError(`cannot read the policy ${shown}: ${error.message}`);
  }
}

/** As `ecr-warden policy validate` prints it. */
function problemLine({ file, line, column, path, message }, kind) {
  return `${file}:${line}:${column}: ${kind}: ${path ? `${path}: ` : ''}${message}`;
}

async function policyCompiler() {
  const folder = join(root, 'dist/policy-compiler');
  await unlessUpToDate(folder, ['index.js'], async () => {
    const { build } = require('esbuild');
    const { outputFiles, metafile } = await build({
      ...functionOptions,
      entryPoints: [join(root, 'shared/policy/compile.ts')],
      packages: 'external',
      sourcemap: false,
      minify: false,
    }).catch((error) => {
      throw new BuildError(error.message);
    });
    write(join(folder, 'index.js'), outputFiles[0].contents);
    return Object.keys(metafile.inputs);
  });
  return require(join(folder, 'index.js'));
}

/**
 * Packages the service with the Serverless Framework into .serverless: the template and one zip a function. Needs no
 * credentials and no network.
 *
 * @param {{ log?: (line: string) => void }} [options]
 */
export async function packageService({ log } = {}) {
  const files = ['serverless.yml', 'package-lock.json'];
  for (const name of readdirSync(functionsFolder)) {
    const bundled = readdirSync(join(functionsFolder, name)).filter((file) =>
      /\.js$|^policy\.json$/.test(file),
    );
    files.push(...bundled.map((file) => `dist/functions/${name}/${file}`));
  }
  const template = 'cloudformation-template-update-stack.json';
  const changed = await unlessUpToDate(
    packageFolder,
    [template, 'serverless-state.json'],
    async () => {
      // In a folder of its own first: whoever reads the package meanwhile finds the old one or the new one.
      const fresh = `dist/package-${process.pid}`;
      try {
        await serverless(['package', '--package', fresh]);
        rmSync(packageFolder, { recursive: true, force: true });
        renameSync(join(root, fresh), packageFolder);
      } finally {
        rmSync(join(root, fresh), { recursive: true, force: true });
      }
      return files;
    },
    files,
  );
  log?.(`${'package'.padEnd(20)} ${changed ? 'in .serverless' : 'unchanged'}`);
}

async function serverless(options) {
  const cli = join(dirname(require.resolve('serverless/package.json')), 'bin/serverless.js');
  // Without the deployer's profile: packaging must not depend on it.
  const env = { ...process.env, SLS_INTERACTIVE_SETUP_ENABLE: '', SLS_NOTIFICATIONS_MODE: 'off' };
  try {
    await promisify(execFile)(process.execPath, [cli, ...options], { cwd: root, env });
  } catch (error) {
    throw new BuildError(`serverless ${options[0]} failed:\n${error.stderr}${error.stdout || error.message}`);
  }
}

/**
 * Builds the command line to dist/cli/main.js if any source is newer; the answer is that file's path. Packages stay
 * outside, but one that cannot be required: it is an ES module alone.
 *
 * @returns {Promise<string>}
 */
export async function buildCli() {
  const file = join(root, 'dist/cli/main.js');
  const startedAt = new Date();
  const sources = ['cli', 'shared', 'local', 'build.mjs', 'package.json'];
  const newest = Math.max(...sources.map((source) => newestChange(join(root, source))));
  if (existsSync(file) && statSync(file).mtimeMs >= newest) return file;
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const { build } = require('esbuild');
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ['cli/main.ts', 'cli/hash-worker.ts'],
    outdir: dirname(file),
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    external: Object.keys(dependencies).filter((name) => name !== 'yocto-spinner'),
    logLevel: 'silent',
  });
  // The main file last: it is the one whose date says that all of them are there.
  for (const output of outputFiles.toSorted((one) => (one.path === file ? 1 : -1)))
    write(output.path, output.contents);
  // What was saved while this ran is newer than the file, and so is built next time.
  utimesSync(file, startedAt, startedAt);
  return file;
}

/** When a file, or anything in a folder, was last changed; a removal changes the folder itself. */
function newestChange(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newestChange(join(path, name))));
}

/**
 * Runs `make` unless the folder holds its outputs, made of the same inputs as now. `make` answers with its inputs.
 *
 * @param {string[]} [extra] inputs beyond those of last time
 */
async function unlessUpToDate(folder, outputs, make, extra = []) {
  const stamp = join(folder, 'inputs.json');
  const known = readJson(stamp);
  const complete = outputs.every((file) => existsSync(join(folder, file)));
  if (complete && known?.hash === hashOfInputs([...new Set([...(known?.inputs ?? []), ...extra])]))
    return false;
  const inputs = await make();
  write(stamp, JSON.stringify({ hash: hashOfInputs(inputs), inputs }));
  return true;
}

function hashOfInputs(inputs) {
  const hash = createHash('sha256').update(require('esbuild/package.json').version);
  for (const file of ['build.mjs', ...inputs].sort()) {
    const path = resolve(root, file);
    hash.update(`\0${file}\0`).update(existsSync(path) ? readFileSync(path) : 'none');
  }
  return hash.digest('hex');
}

function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Under another name first, so that two builds at once leave a whole file and no mixture. */
function write(file, contents) {
  mkdirSync(dirname(file), { recursive: true });
  const unfinished = `${file}.${process.pid}.tmp`;
  writeFileSync(unfinished, contents);
  renameSync(unfinished, file);
}

function writeIfChanged(file, text) {
  if (!existsSync(file) || readFileSync(file, 'utf8') !== text) write(file, text);
}

async function main() {
  const unknown = argv.slice(2).find((option) => option !== '--package');
  if (unknown) throw new BuildError(`unknown option ${unknown}: there is --package`);
  const log = (line) => console.log(line);
  await buildFunctions({ log });
  if (argv.includes('--package')) await packageService({ log });
}

if (argv[1] && pathToFileURL(resolve(argv[1])).href === import.meta.url) {
  main().catch((error) => {
    console.error(error instanceof BuildError ? error.message : error);
    process.exitCode = 1;
  });
}
