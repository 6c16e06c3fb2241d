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
  const slotOf = (digest: string): number => {
    let slot = hashOf(digest) & (size - 1);
    while (slots[slot] !== empty && images[slots[slot]!]!.digest !== digest) slot = (slot + 1) & (size - 1);
    return slot;
  };
  for (let at = 0; at < images.length; at += 1) {
    const { digest } = images[at]!;
    const slot = slotOf(digest);
    if (slots[slot] !== empty) {
      throw new InvalidInput(
        `images[${at}].imageDigest: ${digest} stands at images[${slots[slot]}] already; list a digest once, with all its tags`,
      );
    }
    slots[slot] = at;
  }
  return (digest) => {
    const at = slots[slotOf(digest)]!;
    return at === empty ? undefined : at;
  };
}

const empty = -1;

function hashOf(digest: string): number {
  let hash = digest.length;
  for (let at = 0; at < digest.length; at += 1) hash = Math.imul(hash, 31) + digest.charCodeAt(at);
  hash = Math.imul(hash ^ (hash >>> 15), 0x5bd1e995);
  return hash ^ (hash >>> 13);
}
