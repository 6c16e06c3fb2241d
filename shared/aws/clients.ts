import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SQSClient } from '@aws-sdk/client-sqs';
import { SSMClient } from '@aws-sdk/client-ssm';

/**
 * Clients as the environment configures them: Region, credentials and, for the embedded cloud, AWS_ENDPOINT_URL. A
 * function makes each once, outside its handler, so that connections are kept from one invocation to the next.
 */
export function dynamodbClient(): DynamoDBClient {
  return lean(new DynamoDBClient(leanConfiguration));
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

/**
 * For clients that are called for every event: the SDK puts its middleware together anew for each call, a quarter of
 * the call's CPU, unless told that nobody changes it in between. Not for SQS, whose middleware keeps the queue's URL
 * where the calls would then share it.
 */
export const leanConfiguration = { cacheMiddleware: true } as const;

/** Without the middleware that copies each request and answer for a logger, of which there is none. */
export function lean<C extends { readonly middlewareStack: { remove(name: string): boolean } }>(
  client: C,
): C {
  client.middlewareStack.remove('loggerMiddleware');
  return client;
}
