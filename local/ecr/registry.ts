import { z } from 'zod';
import { AwsError } from '../service';
import type { Context } from './context';
import { invalid } from './failures';
import {
  listOf,
  nextToken,
  type Operations,
  operation,
  pageSize,
  regionName,
  registryId,
  seconds,
} from './input';
import { isPolicy } from './policies';
import { type Place, type RegistrySettings, registryIn } from './state';

const nothing = z.object({});

const accountSettings: Readonly<Record<string, readonly string[]>> = {
  BASIC_SCAN_TYPE_VERSION: ['AWS_NATIVE'],
  REGISTRY_POLICY_SCOPE: ['V2'],
  BLOB_MOUNTING: ['DISABLED', 'ENABLED'],
};
const accountSettingName = z.enum(Object.keys(accountSettings));

const replicationRule = z.object({
  destinations: z.array(z.object({ region: regionName, registryId })).max(100),
  repositoryFilters: listOf(
    z.object({ filter: z.string().min(2).max(256), filterType: z.literal('PREFIX_MATCH') }),
    100,
  ).optional(),
  deleteReplication: z.object({ enabled: z.boolean() }).optional(),
});

const scanningRule = z.object({
  scanFrequency: z.enum(['SCAN_ON_PUSH', 'CONTINUOUS_SCAN', 'MANUAL']),
  repositoryFilters: z
    .array(
      z.object({
        filter: z
          .string()
          .min(1)
          .max(255)
          .regex(/^[a-z0-9*](?:[._\-/a-z0-9*]?[a-z0-9*]+)*$/),
        filterType: z.literal('WILDCARD'),
      }),
    )
    .max(100),
});

const tokenLife = 12 * 60 * 60 * 1000;

/** What holds for a whole registry. */
export function registryOperations(context: Context): Operations {
  const { state, clock } = context;

  function change(place: Place, edit: Partial<RegistrySettings>): void {
    const { settings } = registryIn(state, place);
    context.commit({ ...place, change: 'put-registry', settings: { ...settings, ...edit } });
  }

  function policyOf(place: Place): string {
    const { policy } = registryIn(state, place).settings;
    if (policy !== undefined) return policy;
    throw new AwsError(
      'RegistryPolicyNotFoundException',
      `Registry policy does not exist in the registry with id '${place.account}'`,
    );
  }

  return {
    DescribeRegistry: operation(nothing, (_, place) => ({
      registryId: place.account,
      replicationConfiguration: registryIn(state, place).settings.replication,
    })),

    PutReplicationConfiguration: operation(
      z.object({ replicationConfiguration: z.object({ rules: z.array(replicationRule).max(10) }) }),
      ({ replicationConfiguration }, place) => {
        checkDestinations(
          replicationConfiguration.rules.flatMap(({ destinations }) => destinations),
          place,
          context.regions,
        );
        change(place, { replication: replicationConfiguration });
        return { replicationConfiguration };
      },
    ),

    GetRegistryScanningConfiguration: operation(nothing, (_, place) => ({
      registryId: place.account,
      scanningConfiguration: registryIn(state, place).settings.scanning,
    })),

    PutRegistryScanningConfiguration: operation(
      z.object({
        scanType: z.enum(['BASIC', 'ENHANCED']).default('BASIC'),
        rules: z.array(scanningRule).max(2).default([]),
      }),
      (scanning, place) => {
        const continuous = scanning.rules.some(({ scanFrequency }) => scanFrequency === 'CONTINUOUS_SCAN');
        if (continuous && scanning.scanType === 'BASIC') {
          throw invalid('rules', 'CONTINUOUS_SCAN needs the scan type ENHANCED');
        }
        change(place, { scanning });
        return { registryScanningConfiguration: scanning };
      },
    ),

    PutRegistryPolicy: operation(
      z.object({ policyText: z.string().max(10_240) }),
      ({ policyText }, place) => {
        if (!isPolicy(policyText)) throw invalid('PolicyText', 'Invalid registry policy provided');
        change(place, { policy: policyText });
        return { registryId: place.account, policyText };
      },
    ),
    GetRegistryPolicy: operation(nothing, (_, place) => ({
      registryId: place.account,
      policyText: policyOf(place),
    })),
    DeleteRegistryPolicy: operation(nothing, (_, place) => {
      const policyText = policyOf(place);
      change(place, { policy: undefined });
      return { registryId: place.account, policyText };
    }),

    GetAccountSetting: operation(z.object({ name: accountSettingName }), ({ name }, place) => ({
      name,
      value: registryIn(state, place).settings.account[name] ?? accountSettings[name]?.[0],
    })),
    PutAccountSetting: operation(
      z.object({ name: accountSettingName, value: z.string() }),
      ({ name, value }, place) => {
        const allowed = accountSettings[name] ?? [];
        if (!allowed.includes(value)) throw invalid('value', `must be one of ${allowed.join(', ')}`);
        const { account } = registryIn(state, place).settings;
        change(place, { account: { ...account, [name]: value } });
        return { name, value };
      },
    ),

    GetAuthorizationToken: operation(
      z.object({ registryIds: listOf(registryId, 10).optional() }),
      ({ registryIds }, { account, region }) => ({
        authorizationData: (registryIds ?? [account]).map((id) => ({
          authorizationToken: Buffer.from(`AWS:${context.newId()}`).toString('base64'),
          expiresAt: seconds(clock.now() + tokenLife),
          proxyEndpoint: `https://${id}.dkr.ecr.${region}.amazonaws.com`,
        })),
      }),
    ),

    // Features that the embedded registry never has in use; their questions are asked all the same.
    DescribePullThroughCacheRules: operation(
      z.object({
        ecrRepositoryPrefixes: z.array(z.string()).optional(),
        nextToken,
        maxResults: pageSize(1000, 100),
      }),
      ({ ecrRepositoryPrefixes }, { account }) => {
        const [asked] = ecrRepositoryPrefixes ?? [];
        if (asked === undefined) return { pullThroughCacheRules: [] };
        throw new AwsError(
          'PullThroughCacheRuleNotFoundException',
          `The pull through cache rule with prefix '${asked}' does not exist in the registry with id '${account}'`,
        );
      },
    ),
    DescribeRepositoryCreationTemplates: operation(
      z.object({ prefixes: z.array(z.string()).optional(), nextToken, maxResults: pageSize(1000, 100) }),
      (_, { account }) => ({ registryId: account, repositoryCreationTemplates: [] }),
    ),
    GetSigningConfiguration: operation(nothing, (_, { account }) => {
      throw new AwsError(
        'SigningConfigurationNotFoundException',
        `Signing configuration does not exist in the registry with id '${account}'`,
      );
    }),
  };
}

function checkDestinations(
  destinations: readonly { readonly region: string; readonly registryId: string }[],
  place: Place,
  regions: readonly string[],
): void {
  const unique = new Set(destinations.map(({ region, registryId }) => `${registryId}/${region}`));
  if (unique.size > 25) throw invalid('replicationConfiguration', 'at most 25 unique destinations');
  if (unique.has(`${place.account}/${place.region}`)) {
    throw invalid(
      'replicationConfiguration',
      'Replication destination cannot be the same as the source registry',
    );
  }
  const unknown = destinations.find(({ region }) => !regions.includes(region));
  if (unknown) {
    throw invalid(
      'replicationConfiguration',
      `Region ${unknown.region} is not one of this embedded cloud's: ${regions.join(', ')}`,
    );
  }
}
