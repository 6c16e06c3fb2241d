import { type AttributeValue, type DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { type Finding, parseFinding } from '../alerts/finding';
import { asUnavailable } from './errors';

/**
 * Every finding of the table `state`, resolved ones included. No index holds those, so the table is read as a whole:
 * for people who ask, never for a function. Throws `Unavailable`.
 */
export async function* allFindings(client: DynamoDBClient, table: string): AsyncGenerator<Finding> {
  let from: Record<string, AttributeValue> | undefined;
  do {
    const command = new ScanCommand({
      TableName: table,
      FilterExpression: 'begins_with(#key, :finding)',
      ExpressionAttributeNames: { '#key': 'key' },
      ExpressionAttributeValues: { ':finding': { S: 'finding#' } },
      ...(from && { ExclusiveStartKey: from }),
    });
    const page = await client.send(command).catch((error: unknown) => {
      throw asUnavailable('reading state', error);
    });
    for (const item of page.Items ?? []) yield parseFinding(unmarshall(item));
    from = page.LastEvaluatedKey;
  } while (from);
}
