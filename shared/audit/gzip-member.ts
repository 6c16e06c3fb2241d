import { promisify } from 'node:util';
import { crc32, deflateRaw } from 'node:zlib';

/**
 * A compressed export is a row of gzip members, each of whole lines, which every gunzip reads as one text (RFC 1952,
 * section 2.2). Each says in an extra field how long it is, so that an export that was interrupted can be cut after
 * its last whole member and goes on from there with the same bytes as if nothing had happened.
 */

/** A member holds the lines that begin within so many bytes of text. */
export const memberTextBytes = 1 << 18;

/** Magic, deflate, extra field; no time, so that equal texts give equal bytes; unknown system; 8 bytes of extra field. */
const start = Buffer.from([0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 8, 0, 0x45, 0x57, 4, 0]);
export const memberHeaderBytes = start.length + 4;
const trailerBytes = 8;

export async function gzipMember(text: Buffer): Promise<Buffer> {
  const body = await promisify(deflateRaw)(text);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(memberHeaderBytes + body.length + trailerBytes);
  const trailer = Buffer.alloc(trailerBytes);
  trailer.writeUInt32LE(crc32(text), 0);
  trailer.writeUInt32LE(text.length, 4);
  return Buffer.concat([start, length, body, trailer]);
}

/** The length of the member that begins with these bytes; undefined where it is none of ours. */
export function memberLength(header: Buffer): number | undefined {
  if (header.length < memberHeaderBytes || header.compare(start, 0, start.length, 0, start.length) !== 0) {
    return undefined;
  }
  const length = header.readUInt32LE(start.length);
  return length > memberHeaderBytes + trailerBytes ? length : undefined;
}
