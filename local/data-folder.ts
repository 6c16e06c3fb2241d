import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { z } from 'zod';
import { InvalidInput } from '../shared/domain/errors';

/** Whose cloud a data folder keeps. */
export interface FolderOwner {
  readonly account: string;
  /** The hub's Region comes first. */
  readonly regions: readonly string[];
}

export interface DataFolder extends FolderOwner {
  /** The folder for DynamoDB's files. */
  readonly tables: string;
  /** What `save` kept under this name, or undefined. Throws `InvalidInput` that names the file if it is damaged. */
  load(name: SavedName): unknown;
  /** Replaces the whole file, or leaves it as it was. */
  save(name: SavedName, json: string): void;
  /** ECR's journal, in order. Throws `InvalidInput` that names file and line. */
  journal(): Generator<object>;
  append(entry: object): void;
  /** Gives the folder free for others. */
  close(): void;
}

export type SavedName = 'queues' | 'slack' | 'parameters';

const FORMAT = 1;
const OWNER = 'ecr-warden.json';
const LOCK = 'lock.json';
const JOURNAL = 'ecr.jsonl';
const OURS = new Set([OWNER, LOCK, JOURNAL, 'tables', 'queues.json', 'slack.json', 'parameters.json']);

const ownerSchema = z.object({
  format: z.number(),
  account: z.string(),
  regions: z.array(z.string()).min(1),
});
const lockSchema = z.object({ pid: z.int().positive() });

/**
 * Opens the folder in which an embedded cloud keeps everything, for this process alone; without `create` one that
 * holds nothing is refused. Throws `InvalidInput` with the folder and the way out, and then has changed nothing.
 */
export function openDataFolder(folder: string, create?: FolderOwner): DataFolder {
  const known = inspect(folder);
  if (!known && !create) {
    throw new InvalidInput(`${folder} is no data folder of an embedded cloud: there is no ${OWNER} in it`);
  }
  const owner = agreed(folder, known, create);
  mkdirSync(folder, { recursive: true });
  lock(folder);
  const at = (name: string): string => join(folder, name);
  replace(at(OWNER), JSON.stringify({ format: FORMAT, ...owner }));
  dropTornLine(at(JOURNAL));
  let journal: number | undefined;

  return {
    ...owner,
    tables: at('tables'),
    load: (name) => (existsSync(at(`${name}.json`)) ? readJson(at(`${name}.json`)) : undefined),
    save: (name, json) => replace(at(`${name}.json`), json),
    *journal() {
      let number = 0;
      for (const line of linesOf(at(JOURNAL))) {
        number += 1;
        if (line !== '') yield entryOf(line, `${at(JOURNAL)}:${number}`);
      }
    },
    append(entry) {
      journal ??= openSync(at(JOURNAL), 'a');
      writeSync(journal, `${JSON.stringify(entry)}\n`);
    },
    close() {
      if (journal !== undefined) closeSync(journal);
      journal = undefined;
      rmSync(at(LOCK), { force: true });
    },
  };
}

/** Who the folder belongs to; undefined for one that is empty or not there. */
function inspect(folder: string): z.infer<typeof ownerSchema> | undefined {
  const names = namesIn(folder);
  const foreign = names.find((name) => !OURS.has(name) && !name.endsWith('.tmp'));
  if (foreign !== undefined) {
    throw new InvalidInput(
      `${folder} holds ${foreign}, which is no file of an embedded cloud: name an empty folder, or one that is yet to be made`,
    );
  }
  if (!names.includes(OWNER)) {
    const [other] = names.filter((name) => name !== LOCK && !name.endsWith('.tmp'));
    if (other === undefined) return undefined;
    throw new InvalidInput(`${folder} is damaged: it holds ${other} but not ${OWNER}. ${NOTHING_CHANGED}`);
  }
  const parsed = ownerSchema.safeParse(readJson(join(folder, OWNER)));
  if (!parsed.success) {
    throw new InvalidInput(`${join(folder, OWNER)} is damaged: ${reason(parsed.error)}. ${NOTHING_CHANGED}`);
  }
  if (parsed.data.format !== FORMAT) {
    throw new InvalidInput(
      `${folder} has format ${parsed.data.format}, and this version reads format ${FORMAT}: use the version that wrote it, or another folder`,
    );
  }
  return parsed.data;
}

const NOTHING_CHANGED = 'Nothing was changed; put back a copy, or name another folder';

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT') return [];
    if (code === 'ENOTDIR') throw new InvalidInput(`${folder} is a file: name a folder`);
    throw new InvalidInput(`cannot read the folder ${folder}: ${(error as Error).message}`);
  }
}

function agreed(
  folder: string,
  known: FolderOwner | undefined,
  wanted: FolderOwner | undefined,
): FolderOwner {
  const { account, regions } = known ?? wanted ?? { account: '', regions: [] };
  if (!wanted || !known) return { account, regions };
  const [home] = regions;
  if (wanted.account !== account || wanted.regions[0] !== home) {
    throw new InvalidInput(
      `${folder} belongs to account ${account} with its hub in ${home}, and the policy asks for ${wanted.account} in ${wanted.regions[0]}: name another folder`,
    );
  }
  return { account, regions: [...new Set([...wanted.regions, ...regions])] };
}

/** One process at a time. What a killed one left behind is taken over. */
function lock(folder: string): void {
  const file = join(folder, LOCK);
  for (;;) {
    try {
      writeFileSync(file, JSON.stringify({ pid: process.pid }), { flag: 'wx' });
      return;
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') {
        throw new InvalidInput(`cannot write to the folder ${folder}: ${(error as Error).message}`);
      }
    }
    const pid = holderOf(file);
    if (pid !== undefined && isRunning(pid)) {
      throw new InvalidInput(
        pid === process.pid
          ? `${folder} is already open in this process`
          : `${folder} is in use by process ${pid}: stop that one first, or name another folder`,
      );
    }
    rmSync(file, { force: true });
  }
}

function holderOf(file: string): number | undefined {
  try {
    return lockSchema.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data?.pid;
  } catch {
    return undefined;
  }
}

/** Signal 0 asks only whether the process is there; one of another user is there and may not be asked. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}

/** What was being written when the process was killed never took effect: the journal comes first. */
function dropTornLine(file: string): void {
  // Made if missing, so that a folder that may not be written to is found now and not at the first push.
  const handle = openSync(file, 'a+');
  try {
    const { size } = fstatSync(handle);
    const chunk = Buffer.alloc(CHUNK);
    for (let end = size; end > 0; end -= CHUNK) {
      const start = Math.max(0, end - CHUNK);
      const read = readSync(handle, chunk, 0, end - start, start);
      const lineEnd = chunk.subarray(0, read).lastIndexOf(NEWLINE);
      if (lineEnd < 0 && start > 0) continue;
      if (start + lineEnd + 1 < size) truncateSync(file, start + lineEnd + 1);
      return;
    }
  } finally {
    closeSync(handle);
  }
}

const CHUNK = 1024 * 1024;
const NEWLINE = 10;

/** A journal may be larger than a string can be. */
function* linesOf(file: string): Generator<string> {
  const handle = openSync(file, 'r');
  try {
    const chunk = Buffer.alloc(CHUNK);
    const decoder = new StringDecoder('utf8');
    let rest = '';
    for (let read = readSync(handle, chunk); read > 0; read = readSync(handle, chunk)) {
      const lines = (rest + decoder.write(chunk.subarray(0, read))).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
    if (rest !== '') yield rest;
  } finally {
    closeSync(handle);
  }
}

function entryOf(line: string, place: string): object {
  try {
    const entry: unknown = JSON.parse(line);
    if (typeof entry === 'object' && entry !== null) return entry;
  } catch {
    // Told below, as any other line that is no object.
  }
  throw new InvalidInput(`${place} is damaged: it is no JSON object. ${NOTHING_CHANGED}`);
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new InvalidInput(`${file} is damaged: ${(error as Error).message}. ${NOTHING_CHANGED}`);
  }
}

function replace(file: string, text: string): void {
  writeFileSync(`${file}.tmp`, text);
  renameSync(`${file}.tmp`, file);
}

function reason({ issues }: z.ZodError): string {
  const [issue] = issues;
  return `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`;
}
