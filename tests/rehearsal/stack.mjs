import { DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import {
  BatchDeleteImageCommand,
  CreateRepositoryCommand,
  ECRClient,
  PutImageCommand,
} from '@aws-sdk/client-ecr';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import {
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { unmarshall } from '@aws-sdk/util-dynamodb';

/** The deployed stack and the registry that it governs, as somebody with every right in the account reaches them. */
export function deployedStack({ url, environment, region }) {
  const configuration = {
    endpoint: url,
    region,
    credentials: {
      accessKeyId: environment.AWS_ACCESS_KEY_ID,
      secretAccessKey: environment.AWS_SECRET_ACCESS_KEY,
    },
  };
  const dynamodb = new DynamoDBClient(configuration);
  const ecr = new ECRClient(configuration);
  const events = new EventBridgeClient(configuration);
  const sqs = new SQSClient(configuration);
  const ssm = new SSMClient(configuration);

  async function query(table, scope) {
    const { Items = [] } = await dynamodb.send(
      new QueryCommand({
        TableName: table,
        KeyConditionExpression: '#scope = :scope',
        ExpressionAttributeNames: { '#scope': 'scope' },
        ExpressionAttributeValues: { ':scope': { S: scope } },
        ConsistentRead: true,
      }),
    );
    return Items.map((item) => unmarshall(item));
  }

  async function queueUrl(name) {
    const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: name }));
    return QueueUrl;
  }

  return {
    async storeSlackToken(value) {
      await ssm.send(
        new PutParameterCommand({ Name: '/ecr-warden/slack-token', Type: 'SecureString', Value: value }),
      );
    },

    async createRepository(name) {
      await ecr.send(new CreateRepositoryCommand({ repositoryName: name }));
    },

    /** Puts an image into ECR and answers with its digest. ministack's ECR tells nobody of it. */
    async putImage(repository, tag, manifest) {
      const { image } = await ecr.send(
        new PutImageCommand({
          repositoryName: repository,
          imageTag: tag,
          imageManifest: JSON.stringify(manifest),
          imageManifestMediaType: manifest.mediaType,
        }),
      );
      return image.imageId.imageDigest;
    },

    async deleteTag(repository, tag) {
      await ecr.send(
        new BatchDeleteImageCommand({ repositoryName: repository, imageIds: [{ imageTag: tag }] }),
      );
    },

    /** Answers with the event's id. */
    async putEvent({ bus, source, detailType, detail }) {
      const entry = {
        ...(bus && { EventBusName: bus }),
        Source: source,
        DetailType: detailType,
        Detail: JSON.stringify(detail),
      };
      const { Entries = [] } = await events.send(new PutEventsCommand({ Entries: [entry] }));
      if (!Entries[0]?.EventId) throw new Error(`the bus refused the event: ${Entries[0]?.ErrorMessage}`);
      return Entries[0].EventId;
    },

    async send(queue, body) {
      await sqs.send(
        new SendMessageCommand({ QueueUrl: await queueUrl(queue), MessageBody: JSON.stringify(body) }),
      );
    },

    /** How many messages wait in a queue or are being worked on. */
    async depth(queue) {
      const names = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'];
      const { Attributes } = await sqs.send(
        new GetQueueAttributesCommand({ QueueUrl: await queueUrl(queue), AttributeNames: names }),
      );
      return names.reduce((sum, name) => sum + Number(Attributes[name]), 0);
    },

    async receive(queue) {
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({ QueueUrl: await queueUrl(queue), MaxNumberOfMessages: 10 }),
      );
      return Messages.map(({ Body }) => JSON.parse(Body));
    },

    /** A scope's audit records in key order. */
    records: (scope) => query('ecr-warden-audit', scope),

    async finding(scope, key) {
      const found = await query('ecr-warden-state', scope);
      return found.find((one) => one.key === key);
    },

    close() {
      for (const client of [dynamodb, ecr, events, sqs, ssm]) client.destroy();
    },
  };
}
