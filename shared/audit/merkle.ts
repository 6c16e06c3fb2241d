import { hash as digest } from 'node:crypto';

/** A Merkle root in the making, here or in another thread. */
export interface GrowingRoot {
  /** The next entry, 32 bytes. The bytes are read at once and not kept. */
  add(entry: Uint8Array): void;
  /** The root over what was added so far, in lower-case hexadecimal. */
  root(): string | Promise<string>;
}

/** A Merkle tree that keeps no more than its right edge, so that any number of entries can be added. */
export interface MerkleTree extends GrowingRoot {
  /** More can be added afterwards. */
  root(): string;
}

const size = 32;

/**
 * The tree of RFC 6962, section 2.1, over hashes: a leaf is hashed after a zero byte and a node after a one, so that
 * no node can be passed off as a leaf. The order of the entries counts.
 */
export function merkleTree(): MerkleTree {
  const leaf = Buffer.alloc(1 + size);
  const node = Buffer.alloc(1 + 2 * size);
  node[0] = 1;
  // The complete subtrees that the entries so far make up, the largest first, as `binary` strings: in Node 20 a digest
  // as a string costs half of one as a Buffer.
  const subtrees: string[] = [];
  let count = 0;

  function join(left: string, right: string): string {
    node.write(left, 1, 'binary');
    node.write(right, 1 + size, 'binary');
    return digest('sha256', node, 'binary');
  }

  return {
    add(entry) {
      leaf.set(entry, 1);
      let subtree = digest('sha256', leaf, 'binary');
      // As in binary counting: each trailing one of the count is a subtree of the same size as the new one.
      for (let carry = count; carry % 2 === 1; carry = (carry - 1) / 2) {
        subtree = join(subtrees.pop() ?? '', subtree);
      }
      subtrees.push(subtree);
      count += 1;
    },

    root() {
      if (count === 0) return digest('sha256', '', 'hex');
      const root = subtrees.reduceRight((right, left) => join(left, right));
      return Buffer.from(root, 'binary').toString('hex');
    },
  };
}

export function merkleRoot(entries: Iterable<Uint8Array>): string {
  const tree = merkleTree();
  for (const entry of entries) tree.add(entry);
  return tree.root();
}
