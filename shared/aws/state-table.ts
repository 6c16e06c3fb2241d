import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { type Finding, messageKey, parseFinding, resourceOfFinding } from '../alerts/finding';
import type { FindingReader, MessageStore, TrackedMessage } from '../alerts/notify';
import type { FindingStore } from '../alerts/publish';
import { scopeOf, type TagResource } from '../domain/resource';
import { severities } from '../domain/result';
import type { FindingIndex } from '../evaluation/reconcile';
import { asUnavailable } from './errors';

/**
 * The table `state`: partition key `scope` as in the audit trail, sort key `key`. Its index `bySeverity` (partition
 * `openSeverity`, sort `openedAt`, all attributes) holds the findings that are not resolved.
 */
export interface StateTable extends FindingStore, FindingReader, MessageStore, FindingIndex {
  /** Every finding that is not resolved, the most severe first, within a severity the oldest first. */
  openFindings(): AsyncIterable<Finding>;
  /** The findings of one scope, resolved ones included, in key order. */
  findingsIn(scope: string): AsyncIterable<Finding>;
}

export const severityIndex = 'bySeverity';

export function stateTable(client: DynamoDBClient, table: string): StateTable {
  async function item(scope: string, key: string): Promise<Record<string, unknown> | undefined> {
    const command = new GetItemCommand({ TableName: table, Key: itemKey(scope, key), ConsistentRead: true });
    const { Item } = await attempt('reading state', () => client.send(command));
    return Item && unmarshall(Item);
  }

  async function* query(
    input: Omit<QueryCommandInput, 'TableName'>,
  ): AsyncGenerator<Record<string, unknown>> {
    let from: Record<string, AttributeValue> | undefined;
    do {
      const command = new QueryCommand({
        TableName: table,
        ...input,
        ...(from && { ExclusiveStartKey: from }),
      });
      const page = await attempt('reading state', () => client.send(command));
      for (const one of page.Items ?? []) yield unmarshall(one);
      from = page.LastEvaluatedKey;
    } while (from);
  }

  /** A write under a condition: undefined where the condition does not hold. */
  async function write<T>(call: () => Promise<T>): Promise<T | undefined> {
    try {
      return await call();
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return undefined;
      throw asUnavailable('writing state', error);
    }
  }

  return {
    async finding(scope, key) {
      const found = await item(scope, key);
      return found && parseFinding(found);
    },

    async putFinding(finding) {
      const open = finding.status !== 'resolved' && { openSeverity: finding.severity };
      const command = new PutItemCommand({
        TableName: table,
        Item: marshall({ ...finding, ...open }, { removeUndefinedValues: true }),
        ConditionExpression: 'attribute_not_exists(#scope) OR #sequence <= :sequence',
        ExpressionAttributeNames: { '#scope': 'scope', '#sequence': 'sequence' },
        ExpressionAttributeValues: marshall({ ':sequence': finding.sequence }),
      });
      return (await write(() => client.send(command))) !== undefined;
    },

    async *openFindings() {
      for (const severity of severities.toReversed()) {
        const items = query({
          IndexName: severityIndex,
          KeyConditionExpression: '#severity = :severity',
          ExpressionAttributeNames: { '#severity': 'openSeverity' },
          ExpressionAttributeValues: marshall({ ':severity': severity }),
        });
        for await (const one of items) yield parseFinding(one);
      }
    },

    async *findingsIn(scope) {
      for await (const one of query(startingWith(scope, 'finding#'))) yield parseFinding(one);
    },

    async tagsNaming(repository, digest) {
      const { ExpressionAttributeNames, ExpressionAttributeValues, ...start } = startingWith(
        scopeOf(repository),
        'finding#tag#',
      );
      const items = query({
        ...start,
        FilterExpression: '#status <> :resolved AND #digest = :digest',
        ExpressionAttributeNames: {
          ...ExpressionAttributeNames,
          '#status': 'status',
          '#digest': 'digest',
        },
        ExpressionAttributeValues: {
          ...ExpressionAttributeValues,
          ...marshall({ ':resolved': 'resolved', ':digest': digest }),
        },
      });
      const tags = new Map<string, TagResource>();
      for await (const { scope, key } of items) {
        const resource = resourceOfFinding(String(scope), String(key));
        if (resource?.kind === 'tag') tags.set(resource.tag, resource);
      }
      return [...tags.values()];
    },

    async message(scope, key) {
      const found = await item(scope, key);
      return found && parseMessage(found);
    },

    async claim({ scope, key }, now, until) {
      const command = new UpdateItemCommand({
        TableName: table,
        Key: itemKey(scope, messageKey(key)),
        UpdateExpression: 'SET #claimedUntil = :until REMOVE #shown',
        ConditionExpression: 'attribute_not_exists(#claimedUntil) OR #claimedUntil <= :now',
        ExpressionAttributeNames: { '#claimedUntil': 'claimedUntil', '#shown': 'shown' },
        ExpressionAttributeValues: marshall({ ':until': until, ':now': now }),
        ReturnValues: 'ALL_OLD',
      });
      const answer = await write(() => client.send(command));
      if (!answer) return 'held';
      return answer.Attributes ? { before: parseMessage(unmarshall(answer.Attributes)) } : {};
    },

    async mark({ claimedUntil: _, ...message }, claimedUntil) {
      const command = new PutItemCommand({
        TableName: table,
        Item: marshall(message, { removeUndefinedValues: true }),
        // The second half: an earlier attempt took effect and its answer was lost.
        ConditionExpression:
          '#claimedUntil = :until OR (attribute_not_exists(#claimedUntil) AND #shown = :shown AND #sequence = :sequence)',
        ExpressionAttributeNames: {
          '#claimedUntil': 'claimedUntil',
          '#shown': 'shown',
          '#sequence': 'sequence',
        },
        ExpressionAttributeValues: marshall({
          ':until': claimedUntil,
          ':shown': message.shown,
          ':sequence': message.sequence,
        }),
      });
      return (await write(() => client.send(command))) !== undefined;
    },

    async release({ scope, key }, before, claimedUntil) {
      const held = {
        TableName: table,
        ConditionExpression: '#claimedUntil = :until',
        ExpressionAttributeNames: { '#claimedUntil': 'claimedUntil' },
        ExpressionAttributeValues: marshall({ ':until': claimedUntil }),
      };
      await write(() =>
        before
          ? client.send(
              new PutItemCommand({ ...held, Item: marshall(before, { removeUndefinedValues: true }) }),
            )
          : client.send(new DeleteItemCommand({ ...held, Key: itemKey(scope, messageKey(key)) })),
      );
    },
  };
}

async function attempt<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw asUnavailable(what, error);
  }
}

function itemKey(scope: string, key: string): Record<string, AttributeValue> {
  return marshall({ scope, key });
}

function startingWith(scope: string, prefix: string) {
  return {
    KeyConditionExpression: '#scope = :scope AND begins_with(#key, :prefix)',
    ExpressionAttributeNames: { '#scope': 'scope', '#key': 'key' },
    ExpressionAttributeValues: marshall({ ':scope': scope, ':prefix': prefix }),
  };
}

function parseMessage(stored: Record<string, unknown>): TrackedMessage {
  const { scope, key, channel, ts, shown, sequence, claimedUntil } = stored;
  return {
    scope: String(scope),
    key: String(key),
    ...(typeof channel === 'string' && { channel }),
    ...(typeof ts === 'string' && { ts }),
    ...(typeof shown === 'string' && { shown }),
    ...(typeof sequence === 'number' && { sequence }),
    ...(typeof claimedUntil === 'number' && { claimedUntil }),
  };
}
