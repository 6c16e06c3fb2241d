import { resolve } from 'node:path';
import { type Registration, runningClouds } from '../local/registration';
import { type Connection, type WardenTables, wardenTables, whoAmI } from '../shared/aws/warden-tables';
import { InvalidInput } from '../shared/domain/errors';
import type { Registry } from '../shared/domain/resource';

/** Where a command looks, as its options say. */
export interface Whereabouts {
  readonly local?: true;
  readonly endpointUrl?: string;
  readonly data?: string;
  readonly region?: readonly string[];
  readonly profile?: string;
}

/** A trail and its findings, with the registries that may be in it: the hub's own first. */
export interface OpenTrail extends Omit<WardenTables, 'close'> {
  readonly registries: readonly Registry[];
  close(): Promise<void>;
}

/** As the packaged template names them. */
export const tableNames = { audit: 'ecr-warden-audit', state: 'ecr-warden-state' } as const;

/** Opens the trail that the options name: an embedded cloud that runs, the folder of one that has stopped, or AWS. Throws `InvalidInput`. */
export async function openTrail(where: Whereabouts): Promise<OpenTrail> {
  if (where.data !== undefined) return openFolder(where.data, where);
  if (where.local) return openCloud(await chosenCloud(where), where);
  return openAccount(where);
}

/** The tables alone are opened, on a port of their own: no function runs, so that looking changes nothing. */
async function openFolder(data: string, { region }: Whereabouts): Promise<OpenTrail> {
  const open = (await runningClouds()).find(({ dataDir }) => dataDir && resolve(dataDir) === resolve(data));
  if (open) {
    throw new InvalidInput(
      `an embedded cloud runs on ${data}: look at it with --local --endpoint-url ${open.endpoint} instead of --data`,
    );
  }
  // Only here is an embedded service needed, and it is slow to load.
  const { openTables } = require('../local/open-tables') as typeof import('../local/open-tables');
  const { endpoint, account, regions, close } = await openTables(data);
  const trail = openCloud({ endpoint, account, regions }, { ...(region && { region }) });
  return {
    ...trail,
    async close() {
      await trail.close();
      await close();
    },
  };
}

function openCloud({ endpoint, account, regions }: CloudAddress, where: Whereabouts): OpenTrail {
  const [home] = regions;
  const known = wardenTables({ region: home, endpoint, localAccount: account }, tableNames);
  return {
    ...known,
    registries: governed(account, where.region ?? regions),
    close: async () => known.close(),
  };
}

type CloudAddress = Pick<Registration, 'endpoint' | 'account' | 'regions'>;

async function chosenCloud({ endpointUrl }: Whereabouts): Promise<CloudAddress> {
  const running = await runningClouds();
  if (endpointUrl !== undefined) {
    const wanted = addressOf(endpointUrl);
    const found = running.find(({ endpoint }) => addressOf(endpoint) === wanted);
    if (found) return found;
    throw new InvalidInput(`no embedded cloud runs at ${endpointUrl}${listed(running) || `; ${howToStart}`}`);
  }
  const [only, ...others] = running;
  if (!only) throw new InvalidInput(`no embedded cloud runs on this machine; ${howToStart}`);
  if (others.length > 0) {
    throw new InvalidInput(
      `several embedded clouds run on this machine; name one with --endpoint-url${listed(running)}`,
    );
  }
  return only;
}

const howToStart = 'start one with `npm start` (or `npx ecr-warden local start`) in another terminal';

function listed(running: readonly Registration[]): string {
  return running
    .map(
      ({ endpoint, dataDir, startedAt }) =>
        `\n  --endpoint-url ${endpoint}  started ${startedAt}${dataDir ? `, on ${dataDir}` : ''}`,
    )
    .join('');
}

/** `localhost` and 127.0.0.1 are one place, with or without a slash at the end. */
function addressOf(url: string): string {
  if (!URL.canParse(url)) {
    throw new InvalidInput(`--endpoint-url: "${url}" is no address; write one such as http://127.0.0.1:4599`);
  }
  const { hostname, port } = new URL(url);
  return `${hostname === 'localhost' || hostname === '[::1]' ? '127.0.0.1' : hostname}:${port || '80'}`;
}

async function openAccount({ region = [], profile, endpointUrl }: Whereabouts): Promise<OpenTrail> {
  const connection: Connection = { region: region[0], profile, endpoint: endpointUrl };
  const { account, region: home } = await whoAmI(connection).catch((error: unknown) => {
    if (!(error instanceof InvalidInput)) throw error;
    throw new InvalidInput(`${error.message}; for the embedded cloud on this machine add --local`);
  });
  const known = wardenTables({ ...connection, region: home }, tableNames);
  const regions = region.length > 0 ? region : [home];
  return { ...known, registries: governed(account, regions), close: async () => known.close() };
}

function governed(account: string, regions: readonly string[]): Registry[] {
  return regions.map((region) => ({ account, region }));
}
