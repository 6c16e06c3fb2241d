import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import type { Finding } from '../alerts/finding';
import type { TrailSource } from '../audit/export';
import type { Trail } from '../audit/trail';
import { InvalidInput, Unavailable } from '../domain/errors';
import { type AuditReader, auditReader } from './audit-reader';
import { auditTable } from './audit-table';
import { asUnavailable, nameOf } from './errors';
import { allFindings } from './finding-scan';
import { type StateTable, stateTable } from './state-table';
import { trailSource } from './trail-source';

/** How a person's terminal reaches an account. */
export interface Connection {
  readonly region?: string | undefined;
  readonly profile?: string | undefined;
  readonly endpoint?: string | undefined;
  /** The embedded cloud's account: it takes any credentials and finds the account in their key. */
  readonly localAccount?: string | undefined;
}

/** Warden's own tables, for reading. */
export interface WardenTables
  extends AuditReader,
    Pick<Trail, 'chain'>,
    Pick<StateTable, 'openFindings' | 'findingsIn'> {
  allFindings(): AsyncIterable<Finding>;
  /** The whole audit trail, as an export and a verification read it. */
  readonly trail: TrailSource;
  /** How often each API operation was called, retries included. */
  readonly apiCalls: Readonly<Record<string, number>>;
  close(): void;
}

export function wardenTables(
  connection: Connection,
  names: { readonly audit: string; readonly state: string },
): WardenTables {
  const client = new DynamoDBClient(configuration(connection));
  const apiCalls: Record<string, number> = {};
  client.middlewareStack.add(
    (next, { commandName = 'unknown' }) =>
      (request) => {
        const operation = commandName.replace(/Command$/, '');
        apiCalls[operation] = (apiCalls[operation] ?? 0) + 1;
        return next(request);
      },
    // Behind the retries, so that each attempt counts.
    { step: 'finalizeRequest', priority: 'low', name: 'countCalls' },
  );
  client.middlewareStack.add(
    (next) => (request) =>
      next(request).catch((error: unknown) => {
        throw explained(error, connection);
      }),
    { step: 'initialize', name: 'explainErrors' },
  );
  return {
    ...auditReader(client, names.audit),
    chain: auditTable(client, names.audit).chain,
    openFindings: stateTable(client, names.state).openFindings,
    findingsIn: stateTable(client, names.state).findingsIn,
    allFindings: () => allFindings(client, names.state),
    trail: trailSource(client, names.audit),
    apiCalls,
    close: () => client.destroy(),
  };
}

/**
 * The account that the credentials belong to and the Region that the configuration names. Throws `InvalidInput` where
 * there are none that work.
 */
export async function whoAmI(connection: Connection): Promise<{ account: string; region: string }> {
  const client = new STSClient(configuration(connection));
  try {
    const region = await client.config.region().catch(() => {
      throw new InvalidInput(
        'no Region: name the one that Warden is deployed in with --region, or set AWS_REGION',
      );
    });
    const { Account: account } = await client.send(new GetCallerIdentityCommand({}));
    if (account) return { account, region };
    throw new Unavailable('AWS did not say which account the credentials belong to');
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (/Credentials|Token|Signature|AccessDenied/.test(nameOf(error))) {
      throw new InvalidInput(`no AWS credentials that work (${message})`);
    }
    throw asUnavailable('asking AWS whose credentials these are', error);
  } finally {
    client.destroy();
  }
}

/** What the person at the terminal can put right. */
function explained(error: unknown, { region }: Connection): unknown {
  const { message }: { message?: unknown } = Object(error);
  switch (nameOf(error)) {
    case 'ResourceNotFoundException':
      return new InvalidInput(
        `ECR Warden has no tables in ${region ?? 'this Region'}: name the one that it is deployed in`,
      );
    case 'AccessDeniedException':
    case 'UnrecognizedClientException':
      return new InvalidInput(`AWS denied it: ${String(message)}`);
    default:
      return error;
  }
}

function configuration({ region, profile, endpoint, localAccount }: Connection) {
  return {
    ...(region && { region }),
    ...(profile && { profile }),
    ...(endpoint && { endpoint }),
    ...(localAccount && { credentials: { accessKeyId: localAccount, secretAccessKey: 'local' } }),
  };
}
