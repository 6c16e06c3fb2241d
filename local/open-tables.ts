import { randomUUID } from 'node:crypto';
import { InvalidInput } from '../shared/domain/errors';
import { wallClock } from './clock';
import { openDataFolder } from './data-folder';
import { createDynamodb } from './dynamodb';
import { serve } from './server';

export interface OpenTables {
  readonly endpoint: string;
  readonly account: string;
  /** The hub's Region comes first. */
  readonly regions: readonly string[];
  close(): Promise<void>;
}

/**
 * The tables of an embedded cloud that has stopped, on a free port and without anything that works on them. Throws
 * `InvalidInput` where the folder is none, is damaged or is in use.
 */
export async function openTables(data: string): Promise<OpenTables> {
  const folder = openDataFolder(data);
  try {
    const { account, regions, tables } = folder;
    const dynamodb = await createDynamodb({ path: tables, clock: wallClock, newId: randomUUID });
    const [defaultRegion = ''] = regions;
    const server = await serve({ services: [dynamodb], port: 0, account, defaultRegion });
    return {
      endpoint: server.endpoint,
      account,
      regions,
      async close() {
        await server.close(0);
        await dynamodb.close();
        folder.close();
      },
    };
  } catch (error) {
    folder.close();
    const { message }: { message?: unknown } = Object(error);
    throw new InvalidInput(String(message ?? error), { cause: error });
  }
}
