import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SQSClient } from '@aws-sdk/client-sqs';
import { SSMClient } from '@aws-sdk/client-ssm';

/**
 * Clients as the environment configures them: Region, credentials and, for the embedded cloud, AWS_ENDPOINT_URL. A
 * function makes each once, outside its handler, so that connections are kept from one invocation to the next.
 */
export function dynamodbClient(): DynamoDBClient {
  return new DynamoDBClient({});
}

export function eventBridgeClient(): EventBridgeClient {
  return new EventBridgeClient({});
}

export function sqsClient(): SQSClient {
  return new SQSClient({});
}

export function ssmClient(): SSMClient {
  return new SSMClient({});
}
