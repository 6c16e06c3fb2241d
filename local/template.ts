import { parseDocument, type ScalarTag, YAMLMap, type YAMLSeq } from 'yaml';
import { InvalidInput } from '../shared/domain/errors';

/** Where a stack stands, and what it is given. */
export interface StackPlace {
  readonly stackName: string;
  readonly account: string;
  readonly region: string;
  /** The embedded cloud's URL, which queue URLs start with. */
  readonly endpoint: string;
  readonly parameters?: Readonly<Record<string, string>>;
}

/** A resource with nothing left to resolve. */
export interface StackResource {
  readonly logicalId: string;
  readonly type: string;
  readonly name: string;
  readonly arn: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

export interface Stack {
  /** What the embedded cloud has to make, in the template's order. */
  readonly resources: readonly StackResource[];
  readonly outputs: Readonly<Record<string, string>>;
}

interface Kind {
  /** The property that names it; without one, or without a value, it is named after the stack and its logical id. */
  readonly named?: string;
  arn(resource: Named): string;
  /** What Ref gives. Default: the name. */
  ref?(resource: Named): string;
  /** What Fn::GetAtt gives beside `Arn`. */
  readonly attributes?: Readonly<Record<string, (resource: Named) => string>>;
  /** Nothing to make of it: it is about permissions, logs, metrics, or the deployment itself. */
  readonly notNeeded?: true;
}

interface Named extends StackPlace {
  readonly name: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

const kinds: Readonly<Record<string, Kind>> = {
  'AWS::DynamoDB::Table': {
    named: 'TableName',
    arn: inRegion('dynamodb', 'table/'),
    // A stream's real name is the time at which it was made. This one says: the table's, whichever it is.
    attributes: { StreamArn: (table) => `${inRegion('dynamodb', 'table/')(table)}/stream/latest` },
  },
  'AWS::SQS::Queue': {
    named: 'QueueName',
    arn: inRegion('sqs', ''),
    ref: ({ endpoint, account, name }) => `${endpoint}/${account}/${name}`,
    attributes: {
      QueueName: ({ name }) => name,
      QueueUrl: ({ endpoint, account, name }) => `${endpoint}/${account}/${name}`,
    },
  },
  'AWS::Events::EventBus': {
    named: 'Name',
    arn: inRegion('events', 'event-bus/'),
    attributes: { Name: ({ name }) => name },
  },
  'AWS::Events::Rule': {
    named: 'Name',
    arn: ({ properties, ...rule }) => {
      const bus =
        typeof properties.EventBusName === 'string' ? properties.EventBusName.split('/').at(-1) : 'default';
      return inRegion('events', bus === 'default' ? 'rule/' : `rule/${bus}/`)({ properties, ...rule });
    },
    ref: ({ properties, name }) =>
      typeof properties.EventBusName === 'string' ? `${properties.EventBusName}|${name}` : name,
  },
  'AWS::Events::Archive': { named: 'ArchiveName', arn: inRegion('events', 'archive/') },
  'AWS::Lambda::Function': { named: 'FunctionName', arn: inRegion('lambda', 'function:') },
  'AWS::Lambda::EventSourceMapping': { arn: inRegion('lambda', 'event-source-mapping:') },

  'AWS::CloudWatch::Alarm': { named: 'AlarmName', arn: inRegion('cloudwatch', 'alarm:'), notNeeded: true },
  'AWS::Events::EventBusPolicy': { arn: inRegion('events', 'event-bus-policy/'), notNeeded: true },
  'AWS::IAM::Role': {
    named: 'RoleName',
    arn: ({ account, name }) => `arn:aws:iam::${account}:role/${name}`,
    notNeeded: true,
  },
  'AWS::Logs::LogGroup': { named: 'LogGroupName', arn: inRegion('logs', 'log-group:'), notNeeded: true },
  'AWS::S3::Bucket': { named: 'BucketName', arn: ({ name }) => `arn:aws:s3:::${name}`, notNeeded: true },
  'AWS::S3::BucketPolicy': { arn: ({ name }) => `arn:aws:s3:::${name}`, notNeeded: true },
  'AWS::SNS::Topic': { named: 'TopicName', arn: inRegion('sns', ''), notNeeded: true },
  'AWS::SQS::QueuePolicy': { arn: inRegion('sqs', ''), notNeeded: true },
};

function inRegion(service: string, before: string): (resource: Named) => string {
  return ({ region, account, name }) => `arn:aws:${service}:${region}:${account}:${before}${name}`;
}

/**
 * Resolves a CloudFormation template, as CloudFormation would for this place, into plain properties with names, ARNs
 * and URLs that are always the same. Throws `InvalidInput`, naming the resource and what the embedded cloud lacks.
 */
export function resolveTemplate(template: unknown, place: StackPlace): Stack {
  const parameters = parameterValues(section(template, 'Parameters'), place.parameters ?? {});
  const conditions = section(template, 'Conditions');
  const declared = section(template, 'Resources');
  const kept = new Map<string, { readonly type: string; readonly kind: Kind; readonly properties: Json }>();
  const named = new Map<string, string>();
  const underWay = new Set<string>();

  for (const [logicalId, resource] of Object.entries(declared)) {
    const { Type: type, Condition: condition, Properties: properties = {} } = asObject(resource, logicalId);
    if (condition !== undefined && !isTrue(condition, `the condition of ${logicalId}`)) continue;
    const kind = typeof type === 'string' && Object.hasOwn(kinds, type) ? kinds[type] : undefined;
    if (!kind) throw lacks(`the resource type ${String(type)}`, logicalId);
    kept.set(logicalId, { type: String(type), kind, properties: asObject(properties, logicalId) });
  }

  function isTrue(name: unknown, at: string): boolean {
    if (typeof name !== 'string' || !Object.hasOwn(conditions, name)) {
      throw new InvalidInput(`template: ${at} names the condition ${String(name)}, which is not declared`);
    }
    return once(`condition ${name}`, () => holds(conditions[name], `the condition ${name}`));
  }

  function holds(condition: unknown, at: string): boolean {
    const [name, argument] = intrinsic(condition) ?? ['', undefined];
    const all = (): unknown[] => asList(argument, at);
    if (name === 'Condition') return isTrue(argument, at);
    if (name === 'Fn::Not') return !holds(all()[0], at);
    if (name === 'Fn::And') return all().every((one) => holds(one, at));
    if (name === 'Fn::Or') return all().some((one) => holds(one, at));
    if (name === 'Fn::Equals') {
      const [one, other] = all().map((value) => text(resolve(value, at), at));
      return one === other;
    }
    throw lacks(name || 'a condition without a function', at);
  }

  /** A name or condition that needs itself would otherwise never end. */
  function once<T>(what: string, work: () => T): T {
    if (underWay.has(what)) throw new InvalidInput(`template: ${what} depends on itself`);
    underWay.add(what);
    try {
      return work();
    } finally {
      underWay.delete(what);
    }
  }

  /** A value as it will be; undefined where there is to be none (AWS::NoValue). */
  function resolve(value: unknown, at: string): unknown {
    if (typeof value === 'string' && value.includes('{{resolve:')) throw lacks('dynamic references', at);
    if (Array.isArray(value)) return value.map((one) => resolve(one, at)).filter((one) => one !== undefined);
    if (typeof value !== 'object' || value === null) return value;
    const called = intrinsic(value);
    if (called) return call(...called, at);
    const members = Object.entries(value).map(([key, one]) => [key, resolve(one, at)] as const);
    return Object.fromEntries(members.filter(([, one]) => one !== undefined));
  }

  function call(name: string, argument: unknown, at: string): unknown {
    switch (name) {
      case 'Ref':
        return reference(argument, at);
      case 'Fn::GetAtt': {
        const [logicalId, attribute] = typeof argument === 'string' ? split(argument) : asList(argument, at);
        return attributeOf(String(logicalId), String(attribute), at);
      }
      case 'Fn::If': {
        const [condition, yes, no] = asList(argument, at);
        return resolve(isTrue(condition, at) ? yes : no, at);
      }
      case 'Fn::Sub':
        return substitute(argument, at);
      case 'Fn::Join': {
        const [separator, parts] = asList(argument, at);
        return asList(resolve(parts, at), at)
          .map((part) => text(part, at))
          .join(String(separator));
      }
      case 'Fn::Split': {
        const [separator, whole] = asList(argument, at);
        return text(resolve(whole, at), at).split(String(separator));
      }
      case 'Fn::Select': {
        const [index, list] = asList(argument, at);
        const chosen = asList(resolve(list, at), at)[Number(resolve(index, at))];
        if (chosen === undefined) throw new InvalidInput(`template: ${at}: Fn::Select finds nothing`);
        return chosen;
      }
      default:
        throw lacks(name, at);
    }
  }

  function reference(name: unknown, at: string): unknown {
    const pseudo = pseudoParameters(place);
    if (name === 'AWS::NoValue') return undefined;
    if (typeof name === 'string' && Object.hasOwn(pseudo, name)) return pseudo[name];
    if (typeof name === 'string' && parameters.has(name)) return parameters.get(name);
    const { kind, resource } = find(name, at);
    return kind.ref?.(resource) ?? resource.name;
  }

  function attributeOf(logicalId: string, attribute: string, at: string): string {
    const { kind, resource } = find(logicalId, at);
    if (attribute === 'Arn') return kind.arn(resource);
    const of = kind.attributes?.[attribute];
    if (!of) throw lacks(`the attribute ${attribute} of ${logicalId}`, at);
    return of(resource);
  }

  function find(logicalId: unknown, at: string): { readonly kind: Kind; readonly resource: Named } {
    const found = typeof logicalId === 'string' ? kept.get(logicalId) : undefined;
    if (!found) {
      throw new InvalidInput(
        `template: ${at} refers to ${String(logicalId)}, which this stack does not have`,
      );
    }
    const { kind, properties } = found;
    const id = String(logicalId);
    const name = named.get(id) ?? once(`the name of ${id}`, () => nameOf(id, kind, properties));
    named.set(id, name);
    // Of a rule its bus as well; other properties could refer back.
    const bus = properties.EventBusName;
    const EventBusName = bus === undefined ? undefined : resolve(bus, `${id}.EventBusName`);
    return {
      kind,
      resource: { ...place, name, properties: EventBusName === undefined ? {} : { EventBusName } },
    };
  }

  function nameOf(logicalId: string, { named: property }: Kind, properties: Json): string {
    const given = property && properties[property];
    const name = given === undefined ? undefined : resolve(given, `${logicalId}.${property}`);
    return name === undefined ? `${place.stackName}-${logicalId}` : text(name, logicalId);
  }

  function substitute(argument: unknown, at: string): string {
    const [pattern, variables] = Array.isArray(argument) ? argument : [argument, {}];
    const own = asObject(variables ?? {}, at);
    return String(pattern).replace(/\$\{(!?)([^}]+)\}/g, (_, literal: string, name: string) => {
      if (literal) return `\${${name}}`;
      if (Object.hasOwn(own, name)) return text(resolve(own[name], at), at);
      const [logicalId, attribute] = split(name);
      return text(attribute ? attributeOf(logicalId, attribute, at) : reference(name, at), at);
    });
  }

  const resources = [...kept].flatMap(([logicalId, { type, kind, properties }]): StackResource[] => {
    if (kind.notNeeded) return [];
    const { resource } = find(logicalId, logicalId);
    const resolved = asObject(resolve(properties, logicalId), logicalId);
    return [{ logicalId, type, name: resource.name, arn: kind.arn(resource), properties: resolved }];
  });
  const outputs = Object.entries(section(template, 'Outputs')).flatMap(
    ([name, output]): [string, string][] => {
      const { Condition: condition, Value: value } = asObject(output, name);
      const at = `the output ${name}`;
      return condition !== undefined && !isTrue(condition, at) ? [] : [[name, text(resolve(value, at), at)]];
    },
  );
  return { resources, outputs: Object.fromEntries(outputs) };
}

/**
 * Reads a template in JSON, or in YAML with CloudFormation's tags (`!Ref`, `!GetAtt` …). Throws `InvalidInput` with
 * file and line.
 */
export function parseTemplate(content: string, file: string): unknown {
  const document = parseDocument(content, { customTags: cloudFormationTags, version: '1.1', schema: 'core' });
  // An unknown tag is a warning there, and would leave its value as if it had none.
  const [problem] = [...document.errors, ...document.warnings];
  if (problem) throw new InvalidInput(`${file}: ${problem.message.trim()}`);
  return document.toJS();
}

const tagged = [
  'Ref',
  'Condition',
  'And',
  'Equals',
  'GetAtt',
  'If',
  'Join',
  'Not',
  'Or',
  'Select',
  'Split',
  'Sub',
];

const cloudFormationTags = tagged.flatMap((short) => {
  const tag = `!${short}`;
  const name = short === 'Ref' || short === 'Condition' ? short : `Fn::${short}`;
  const scalar: ScalarTag = {
    tag,
    resolve: (value: string) => ({ [name]: short === 'GetAtt' ? split(value) : value }),
  };
  const list = {
    tag,
    collection: 'seq' as const,
    resolve(items: YAMLMap.Parsed | YAMLSeq.Parsed) {
      const map = new YAMLMap();
      // The same items without the tag, which would be resolved again.
      delete items.tag;
      map.set(name, items);
      return map;
    },
  };
  return [scalar, list];
});

type Json = Readonly<Record<string, unknown>>;

function section(template: unknown, name: string): Json {
  return asObject(asObject(template, 'the template')[name] ?? {}, name);
}

function parameterValues(
  declared: Json,
  given: Readonly<Record<string, string>>,
): ReadonlyMap<string, string> {
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(declared, name));
  if (unknown) throw new InvalidInput(`template: there is no parameter ${unknown}`);
  return new Map(
    Object.entries(declared).map(([name, parameter]) => {
      const value = given[name] ?? asObject(parameter, name).Default;
      if (value === undefined) throw new InvalidInput(`template: the parameter ${name} has no value`);
      return [name, text(value, `the parameter ${name}`)];
    }),
  );
}

function pseudoParameters({ account, region, stackName }: StackPlace): Readonly<Record<string, string>> {
  return {
    'AWS::AccountId': account,
    'AWS::Partition': 'aws',
    'AWS::Region': region,
    'AWS::StackName': stackName,
    'AWS::URLSuffix': 'amazonaws.com',
  };
}

/** The name and the argument of a function call: an object of one member that CloudFormation would read as one. */
function intrinsic(value: unknown): [string, unknown] | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const [[name, argument] = ['', undefined], ...others] = Object.entries(value);
  const isCall = others.length === 0 && /^(Ref|Condition|Fn::.+)$/.test(name);
  // In a policy document `Condition` is a plain member.
  return isCall && !(name === 'Condition' && typeof argument !== 'string') ? [name, argument] : undefined;
}

/** `Table.Arn` into logical id and attribute; an attribute may have dots. */
function split(name: string): [string, string] {
  const dot = name.indexOf('.');
  return dot < 0 ? [name, ''] : [name.slice(0, dot), name.slice(dot + 1)];
}

function asObject(value: unknown, at: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidInput(`template: ${at} is no mapping`);
  }
  return { ...value };
}

function asList(value: unknown, at: string): unknown[] {
  if (!Array.isArray(value)) throw new InvalidInput(`template: ${at} wants a list`);
  return value;
}

function text(value: unknown, at: string): string {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return String(value);
  throw new InvalidInput(`template: ${at} wants text`);
}

function lacks(what: string, at: string): InvalidInput {
  return new InvalidInput(`template: ${at} needs ${what}, which the embedded cloud does not know`);
}
