import type { SQSClient } from '@aws-sdk/client-sqs';
import type { Inbox } from '../evaluation/reconcile-messages';
import { comeAgain, send } from './recheck-queue';

/** As much of a body as is kept with its rejection: enough to recognise it, and well below SQS's limit. */
const keptCharacters = 100_000;

export function reconcileInbox(
  client: SQSClient,
  queueUrl: string,
  rejectedQueueUrl: string,
  now: () => number,
): Inbox {
  return {
    async reject({ id, body }, reason) {
      const rejection = {
        reason,
        messageId: id,
        rejectedAt: new Date(now()).toISOString(),
        body: body.slice(0, keptCharacters),
      };
      await send(client, rejectedQueueUrl, JSON.stringify(rejection));
    },
    comeAgain: ({ receipt }, seconds) => comeAgain(client, queueUrl, receipt, seconds),
  };
}
