import { ChangeMessageVisibilityCommand, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Rechecks } from '../evaluation/reconcile';
import { recheckMessage } from '../events/recheck';
import { asUnavailable } from './errors';

/** SQS delays a message by at most 900 seconds, so a later instant is reached in hops. */
const longestDelaySeconds = 900;

export function recheckQueue(client: SQSClient, queueUrl: string, now: () => number): Rechecks {
  return {
    async schedule(resource, until) {
      const message = recheckMessage(resource, until);
      const seconds = Math.ceil((Date.parse(until) - now()) / 1000);
      await send(
        client,
        queueUrl,
        JSON.stringify(message),
        Math.min(longestDelaySeconds, Math.max(0, seconds)),
      );
    },
  };
}

/** Sends one message; throws `Unavailable` where time can lift it. */
export async function send(
  client: SQSClient,
  queueUrl: string,
  body: string,
  delaySeconds = 0,
): Promise<void> {
  try {
    await client.send(
      new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: body, DelaySeconds: delaySeconds }),
    );
  } catch (error) {
    throw asUnavailable('sending to a queue', error);
  }
}

/** Lets a received message come again after so many seconds instead of the queue's own visibility timeout. */
export async function comeAgain(
  client: SQSClient,
  queueUrl: string,
  receiptHandle: string,
  seconds: number,
): Promise<void> {
  await client.send(
    new ChangeMessageVisibilityCommand({
      QueueUrl: queueUrl,
      ReceiptHandle: receiptHandle,
      VisibilityTimeout: seconds,
    }),
  );
}
