import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

const root = join(__dirname, '../..');

/** A folder of `shared/` imports only from folders above it in this list. */
const rooms = [
  'domain',
  'events',
  'lifecycle',
  'replication',
  'rules',
  'policy',
  'audit',
  'evaluation',
  'enforcement',
  'sweep',
  'reports',
  'alerts',
  'aws',
  'lambda',
];

const sources = ['shared', 'functions', 'cli', 'local'].flatMap((folder) => files(join(root, folder)));

function files(
  folder: string,
): { readonly path: string; readonly text: string; readonly imports: readonly string[] }[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return files(path);
    if (!/\.m?ts$/.test(name)) return [];
    const text = readFileSync(path, 'utf8');
    const imports = [...text.matchAll(/(?:from|import|require)\s*\(?\s*'([^']+)'/g)].map(([, name]) => name!);
    return [{ path: relative(root, path).split(sep).join('/'), text, imports }];
  });
}

/** The path that a relative import names, from the root; undefined for a package. */
function target(path: string, imported: string): string | undefined {
  return imported.startsWith('.') ? join(path, '..', imported).split(sep).join('/') : undefined;
}

function offences(test: (source: (typeof sources)[number], imported: string) => boolean): string[] {
  return sources.flatMap((source) =>
    source.imports.filter((one) => test(source, one)).map((one) => `${source.path} imports ${one}`),
  );
}

test('the house has sources to judge', () => {
  expect(sources.length).toBeGreaterThan(60);
  expect(sources.flatMap(({ imports }) => imports).length).toBeGreaterThan(200);
});

test('every folder of shared/ is a room of the list', () => {
  const found = readdirSync(join(root, 'shared')).filter((name) =>
    statSync(join(root, 'shared', name)).isDirectory(),
  );
  expect(found.filter((name) => !rooms.includes(name))).toEqual([]);
});

test('a room imports only from rooms above it', () => {
  const wrong = offences(({ path }, imported) => {
    const [, from] = /^shared\/([^/]+)\//.exec(path) ?? [];
    if (!from) return false;
    const [top, to] = (target(path, imported) ?? '').split('/');
    if (!target(path, imported)) return false;
    return top !== 'shared' || rooms.indexOf(to ?? '') > rooms.indexOf(from);
  });
  expect(wrong).toEqual([]);
});

test('domain imports nothing but itself', () => {
  expect(
    offences(({ path }, imported) => path.startsWith('shared/domain/') && !imported.startsWith('./')),
  ).toEqual([]);
});

test.each([
  ['the AWS SDK', /^@aws-sdk\//, /^(shared\/aws\/|local\/sample)/],
  ['middy and Powertools', /^@(middy|aws-lambda-powertools)\//, /^(shared\/lambda\/|functions\/)/],
  ['Slack’s SDK', /^@slack\//, /^shared\/alerts\/slack\//],
  [
    'the network',
    /^node:(http|https|net|tls|dgram|http2)$/,
    /^(shared\/(aws|alerts\/slack|alerts\/webhook)\/|local\/)/,
  ],
])('%s is imported only where it belongs', (_, packages, allowed) => {
  expect(offences(({ path }, imported) => packages.test(imported) && !allowed.test(path))).toEqual([]);
});

test('the environment is read in one file', () => {
  expect(
    sources
      .filter(({ path, text }) => /process\.env\b/.test(text) && path !== 'shared/lambda/environment.ts')
      .map(({ path }) => path),
  ).toEqual([]);
});

test('rooms that decide read no clock and no randomness', () => {
  const deciding =
    /^shared\/(domain|events|lifecycle|replication|rules|policy|audit|evaluation|enforcement|sweep|reports|alerts)\//;
  const reads = /Date\.now\(\)|new Date\(\)|Math\.random\(\)|randomUUID\(/;
  expect(
    sources.filter(({ path, text }) => deciding.test(path) && reads.test(text)).map(({ path }) => path),
  ).toEqual([]);
});

test('nothing outside local/ and cli/ knows the embedded cloud', () => {
  expect(
    offences(
      ({ path }, imported) =>
        !/^(local|cli)\//.test(path) && (target(path, imported) ?? '').startsWith('local/'),
    ),
  ).toEqual([]);
});
