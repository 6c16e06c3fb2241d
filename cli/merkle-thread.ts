import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type GrowingRoot, merkleTree } from '../shared/audit/merkle';

export interface MerkleThread extends GrowingRoot {
  close(): Promise<void>;
}

const hashBytes = 32;
const batchBytes = 4096 * hashBytes;

/**
 * A Merkle root made in a thread of its own, which takes a third of the work off the verification of a large export.
 * `script` is `merkle-worker.ts` as it was built; where there is none, the root is made here.
 */
export function merkleThread(script = join(__dirname, 'merkle-worker.js')): MerkleThread {
  if (!existsSync(script)) return { ...merkleTree(), close: async () => undefined };
  const worker = new Worker(script);
  let batch = new Uint8Array(batchBytes);
  let length = 0;

  function send(bytes: Uint8Array<ArrayBuffer>): void {
    worker.postMessage(bytes, [bytes.buffer]);
  }

  return {
    add(entry) {
      batch.set(entry, length);
      length += hashBytes;
      if (length < batchBytes) return;
      send(batch);
      batch = new Uint8Array(batchBytes);
      length = 0;
    },
    root() {
      if (length > 0) send(batch.slice(0, length));
      length = 0;
      send(new Uint8Array(0));
      return new Promise((resolve, reject) => {
        worker.once('message', (root) => resolve(String(root)));
        worker.once('error', reject);
      });
    },
    async close() {
      await worker.terminate();
    },
  };
}
