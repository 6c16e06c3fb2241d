import { z } from 'zod';
import { InvalidInput } from '../shared/domain/errors';
import type { Call, Service } from './service';
import { AwsError } from './service';
import type { Stack, StackResource } from './template';

/** The services that the resources of a stack belong to, called as their clients call them. */
export interface StackServices {
  readonly sqs: Service;
  readonly dynamodb: Service;
  readonly eventBridge: Service;
}

/** What a stack's functions are and where their events come from. */
export interface DeployedFunctions {
  readonly functions: readonly z.infer<typeof lambdaFunction>[];
  readonly sources: readonly z.infer<typeof eventSourceMapping>[];
}

const order = [
  'AWS::SQS::Queue',
  'AWS::DynamoDB::Table',
  'AWS::Events::EventBus',
  'AWS::Events::Archive',
  'AWS::Events::Rule',
];

/**
 * Makes a stack's queues, tables, buses and rules by the operations of their services, and answers with its functions.
 * Tables that are there already stay. Throws `InvalidInput` for a property that the embedded cloud cannot honour.
 */
export async function deployStack(
  stack: Stack,
  services: StackServices,
  place: Pick<Call, 'account' | 'region'>,
): Promise<DeployedFunctions> {
  const call = (service: Service, operation: string, input: object): Promise<object> =>
    service.call({ operation, input: { ...input }, ...place });
  const of = (type: string): StackResource[] => stack.resources.filter((resource) => resource.type === type);
  const makers: Readonly<Record<string, (resource: StackResource) => Promise<unknown>>> = {
    'AWS::SQS::Queue': ({ name, properties }) =>
      call(services.sqs, 'CreateQueue', { QueueName: name, Attributes: queueAttributes(properties) }),
    'AWS::DynamoDB::Table': (table) => makeTable(table, (...named) => call(services.dynamodb, ...named)),
    'AWS::Events::EventBus': ({ name }) => call(services.eventBridge, 'CreateEventBus', { Name: name }),
    'AWS::Events::Archive': ({ name, properties: { SourceArn, RetentionDays } }) =>
      call(services.eventBridge, 'CreateArchive', {
        ArchiveName: name,
        EventSourceArn: SourceArn,
        RetentionDays: Number(RetentionDays ?? 0),
      }),
    'AWS::Events::Rule': async ({
      name,
      properties: { EventBusName, EventPattern, State, Targets = [] },
    }) => {
      const bus = EventBusName === undefined ? {} : { EventBusName };
      const EventPatternText = JSON.stringify(EventPattern);
      await call(services.eventBridge, 'PutRule', {
        Name: name,
        ...bus,
        EventPattern: EventPatternText,
        ...(State !== undefined && { State }),
      });
      await call(services.eventBridge, 'PutTargets', { Rule: name, ...bus, Targets });
    },
  };
  for (const type of order) for (const resource of of(type)) await makers[type]?.(resource);
  return {
    functions: of('AWS::Lambda::Function').map((resource) =>
      read(lambdaFunction, resource, { name: resource.name, arn: resource.arn }),
    ),
    sources: of('AWS::Lambda::EventSourceMapping').map((resource) => read(eventSourceMapping, resource, {})),
  };
}

const lambdaFunction = z.object({
  name: z.string(),
  arn: z.string(),
  Handler: z.string(),
  Timeout: z.number().default(3),
  MemorySize: z.number().default(128),
  Environment: z.object({ Variables: z.record(z.string(), z.string()) }).default({ Variables: {} }),
});

// Strict, so that a setting which changes what arrives is never passed over in silence.
const eventSourceMapping = z.strictObject({
  EventSourceArn: z.string(),
  FunctionName: z.string(),
  Enabled: z.boolean().default(true),
  BatchSize: z.number().default(10),
  MaximumBatchingWindowInSeconds: z.number().default(0),
  FunctionResponseTypes: z.array(z.literal('ReportBatchItemFailures')).default([]),
  ScalingConfig: z.object({ MaximumConcurrency: z.number() }).optional(),
  FilterCriteria: z.object({ Filters: z.array(z.object({ Pattern: z.string() })) }).optional(),
  StartingPosition: z.literal('TRIM_HORIZON').optional(),
  ParallelizationFactor: z.literal(1).optional(),
  BisectBatchOnFunctionError: z.boolean().default(false),
  MaximumRetryAttempts: z.number().default(-1),
  DestinationConfig: z.object({ OnFailure: z.object({ Destination: z.string() }) }).optional(),
});

function read<T extends z.ZodType>(
  schema: T,
  { logicalId, properties }: StackResource,
  more: object,
): z.infer<T> {
  const parsed = schema.safeParse({ ...properties, ...more });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new InvalidInput(
    `template: ${logicalId}.${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'cannot be used'} (in the embedded cloud)`,
  );
}

function queueAttributes(properties: StackResource['properties']): Record<string, string> {
  const attributes = Object.entries(properties).filter(([name]) => name !== 'QueueName' && name !== 'Tags');
  return Object.fromEntries(
    attributes.map(([name, value]) => [
      name,
      typeof value === 'object' ? JSON.stringify(value) : String(value),
    ]),
  );
}

/** CloudFormation's properties are the API's but for these three. */
async function makeTable(
  { name, properties }: StackResource,
  call: (operation: string, input: object) => Promise<object>,
): Promise<void> {
  const {
    StreamSpecification,
    SSESpecification,
    PointInTimeRecoverySpecification,
    Tags: _,
    ...same
  } = properties;
  if (await exists(() => call('DescribeTable', { TableName: name }))) return;
  await call('CreateTable', {
    ...same,
    TableName: name,
    ...(isObject(StreamSpecification) && {
      StreamSpecification: { StreamEnabled: true, ...StreamSpecification },
    }),
    ...(isObject(SSESpecification) && {
      SSESpecification: { Enabled: SSESpecification.SSEEnabled === true },
    }),
  });
  if (isObject(PointInTimeRecoverySpecification)) {
    await call('UpdateContinuousBackups', { TableName: name, PointInTimeRecoverySpecification });
  }
}

async function exists(describe: () => Promise<object>): Promise<boolean> {
  try {
    await describe();
    return true;
  } catch (error) {
    if (error instanceof AwsError && error.code === 'ResourceNotFoundException') return false;
    throw error;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
