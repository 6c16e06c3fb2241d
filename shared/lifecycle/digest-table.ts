import { InvalidInput } from '../domain/errors';

/**
 * Where a digest stands in the list; throws `InvalidInput` when one stands twice. DescribeImages gives each once, while
 * ListImages gives one entry a tag, by which counts would be wrong. A table of numbers, since a map of a million texts
 * costs more than the rules do.
 */
export function digestTable(
  images: readonly { readonly digest: string }[],
): (digest: string) => number | undefined {
  const size = 2 ** Math.ceil(Math.log2(images.length * 2 + 2));
  const slots = new Int32Array(size).fill(empty);
  const hashes = new Int32Array(images.length);
  const slotOf = (digest: string, hash: number): number => {
    let slot = hash & (size - 1);
    for (let at = slots[slot]!; at !== empty; at = slots[slot]!) {
      if (hashes[at] === hash && images[at]!.digest === digest) break;
      slot = (slot + 1) & (size - 1);
    }
    return slot;
  };
  for (let at = 0; at < images.length; at += 1) {
    const { digest } = images[at]!;
    const hash = hashOf(digest);
    const slot = slotOf(digest, hash);
    if (slots[slot] !== empty) {
      throw new InvalidInput(
        `images[${at}].imageDigest: ${digest} stands at images[${slots[slot]}] already; list a digest once, with all its tags`,
      );
    }
    slots[slot] = at;
    hashes[at] = hash;
  }
  return (digest) => {
    const at = slots[slotOf(digest, hashOf(digest))]!;
    return at === empty ? undefined : at;
  };
}

const empty = -1;

/** Of both ends: all of a digest is random, and what people make up counts up at one end. */
function hashOf(digest: string): number {
  const { length } = digest;
  let hash = length;
  for (let at = 0; at < Math.min(length, 20); at += 1) hash = Math.imul(hash, 31) + digest.charCodeAt(at);
  for (let at = Math.max(20, length - 12); at < length; at += 1)
    hash = Math.imul(hash, 31) + digest.charCodeAt(at);
  hash = Math.imul(hash ^ (hash >>> 15), 0x5bd1e995);
  return hash ^ (hash >>> 13);
}
