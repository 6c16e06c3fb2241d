import { merkleTree } from './merkle';
import { hoursAfter, lookBackHours, memberBytes, type SealText } from './seal';

/** The records of a trail by number, as far as seals are about them: 36 bytes a record, for millions of them. */
export interface PresentRecords {
  /** `hour` is that of `recordedAt`, the number that `hourNumber` makes of it. */
  add(hash: Uint8Array, hour: number): void;
  readonly length: number;
  hash(index: number): Buffer;
  hour(index: number): number;
}

/** `2026-11-24T09` as 2026112409: in the order of time and small enough for an Int32Array. */
export function hourNumber(hour: string): number {
  return Number(hour.replace(/\D/g, ''));
}

const blockLength = 4096;
const hashBytes = 32;

export function presentRecords(): PresentRecords {
  const hashes: Buffer[] = [];
  const hours: Int32Array[] = [];
  let length = 0;
  return {
    add(hash, hour) {
      const at = length % blockLength;
      if (at === 0) {
        hashes.push(Buffer.allocUnsafeSlow(blockLength * hashBytes));
        hours.push(new Int32Array(blockLength));
      }
      hashes[hashes.length - 1]!.set(hash, at * hashBytes);
      hours[hours.length - 1]![at] = hour;
      length += 1;
    },
    get length() {
      return length;
    },
    hash(index) {
      const at = (index % blockLength) * hashBytes;
      return hashes[Math.floor(index / blockLength)]!.subarray(at, at + hashBytes);
    },
    hour: (index) => hours[Math.floor(index / blockLength)]![index % blockLength]!,
  };
}

/** What the seals say of the records, whose own chains (the seals' among them) are known to be whole. */
export interface SealVerdict {
  /** Records that a seal covers. */
  readonly sealed: number;
  readonly fault?: SealFault;
}

export interface SealFault {
  /** The key of the seal, where the fault is the seal's or a record's that is gone. */
  readonly seal?: string;
  /** The number of the record, where one is at fault that is there. */
  readonly index?: number;
  readonly reason: string;
}

/** `seals` are all of the trail, in their order. */
export function checkSeals(records: PresentRecords, seals: readonly SealText[]): SealVerdict {
  if (seals.length === 0) return { sealed: 0 };
  const find = indexByHash(records);
  const covered = new Uint8Array(records.length);
  let sealed = 0;
  let before: SealText | undefined;
  for (const seal of seals) {
    const due = before && (before.more ? before.hour : hoursAfter(before.hour, 1));
    if (due !== undefined && due !== seal.hour) {
      const reason = `seals hour ${seal.hour}, but the seal of hour ${due} is missing before it`;
      return { sealed, fault: { seal: seal.record, reason } };
    }
    const tree = merkleTree();
    for (let at = 0; at < seal.members.length; at += memberBytes) {
      const index = find(seal.members, at);
      if (index === undefined || covered[index] === 1) {
        coverAll(seals, find, covered);
        return { sealed, fault: missingMember(records, covered, seal, at) };
      }
      covered[index] = 1;
      sealed += 1;
      tree.add(records.hash(index));
    }
    if (tree.root() !== seal.root) {
      const reason = `the root that it sealed over hour ${seal.hour} is not that of the records`;
      return { sealed, fault: { seal: seal.record, reason } };
    }
    before = seal;
  }
  const fault = before && seals[0] && unsealedFault(records, covered, seals[0], before);
  return { sealed, ...(fault && { fault }) };
}

function coverAll(seals: readonly SealText[], find: Finder, covered: Uint8Array): void {
  for (const { members } of seals) {
    for (let at = 0; at < members.length; at += memberBytes) {
      const index = find(members, at);
      if (index !== undefined) covered[index] = 1;
    }
  }
}

/** Where a sealed record is gone, one of its hours that no seal covers was probably put in its place. */
function missingMember(
  records: PresentRecords,
  covered: Uint8Array,
  { record, hour, members }: SealText,
  at: number,
): SealFault {
  const beginning = members.toString('hex', at, at + memberBytes);
  const uncovered = (from: string, to: string): number | undefined => {
    const [first, last] = [hourNumber(from), hourNumber(to)];
    for (let index = 0; index < records.length; index += 1) {
      const own = records.hour(index);
      if (covered[index] === 0 && own >= first && own <= last) return index;
    }
    return undefined;
  };
  const index = uncovered(hour, hour) ?? uncovered(hoursAfter(hour, -lookBackHours), hour);
  if (index !== undefined) {
    const reason = `is not what was sealed: seal ${record} of hour ${hour} does not have it, and has a record of hash ${beginning}… that is gone`;
    return { index, reason };
  }
  return {
    seal: record,
    reason: `sealed with hour ${hour} a record whose hash begins with ${beginning}, and it is gone`,
  };
}

/** A record is sealed within a day of its time. What was recorded before the first seal's reach is nobody's. */
function unsealedFault(
  records: PresentRecords,
  covered: Uint8Array,
  first: SealText,
  last: SealText,
): SealFault | undefined {
  const from = hourNumber(hoursAfter(first.hour, -lookBackHours));
  const open = hourNumber(hoursAfter(last.hour, 1 - lookBackHours));
  for (let index = 0; index < records.length; index += 1) {
    const hour = records.hour(index);
    if (covered[index] === 1 || hour < from || hour >= open) continue;
    const reason = `stands in an hour that was sealed without it: it was inserted later, or the clock of its writer was more than ${lookBackHours} hours slow`;
    return { index, reason };
  }
  return undefined;
}

type Finder = (member: Buffer, at: number) => number | undefined;

/** Finds a record by the first bytes of its hash: open addressing, since a Map of a million strings takes 100 MB. */
function indexByHash(records: PresentRecords): Finder {
  let slots = 1024;
  while (slots < records.length * 2) slots *= 2;
  const table = new Int32Array(slots).fill(-1);
  for (let index = 0; index < records.length; index += 1) {
    let slot = records.hash(index).readUInt32LE(0) & (slots - 1);
    while (table[slot] !== -1) slot = (slot + 1) & (slots - 1);
    table[slot] = index;
  }
  return (member, at) => {
    let slot = member.readUInt32LE(at) & (slots - 1);
    for (let index = table[slot]!; index !== -1; index = table[slot]!) {
      if (records.hash(index).compare(member, at, at + memberBytes, 0, memberBytes) === 0) return index;
      slot = (slot + 1) & (slots - 1);
    }
    return undefined;
  };
}
