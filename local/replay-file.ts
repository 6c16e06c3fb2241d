import { createReadStream, type ReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { InvalidInput } from '../shared/domain/errors';

const longestLine = 1_000_000;

export interface ReplayFile {
  /** How much of the file has been read, from 0 to 1. */
  progress(): number;
  /** The lines that are not blank, numbered from 1 as an editor would. Throws `InvalidInput` where gzip is damaged. */
  readonly lines: AsyncIterable<{ readonly number: number; readonly text: string }>;
}

/** Opens a file of lines, gzipped or not; its content decides, whatever it is called. Throws `InvalidInput`. */
export async function openReplayFile(path: string): Promise<ReplayFile> {
  const { gzipped, size } = await look(path);
  let file: ReadStream | undefined;
  return {
    progress: () => (size === 0 ? 1 : (file?.bytesRead ?? 0) / size),
    lines: {
      // Opened when it is read, since a stream that nobody reads has nobody to tell its errors to.
      [Symbol.asyncIterator]() {
        file = createReadStream(path, { highWaterMark: 256 * 1024 });
        return linesOf(path, file, gzipped);
      },
    },
  };
}

async function look(path: string): Promise<{ gzipped: boolean; size: number }> {
  try {
    const handle = await open(path);
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0);
      return {
        gzipped: bytesRead === 2 && buffer.readUInt16BE() === 0x1f8b,
        size: (await handle.stat()).size,
      };
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw new InvalidInput(`cannot read ${path}: ${reasonOf(error)}`);
  }
}

async function* linesOf(path: string, file: Readable, gzipped: boolean) {
  // A failed pipeline destroys what is read here, so the error is thrown by the loop.
  const input = gzipped ? pipeline(file, createGunzip(), () => undefined) : file;
  let number = 0;
  try {
    for await (const text of split(input)) {
      number += 1;
      if (text.trim() !== '') yield { number, text };
    }
  } catch (error) {
    throw new InvalidInput(`${path} breaks off after line ${number}: ${reasonOf(error)}`);
  } finally {
    file.destroy();
  }
}

/** By hand, since `readline` in Node 20 ends without a word where its input fails. */
async function* split(input: AsyncIterable<Buffer>): AsyncIterable<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of input) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > longestLine) throw new Error(`the next line has more than ${longestLine} characters`);
    for (const line of lines) yield withoutReturn(line);
  }
  if (rest !== '') yield withoutReturn(rest);
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

function reasonOf(error: unknown): string {
  const { code, message }: { code?: unknown; message?: unknown } = Object(error);
  return reasons.get(String(code)) ?? String(message ?? error);
}

const reasons = new Map([
  ['ENOENT', 'there is no such file'],
  ['EISDIR', 'it is a folder'],
  ['EACCES', 'permission denied'],
  ['Z_BUF_ERROR', 'the gzip stream is cut off'],
  ['Z_DATA_ERROR', 'the gzip stream is damaged'],
]);
