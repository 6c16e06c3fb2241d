import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compilePattern } from '../../local/event-pattern';
import { eventFixture, eventFixtureNames } from '../events/fixtures';
import {
  hubTemplate,
  memberTemplate,
  ofType,
  packageAll,
  root,
  type Template,
  type TemplateResource,
} from '../packaged';

let hub: Template;
const member = memberTemplate();

beforeAll(() => {
  packageAll();
  hub = hubTemplate();
}, 60_000);

const queue = 'AWS::SQS::Queue';
const rule = 'AWS::Events::Rule';
const mapping = 'AWS::Lambda::EventSourceMapping';

/** The logical id that a value refers to, by Ref or by Fn::GetAtt. */
function referred(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if ('Ref' in value) return String(value.Ref);
  if ('Fn::GetAtt' in value && Array.isArray(value['Fn::GetAtt'])) return String(value['Fn::GetAtt'][0]);
  return undefined;
}

describe('queues', () => {
  /** Where messages end that nobody could handle. */
  const ends = /DeadLetters$|^RejectedQueue$|^PublishFailuresQueue$/;

  test('each has a dead-letter queue, or is where messages end', () => {
    for (const template of [hub, member]) {
      for (const [id, { Properties }] of ofType(template, queue)) {
        const target = referred(Properties.RedrivePolicy?.deadLetterTargetArn);
        expect([id, ends.test(id) || template.Resources[target ?? '']?.Type]).toEqual([
          id,
          ends.test(id) ? true : queue,
        ]);
      }
    }
  });

  test('what is dead is kept longer than what lives, and each such queue has an alarm', () => {
    for (const template of [hub, member]) {
      const watched = ofType(template, 'AWS::CloudWatch::Alarm').map(([, { Properties }]) =>
        referred(Properties.Dimensions[0].Value),
      );
      for (const [id, { Properties }] of ofType(template, queue)) {
        if (!ends.test(id)) continue;
        expect([id, Properties.MessageRetentionPeriod]).toEqual([id, 1_209_600]);
        expect(watched).toContain(id);
      }
    }
  });

  test('all are encrypted by SQS itself: EventBridge cannot write to one under the AWS managed key', () => {
    for (const template of [hub, member]) {
      for (const [, { Properties }] of ofType(template, queue)) {
        expect(Properties.SqsManagedSseEnabled).toBe(true);
        expect(Properties.KmsMasterKeyId).toBeUndefined();
      }
    }
  });

  test('a message stays invisible six times as long as its function may take', () => {
    const polled = ofType(hub, mapping).filter(([, { Properties }]) => !Properties.StartingPosition);
    expect(polled).toHaveLength(2);
    for (const [, { Properties }] of polled) {
      const from = hub.Resources[referred(Properties.EventSourceArn) ?? '']?.Properties;
      const to = hub.Resources[referred(Properties.FunctionName) ?? '']?.Properties;
      expect(from.VisibilityTimeout).toBeGreaterThanOrEqual(6 * to.Timeout);
      expect(from.RedrivePolicy.maxReceiveCount).toBeGreaterThanOrEqual(5);
    }
  });

  test('only rules of ours may send to them', () => {
    for (const template of [hub, member]) {
      const statements = ofType(template, 'AWS::SQS::QueuePolicy').flatMap(
        ([, { Properties }]) => Properties.PolicyDocument.Statement,
      );
      expect(statements.length).toBeGreaterThan(0);
      for (const { Principal, Action, Resource, Condition } of statements) {
        expect(Principal).toEqual({ Service: 'events.amazonaws.com' });
        expect(Action).toBe('sqs:SendMessage');
        const sources = [Condition.ArnEquals['aws:SourceArn']].flat().map(referred);
        const senders = ofType(template, rule)
          .filter(([, { Properties }]) =>
            Properties.Targets.some(
              (target: { Arn: unknown; DeadLetterConfig: { Arn: unknown } }) =>
                referred(target.Arn) === referred(Resource) ||
                referred(target.DeadLetterConfig.Arn) === referred(Resource),
            ),
          )
          .map(([id]) => id);
        expect(sources.toSorted()).toEqual(senders.toSorted());
      }
    }
  });
});

describe('event sources', () => {
  test('every one reports the failures of its items', () => {
    const all = ofType(hub, mapping);
    expect(all).toHaveLength(3);
    for (const [, { Properties }] of all)
      expect(Properties.FunctionResponseTypes).toEqual(['ReportBatchItemFailures']);
  });

  test('a queue has at most two containers at work', () => {
    for (const [, { Properties }] of ofType(hub, mapping)) {
      if (!Properties.StartingPosition) expect(Properties.ScalingConfig).toEqual({ MaximumConcurrency: 2 });
    }
  });

  test('the stream gives up on a record after three retries, says so, and sees only what is to be told', () => {
    const [, { Properties } = { Properties: {} }] =
      ofType(hub, mapping).find(([, one]) => one.Properties.StartingPosition) ?? [];
    expect(Properties).toMatchObject({
      StartingPosition: 'TRIM_HORIZON',
      BisectBatchOnFunctionError: true,
      MaximumRetryAttempts: 3,
      ParallelizationFactor: 1,
    });
    expect(referred(Properties.DestinationConfig.OnFailure.Destination)).toBe('PublishFailuresQueue');
    const [filter, ...others] = Properties.FilterCriteria.Filters.map(({ Pattern }: { Pattern: string }) =>
      compilePattern(JSON.parse(Pattern)),
    );
    const entry = (image: object) => ({ eventName: 'INSERT', dynamodb: { NewImage: image } });
    expect(others).toEqual([]);
    expect(filter(entry({ tell: { N: '1' }, record: { S: 'tag#v1#000000000001' } }))).toBe(true);
    expect(filter(entry({ record: { S: 'tag#v1#000000000001' } }))).toBe(false);
  });
});

describe('tables', () => {
  test('the audit trail and the state cannot be lost by accident', () => {
    const tables = ofType(hub, 'AWS::DynamoDB::Table');
    expect(tables.map(([id]) => id)).toEqual(['AuditTable', 'StateTable']);
    for (const [, table] of tables) {
      expect(table.DeletionPolicy).toBe('Retain');
      expect(table.Properties).toMatchObject({
        BillingMode: 'PAY_PER_REQUEST',
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        SSESpecification: { SSEEnabled: true },
        DeletionProtectionEnabled: true,
      });
      expect(table.Properties.TimeToLiveSpecification).toBeUndefined();
    }
  });

  test('the stream of the trail carries new images', () => {
    expect(hub.Resources.AuditTable?.Properties.StreamSpecification).toEqual({ StreamViewType: 'NEW_IMAGE' });
  });
});

describe('rules', () => {
  const patternOf = ([, { Properties }]: [string, TemplateResource]) => ({
    state: Properties.State ?? 'ENABLED',
    pattern: Properties.EventPattern,
  });
  const onDefault = () => ofType(hub, rule).filter(([, { Properties }]) => !Properties.EventBusName);
  const onIngest = () =>
    ofType(hub, rule).filter(([, { Properties }]) => referred(Properties.EventBusName) === 'IngestBus');

  test('the default bus, the ingest bus and the members have the same patterns', () => {
    const wanted = onDefault().map(patternOf);
    expect(wanted).toHaveLength(4);
    expect(onIngest().map(patternOf)).toEqual(wanted);
    expect(ofType(member, rule).map(patternOf)).toEqual(wanted);
  });

  test.each(eventFixtureNames)('%s reaches the pipeline by one rule', (name) => {
    const event = eventFixture(name);
    const matching = onDefault()
      .map(patternOf)
      .filter(({ pattern }) => compilePattern(pattern)(event));
    if (name === 'cloudtrail-describe-images') return expect(matching).toEqual([]);
    expect(matching).toHaveLength(1);
    // A rule in the ordinary state never sees what CloudTrail calls read-only.
    if (event.detail.readOnly === true)
      expect(matching[0]?.state).toBe('ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS');
  });

  test('scans of functions and instances stay outside', () => {
    const event = { ...eventFixture('inspector-scan'), resources: ['arn:aws:lambda:eu-west-1:1:function:f'] };
    expect(onDefault().some((one) => compilePattern(patternOf(one).pattern)(event))).toBe(false);
  });

  test('every target is retried for a day and then has a dead-letter queue', () => {
    for (const template of [hub, member]) {
      for (const [id, { Properties }] of ofType(template, rule)) {
        expect([id, Properties.Targets.length]).toEqual([id, 1]);
        const [{ DeadLetterConfig, RetryPolicy }] = Properties.Targets;
        expect(template.Resources[referred(DeadLetterConfig.Arn) ?? '']?.Type).toBe(queue);
        expect(RetryPolicy).toEqual({ MaximumEventAgeInSeconds: 86_400, MaximumRetryAttempts: 185 });
      }
    }
  });

  test('events go to the reconcile queue, our own to the notify queue, a member’s to the hub', () => {
    for (const [, { Properties }] of [...onDefault(), ...onIngest()])
      expect(referred(Properties.Targets[0].Arn)).toBe('ReconcileQueue');
    expect(referred(hub.Resources.FindingChangedRule?.Properties.Targets[0].Arn)).toBe('NotifyQueue');
    for (const [, { Properties }] of ofType(member, rule)) {
      expect(Properties.Targets[0].Arn).toEqual({ Ref: 'HubBusArn' });
      expect(referred(Properties.Targets[0].RoleArn)).toBe('ForwardRole');
    }
  });

  test('the ingest bus admits the organisation alone, and ECR’s and Inspector’s events alone', () => {
    const [policy, ...others] = ofType(hub, 'AWS::Events::EventBusPolicy');
    expect(others).toEqual([]);
    expect(policy?.[1].Condition).toBe('HasOrganization');
    expect(policy?.[1].Properties.Statement.Condition).toEqual({
      StringEquals: {
        'aws:PrincipalOrgID': { Ref: 'OrganizationId' },
        'events:source': ['aws.ecr', 'aws.inspector2'],
      },
    });
    expect(hub.Resources.IngestArchive?.Properties.RetentionDays).toEqual({ Ref: 'IngestArchiveDays' });
    expect(String(hub.Parameters.IngestArchiveDays?.Default)).toBe('14');
  });
});

describe('roles', () => {
  interface Statement {
    readonly role: string;
    readonly actions: readonly string[];
    readonly resources: readonly unknown[];
  }

  function statementsOf(template: Template): Statement[] {
    return ofType(template, 'AWS::IAM::Role').flatMap(([role, { Properties }]) =>
      Properties.Policies.flatMap((policy: { PolicyDocument: { Statement: object[] } }) =>
        policy.PolicyDocument.Statement.map((statement) => {
          const { Effect, Action, Resource, ...others } = statement as Record<string, unknown>;
          // A NotAction or NotResource would say more than it seems to.
          expect([role, Effect, others]).toEqual([role, 'Allow', {}]);
          return { role, actions: [Action].flat().map(String), resources: [Resource].flat() };
        }),
      ),
    );
  }

  const all = () => [...statementsOf(hub), ...statementsOf(member)];
  const text = (resource: unknown): string => JSON.stringify(resource);

  test('each function has one of its own', () => {
    const roles = ofType(hub, 'AWS::Lambda::Function').map(([, { Properties }]) => referred(Properties.Role));
    expect(roles.toSorted()).toEqual(['NotifyRole', 'PublishRole', 'ReconcileRole']);
    expect(ofType(hub, 'AWS::IAM::Role').map(([id]) => id)).toHaveLength(3);
  });

  test('on the audit trail writers may insert and query, publish may read the stream, and nobody anything else', () => {
    const held = all()
      .filter(({ resources }) => resources.some((one) => text(one).includes('AuditTable')))
      .map(({ role, actions, resources }) => ({ role, actions, resources }));
    expect(held).toEqual([
      {
        role: 'ReconcileRole',
        actions: ['dynamodb:PartiQLInsert', 'dynamodb:Query'],
        resources: [{ 'Fn::GetAtt': ['AuditTable', 'Arn'] }],
      },
      {
        role: 'PublishRole',
        actions: [
          'dynamodb:DescribeStream',
          'dynamodb:GetRecords',
          'dynamodb:GetShardIterator',
          'dynamodb:ListStreams',
        ],
        resources: [{ 'Fn::GetAtt': ['AuditTable', 'StreamArn'] }],
      },
    ]);
  });

  test('no statement on DynamoDB names a table otherwise than by reference', () => {
    const onTables = all().filter(({ actions }) => actions.some((action) => action.startsWith('dynamodb:')));
    expect(onTables.length).toBeGreaterThan(2);
    for (const { resources } of onTables)
      for (const one of resources) expect(one).toHaveProperty(['Fn::GetAtt']);
  });

  test('no action is a wildcard, and no resource where the service knows resources', () => {
    for (const { actions, resources } of all()) {
      expect(actions.filter((action) => action.includes('*'))).toEqual([]);
      if (resources.includes('*')) expect(actions).toEqual(['ecr:DescribeRegistry']);
    }
  });

  test('nobody may change ECR', () => {
    const ecr = all().flatMap(({ actions }) => actions.filter((action) => action.startsWith('ecr:')));
    expect(ecr.filter((action) => !/^ecr:(Describe|Get|List)/.test(action))).toEqual([]);
  });

  test('the read role of a member allows what reconcile may do in its own account, to the hub’s role with the external id', () => {
    const reads = (template: Template, role: string) =>
      statementsOf(template)
        .filter((statement) => statement.role === role)
        .filter(({ actions }) => actions.some((action) => action.startsWith('ecr:')))
        .map(({ actions, resources }) => ({ actions, resources }));
    expect(reads(member, 'ReadRole')).toEqual(reads(hub, 'ReconcileRole'));
    const { Condition, Properties } = member.Resources.ReadRole ?? {};
    expect(Condition).toBe('MakesRoles');
    expect(Properties.RoleName).toBe('ecr-warden-read');
    expect(Properties.AssumeRolePolicyDocument.Statement).toEqual([
      {
        Effect: 'Allow',
        Principal: { AWS: { Ref: 'HubReconcileRoleArn' } },
        Action: 'sts:AssumeRole',
        Condition: { StringEquals: { 'sts:ExternalId': { Ref: 'ExternalId' } } },
      },
    ]);
  });
});

describe('functions', () => {
  const settings = () => ofType(hub, 'AWS::Lambda::Function');

  test('all run on Node 24 on arm64 with 512 MB, and keep their logs for a time', () => {
    expect(settings()).toHaveLength(3);
    for (const [, { Properties }] of settings())
      expect(Properties).toMatchObject({ Runtime: 'nodejs24.x', Architectures: ['arm64'], MemorySize: 512 });
    for (const [, { Properties }] of ofType(hub, 'AWS::Logs::LogGroup'))
      expect(Properties.RetentionInDays).toBeGreaterThan(0);
    expect(ofType(hub, 'AWS::Logs::LogGroup')).toHaveLength(3);
  });

  test('each gets exactly the environment that it asks for', () => {
    const bySelf = ['AWS_REGION', 'LAMBDA_TASK_ROOT'];
    for (const [, { Properties }] of settings()) {
      const name = String(Properties.FunctionName).replace('ecr-warden-', '');
      const source = readFileSync(join(root, 'functions', `${name}.ts`), 'utf8');
      const asked = [...source.matchAll(/nvironment\('([A-Z_]+)'\)/g)].map(([, variable]) => variable);
      const given = Object.keys(Properties.Environment.Variables);
      expect([name, ...given.toSorted()]).toEqual([
        name,
        ...new Set(asked.filter((one) => !bySelf.includes(one ?? '')).toSorted()),
      ]);
    }
  });

  test('every name in shared/lambda/environment.ts is given to some function', () => {
    const source = readFileSync(join(root, 'shared/lambda/environment.ts'), 'utf8');
    const declared = source.slice(source.indexOf('EnvironmentName ='), source.indexOf('// Set by Lambda'));
    const names = [...declared.matchAll(/'([A-Z_]+)'/g)].map(([, name]) => name);
    const given = settings().flatMap(([, { Properties }]) => Object.keys(Properties.Environment.Variables));
    expect([...new Set(given)].toSorted()).toEqual(names.toSorted());
  });

  test('a stack that falls behind says so', () => {
    const lag = ofType(hub, 'AWS::CloudWatch::Alarm').filter(
      ([, { Properties }]) => Properties.MetricName === 'IteratorAge',
    );
    expect(lag).toHaveLength(1);
    for (const template of [hub, member]) {
      for (const [, { Properties }] of ofType(template, 'AWS::CloudWatch::Alarm')) {
        expect(Properties.AlarmActions).toEqual({
          'Fn::If': ['HasAlarmTopic', [{ Ref: 'AlarmTopicArn' }], { Ref: 'AWS::NoValue' }],
        });
      }
    }
  });
});
