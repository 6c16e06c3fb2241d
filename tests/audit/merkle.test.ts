import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { merkleRoot, merkleTree } from '../../shared/audit/merkle';

const sha256 = (...parts: Uint8Array[]) => createHash('sha256').update(Buffer.concat(parts)).digest();
const entry = (name: string) => sha256(Buffer.from(name));
const hashes = fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { maxLength: 70 });

/** RFC 6962, section 2.1, word for word. */
function literalRoot(entries: readonly Uint8Array[]): Buffer {
  if (entries.length === 0) return sha256();
  if (entries.length === 1) return sha256(Buffer.from([0]), entries[0]!);
  let split = 1;
  while (split * 2 < entries.length) split *= 2;
  return sha256(Buffer.from([1]), literalRoot(entries.slice(0, split)), literalRoot(entries.slice(split)));
}

describe('a Merkle root', () => {
  test.each([
    ['of nothing', [], 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    // Computed by Python's hashlib, from the definition.
    ['of one entry', ['a'], 'a23bd5b06da9048238a65b3f1d9d0b9e15fae3dde262688e6489aa4c763d1820'],
    ['of three entries', ['a', 'b', 'c'], 'cac3d448d4e20a2ad5eae1f500e63c2a7f9217cd14572ba7fd22e26dc1ec2648'],
  ])('%s', (_, names, root) => {
    expect(merkleRoot(names.map(entry))).toBe(root);
  });

  test('is that of RFC 6962, at every size along the way', () => {
    void fc.assert(
      fc.property(hashes, (entries) => {
        const tree = merkleTree();
        entries.forEach((one, index) => {
          tree.add(one);
          expect(tree.root()).toBe(literalRoot(entries.slice(0, index + 1)).toString('hex'));
        });
      }),
    );
  });

  test('changes with any entry, their number and their order', () => {
    void fc.assert(
      fc.property(hashes, fc.nat(), fc.nat(), fc.nat(255), (entries, one, other, byte) => {
        fc.pre(entries.length > 0);
        const at = one % entries.length;
        const to = other % entries.length;
        const root = merkleRoot(entries);
        expect(merkleRoot(entries.toSpliced(at, 1))).not.toBe(root);
        const edited = entries[at]!.with(other % 32, byte);
        fc.pre(!Buffer.from(edited).equals(entries[at]!) && !Buffer.from(entries[at]!).equals(entries[to]!));
        expect(merkleRoot(entries.with(at, edited))).not.toBe(root);
        expect(merkleRoot(entries.with(at, entries[to]!).with(to, entries[at]!))).not.toBe(root);
      }),
    );
  });

  test('does not take a node for a leaf', () => {
    const [a, b] = [entry('a'), entry('b')];
    const node = sha256(Buffer.from([1]), sha256(Buffer.from([0]), a), sha256(Buffer.from([0]), b));
    expect(merkleRoot([a, b])).toBe(node.toString('hex'));
    expect(merkleRoot([node])).not.toBe(merkleRoot([a, b]));
  });
});
