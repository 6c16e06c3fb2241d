import { createReadStream } from 'node:fs';
import { type FileHandle, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createGunzip, gunzip } from 'node:zlib';
import {
  type ExportPosition,
  type ExportProgress,
  exportBeginning,
  exportTrail,
  type Manifest,
  type TrailSource,
} from '../shared/audit/export';
import { gzipMember, memberHeaderBytes, memberLength, memberTextBytes } from '../shared/audit/gzip-member';
import { isObject, parseJson } from '../shared/audit/json';
import { type TrailReader, trailReader } from '../shared/audit/trail-reader';
import type { OpenTrail } from '../shared/audit/verify';
import { InvalidInput } from '../shared/domain/errors';

const pieceBytes = 1 << 20;

/** An export as its verifier reads it, compressed or not. Throws the system's error where there is no such file. */
export async function openExport(file: string): Promise<OpenTrail> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0);
    const isGzip = bytesRead === 2 && buffer.readUInt16BE() === 0x1f8b;
    if (isGzip) return () => gunzipped(file);
    return file.endsWith('.gz') ? () => notGzip(file) : () => plain(file);
  } finally {
    await handle.close();
  }
}

// biome-ignore lint/correctness/useYield: it ends before there is anything to yield
async function* notGzip(file: string): AsyncGenerator<Buffer> {
  throw new InvalidInput(`${file} is named like compressed data and is none`);
}

/** Reads into one of two buffers while the other is worked on. */
async function* plain(file: string): AsyncGenerator<Buffer> {
  const handle = await open(file);
  const buffers = [Buffer.allocUnsafeSlow(pieceBytes), Buffer.allocUnsafeSlow(pieceBytes)] as const;
  let coming = handle.read(buffers[0], 0, pieceBytes);
  try {
    for (let turn = 1; ; turn += 1) {
      const { buffer, bytesRead } = await coming;
      if (bytesRead === 0) return;
      coming = handle.read(buffers[turn % 2 === 0 ? 0 : 1], 0, pieceBytes);
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await coming.catch(() => undefined);
    await handle.close();
  }
}

async function* gunzipped(file: string): AsyncGenerator<Buffer> {
  const { size } = await stat(file);
  const unzip = createGunzip({ chunkSize: 1 << 18 });
  const input = createReadStream(file, { highWaterMark: 1 << 18 });
  const done = pipeline(input, unzip).catch(() => undefined);
  try {
    for await (const piece of unzip) yield piece;
  } catch (error) {
    const code = codeOf(error);
    if (code === 'Z_BUF_ERROR')
      throw new InvalidInput('the compressed data ends in the middle: it was cut off');
    if (code.startsWith('Z_')) throw new InvalidInput('the compressed data is damaged');
    throw error;
  } finally {
    input.destroy();
    await done;
  }
  if (unzip.bytesWritten < size) {
    throw new InvalidInput(
      `${size - unzip.bytesWritten} bytes that are no data come after the compressed data`,
    );
  }
}

export interface ExportedFile {
  readonly manifest: Manifest;
  /** How many records were in the file before, from an export that was interrupted. */
  readonly before: number;
}

/**
 * Writes an export of the trail, compressed where the file's name ends in `.gz`. An export that was interrupted goes
 * on after its last whole line (or, compressed, its last whole piece), and comes out as if it had not been: what it
 * has to remember meanwhile is in a file of the same name with `.resume` at its end. Throws `InvalidInput` where the
 * file holds something else, which is never overwritten.
 */
export async function exportToFile(
  file: string,
  source: TrailSource,
  onProgress: (progress: ExportProgress) => void,
): Promise<ExportedFile> {
  const resumeFile = `${file}.resume`;
  const begun = await readBegun(file, resumeFile);
  const position = { ...(await exportBeginning(source)), ...begun?.position, ...begun?.remembered };
  const before = position.tally.records;
  await writeFile(resumeFile, JSON.stringify({ newestSeal: position.newestSeal ?? null }));
  const handle = await open(file, begun ? 'r+' : 'w');
  try {
    await handle.truncate(begun?.length ?? 0);
    await writeLines(
      handle,
      begun?.length ?? 0,
      exportTrail(source, position, onProgress),
      file.endsWith('.gz'),
    );
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rm(resumeFile);
  return { manifest: await position.tally.manifest(), before };
}

/** Lines are written in pieces whose borders do not depend on where an earlier run stopped. */
async function writeLines(
  handle: FileHandle,
  from: number,
  lines: AsyncIterable<string>,
  compressed: boolean,
): Promise<void> {
  let at = from;
  let piece: string[] = [];
  let length = 0;
  const flush = async (): Promise<void> => {
    const text = Buffer.from(piece.join(''));
    const bytes = compressed ? await gzipMember(text) : text;
    await handle.write(bytes, 0, bytes.length, at);
    at += bytes.length;
    piece = [];
    length = 0;
  };
  for await (const line of lines) {
    piece.push(line);
    length += Buffer.byteLength(line);
    if (length >= memberTextBytes) await flush();
  }
  if (length > 0) await flush();
}

interface Begun {
  readonly position: Omit<ExportPosition, 'newestSeal'>;
  /** Bytes of the file that stay. */
  readonly length: number;
  readonly remembered: Remembered | undefined;
}

async function readBegun(file: string, resumeFile: string): Promise<Begun | undefined> {
  if (!(await sizeOf(file))) return undefined;
  const remembered = await readRemembered(resumeFile);
  const reader = trailReader({ exported: true });
  const length = file.endsWith('.gz') ? await readMembers(file, reader) : await readLines(file, reader);
  const { tally, last, isWhole, isComplete } = reader.soFar();
  if (isComplete) {
    throw new InvalidInput(`${file} is a complete export; remove it first, or write to another file`);
  }
  if (!isWhole || (tally.records === 0 && !remembered)) {
    throw new InvalidInput(
      `${file} is not the beginning of an export, so it is left as it is; remove it first, or write to another file`,
    );
  }
  return { position: { tally, ...(last && { last }) }, length, remembered };
}

/** Answers how many bytes are whole lines. */
async function readLines(file: string, reader: TrailReader): Promise<number> {
  let read = 0;
  let whole = 0;
  for await (const piece of plain(file)) {
    const line = piece.lastIndexOf(0x0a);
    if (line >= 0) whole = read + line + 1;
    read += piece.length;
    reader.push(piece);
  }
  return whole;
}

/** Answers how many bytes are whole members. */
async function readMembers(file: string, reader: TrailReader): Promise<number> {
  const handle = await open(file);
  try {
    for (let at = 0; ; ) {
      const header = await handle.read(Buffer.alloc(memberHeaderBytes), 0, memberHeaderBytes, at);
      const length = memberLength(header.buffer.subarray(0, header.bytesRead));
      if (length === undefined || at + length > (await handle.stat()).size) return at;
      const member = await handle.read(Buffer.alloc(length), 0, length, at);
      const text = await promisify(gunzip)(member.buffer).catch(() => undefined);
      if (!text) return at;
      reader.push(text);
      at += length;
    }
  } finally {
    await handle.close();
  }
}

async function sizeOf(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

interface Remembered {
  readonly newestSeal: string | undefined;
}

async function readRemembered(file: string): Promise<Remembered | undefined> {
  try {
    const value = parseJson(await readFile(file, 'utf8'));
    if (!isObject(value)) return undefined;
    return { newestSeal: typeof value.newestSeal === 'string' ? value.newestSeal : undefined };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT';
}

/** The code of an error of the system or of zlib. */
function codeOf(error: unknown): string {
  return isObject(error) && typeof error.code === 'string' ? error.code : '';
}
