import { Logger } from '@aws-lambda-powertools/logger';
import middy from '@middy/core';
import type { Context, SQSBatchResponse } from 'aws-lambda';

/** JSON lines to standard output, the level by POWERTOOLS_LOG_LEVEL. Never a whole event, never a secret. */
export const logger = new Logger({ serviceName: 'ecr-warden' });

/** The one middleware stack of every function: what fails as a whole is logged once, with the request that it was. */
export function lambdaFunction<Event, Result>(handle: (event: Event) => Promise<Result>) {
  return middy<Event, Result, Error, Context>(handle).onError(({ error, context }) => {
    logger.error('the invocation failed', { requestId: context.awsRequestId, error: error as Error });
  });
}

/** Tells Lambda which messages of a batch to keep in the queue. */
export function partialFailures(messageIds: readonly string[]): SQSBatchResponse {
  return { batchItemFailures: messageIds.map((itemIdentifier) => ({ itemIdentifier })) };
}
