const { imul } = Math;

/**
 * Remembers hundreds of thousands of event ids in eight bytes each, which a `Set` of strings would not: it keeps
 * a 64-bit hash of an id, not the id. Among a million ids the odds that any two share one are below 1 in 10 million.
 */
export interface IdSet {
  readonly size: number;
  has(id: string): boolean;
  add(id: string): void;
}

export function createIdSet(): IdSet {
  let capacity = 1024;
  let slots = new Uint32Array(capacity * 2);
  let size = 0;

  /** The slot that holds the hash, or the free one where it belongs. A free slot is two zeros. */
  function slotOf(table: Uint32Array, low: number, high: number): number {
    const mask = table.length / 2 - 1;
    let slot = low & mask;
    while (!isFree(table, slot) && !(table[slot * 2] === low && table[slot * 2 + 1] === high)) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  function grow(): void {
    const larger = new Uint32Array(slots.length * 2);
    for (let slot = 0; slot < capacity; slot += 1) {
      if (isFree(slots, slot)) continue;
      const low = slots[slot * 2]!;
      const high = slots[slot * 2 + 1]!;
      const place = slotOf(larger, low, high);
      larger[place * 2] = low;
      larger[place * 2 + 1] = high;
    }
    slots = larger;
    capacity *= 2;
  }

  return {
    get size() {
      return size;
    },
    has(id) {
      const [low, high] = hash(id);
      return !isFree(slots, slotOf(slots, low, high));
    },
    add(id) {
      const [low, high] = hash(id);
      const slot = slotOf(slots, low, high);
      if (!isFree(slots, slot)) return;
      slots[slot * 2] = low;
      slots[slot * 2 + 1] = high;
      size += 1;
      if (size * 4 > capacity * 3) grow();
    },
  };
}

function isFree(table: Uint32Array, slot: number): boolean {
  return table[slot * 2] === 0 && table[slot * 2 + 1] === 0;
}

/** Two multiplicative lanes crossed at the end; the second is never zero, so that no id looks like a free slot. */
function hash(id: string): readonly [number, number] {
  let low = 0xdeadbeef;
  let high = 0x41c6ce57;
  for (let index = 0; index < id.length; index += 1) {
    const unit = id.charCodeAt(index);
    low = imul(low ^ unit, 0x9e3779b1);
    high = imul(high ^ unit, 0x5f356495);
  }
  low = imul(low ^ (low >>> 16), 0x85ebca6b) ^ imul(high ^ (high >>> 13), 0xc2b2ae35);
  high = imul(high ^ (high >>> 16), 0x85ebca6b) ^ imul(low ^ (low >>> 13), 0xc2b2ae35);
  return [low >>> 0, high >>> 0 || 1];
}
