import fc from 'fast-check';
import { type VirtualClock, virtualClock } from '../../local/clock';
import type { Target } from '../../local/delivery';
import { createEventBridge, type EventBridge } from '../../local/eventbridge';
import { AwsError } from '../../local/service';

const account = '111122223333';
const region = 'eu-central-1';
const START = Date.parse('2026-11-24T08:00:00.250Z');
const QUEUE = `arn:aws:sqs:${region}:${account}:q`;
const DEAD = `arn:aws:sqs:${region}:${account}:dead`;

interface Delivered {
  at: number;
  target: Target;
  payload: string;
  attributes: Readonly<Record<string, string>> | undefined;
}

interface World {
  clock: VirtualClock;
  bridge: EventBridge;
  delivered: Delivered[];
  /** Set to make deliveries to an ARN fail. */
  failures: Map<string, () => Error>;
  ask(
    operation: string,
    input: Record<string, unknown>,
    at?: { account?: string; region?: string },
  ): Promise<Record<string, unknown>>;
  settle(): Promise<void>;
}

function world(): World {
  const clock = virtualClock(START, () => new Promise((done) => setImmediate(done)));
  const delivered: Delivered[] = [];
  const failures = new Map<string, () => Error>();
  let ids = 0;
  const bridge = createEventBridge({
    clock,
    newId: () => `id-${++ids}`,
    async deliver(target, payload, attributes) {
      const failure = failures.get(target.arn);
      if (failure) throw failure();
      delivered.push({ at: clock.now() - START, target, payload, attributes });
    },
  });
  return {
    clock,
    bridge,
    delivered,
    failures,
    ask: async (operation, input, at = {}) => ({
      ...(await bridge.call({ operation, input, account, region, ...at })),
    }),
    settle: () => clock.advance(0),
  };
}

interface RuleSketch {
  name?: string;
  pattern?: object;
  bus?: string;
  state?: string;
  target?: Record<string, unknown>;
}

async function withRule(
  sketch: RuleSketch = {},
  made = world(),
  at: { account?: string; region?: string } = {},
): Promise<World> {
  const {
    name = 'r',
    pattern = { source: [{ prefix: '' }] },
    bus = 'default',
    state = 'ENABLED',
    target = {},
  } = sketch;
  await made.ask(
    'PutRule',
    { Name: name, EventBusName: bus, EventPattern: JSON.stringify(pattern), State: state },
    at,
  );
  await made.ask(
    'PutTargets',
    { Rule: name, EventBusName: bus, Targets: [{ Id: 't', Arn: QUEUE, ...target }] },
    at,
  );
  return made;
}

const entry = (fields: Record<string, unknown> = {}): Record<string, unknown> => ({
  Source: 'ecr-warden',
  DetailType: 'Finding Opened',
  Detail: '{"rule":"tag-format"}',
  ...fields,
});

const push = (detail: Record<string, unknown> = {}): Parameters<EventBridge['publish']>[0] => ({
  source: 'aws.ecr',
  'detail-type': 'ECR Image Action',
  detail,
});

const payloads = ({ delivered }: World): unknown[] => delivered.map(({ payload }) => JSON.parse(payload));

describe('PutEvents', () => {
  it('wraps each entry as AWS does and gives it to the targets of matching rules', async () => {
    const made = await withRule({ pattern: { detail: { rule: ['tag-format'] } } });
    const answer = await made.ask('PutEvents', {
      Entries: [
        entry({ Resources: ['arn:x'], Time: 1_795_500_000 }),
        entry({ Detail: '{"rule":"other"}' }),
        entry(),
      ],
    });
    await made.settle();
    expect(answer).toEqual({
      FailedEntryCount: 0,
      Entries: [{ EventId: 'id-1' }, { EventId: 'id-2' }, { EventId: 'id-3' }],
    });
    const event = {
      version: '0',
      id: 'id-1',
      'detail-type': 'Finding Opened',
      source: 'ecr-warden',
      account,
      time: '2026-11-24T06:00:00Z',
      region,
      resources: ['arn:x'],
      detail: { rule: 'tag-format' },
    };
    expect(payloads(made)).toEqual([
      event,
      { ...event, id: 'id-3', time: '2026-11-24T08:00:00Z', resources: [] },
    ]);
    expect(made.delivered[0]?.target).toEqual({ arn: QUEUE });
  });

  it('refuses entries one by one', async () => {
    const made = await withRule();
    const answer = await made.ask('PutEvents', {
      Entries: [
        entry({ Source: 'aws.ecr' }),
        entry({ Detail: '[1]' }),
        entry({ Detail: '{' }),
        entry({ DetailType: undefined }),
        entry(),
      ],
    });
    await made.settle();
    const malformed = { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' };
    expect(answer).toEqual({
      FailedEntryCount: 4,
      Entries: [
        { ErrorCode: 'NotAuthorizedForSourceException', ErrorMessage: 'Not authorized for the source.' },
        malformed,
        malformed,
        {
          ErrorCode: 'InvalidArgument',
          ErrorMessage: 'Parameter DetailType is not valid. Reason: DetailType is a required argument.',
        },
        { EventId: 'id-1' },
      ],
    });
    expect(made.delivered).toHaveLength(1);
  });

  it.each([
    ['eleven entries', Array.from({ length: 11 }, () => entry())],
    ['no entry', []],
    ['more than 1 MiB', [entry({ Detail: JSON.stringify({ x: 'x'.repeat(1_048_576) }) })]],
  ])('refuses %s', async (_name, Entries) => {
    await expect(world().ask('PutEvents', { Entries })).rejects.toMatchObject({
      code: 'ValidationException',
    });
  });

  it('drops an event for a bus that is not there, as AWS does', async () => {
    const made = await withRule();
    const answer = await made.ask('PutEvents', { Entries: [entry({ EventBusName: 'nowhere' }), entry()] });
    await made.settle();
    expect(answer).toMatchObject({ FailedEntryCount: 0 });
    expect(made.delivered).toHaveLength(1);
  });
});

describe('rules', () => {
  it('see the events of their own bus, account and Region', async () => {
    const made = world();
    await made.ask('CreateEventBus', { Name: 'ecr-warden' });
    await withRule({ bus: 'ecr-warden' }, made);
    await made.ask('PutEvents', { Entries: [entry()] });
    await made.ask(
      'PutEvents',
      { Entries: [entry({ EventBusName: 'ecr-warden' })] },
      { region: 'eu-west-1' },
    );
    await made.ask('PutEvents', { Entries: [entry({ EventBusName: 'ecr-warden' })] });
    await made.ask('PutEvents', {
      Entries: [entry({ EventBusName: `arn:aws:events:${region}:${account}:event-bus/ecr-warden` })],
    });
    await made.settle();
    expect(payloads(made)).toMatchObject([{ id: 'id-3' }, { id: 'id-4' }]);
  });

  it('take events of AWS services through publish, with account and Region of the place', async () => {
    const made = await withRule({ pattern: { source: ['aws.ecr'] } });
    await made.bridge.publish(
      { ...push({ result: 'SUCCESS' }), id: 'given', time: '2026-01-01T00:00:00Z' },
      { account, region },
    );
    expect(payloads(made)).toEqual([
      {
        version: '0',
        id: 'given',
        'detail-type': 'ECR Image Action',
        source: 'aws.ecr',
        account,
        time: '2026-01-01T00:00:00Z',
        region,
        resources: [],
        detail: { result: 'SUCCESS' },
      },
    ]);
  });

  it('sleep while disabled', async () => {
    const made = await withRule({ state: 'DISABLED' });
    const publish = () => made.bridge.publish(push(), { account, region });
    await publish();
    await made.ask('EnableRule', { Name: 'r' });
    await publish();
    await made.ask('DisableRule', { Name: 'r' });
    await publish();
    expect(payloads(made)).toMatchObject([{ id: 'id-2' }]);
  });

  it.each([
    ['ENABLED', true, 'AWS Service Event via CloudTrail', 0],
    ['ENABLED', true, 'AWS API Call via CloudTrail', 0],
    ['ENABLED', false, 'AWS API Call via CloudTrail', 1],
    ['ENABLED', true, 'ECR Image Action', 1],
    ['ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS', true, 'AWS Service Event via CloudTrail', 1],
    ['ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS', false, 'AWS API Call via CloudTrail', 1],
  ])('in state %s see readOnly %s of %s: %i', async (state, readOnly, type, count) => {
    const made = await withRule({ state });
    await made.bridge.publish({ ...push({ readOnly }), 'detail-type': type }, { account, region });
    expect(made.delivered).toHaveLength(count);
  });

  it('are described, listed and deleted', async () => {
    const made = await withRule({ name: 'b', pattern: { source: ['x'] } });
    await made.ask('PutRule', { Name: 'a', EventPattern: '{"source":["x"]}', Description: 'first' });
    const b = {
      Name: 'b',
      Arn: `arn:aws:events:${region}:${account}:rule/b`,
      EventPattern: '{"source":["x"]}',
      State: 'ENABLED',
      EventBusName: 'default',
    };
    expect(await made.ask('DescribeRule', { Name: 'b' })).toEqual({ ...b, CreatedBy: account });
    const first = await made.ask('ListRules', { Limit: 1 });
    expect(first.Rules).toMatchObject([{ Name: 'a', Description: 'first' }]);
    expect(await made.ask('ListRules', { NextToken: first.NextToken })).toEqual({ Rules: [b] });
    await expect(made.ask('DeleteRule', { Name: 'b' })).rejects.toMatchObject({
      code: 'ValidationException',
      message: "Rule can't be deleted since it has targets.",
    });
    expect(await made.ask('RemoveTargets', { Rule: 'b', Ids: ['t', 'u'] })).toMatchObject({
      FailedEntryCount: 1,
      FailedEntries: [{ TargetId: 'u', ErrorCode: 'ResourceNotFoundException' }],
    });
    await made.ask('DeleteRule', { Name: 'b' });
    await expect(made.ask('DescribeRule', { Name: 'b' })).rejects.toMatchObject({
      code: 'ResourceNotFoundException',
      message: 'Rule b does not exist on EventBus default.',
    });
  });

  it('keep their targets when put again', async () => {
    const made = await withRule({ pattern: { source: ['x'] } });
    await made.ask('PutRule', { Name: 'r', EventPattern: '{"source":["aws.ecr"]}' });
    await made.bridge.publish(push(), { account, region });
    expect(made.delivered).toHaveLength(1);
  });

  it.each([
    ['no pattern', 'PutRule', { Name: 'x' }, 'ValidationException', 'EventPattern'],
    [
      'a bad pattern',
      'PutRule',
      { Name: 'x', EventPattern: '{"a":[]}' },
      'InvalidEventPatternException',
      'Empty arrays',
    ],
    [
      'text as pattern',
      'PutRule',
      { Name: 'x', EventPattern: '{' },
      'InvalidEventPatternException',
      'not JSON',
    ],
    [
      'a bad name',
      'PutRule',
      { Name: 'a b', EventPattern: '{"a":[1]}' },
      'ValidationException',
      "'a b' at 'Name'",
    ],
    [
      'a bad state',
      'PutRule',
      { Name: 'x', EventPattern: '{"a":[1]}', State: 'ON' },
      'ValidationException',
      'ON',
    ],
    [
      'a schedule',
      'PutRule',
      { Name: 'x', ScheduleExpression: 'rate(1 day)' },
      'ValidationException',
      'Scheduler',
    ],
    [
      'an unknown bus',
      'PutRule',
      { Name: 'x', EventBusName: 'y', EventPattern: '{"a":[1]}' },
      'ResourceNotFoundException',
      'Event bus y does not exist.',
    ],
    [
      'two inputs',
      'PutTargets',
      { Rule: 'r', Targets: [{ Id: 'a', Arn: QUEUE, Input: '1', InputPath: '$' }] },
      'ValidationException',
      'Only one of',
    ],
    [
      'an input that is no JSON',
      'PutTargets',
      { Rule: 'r', Targets: [{ Id: 'a', Arn: QUEUE, Input: 'x' }] },
      'ValidationException',
      'JSON syntax error in input for target a',
    ],
    [
      'an unknown placeholder',
      'PutTargets',
      { Rule: 'r', Targets: [{ Id: 'a', Arn: QUEUE, InputTransformer: { InputTemplate: '"<x>"' } }] },
      'ValidationException',
      'invalid placeholder x',
    ],
    [
      'too many retries',
      'PutTargets',
      { Rule: 'r', Targets: [{ Id: 'a', Arn: QUEUE, RetryPolicy: { MaximumRetryAttempts: 186 } }] },
      'ValidationException',
      'from 0 to 185',
    ],
    [
      'six targets',
      'PutTargets',
      { Rule: 'r', Targets: 'abcdef'.split('').map((Id) => ({ Id, Arn: QUEUE })) },
      'LimitExceededException',
      'maximum',
    ],
  ])('refuse %s', async (_name, operation, input, code, message) => {
    const { ask } = await withRule();
    await expect(ask(operation, input)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });
});

describe('what a target gets', () => {
  const event = push({ tag: 'v1', size: 5, images: [{ digest: 'sha256:1' }], say: 'a "b"' });
  const got = async (target: Record<string, unknown>): Promise<string | undefined> => {
    const made = await withRule({ target });
    await made.bridge.publish(event, { account, region });
    return made.delivered[0]?.payload;
  };
  const template = (
    InputTemplate: string,
    InputPathsMap: Record<string, string> = {},
  ): Promise<string | undefined> => got({ InputTransformer: { InputTemplate, InputPathsMap } });
  const paths = {
    tag: '$.detail.tag',
    size: '$.detail.size',
    images: '$.detail.images',
    type: '$.detail-type',
    none: '$.x.y',
    say: '$.detail.say',
  };

  it.each([
    ['{"a":1}', { Input: '{"a":1}' }],
    ['"v1"', { InputPath: '$.detail.tag' }],
    ['{"digest":"sha256:1"}', { InputPath: '$.detail.images[0]' }],
    ['["sha256:1"]', { InputPath: '$.detail.images[*].digest' }],
    ['"ECR Image Action"', { InputPath: '$.detail-type' }],
  ])('%s for %j', async (payload, target) => {
    expect(await got(target)).toBe(payload);
  });

  it.each([
    ['a string', '"tag <tag> of <size>"', '"tag v1 of 5"'],
    ['a string with escaped quotes', '"tag \\"<tag>\\""', '"tag \\"v1\\""'],
    [
      'JSON',
      '{ "tag": <tag>, "size": <size>, "all": [9, <images>, true] }',
      '{"tag":"v1","size":5,"all":[9,[{"digest":"sha256:1"}],true]}',
    ],
    [
      'JSON with variables in strings',
      '{"tag": "<tag>", "text": "it is \\"<tag>\\": <type>"}',
      '{"tag":"v1","text":"it is \\"v1\\": ECR Image Action"}',
    ],
    ['JSON values that need escapes', '{"say": <say>}', '{"say":"a \\"b\\""}'],
    ['no escapes in strings', '"<say>"', '"a "b""'],
    ['objects in strings', '"<images>"', '"[{digest:sha256:1}]"'],
    ['what is not in the event', '{"a": <none>, "b": "x<none>y"}', '{"a":"","b":"xy"}'],
    [
      'the rule',
      '{"arn": <aws.events.rule-arn>, "name": "<aws.events.rule-name>"}',
      `{"arn":"arn:aws:events:${region}:${account}:rule/r","name":"r"}`,
    ],
    ['the time', '"at <aws.events.event.ingestion-time>"', '"at 2026-11-24T08:00:00Z"'],
    ['several lines', '"<tag>"\n"<size>"', '"v1"\n"5"'],
  ])('fills a template: %s', async (_name, text, payload) => {
    expect(await template(text, paths)).toBe(payload);
  });

  it('fills in the event, with and without its detail', async () => {
    const whole = JSON.parse((await got({})) ?? '');
    const filled = JSON.parse(
      (await template('{"all": <aws.events.event.json>, "head": <aws.events.event>}')) ?? '',
    );
    const { detail, ...head } = whole;
    expect(filled).toEqual({ all: whole, head });
    expect(detail).toEqual(event.detail);
  });

  it('any value of an event survives an unquoted placeholder', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (value) => {
        const made = await withRule({
          target: {
            InputTransformer: { InputPathsMap: { v: '$.detail.v' }, InputTemplate: '{"is": <v>, "<v": 1}' },
          },
        });
        await made.bridge.publish(push({ v: value }), { account, region });
        expect(payloads(made)).toEqual([{ is: JSON.parse(JSON.stringify(value)), '<v': 1 }]);
      }),
      { numRuns: 60 },
    );
  });
});

describe('a bus as target', () => {
  const hub = { account: '999988887777', region: 'eu-west-1' };
  const ingest = `arn:aws:events:${hub.region}:${hub.account}:event-bus/ingest`;

  async function forwarding(): Promise<World> {
    const made = await withRule({ target: { Arn: ingest, Input: '{}' } });
    await made.ask('CreateEventBus', { Name: 'ingest' }, hub);
    return withRule({ bus: 'ingest' }, made, hub);
  }

  it('gets the event as it was, with account, Region and source of its origin', async () => {
    const made = await forwarding();
    await made.bridge.publish(push({ tag: 'v1' }), { account, region });
    expect(payloads(made)).toMatchObject([
      { id: 'id-1', account, region, source: 'aws.ecr', detail: { tag: 'v1' } },
    ]);
  });

  it('does not send it on to a third', async () => {
    const made = await forwarding();
    await made.ask('CreateEventBus', { Name: 'third' }, hub);
    await withRule({ bus: 'third' }, made, hub);
    const third = `arn:aws:events:${hub.region}:${hub.account}:event-bus/third`;
    await withRule({ name: 'onward', bus: 'ingest', target: { Arn: third } }, made, hub);
    await made.bridge.publish(push(), { account, region });
    expect(made.delivered).toHaveLength(1);
  });

  it('that is missing sends the event to the dead-letter queue at once', async () => {
    const made = await withRule({ target: { Arn: ingest, DeadLetterConfig: { Arn: DEAD } } });
    await made.bridge.publish(push(), { account, region });
    expect(made.delivered).toMatchObject([
      {
        at: 0,
        target: { arn: DEAD },
        attributes: { ERROR_CODE: 'ResourceNotFoundException', RETRY_ATTEMPTS: '0' },
      },
    ]);
  });
});

describe('failed deliveries', () => {
  const failing = async (RetryPolicy: object | undefined, error: () => Error): Promise<World> => {
    const made = await withRule({
      target: { Input: '"constant"', DeadLetterConfig: { Arn: DEAD }, ...(RetryPolicy && { RetryPolicy }) },
    });
    made.failures.set(QUEUE, error);
    await made.bridge.publish(push(), { account, region });
    return made;
  };

  it('are tried again, later and later, until they succeed', async () => {
    const made = await failing(undefined, () => new Error('down'));
    await made.clock.advance(4000);
    made.failures.clear();
    await made.clock.advance(10_000);
    expect(made.delivered).toMatchObject([{ at: 7000, target: { arn: QUEUE }, payload: '"constant"' }]);
    expect(made.clock.next()).toBeUndefined();
  });

  it('end in the dead-letter queue after the retries, with the event and what went wrong', async () => {
    const made = await failing(
      { MaximumRetryAttempts: 2 },
      () => new AwsError('InternalFailure', 'down', 500),
    );
    await made.clock.advance(86_400_000);
    expect(made.delivered).toHaveLength(1);
    expect(made.delivered[0]).toMatchObject({ at: 3000, target: { arn: DEAD } });
    expect(JSON.parse(made.delivered[0]?.payload ?? '')).toMatchObject({ id: 'id-1', source: 'aws.ecr' });
    expect(made.delivered[0]?.attributes).toEqual({
      RULE_ARN: `arn:aws:events:${region}:${account}:rule/r`,
      TARGET_ARN: QUEUE,
      ERROR_CODE: 'InternalFailure',
      ERROR_MESSAGE: 'down',
      EXHAUSTED_RETRY_CONDITION: 'MaximumRetryAttempts',
      RETRY_ATTEMPTS: '2',
    });
  });

  it('end there when the event grows too old', async () => {
    const made = await failing({ MaximumEventAgeInSeconds: 60 }, () => new Error('down'));
    await made.clock.advance(86_400_000);
    expect(made.delivered).toMatchObject([
      {
        at: 31_000,
        attributes: { EXHAUSTED_RETRY_CONDITION: 'MaximumEventAgeInSeconds', RETRY_ATTEMPTS: '5' },
      },
    ]);
  });

  it.each([
    ['Busy', 429],
    ['ThrottlingException', 400],
  ])('are tried 185 times within 24 hours by default: %s', async (code, status) => {
    const made = await failing(undefined, () => new AwsError(code, 'busy', status));
    await made.clock.advance(86_400_000);
    expect(made.delivered).toMatchObject([{ attributes: { RETRY_ATTEMPTS: '185' } }]);
  });

  it('that no retry can mend go there at once', async () => {
    const made = await failing(undefined, () => new AwsError('QueueDoesNotExist', 'gone'));
    expect(made.delivered).toHaveLength(1);
    expect(made.delivered[0]?.attributes).not.toHaveProperty('EXHAUSTED_RETRY_CONDITION');
    expect(made.clock.next()).toBeUndefined();
  });

  it('do not stop other targets, and are dropped without a dead-letter queue', async () => {
    const made = await withRule();
    await made.ask('PutTargets', { Rule: 'r', Targets: [{ Id: 'other', Arn: DEAD }] });
    made.failures.set(QUEUE, () => new AwsError('QueueDoesNotExist', 'gone'));
    await made.bridge.publish(push(), { account, region });
    expect(made.delivered.map(({ target }) => target.arn)).toEqual([DEAD]);
  });
});

describe('buses, archives and targets', () => {
  it('the default bus is in each Region', async () => {
    const { ask } = world();
    expect(await ask('DescribeEventBus', {}, { region: 'us-east-1' })).toMatchObject({
      Name: 'default',
      Arn: `arn:aws:events:us-east-1:${account}:event-bus/default`,
    });
  });

  it('are created, described, listed and deleted', async () => {
    const { ask } = world();
    const EventBusArn = `arn:aws:events:${region}:${account}:event-bus/b`;
    expect(await ask('CreateEventBus', { Name: 'b', Description: 'ours' })).toEqual({
      EventBusArn,
      Description: 'ours',
    });
    await expect(ask('CreateEventBus', { Name: 'b' })).rejects.toMatchObject({
      code: 'ResourceAlreadyExistsException',
    });
    const permission = { EventBusName: 'b', StatementId: 's', Principal: '*', Action: 'events:PutEvents' };
    await ask('PutPermission', {
      ...permission,
      Condition: { Type: 'StringEquals', Key: 'aws:PrincipalOrgID', Value: 'o-1' },
    });
    const described = await ask('DescribeEventBus', { Name: EventBusArn });
    expect(JSON.parse(String(described.Policy)).Statement).toEqual([
      {
        Sid: 's',
        Effect: 'Allow',
        Principal: '*',
        Action: 'events:PutEvents',
        Resource: EventBusArn,
        Condition: { StringEquals: { 'aws:PrincipalOrgID': 'o-1' } },
      },
    ]);
    expect(await ask('ListEventBuses', { NamePrefix: 'b' })).toMatchObject({ EventBuses: [{ Name: 'b' }] });
    await ask('DeleteEventBus', { Name: 'b' });
    await expect(ask('DescribeEventBus', { Name: 'b' })).rejects.toMatchObject({
      code: 'ResourceNotFoundException',
    });
    await expect(ask('DeleteEventBus', { Name: 'default' })).rejects.toMatchObject({
      code: 'ValidationException',
    });
  });

  it('a whole policy replaces what a bus has', async () => {
    const { ask } = world();
    const statement = { Sid: 'x', Effect: 'Allow' };
    await ask('PutPermission', { Policy: JSON.stringify({ Statement: statement }) });
    expect(JSON.parse(String((await ask('DescribeEventBus', {})).Policy)).Statement).toEqual([statement]);
  });

  it('archives are stored', async () => {
    const { ask } = world();
    const EventSourceArn = `arn:aws:events:${region}:${account}:event-bus/default`;
    const ArchiveArn = `arn:aws:events:${region}:${account}:archive/a`;
    const created = await ask('CreateArchive', { ArchiveName: 'a', EventSourceArn, RetentionDays: 14 });
    expect(created).toEqual({ ArchiveArn, State: 'ENABLED', CreationTime: START / 1000 });
    expect(await ask('DescribeArchive', { ArchiveName: 'a' })).toMatchObject({
      ArchiveArn,
      EventSourceArn,
      RetentionDays: 14,
    });
  });

  it('targets carry role, retry policy, dead-letter queue and message group', async () => {
    const target = {
      RoleArn: 'arn:aws:iam::1:role/r',
      DeadLetterConfig: { Arn: DEAD },
      RetryPolicy: { MaximumRetryAttempts: 3, MaximumEventAgeInSeconds: 60 },
      SqsParameters: { MessageGroupId: 'g' },
    };
    const made = await withRule({ target });
    expect(await made.ask('ListTargetsByRule', { Rule: 'r' })).toEqual({
      Targets: [{ Id: 't', Arn: QUEUE, ...target }],
    });
    await made.bridge.publish(push(), { account, region });
    expect(made.delivered[0]?.target).toEqual({
      arn: QUEUE,
      roleArn: 'arn:aws:iam::1:role/r',
      deadLetterArn: DEAD,
      retryPolicy: { maximumRetryAttempts: 3, maximumEventAgeInSeconds: 60 },
      sqsMessageGroupId: 'g',
    });
  });

  it('patterns can be tested without a rule', async () => {
    const { ask } = world();
    const event = {
      id: '1',
      account,
      source: 's',
      time: 't',
      region,
      resources: [],
      'detail-type': 'd',
      detail: { a: 1 },
    };
    const test = (pattern: object, given: object) =>
      ask('TestEventPattern', { EventPattern: JSON.stringify(pattern), Event: JSON.stringify(given) });
    expect(await test({ detail: { a: [1] } }, event)).toEqual({ Result: true });
    expect(await test({ detail: { a: [2] } }, event)).toEqual({ Result: false });
    await expect(test({ a: [1] }, { a: 1 })).rejects.toMatchObject({
      code: 'ValidationException',
      message: expect.stringContaining('detail-type'),
    });
  });
});
