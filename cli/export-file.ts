import { open } from 'node:fs/promises';
import type { OpenTrail } from '../shared/audit/verify';

const pieceBytes = 1 << 20;

/** The bytes of a file from its beginning. One buffer is read into again and again. */
async function* bytesOf(file: string): AsyncGenerator<Buffer> {
  const handle = await open(file);
  try {
    const piece = Buffer.allocUnsafeSlow(pieceBytes);
    for (;;) {
      const { bytesRead } = await handle.read(piece, 0, pieceBytes);
      if (bytesRead === 0) return;
      yield piece.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

export async function openExport(file: string): Promise<OpenTrail> {
  return () => bytesOf(file);
}
