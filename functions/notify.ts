import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SQSEvent } from 'aws-lambda';
import { type Messenger, notifyMessages } from '../shared/alerts/notify';
import { slackMessenger } from '../shared/alerts/slack/messenger';
import { webhookMessenger } from '../shared/alerts/webhook/messenger';
import { dynamodbClient, sqsClient, ssmClient } from '../shared/aws/clients';
import { comeAgain } from '../shared/aws/recheck-queue';
import { secret } from '../shared/aws/secret';
import { stateTable } from '../shared/aws/state-table';
import { environment, optionalEnvironment } from '../shared/lambda/environment';
import { lambdaFunction, logger, partialFailures } from '../shared/lambda/functions';
import { openPolicy } from '../shared/policy/open';

const sqs = sqsClient();
const state = stateTable(dynamodbClient(), environment('STATE_TABLE'));
const queueUrl = environment('NOTIFY_QUEUE_URL');
const now = () => Date.now();
const compiled = JSON.parse(
  readFileSync(resolve(environment('LAMBDA_TASK_ROOT'), environment('POLICY_FILE')), 'utf8'),
);

const dependencies = {
  policy: openPolicy(compiled),
  alerts: compiled.alerts,
  findings: state,
  messages: state,
  messenger: messenger(),
  inbox: {
    comeAgain: ({ receipt }: { receipt: string }, seconds: number) =>
      comeAgain(sqs, queueUrl, receipt, seconds),
  },
  now,
};

/** The app where there is one; a webhook can only post. */
function messenger(): Messenger {
  const webhook = optionalEnvironment('SLACK_WEBHOOK_PARAMETER');
  const token = optionalEnvironment('SLACK_TOKEN_PARAMETER');
  if (!token && webhook) return webhookMessenger({ url: secret(ssmClient(), webhook, now), sleep });
  const apiUrl = optionalEnvironment('SLACK_API_URL');
  return slackMessenger({
    token: secret(ssmClient(), environment('SLACK_TOKEN_PARAMETER'), now),
    ...(apiUrl && { apiUrl }),
    sleep,
  });
}

export const handler = lambdaFunction(async (event: SQSEvent) => {
  const failed = await notifyMessages(
    event.Records.map(({ messageId, body, receiptHandle }) => ({
      id: messageId,
      body,
      receipt: receiptHandle,
    })),
    dependencies,
  );
  for (const { message, error } of failed)
    logger.warn('message comes again', { messageId: message.id, error });
  return partialFailures(failed.map(({ message }) => message.id));
});
