import { ECRClient, type ECRClientConfig } from '@aws-sdk/client-ecr';
import type { Registry } from '../domain/resource';
import type { EcrReader } from '../evaluation/facts';
import { lean, leanConfiguration } from './clients';
import { readImage } from './facts/image';
import { readLifecyclePolicy } from './facts/lifecycle-policy';
import { readReplicationDestinations, readReplicationStatus } from './facts/replication';
import { readRepository } from './facts/repository';

/** An ECR client for a registry: the caller knows how its account is reached. */
export type EcrClients = (registry: Registry) => ECRClient;

/** One client a registry for the life of the process, since a client's first call pays for its connection. */
export function ecrClients(configure: (registry: Registry) => ECRClientConfig): EcrClients {
  const clients = new Map<string, ECRClient>();
  return (registry) => {
    const key = `${registry.account} ${registry.region}`;
    const known = clients.get(key);
    if (known) return known;
    const client = lean(
      new ECRClient({ ...leanConfiguration, region: registry.region, ...configure(registry) }),
    );
    clients.set(key, client);
    return client;
  };
}

/** ECR read through the AWS SDK, every governed registry behind one interface. */
export function ecrReader(clients: EcrClients): EcrReader {
  return {
    tag: (resource) =>
      readImage(clients(resource), resource.account, resource.repository, { imageTag: resource.tag }),
    image: (resource) =>
      readImage(clients(resource), resource.account, resource.repository, { imageDigest: resource.digest }),
    repository: (resource) => readRepository(clients(resource), resource.account, resource.repository),
    lifecyclePolicy: (resource) =>
      readLifecyclePolicy(clients(resource), resource.account, resource.repository),
    replicationDestinations: (registry) => readReplicationDestinations(clients(registry)),
    replicationStatus: (resource, digest) =>
      readReplicationStatus(clients(resource), resource.account, resource.repository, digest),
  };
}
