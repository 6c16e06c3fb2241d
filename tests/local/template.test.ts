// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of CloudFormation, not of JavaScript
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { parse } from 'yaml';
import { parseTemplate, resolveTemplate, type StackPlace } from '../../local/template';
import { hubTemplate, memberTemplate, packageAll, root } from '../packaged';

const place: StackPlace = {
  stackName: 'warden',
  account: '111122223333',
  region: 'eu-central-1',
  endpoint: 'http://127.0.0.1:4599',
};

const anyQueue = { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'work' } };

/** What a value in a property of some resource becomes. */
function resolved(
  value: unknown,
  over: { Parameters?: object; Conditions?: object; Resources?: object } = {},
) {
  const template = {
    ...over,
    Resources: {
      Under: { Type: 'AWS::Events::EventBus', Properties: { Name: 'under', Value: value } },
      ...over.Resources,
    },
  };
  return resolveTemplate(template, place).resources[0]?.properties.Value;
}

describe('functions', () => {
  test.each<[string, unknown, unknown]>([
    ['account', { Ref: 'AWS::AccountId' }, '111122223333'],
    ['Region', { Ref: 'AWS::Region' }, 'eu-central-1'],
    ['partition', { Ref: 'AWS::Partition' }, 'aws'],
    ['stack', { Ref: 'AWS::StackName' }, 'warden'],
    ['Join', { 'Fn::Join': ['/', ['a', { Ref: 'AWS::Region' }, 'b']] }, 'a/eu-central-1/b'],
    ['Split and Select', { 'Fn::Select': [1, { 'Fn::Split': [':', 'a:b:c'] }] }, 'b'],
    ['Select by text', { 'Fn::Select': ['0', ['x', 'y']] }, 'x'],
    ['Sub', { 'Fn::Sub': 'arn:${AWS::Partition}:x:${AWS::Region}' }, 'arn:aws:x:eu-central-1'],
    ['Sub with variables', { 'Fn::Sub': ['${A}-${!A}', { A: { Ref: 'AWS::Region' } }] }, 'eu-central-1-${A}'],
    ['nested', [{ a: [{ Ref: 'AWS::Region' }] }], [{ a: ['eu-central-1'] }]],
    [
      'a plain member called Condition',
      { Condition: { StringEquals: { a: 'b' } } },
      { Condition: { StringEquals: { a: 'b' } } },
    ],
  ])('%s', (_, value, expected) => {
    expect(resolved(value)).toEqual(expected);
  });

  test('conditions choose, and NoValue leaves nothing behind', () => {
    const Parameters = { Stage: { Type: 'String', Default: 'prod' }, Days: { Type: 'Number', Default: 0 } };
    const Conditions = {
      IsProd: { 'Fn::Equals': [{ Ref: 'Stage' }, 'prod'] },
      Never: { 'Fn::Not': [{ Condition: 'IsProd' }] },
      Both: { 'Fn::And': [{ Condition: 'IsProd' }, { Condition: 'Never' }] },
      Either: { 'Fn::Or': [{ Condition: 'IsProd' }, { Condition: 'Never' }] },
      Zero: { 'Fn::Equals': [{ Ref: 'Days' }, '0'] },
    };
    const choose = (condition: string) => ({ 'Fn::If': [condition, 'yes', { Ref: 'AWS::NoValue' }] });
    const value = ['IsProd', 'Never', 'Both', 'Either', 'Zero'].map(choose);
    expect(resolved(value, { Parameters, Conditions })).toEqual(['yes', 'yes', 'yes']);
    expect(resolved({ a: choose('Never'), b: 1 }, { Parameters, Conditions })).toEqual({ b: 1 });
  });
});

describe('resources', () => {
  test.each<[string, object, unknown, string]>([
    [
      'a queue',
      anyQueue,
      'http://127.0.0.1:4599/111122223333/work',
      'arn:aws:sqs:eu-central-1:111122223333:work',
    ],
    [
      'a queue without a name',
      { Type: 'AWS::SQS::Queue' },
      'http://127.0.0.1:4599/111122223333/warden-Other',
      'arn:aws:sqs:eu-central-1:111122223333:warden-Other',
    ],
    [
      'a table',
      { Type: 'AWS::DynamoDB::Table', Properties: { TableName: 't' } },
      't',
      'arn:aws:dynamodb:eu-central-1:111122223333:table/t',
    ],
    [
      'a bus',
      { Type: 'AWS::Events::EventBus', Properties: { Name: 'b' } },
      'b',
      'arn:aws:events:eu-central-1:111122223333:event-bus/b',
    ],
    [
      'a rule',
      { Type: 'AWS::Events::Rule', Properties: { Name: 'r' } },
      'r',
      'arn:aws:events:eu-central-1:111122223333:rule/r',
    ],
    [
      'a rule of a bus',
      { Type: 'AWS::Events::Rule', Properties: { Name: 'r', EventBusName: { Ref: 'Under' } } },
      'under|r',
      'arn:aws:events:eu-central-1:111122223333:rule/under/r',
    ],
    [
      'a function',
      { Type: 'AWS::Lambda::Function', Properties: { FunctionName: 'f' } },
      'f',
      'arn:aws:lambda:eu-central-1:111122223333:function:f',
    ],
    [
      'a role, of which nothing is made',
      { Type: 'AWS::IAM::Role', Properties: { RoleName: 'x' } },
      'x',
      'arn:aws:iam::111122223333:role/x',
    ],
  ])('%s has its Ref and its ARN', (_, resource, ref, arn) => {
    const value = [
      { Ref: 'Other' },
      { 'Fn::GetAtt': ['Other', 'Arn'] },
      { 'Fn::GetAtt': 'Other.Arn' },
      { 'Fn::Sub': '${Other.Arn}' },
    ];
    expect(resolved(value, { Resources: { Other: resource } })).toEqual([ref, arn, arn, arn]);
  });

  test('one whose condition is false is not there', () => {
    const Conditions = { Never: { 'Fn::Equals': ['a', 'b'] } };
    const template = { Conditions, Resources: { Work: { ...anyQueue, Condition: 'Never' } } };
    expect(resolveTemplate(template, place).resources).toEqual([]);
  });
});

describe('refusals name the place and what is wrong', () => {
  test.each<[string, () => unknown, RegExp]>([
    [
      'function',
      () => resolved({ 'Fn::ImportValue': 'x' }),
      /Under needs Fn::ImportValue, which the embedded cloud does not know/,
    ],
    [
      'resource type',
      () => resolved(1, { Resources: { Map: { Type: 'AWS::StepFunctions::StateMachine' } } }),
      /Map needs the resource type AWS::StepFunctions::StateMachine/,
    ],
    [
      'attribute',
      () => resolved({ 'Fn::GetAtt': ['Work', 'Colour'] }, { Resources: { Work: anyQueue } }),
      /the attribute Colour of Work/,
    ],
    ['dynamic reference', () => resolved('{{resolve:ssm:/a}}'), /Under needs dynamic references/],
    [
      'missing resource',
      () => resolved({ Ref: 'Nobody' }),
      /Under refers to Nobody, which this stack does not have/,
    ],
    [
      'undeclared condition',
      () => resolved({ 'Fn::If': ['Nope', 1, 2] }),
      /the condition Nope, which is not declared/,
    ],
    [
      'parameter without a value',
      () => resolved(1, { Parameters: { Stage: { Type: 'String' } } }),
      /the parameter Stage has no value/,
    ],
    [
      'unknown parameter',
      () => resolveTemplate({ Resources: {} }, { ...place, parameters: { Other: 'x' } }),
      /there is no parameter Other/,
    ],
    [
      'circle of names',
      () =>
        resolved(
          { Ref: 'A' },
          {
            Resources: {
              A: { Type: 'AWS::SQS::Queue', Properties: { QueueName: { Ref: 'B' } } },
              B: { Type: 'AWS::SQS::Queue', Properties: { QueueName: { Ref: 'A' } } },
            },
          },
        ),
      /the name of A depends on itself/,
    ],
    [
      'circle of conditions',
      () =>
        resolved(1, {
          Conditions: { A: { 'Fn::Not': [{ Condition: 'A' }] } },
          Resources: { Work: { ...anyQueue, Condition: 'A' } },
        }),
      /condition A depends on itself/,
    ],
  ])('%s', (_, act, message) => {
    expect(act).toThrow(message);
  });

  test('a YAML tag that CloudFormation does not have', () => {
    expect(() => parseTemplate('Resources: !Transmogrify x', 'member.yaml')).toThrow(
      /member\.yaml: .*!Transmogrify/,
    );
  });

  test('YAML that is none', () => {
    expect(() => parseTemplate('a: [1', 'member.yaml')).toThrow(/member\.yaml: .*line 1/);
  });
});

test('the short tags are the long functions', () => {
  const short = `
A: !Ref X
B: !GetAtt X.Arn
C: !If [P, !Ref X, !Sub "\${X}-\${Y.Z}"]
D: !Not [!Equals [!Ref X, ""]]
E: !Join ["", [a, !Select [0, !Split [",", !Ref X]]]]
F: !Or [!Condition P, !And [!Condition P, !Condition Q]]`;
  expect(parseTemplate(short, 'short.yaml')).toEqual({
    A: { Ref: 'X' },
    B: { 'Fn::GetAtt': ['X', 'Arn'] },
    C: { 'Fn::If': ['P', { Ref: 'X' }, { 'Fn::Sub': '${X}-${Y.Z}' }] },
    D: { 'Fn::Not': [{ 'Fn::Equals': [{ Ref: 'X' }, ''] }] },
    E: { 'Fn::Join': ['', ['a', { 'Fn::Select': [0, { 'Fn::Split': [',', { Ref: 'X' }] }] }]] },
    F: { 'Fn::Or': [{ Condition: 'P' }, { 'Fn::And': [{ Condition: 'P' }, { Condition: 'Q' }] }] },
  });
});

test('what has no function in it comes out as it went in', () => {
  const plain = fc
    .jsonValue({ maxDepth: 4 })
    .filter((value) => !/"(Ref|Condition|Fn::|__proto__)|\{\{resolve:/.test(JSON.stringify(value)));
  void fc.assert(
    fc.property(plain, (value) => {
      expect(resolved([value])).toEqual([value]);
    }),
  );
});

test('a template is the same in JSON and in YAML', () => {
  const written = readFileSync(join(root, 'member.yaml'), 'utf8');
  const json = JSON.stringify(parseTemplate(written, 'member.yaml'));
  expect(parseTemplate(json, 'member.json')).toEqual(memberTemplate());
  expect(Object.keys(parse(written, { logLevel: 'silent' }).Resources)).toEqual(
    Object.keys(memberTemplate().Resources),
  );
});

describe('our own templates', () => {
  beforeAll(packageAll, 60_000);

  const hub = () => resolveTemplate(hubTemplate(), place);

  test('the hub resolves without a parameter, to text and numbers alone', () => {
    const text = JSON.stringify(hub());
    expect(text).not.toMatch(/"Fn::|"Ref"|\$\{|undefined/);
    expect(hub().resources.map(({ type }) => type)).toEqual(
      expect.arrayContaining([
        'AWS::Lambda::Function',
        'AWS::DynamoDB::Table',
        'AWS::SQS::Queue',
        'AWS::Events::Rule',
        'AWS::Events::EventBus',
        'AWS::Events::Archive',
        'AWS::Lambda::EventSourceMapping',
      ]),
    );
  });

  test('a function’s environment names what the stack has', () => {
    const { resources } = hub();
    const reconcile = resources.find(({ name }) => name === 'ecr-warden-reconcile');
    expect(reconcile?.properties.Environment).toEqual({
      Variables: {
        AUDIT_TABLE: 'ecr-warden-audit',
        STATE_TABLE: 'ecr-warden-state',
        RECONCILE_QUEUE_URL: 'http://127.0.0.1:4599/111122223333/ecr-warden-reconcile',
        REJECTED_QUEUE_URL: 'http://127.0.0.1:4599/111122223333/ecr-warden-rejected',
        POLICY_FILE: 'dist/functions/reconcile/policy.json',
        HUB_ACCOUNT: '111122223333',
        READ_ROLE_NAME: 'ecr-warden-read',
        EXTERNAL_ID: 'ecr-warden',
      },
    });
  });

  test('a member sends to the bus that the hub names', () => {
    const { outputs } = hub();
    const parameters = {
      HubBusArn: outputs.IngestBusArn ?? '',
      HubReconcileRoleArn: outputs.ReconcileRoleArn ?? '',
    };
    const member = resolveTemplate(memberTemplate(), { ...place, region: 'eu-west-1', parameters });
    const rules = member.resources.filter(({ type }) => type === 'AWS::Events::Rule');
    expect(rules).toHaveLength(4);
    for (const { properties } of rules) {
      expect(properties.Targets).toMatchObject([
        {
          Arn: 'arn:aws:events:eu-central-1:111122223333:event-bus/ecr-warden-ingest',
          DeadLetterConfig: { Arn: 'arn:aws:sqs:eu-west-1:111122223333:ecr-warden-forward-dead-letters' },
        },
      ]);
    }
  });

  test('a webhook takes the place of the app', () => {
    const notify = (SlackBy: string) =>
      resolveTemplate(hubTemplate(), { ...place, parameters: { SlackBy } }).resources.find(
        ({ name }) => name === 'ecr-warden-notify',
      )?.properties.Environment;
    expect(notify('app')).toMatchObject({ Variables: { SLACK_TOKEN_PARAMETER: '/ecr-warden/slack-token' } });
    expect(notify('webhook')).toMatchObject({
      Variables: { SLACK_WEBHOOK_PARAMETER: '/ecr-warden/slack-webhook' },
    });
    expect(notify('webhook')).not.toHaveProperty(['Variables', 'SLACK_TOKEN_PARAMETER']);
  });
});
