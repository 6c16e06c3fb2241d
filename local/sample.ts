import { createHash } from 'node:crypto';
import {
  BatchDeleteImageCommand,
  CreateRepositoryCommand,
  DescribeRepositoriesCommand,
  ECRClient,
  PutImageCommand,
  PutImageTagMutabilityCommand,
  PutLifecyclePolicyCommand,
  PutReplicationConfigurationCommand,
} from '@aws-sdk/client-ecr';
import { parseDocument } from 'yaml';
import type { Copy } from './ecr';

const slowRepository = 'sample-dr/ledger';
const slowCopyMilliseconds = 20_000;
const stepMilliseconds = 1200;

/** The one repository whose copies are slower than its namespace allows; the others keep ECR's usual pace. */
export function sampleReplicationDelay({ repository }: Pick<Copy, 'repository'>): number {
  return repository === slowRepository ? slowCopyMilliseconds : 2000;
}

/** What the sample adds to a policy, for people who wonder. */
export const sampleAddition = 'a namespace sample-dr whose copies are due within 10 seconds';

/**
 * The policy's text with what the sample adds to it: a namespace whose replicas are due within seconds, so that a
 * missed deadline can be watched.
 */
export function policyWithSample(text: string, regions: readonly string[]): string {
  const [, destination] = regions;
  if (!destination || text.includes('sample-dr')) return text;
  const policy = parseDocument(text, { version: '1.2', schema: 'core' });
  if (!policy.has('namespaces')) policy.set('namespaces', policy.createNode([]));
  policy.addIn(
    ['namespaces'],
    policy.createNode({
      name: 'sample-dr',
      repositories: ['sample-dr/**'],
      owner: { team: 'disaster-recovery', slack: 'dr-alerts' },
      replication: { to: [destination], within: '10s' },
    }),
  );
  return policy.toString();
}

export interface SampleTarget {
  readonly endpoint: string;
  readonly account: string;
  /** Images go to the first and are replicated to the second, if there is one. */
  readonly regions: readonly string[];
}

export interface Sample {
  /** Whether the registry is empty, so that a sample would disturb nobody's images. */
  isWanted(): Promise<boolean>;
  /** The registry as it was before the first push. */
  prepare(): Promise<void>;
  /** A first hour of a registry, in the time that `pause` (milliseconds) takes; where it answers false, no further. */
  push(pause: (milliseconds: number) => Promise<boolean>): Promise<void>;
}

/** Pushes as a client of ECR does, through the AWS SDK and the embedded cloud's port. */
export function sample({ endpoint, account, regions }: SampleTarget): Sample {
  const [home = '', away] = regions;
  const clientIn = (region: string) =>
    new ECRClient({ region, endpoint, credentials: { accessKeyId: account, secretAccessKey: 'sample' } });
  const ecr = clientIn(home);

  async function createRepository(
    repositoryName: string,
    client: ECRClient,
    imageTagMutability: 'MUTABLE' | 'IMMUTABLE' = 'IMMUTABLE',
  ): Promise<void> {
    await client.send(new CreateRepositoryCommand({ repositoryName, imageTagMutability }));
    await client.send(new PutLifecyclePolicyCommand({ repositoryName, lifecyclePolicyText }));
  }

  const put = async (repositoryName: string, manifest: string, imageTag?: string): Promise<void> => {
    await ecr.send(
      new PutImageCommand({ repositoryName, imageManifest: manifest, ...(imageTag && { imageTag }) }),
    );
  };

  return {
    async isWanted() {
      const { repositories = [] } = await ecr.send(new DescribeRepositoriesCommand({ maxResults: 1 }));
      return repositories.length === 0;
    },

    async prepare() {
      if (away) {
        await ecr.send(new PutReplicationConfigurationCommand(replicationTo(account, away)));
        const remote = clientIn(away);
        for (const name of ['payments/api', 'payments/web', slowRepository])
          await createRepository(name, remote);
        remote.destroy();
      }
      for (const name of ['payments/api', 'sandbox/demo', slowRepository]) await createRepository(name, ecr);
    },

    async push(pause) {
      const steps: (() => Promise<unknown>)[] = [
        () => put('payments/api', image('payments/api 1.4.0'), 'v1.4.0'),
        ...(away ? [() => put(slowRepository, image('ledger 7.3.1'), 'v7.3.1')] : []),
        () => put('payments/api', image('payments/api of somebody’s laptop'), 'latest'),
        () => createRepository('payments/web', ecr, 'MUTABLE'),
        async () => {
          const children = ['amd64', 'arm64'].map((platform) => image(`payments/web 2.0.0 ${platform}`));
          for (const child of children) await put('payments/web', child);
          await put('payments/web', index(children), 'v2.0.0');
        },
        () => put('sandbox/demo', image('sandbox/demo'), 'latest'),
        () => put('payments/web', image('payments/web 2.0.0, built again'), 'v2.0.0'),
        () => createRepository('team-x/stray', ecr),
        () => put('team-x/stray', image('team-x/stray'), 'nightly'),
        // ECR replicates no deletion unless told to, and then the copy would live on as a tag of its own.
        async () => {
          for (const client of away ? [ecr, clientIn(away)] : [ecr]) {
            await client.send(
              new BatchDeleteImageCommand({
                repositoryName: 'payments/api',
                imageIds: [{ imageTag: 'latest' }],
              }),
            );
          }
        },
        () =>
          ecr.send(
            new PutImageTagMutabilityCommand({
              repositoryName: 'payments/web',
              imageTagMutability: 'IMMUTABLE',
            }),
          ),
      ];
      for (const step of steps) {
        await step();
        if (!(await pause(stepMilliseconds))) return;
      }
      // Until the slow copy is there: it was the second to leave.
      if (away) await pause(slowCopyMilliseconds - (steps.length - 2) * stepMilliseconds + 1500);
      ecr.destroy();
    },
  };
}

const lifecyclePolicyText = JSON.stringify({
  rules: [
    {
      rulePriority: 1,
      description: 'keep 20 releases',
      selection: {
        tagStatus: 'tagged',
        tagPatternList: ['v*'],
        countType: 'imageCountMoreThan',
        countNumber: 20,
      },
      action: { type: 'expire' },
    },
  ],
});

function replicationTo(registryId: string, region: string) {
  return {
    replicationConfiguration: {
      rules: [
        {
          destinations: [{ region, registryId }],
          repositoryFilters: ['payments/', 'sample-dr/'].map((filter) => ({
            filter,
            filterType: 'PREFIX_MATCH' as const,
          })),
        },
      ],
    },
  };
}

const imageType = 'application/vnd.oci.image.manifest.v1+json';

/** A manifest of its own for each name. No layer is uploaded: the embedded registry's PutImage does not ask for blobs. */
function image(name: string): string {
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: imageType,
    config: {
      mediaType: 'application/vnd.oci.image.config.v1+json',
      digest: digestOf(`config ${name}`),
      size: 1469,
    },
    layers: [
      { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: digestOf(name), size: 28_400_000 },
    ],
  });
}

function index(children: readonly string[]): string {
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: children.map((child, number) => ({
      mediaType: imageType,
      digest: digestOf(child),
      size: child.length,
      platform: { os: 'linux', architecture: ['amd64', 'arm64'][number] },
    })),
  });
}

function digestOf(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}
