import type { DynamoDBStreamEvent } from 'aws-lambda';
import { publishStream } from '../shared/alerts/publish';
import { streamEntry } from '../shared/aws/audit-stream';
import { dynamodbClient, eventBridgeClient } from '../shared/aws/clients';
import { eventBus } from '../shared/aws/event-bus';
import { stateTable } from '../shared/aws/state-table';
import { environment } from '../shared/lambda/environment';
import { lambdaFunction, logger, partialFailures } from '../shared/lambda/functions';

const dependencies = {
  findings: stateTable(dynamodbClient(), environment('STATE_TABLE')),
  bus: eventBus(eventBridgeClient(), environment('EVENT_BUS_NAME')),
};

export const handler = lambdaFunction(async (event: DynamoDBStreamEvent) => {
  const failed = await publishStream(event.Records.map(streamEntry), dependencies);
  if (failed) logger.error('a record was not published', { ...failed });
  return partialFailures(failed ? [failed.sequenceNumber] : []);
});
