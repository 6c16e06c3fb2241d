import { parentPort } from 'node:worker_threads';
import { merkleTree } from '../shared/audit/merkle';

/** The other side of `merkleThread`: hashes in batches, and an empty batch asks for the root. */
const tree = merkleTree();
const hashBytes = 32;

parentPort?.on('message', (batch: Uint8Array) => {
  for (let at = 0; at < batch.length; at += hashBytes) tree.add(batch.subarray(at, at + hashBytes));
  if (batch.length === 0) parentPort?.postMessage(tree.root());
});
