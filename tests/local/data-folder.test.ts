import { spawn } from 'node:child_process';
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { type DataFolder, type FolderOwner, openDataFolder } from '../../local/data-folder';

const owner: FolderOwner = { account: '111122223333', regions: ['eu-central-1', 'eu-west-1'] };
let folder: string;
const opened: DataFolder[] = [];

beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'warden-folder-')), 'data');
});
afterEach(() => {
  for (const one of opened.splice(0)) one.close();
  rmSync(join(folder, '..'), { recursive: true });
});

function open(create: FolderOwner | undefined = owner): DataFolder {
  const one = openDataFolder(folder, create);
  opened.push(one);
  return one;
}

/** What stands in the folder, byte for byte. */
function contents(): Record<string, string> {
  return Object.fromEntries(
    readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
  );
}

test('what was kept is there when it is opened again', () => {
  const first = open();
  expect(first.load('queues')).toBeUndefined();
  expect([...first.journal()]).toEqual([]);
  first.append({ change: 'one' });
  first.append({ change: 'two\nlines' });
  first.save('queues', '{"messages":3}');
  first.close();
  const second = open();
  expect([...second.journal()]).toEqual([{ change: 'one' }, { change: 'two\nlines' }]);
  expect(second.load('queues')).toEqual({ messages: 3 });
  second.append({ change: 'three' });
  second.close();
  expect([...open().journal()]).toHaveLength(3);
});

test('it remembers whose it is, for those who only look', () => {
  open().close();
  expect(openDataFolder(folder)).toMatchObject(owner);
  rmSync(join(folder, 'lock.json'));
});

test('Regions may be added; another account or another hub is refused', () => {
  open().close();
  expect(open({ ...owner, regions: ['eu-central-1', 'us-east-1'] }).regions).toEqual([
    'eu-central-1',
    'us-east-1',
    'eu-west-1',
  ]);
  opened.splice(0).forEach((one) => void one.close());
  expect(() => open({ ...owner, account: '444455556666' })).toThrow(/belongs to account 111122223333/);
  expect(() => open({ ...owner, regions: ['eu-west-1'] })).toThrow(
    /hub in eu-central-1.*asks for.*eu-west-1/,
  );
});

describe('one process at a time', () => {
  test('a second opening is refused, and works once the first has ended', () => {
    const first = open();
    expect(() => open()).toThrow(/is already open in this process/);
    first.close();
    expect(() => open()).not.toThrow();
  });

  test('a folder in use names the process that uses it', async () => {
    open().close();
    const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    try {
      writeFileSync(join(folder, 'lock.json'), JSON.stringify({ pid: other.pid }));
      expect(() => open()).toThrow(`is in use by process ${other.pid}: stop that one first`);
      const gone = new Promise((resolve) => other.on('exit', resolve));
      other.kill('SIGKILL');
      await gone;
      expect(() => open()).not.toThrow();
    } finally {
      other.kill('SIGKILL');
    }
  });

  test('a lock that cannot be read is one that was left behind', () => {
    open().close();
    writeFileSync(join(folder, 'lock.json'), '{"pid":');
    expect(() => open()).not.toThrow();
  });
});

describe('what will not do is named, and left as it is', () => {
  test.each<[string, Record<string, string>, RegExp]>([
    [
      'a stranger’s folder',
      { 'thesis.tex': 'x' },
      /holds thesis\.tex, which is no file of an embedded cloud/,
    ],
    [
      'a folder without its first file',
      { 'queues.json': '{}' },
      /damaged: it holds \S+ but not ecr-warden\.json/,
    ],
    ['a first file that is no JSON', { 'ecr-warden.json': '{"format":' }, /ecr-warden\.json is damaged/],
    [
      'a first file without an account',
      { 'ecr-warden.json': '{"format":1}' },
      /ecr-warden\.json is damaged: account/,
    ],
    [
      'a later format',
      { 'ecr-warden.json': JSON.stringify({ format: 2, ...owner }) },
      /has format 2, and this version reads format 1/,
    ],
  ])('%s', (_, files, message) => {
    open().close();
    rmSync(join(folder, 'ecr-warden.json'));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    const before = contents();
    expect(() => open()).toThrow(message);
    expect(contents()).toEqual(before);
  });

  test('a file where a folder should be', () => {
    writeFileSync(folder, 'text');
    expect(() => open()).toThrow(/data is a file: name a folder/);
    rmSync(folder);
  });

  test('no folder, for one who only looks', () => {
    expect(() => openDataFolder(folder)).toThrow(/is no data folder of an embedded cloud/);
    expect(() => readdirSync(folder)).toThrow(/ENOENT/);
  });

  test('a broken line of the journal, by its number', () => {
    open().close();
    writeFileSync(join(folder, 'ecr.jsonl'), '{"change":1}\nnot json\n{"change":2}\n');
    expect(() => [...open().journal()]).toThrow(/ecr\.jsonl:2 is damaged/);
    expect(readFileSync(join(folder, 'ecr.jsonl'), 'utf8')).toContain('not json');
  });

  test('a broken snapshot', () => {
    open().close();
    writeFileSync(join(folder, 'slack.json'), '[');
    expect(() => open().load('slack')).toThrow(/slack\.json is damaged/);
  });
});

test('a journal larger than one read comes whole, and so does its torn end', () => {
  const first = open();
  const entries = Array.from({ length: 3000 }, (_, n) => ({ n, text: '…'.repeat(n % 400) }));
  for (const entry of entries) first.append(entry);
  first.close();
  appendFileSync(join(folder, 'ecr.jsonl'), `{"torn":"${'x'.repeat(1_500_000)}`);
  expect([...open().journal()]).toEqual(entries);
});

test('a process killed while it wrote leaves a torn last line, which is dropped and nothing else', () => {
  const entries = fc.array(fc.record({ change: fc.string(), n: fc.nat() }), { maxLength: 4 });
  void fc.assert(
    fc.property(entries, fc.record({ change: fc.string(), n: fc.nat() }), fc.nat(), (whole, last, cut) => {
      rmSync(folder, { recursive: true, force: true });
      const first = open();
      for (const entry of whole) first.append(entry);
      first.close();
      const line = Buffer.from(JSON.stringify(last));
      appendFileSync(join(folder, 'ecr.jsonl'), line.subarray(0, cut % (line.length + 1)));
      const again = open();
      expect([...again.journal()]).toEqual(whole);
      again.append(last);
      again.close();
      const third = open();
      expect([...third.journal()]).toEqual([...whole, last]);
      third.close();
    }),
  );
});
