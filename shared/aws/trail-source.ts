import {
  type AttributeValue,
  type DynamoDBClient,
  QueryCommand,
  type QueryCommandInput,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { TrailItem, TrailSource } from '../audit/export';
import { sealScope } from '../audit/seal';
import { InvalidInput } from '../domain/errors';
import { asUnavailable } from './errors';

/**
 * The audit table as an export and a verification read it: every item as it is, of whatever format. Needs
 * `dynamodb:Scan`, which of the stack's roles the reader of the trail alone has.
 */
export function trailSource(client: DynamoDBClient, table: string): TrailSource {
  const query = (input: Omit<QueryCommandInput, 'TableName' | 'ConsistentRead'>) =>
    attempt(() => client.send(new QueryCommand({ TableName: table, ConsistentRead: true, ...input })));

  return {
    async newestSeal() {
      const { Items } = await query({
        ...ofScope(sealScope),
        ScanIndexForward: false,
        Limit: 1,
      });
      return Items?.[0] && readItem(Items[0]).record;
    },

    async scopes() {
      const scopes = new Set<string>();
      let from: Record<string, AttributeValue> | undefined;
      do {
        const command = new ScanCommand({
          TableName: table,
          ConsistentRead: true,
          ProjectionExpression: '#scope',
          ExpressionAttributeNames: { '#scope': 'scope' },
          ...(from && { ExclusiveStartKey: from }),
        });
        const page = await attempt(() => client.send(command));
        for (const { scope } of page.Items ?? []) if (scope?.S !== undefined) scopes.add(scope.S);
        from = page.LastEvaluatedKey;
      } while (from);
      return [...scopes].sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
    },

    async *records(scope, after) {
      let from = after === undefined ? undefined : marshall({ scope, record: after });
      do {
        const page = await query({ ...ofScope(scope), ...(from && { ExclusiveStartKey: from }) });
        for (const item of page.Items ?? []) yield readItem(item);
        from = page.LastEvaluatedKey;
      } while (from);
    },
  };
}

function ofScope(scope: string) {
  return {
    KeyConditionExpression: '#scope = :scope',
    ExpressionAttributeNames: { '#scope': 'scope' },
    ExpressionAttributeValues: marshall({ ':scope': scope }),
  };
}

function readItem(stored: Record<string, AttributeValue>): TrailItem {
  const item = unmarshall(stored);
  const { scope, record } = item;
  if (typeof scope !== 'string' || typeof record !== 'string') {
    throw new InvalidInput('an item of the audit table has no key of the trail: is this the audit table?');
  }
  return { ...item, scope, record };
}

async function attempt<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw asUnavailable('reading the audit trail', error);
  }
}
