import {
  BatchExecuteStatementCommand,
  type BatchStatementResponse,
  type DynamoDBClient,
  QueryCommand,
  type QueryCommandOutput,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { type AuditRecord, recordPrefix } from '../audit/record';
import type { Trail } from '../audit/trail';
import { InvalidInput, Unavailable } from '../domain/errors';
import { type Resource, scopeOf } from '../domain/resource';
import { asUnavailable } from './errors';

/** BatchExecuteStatement takes at most 25 statements ("BatchExecuteStatement" in the DynamoDB API reference). */
const batchLimit = 25;

/**
 * The audit table through PartiQL INSERT and Query, the two calls that its writers may make. INSERT fails on a key
 * that exists, so that IAM itself forbids overwriting; PutItem would not ("IAM security policies with PartiQL for
 * DynamoDB" in the developer guide).
 */
export function auditTable(client: DynamoDBClient, table: string): Trail {
  async function query(
    resource: Resource,
    limit: number,
    from?: Record<string, unknown>,
  ): Promise<QueryCommandOutput> {
    try {
      return await client.send(
        new QueryCommand({
          TableName: table,
          KeyConditionExpression: '#scope = :scope AND begins_with(#record, :prefix)',
          ExpressionAttributeNames: { '#scope': 'scope', '#record': 'record' },
          ExpressionAttributeValues: {
            ':scope': { S: scopeOf(resource) },
            ':prefix': { S: recordPrefix(resource) },
          },
          ScanIndexForward: false,
          Limit: limit,
          ConsistentRead: true,
          ...(from && { ExclusiveStartKey: from as QueryCommandOutput['LastEvaluatedKey'] }),
        }),
      );
    } catch (error) {
      throw asUnavailable('reading the audit trail', error);
    }
  }

  return {
    async head(resource) {
      const { Items } = await query(resource, 1);
      return Items?.[0] && parseRecord(unmarshall(Items[0]));
    },
    async insert(records) {
      const answers: boolean[] = [];
      for (let at = 0; at < records.length; at += batchLimit) {
        answers.push(...(await insertBatch(client, table, records.slice(at, at + batchLimit))));
      }
      return answers;
    },
    async *chain(resource) {
      let from: QueryCommandOutput['LastEvaluatedKey'];
      do {
        const page = await query(resource, 100, from);
        for (const item of page.Items ?? []) yield parseRecord(unmarshall(item));
        from = page.LastEvaluatedKey;
      } while (from);
    },
  };
}

async function insertBatch(
  client: DynamoDBClient,
  table: string,
  records: readonly AuditRecord[],
): Promise<readonly boolean[]> {
  let responses: readonly BatchStatementResponse[];
  try {
    const answer = await client.send(
      new BatchExecuteStatementCommand({
        Statements: records.map((record) => insertStatement(table, record)),
      }),
    );
    responses = answer.Responses ?? [];
  } catch (error) {
    throw asUnavailable('writing the audit trail', error);
  }
  if (responses.length !== records.length)
    throw new Unavailable('writing the audit trail: an answer is missing');
  return responses.map(({ Error: error }, index) => {
    if (!error) return true;
    if (error.Code === 'DuplicateItem') return false;
    const message = `writing ${records[index]!.scope} ${records[index]!.record}: ${error.Code} ${error.Message}`;
    if (error.Code === 'AccessDenied' || error.Code === 'ValidationError') throw new Error(message);
    throw new Unavailable(message);
  });
}

function insertStatement(table: string, record: AuditRecord) {
  const item = marshall(record);
  const names = Object.keys(item);
  return {
    Statement: `INSERT INTO "${table}" VALUE {${names.map((name) => `'${name}':?`).join(',')}}`,
    Parameters: names.map((name) => item[name]!),
  };
}

/** The stored item is the record. One of a later format is refused: guessing at it could append nonsense after it. */
export function parseRecord(item: Record<string, unknown>): AuditRecord {
  if (item.format !== 1 || typeof item.scope !== 'string' || typeof item.record !== 'string') {
    throw new InvalidInput(
      `the audit record ${String(item.scope)} ${String(item.record)} has format ${String(item.format)}; this version reads format 1`,
    );
  }
  return item as unknown as AuditRecord;
}
