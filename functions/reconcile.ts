import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { SQSEvent } from 'aws-lambda';
import { auditTable } from '../shared/aws/audit-table';
import { dynamodbClient, sqsClient } from '../shared/aws/clients';
import { recheckQueue } from '../shared/aws/recheck-queue';
import { reconcileInbox } from '../shared/aws/reconcile-inbox';
import { ecrClients, ecrReader } from '../shared/aws/registries';
import { stateTable } from '../shared/aws/state-table';
import type { Registry } from '../shared/domain/resource';
import { reconcileMessages } from '../shared/evaluation/reconcile-messages';
import { environment, optionalEnvironment } from '../shared/lambda/environment';
import { lambdaFunction, logger, partialFailures } from '../shared/lambda/functions';
import { openPolicy } from '../shared/policy/open';

const dynamodb = dynamodbClient();
const sqs = sqsClient();
const now = () => Date.now();
const queueUrl = environment('RECONCILE_QUEUE_URL');
const hubAccount = environment('HUB_ACCOUNT');

const dependencies = {
  policy: openPolicy(
    JSON.parse(readFileSync(resolve(environment('LAMBDA_TASK_ROOT'), environment('POLICY_FILE')), 'utf8')),
  ),
  trail: auditTable(dynamodb, environment('AUDIT_TABLE')),
  ecr: ecrReader(ecrClients(credentialsFor)),
  findings: stateTable(dynamodb, environment('STATE_TABLE')),
  rechecks: recheckQueue(sqs, queueUrl, now),
  inbox: reconcileInbox(sqs, queueUrl, environment('REJECTED_QUEUE_URL'), now),
  evaluatedRepositories: new Set<string>(),
  now,
};

/** The hub's own account is read with the function's role, another with the role that its member template made. */
function credentialsFor({ account }: Registry) {
  const role = optionalEnvironment('READ_ROLE_NAME');
  if (account === hubAccount || !role) return {};
  // A second file of the bundle: most installations govern one account and never load it.
  const { assumeRole } = require('../shared/aws/assume-role') as typeof import('../shared/aws/assume-role');
  const arn = `arn:aws:iam::${account}:role/${role}`;
  return { credentials: assumeRole(arn, environment('EXTERNAL_ID'), environment('AWS_REGION')) };
}

export const handler = lambdaFunction(async (event: SQSEvent) => {
  const fates = await reconcileMessages(
    event.Records.map(({ messageId, body, receiptHandle, attributes }) => ({
      id: messageId,
      body,
      receipt: receiptHandle,
      receiveCount: Number(attributes.ApproximateReceiveCount),
    })),
    dependencies,
  );
  for (const fate of fates) {
    if (fate.end === 'rejected')
      logger.warn('message rejected', { messageId: fate.message.id, reason: fate.reason });
    if (fate.end === 'again')
      logger.warn('message comes again', { messageId: fate.message.id, error: fate.error });
  }
  return partialFailures(fates.filter(({ end }) => end === 'again').map(({ message }) => message.id));
});
