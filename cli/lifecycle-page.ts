import { isoTime } from '../shared/domain/duration';
import type { LifecyclePolicy, LifecycleRule } from '../shared/lifecycle/grammar';
import type { LifecycleImage } from '../shared/lifecycle/image';
import {
  type KeptImage,
  type KeptReason,
  keptReasons,
  type PreviewResult,
  type Simulation,
} from '../shared/lifecycle/simulate';
import { listPrices, type StorageLine, storageCost } from '../shared/lifecycle/storage-cost';
import { counted, type Terminal } from './output';
import { table } from './table';
import { shortDigests } from './words';

export interface Simulated {
  readonly policy: LifecyclePolicy;
  readonly images: readonly LifecycleImage[];
  readonly simulation: Simulation;
  /** Epoch milliseconds. */
  readonly now: number;
  /** Whether to say of each image why it stays. */
  readonly reasons: boolean;
}

/** More rows than that nobody reads. */
const mostRows = 200;

/** What a run of the policy would do, for people: the sums, then the images. */
export function simulationPage(
  { policy, images, simulation, now, reasons }: Simulated,
  terminal: Terminal,
): string {
  const { previewResults, kept } = simulation;
  const parts = [
    sums(images, simulation, terminal),
    upperBound(images),
    previewResults.length > 0 ? actedOn(simulation, images, terminal) : `Nothing goes at ${isoTime(now)}.\n`,
    keptSentence(kept),
    ...(reasons && kept.length > 0 ? [keptTable(policy, kept, terminal)] : []),
  ];
  return parts.join('\n');
}

function sums(images: readonly LifecycleImage[], simulation: Simulation, terminal: Terminal): string {
  const { before, expired, archived, after } = storageCost(images, simulation);
  const lines: [name: string, line: StorageLine, sign: string][] = [
    ['before', before, ''],
    ['expire', expired, expired.images > 0 ? '-' : ''],
    ['archive', archived, ''],
    ['after', after, ''],
  ];
  return table(
    [
      { head: '', cell: ([name]) => name },
      { head: 'IMAGES', cell: ([, line, sign]) => `${sign}${line.images}` },
      { head: 'SIZE', cell: ([, line, sign]) => `${sign}${sizeText(line.bytes)}` },
      { head: '$ A MONTH', cell: ([, line, sign]) => `${sign}${line.dollarsAMonth.toFixed(2)}` },
    ],
    lines,
    terminal,
  );
}

function upperBound(images: readonly LifecycleImage[]): string {
  const unsized = images.filter(({ bytes }) => bytes === 0).length;
  const without = unsized > 0 ? ` ${counted(unsized, 'image')} without a size count as nothing.` : '';
  return `Sizes and dollars are upper bounds: ECR bills a layer that images share once, and here each image counts it; an index
repeats its largest child. Prices: $${listPrices.standard.toFixed(2)} a GiB and month, $${listPrices.archive.toFixed(2)} in the archive.${without}\n`;
}

function actedOn(
  { previewResults }: Simulation,
  images: readonly LifecycleImage[],
  terminal: Terminal,
): string {
  const sizes = new Map(images.map(({ digest, bytes }) => [digest, bytes]));
  const rows = table<PreviewResult>(
    [
      {
        head: 'ACTION',
        cell: ({ action }) => (action.type === 'EXPIRE' ? 'expire' : 'archive'),
        style: ({ action }) => (action.type === 'EXPIRE' ? 'red' : 'yellow'),
      },
      { head: 'RULE', cell: ({ appliedRulePriority }) => String(appliedRulePriority) },
      { head: 'IMAGE', cell: ({ imageDigest }) => shortDigests(imageDigest) },
      { head: 'TAGS', cell: ({ imageTags }) => imageTags.join(', '), flexible: true },
      { head: 'PUSHED', cell: ({ imagePushedAt }) => imagePushedAt },
      { head: 'SIZE', cell: ({ imageDigest }) => sizeText(sizes.get(imageDigest) ?? 0) },
    ],
    previewResults.slice(0, mostRows),
    terminal,
  );
  return rows + rest(previewResults.length);
}

function rest(count: number): string {
  return count > mostRows ? `… and ${count - mostRows} more: --output json lists all\n` : '';
}

function keptSentence(kept: readonly KeptImage[]): string {
  const words: Readonly<Record<KeptReason, string>> = {
    'among-newest': 'among the newest that a rule leaves',
    'too-young': 'too young',
    'no-rule-matches': 'no rule matches',
    shielded: 'shielded by a rule before',
    'child-of-index': 'needed by an index',
    follows: 'go with the image that they refer to',
    'time-unknown': 'without the time that a rule counts from',
  };
  const counts = keptReasons.flatMap((reason) => {
    const count = kept.filter((one) => one.reason === reason).length;
    return count > 0 ? [`${count} ${words[reason]}`] : [];
  });
  return `No rule acts on ${counted(kept.length, 'image')}${counts.length > 0 ? `: ${counts.join(', ')}` : ''}\n`;
}

function keptTable({ rules }: LifecyclePolicy, kept: readonly KeptImage[], terminal: Terminal): string {
  const byPriority = new Map(rules.map((rule) => [rule.rulePriority, rule]));
  const rows = table<KeptImage>(
    [
      { head: 'IMAGE', cell: ({ imageDigest }) => shortDigests(imageDigest) },
      { head: 'TAGS', cell: ({ imageTags }) => imageTags.join(', '), flexible: true },
      { head: 'WHY', cell: (image) => shortDigests(whyKept(image, byPriority)), flexible: true },
    ],
    kept.slice(0, mostRows),
    terminal,
  );
  return rows + rest(kept.length);
}

function whyKept(
  { reason, rulePriority, shieldedBy, indexDigest, subjectManifestDigest }: KeptImage,
  rules: ReadonlyMap<number, LifecycleRule>,
): string {
  const number = rules.get(rulePriority ?? 0)?.selection.countNumber;
  switch (reason) {
    case 'no-rule-matches':
      return 'no rule matches';
    case 'among-newest':
      return `rule ${rulePriority} leaves the newest ${number}`;
    case 'too-young':
      return `not over the ${number} days of rule ${rulePriority} yet`;
    case 'time-unknown':
      return `rule ${rulePriority} counts from a time that the image does not tell`;
    case 'shielded':
      return `rule ${shieldedBy} shields it from rule ${rulePriority}`;
    case 'child-of-index':
      return `index ${indexDigest} needs it; else rule ${rulePriority} would act`;
    case 'follows':
      return `goes with ${subjectManifestDigest}`;
  }
}

/** `12.3 GiB`. */
function sizeText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let size = bytes;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? size : size.toFixed(1)} ${units[unit]}`;
}
