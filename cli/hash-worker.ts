import { parentPort } from 'node:worker_threads';
import { checkHashes, type UncheckedLines } from '../shared/audit/hash-check';
import { merkleTree } from '../shared/audit/merkle';

/** The other side of `hashThread`: answers each piece when it is done, and `end` with the root and the verdict. */
const tree = merkleTree();
let isSound = true;

parentPort?.on('message', (message: UncheckedLines | 'end') => {
  if (message === 'end') {
    parentPort?.postMessage({ root: tree.root(), isSound });
    return;
  }
  isSound = checkHashes(message, tree) && isSound;
  parentPort?.postMessage('done');
});
