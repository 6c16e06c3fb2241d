/** The registry of the shipped policy. */
export const account = '111122223333';
export const home = 'eu-central-1';
export const replica = 'eu-west-1';

/** What the queue hands over at once: serverless.yml. */
export const batchSize = 10;

export interface Push {
  readonly repository: string;
  readonly tag: string;
}

export interface TlsFiles {
  readonly key: string;
  /** Self-signed, so that it is also the authority to trust. */
  readonly certificate: string;
}

export interface Scenario {
  readonly name: 'compliant' | 'violating' | 'shipped';
  readonly title: string;
  /** From the root of the checkout. */
  readonly policy: string;
  readonly repositories: readonly string[];
  /** The share of pushes whose tag is no semantic version. */
  readonly violating: number;
  /** Every push is under way to another Region while it is judged. */
  readonly replicated: boolean;
  /** Calls an event that the design promises; anything beyond is a defect. */
  readonly promised?: Readonly<Record<string, number>>;
}

export const namesOnly = 'tests/bench/events/names-only.yaml';
const teams = numbered(100, (number) => `team-pay/svc-${number}`);

export const scenarios: readonly Scenario[] = [
  {
    name: 'compliant',
    title: 'rules on names, every push compliant',
    policy: namesOnly,
    repositories: teams,
    violating: 0,
    replicated: false,
    promised: { Query: 1, BatchExecuteStatement: 1 / batchSize },
  },
  {
    name: 'violating',
    title: 'rules on names, 10 % violating',
    policy: namesOnly,
    repositories: teams,
    violating: 0.1,
    replicated: false,
  },
  {
    name: 'shipped',
    title: 'policy.yaml, replication under way',
    policy: 'policy.yaml',
    repositories: numbered(100, (number, index) => `${index % 2 ? 'sandbox' : 'payments'}/svc-${number}`),
    violating: 0,
    replicated: true,
  },
];

/** Distinct tags, `from` onwards, spread over the repositories. */
export function pushesOf({ repositories, violating }: Scenario, from: number, count: number): Push[] {
  return Array.from({ length: count }, (_, index) => {
    const number = from + index;
    const violates = Math.floor((index + 1) * violating) > Math.floor(index * violating);
    return {
      repository: repositories[(number * 7) % repositories.length]!,
      tag: violates ? `build-${number}` : `v1.${number % 50}.${number}`,
    };
  });
}

/** The same clock in every process of the machine. */
export function monotonicMilliseconds(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

function numbered(count: number, name: (number: string, index: number) => string): string[] {
  return Array.from({ length: count }, (_, index) => name(String(index).padStart(6, '0'), index));
}
