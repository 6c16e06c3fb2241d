import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../cli/program';
import { register } from '../../local/registration';
import { terminal } from './terminal';

/** One command line in this process; the temporary folder is the test's own, so that no cloud of others is found. */
async function command(line: string) {
  const screen = terminal();
  const code = await run(line === '' ? [] : line.split(' '), screen);
  return { code, ...screen.written };
}

let folder = '';
const before = process.env.TMPDIR;
beforeEach(() => {
  folder = mkdtempSync(join(before ?? tmpdir(), 'program-'));
  process.env.TMPDIR = folder;
});
afterEach(() => {
  if (before === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = before;
  rmSync(folder, { recursive: true });
});

describe('bad use', () => {
  it.each([
    ['', /^Usage: ecr-warden/],
    ['fidnings', /unknown command 'fidnings'\n\(Did you mean findings\?\)/],
    ['policy', /^Usage: ecr-warden policy/],
    ['policy valdate', /unknown command 'valdate'\n\(Did you mean validate\?\)/],
    ['findings --sevrity high', /unknown option '--sevrity'\n\(Did you mean --severity\?\)/],
    [
      'findings --severity hih',
      /argument 'hih' is invalid\. Allowed choices are low, medium, high, critical/,
    ],
    ['findings --output xml', /argument 'xml' is invalid\. Allowed choices are text, json/],
    ['findings --now yesterday', /Write an ISO 8601 time such as 2026-11-24T09:00:00Z/],
    ['findings --local --rule tag-fromat', /--rule: unknown rule "tag-fromat": did you mean "tag-format"\?/],
    ['findings --local --repository Payments', /repository names are lower case/],
    ['findings --local --data somewhere', /option '--data <folder>' cannot be used with option '--local'/],
    ['findings --local', /no embedded cloud runs on this machine; start one with `npm start`/],
    [
      'findings --local --endpoint-url http://127.0.0.1:1',
      /no embedded cloud runs at http:\/\/127\.0\.0\.1:1; start one/,
    ],
    [
      'findings --local --endpoint-url 4599',
      /--endpoint-url: "4599" is no address; write one such as http:\/\/127\.0\.0\.1:4599/,
    ],
    ['findings --data nowhere', /nowhere is no data folder of an embedded cloud/],
    ['audit list --limit 0 --local', /Write a whole number, 1 or more/],
    ['audit history', /missing required argument 'tag'/],
    ['audit history a b --local', /too many arguments for 'history'\. Expected 1 argument but got 2/],
    ['audit show --sequence x a', /Write a whole number/],
    ['rules tag-fromat', /did you mean "tag-format"/],
    ['local replay', /missing required argument 'file'/],
    ['local replay nothing.jsonl', /cannot read nothing\.jsonl/],
    ['local start --port 99999', /Write a port from 1 to 65535, or 0 for a free one/],
    ['local start --policy nothing.yaml', /nothing\.yaml/],
  ])(
    '%j ends with 2, says what is wrong on standard error, and prints nothing else',
    async (line, message) => {
      const { code, out, err } = await command(line);
      expect(err).toMatch(message);
      expect(out).toBe('');
      expect(code).toBe(2);
      // A sentence, never a stack trace.
      expect(err).not.toMatch(/\n {4}at /);
    },
  );

  it('is told with file, line, column and the way out where it is in the policy', async () => {
    const file = join(folder, 'policy.yaml');
    writeFileSync(file, 'version: 1\nruels: {}\n');
    for (const line of [`local start --policy ${file}`, `local replay ${file} --policy ${file}`]) {
      const { code, out, err } = await command(line);
      expect(err).toContain(`${file}:2:1: error: ruels: unknown key "ruels": did you mean "rules"?`);
      expect([code, out]).toEqual([2, '']);
    }
  });
});

describe('help', () => {
  it.each([
    '--help',
    'findings --help',
    'policy validate --help',
    'policy show --help',
    'rules --help',
    'audit list --help',
    'audit show --help',
    'audit history --help',
    'local start --help',
    'local replay --help',
  ])('%s ends with 0 and shows an example', async (line) => {
    const { code, out, err } = await command(line);
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/\nExamples?:\n {2}(npx |)(ecr-warden|npm start)/);
  });

  it('is not needed for the version', async () => {
    expect(await command('--version')).toEqual({
      code: 0,
      out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
      err: '',
    });
  });
});

describe('several embedded clouds', () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  async function cloud(startedAt: string): Promise<string> {
    const server = createServer((socket) => socket.destroy());
    servers.push(server);
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const address = server.address();
    const endpoint = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    register({ endpoint, account: '111122223333', regions: ['eu-central-1'], pid: process.pid, startedAt });
    return endpoint;
  }

  it('are named, so that one can be chosen', async () => {
    const [first, second] = [await cloud('2026-11-24T10:00:00Z'), await cloud('2026-11-24T11:00:00Z')];
    const { code, out, err } = await command('findings --local');
    expect([code, out]).toEqual([2, '']);
    expect(err).toBe(
      'error: several embedded clouds run on this machine; name one with --endpoint-url\n' +
        `  --endpoint-url ${first}  started 2026-11-24T10:00:00Z\n` +
        `  --endpoint-url ${second}  started 2026-11-24T11:00:00Z\n`,
    );
  });
});

describe('the commands about the policy', () => {
  it('are wired', async () => {
    const valid = await command('policy validate --output json');
    expect(JSON.parse(valid.out)).toMatchObject({ valid: true, errors: [] });
    const shown = await command('policy show payments/api --output json');
    expect(JSON.parse(shown.out)).toMatchObject({ repository: 'payments/api' });
    const rules = await command('rules --output json');
    expect(JSON.parse(rules.out)).toContainEqual(expect.objectContaining({ id: 'tag-format' }));
    expect([valid.code, shown.code, rules.code]).toEqual([0, 0, 0]);
  });

  it('end with 1 for a policy that is not valid', async () => {
    const file = join(folder, 'policy.yaml');
    writeFileSync(file, 'version: 2\n');
    const { code, out } = await command(`policy validate ${file} --output json`);
    expect([code, JSON.parse(out).valid]).toEqual([1, false]);
  });
});
