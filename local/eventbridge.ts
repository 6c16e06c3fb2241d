import type { Clock } from './clock';
import { createDelivery, type Deliver, type Target } from './delivery';
import { compilePattern, type Matcher } from './event-pattern';
import {
  type InputTransformer,
  isPath,
  type TargetInput,
  targetPayload,
  unknownPlaceholder,
} from './input-transformer';
import { AwsError, type Call, type Service } from './service';

/** What another emulated service announces; EventBridge adds the rest of the envelope. */
export interface Emission {
  readonly source: string;
  readonly 'detail-type': string;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly resources?: readonly string[];
  /** ISO 8601; default: the clock. */
  readonly time?: string;
  /** Default: a new one. */
  readonly id?: string;
}

export interface EventBridge extends Service {
  /**
   * Puts an event on a bus, `aws.*` sources included. Settles when each target was tried once; retries go on after it.
   *
   * @param at `bus` is a name; default: `default`
   */
  publish(event: Emission, at: { account: string; region: string; bus?: string }): Promise<void>;
}

type Input = Readonly<Record<string, unknown>>;
type Envelope = Readonly<Record<string, unknown>>;
type RuleState = (typeof RULE_STATES)[number];

interface Rule {
  readonly name: string;
  readonly arn: string;
  readonly bus: string;
  pattern: string;
  matches: Matcher;
  state: RuleState;
  description: string | undefined;
  roleArn: string | undefined;
  readonly targets: Map<string, RuleTarget>;
}

interface RuleTarget {
  /** As it was put, for ListTargetsByRule. */
  readonly given: Input;
  readonly target: Target;
  readonly input: TargetInput;
}

interface Bus {
  readonly name: string;
  readonly arn: string;
  readonly createdAt: number;
  readonly given: Input;
  readonly rules: Map<string, Rule>;
  policy: Statement[];
}

type Statement = Readonly<Record<string, unknown>>;

interface Archive {
  readonly name: string;
  readonly arn: string;
  readonly createdAt: number;
  readonly given: Input;
}

/** One account in one Region. */
interface Place {
  readonly account: string;
  readonly region: string;
  readonly buses: Map<string, Bus>;
  readonly archives: Map<string, Archive>;
}

type Operation = (input: Input, place: Place) => object;

const RULE_STATES = ['ENABLED', 'DISABLED', 'ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS'] as const;
const CLOUDTRAIL = ['AWS API Call via CloudTrail', 'AWS Service Event via CloudTrail'];
const EVENT_MEMBERS = ['id', 'account', 'source', 'time', 'region', 'resources', 'detail-type'];
const MAX_ENTRIES = 10;
const MAX_REQUEST_BYTES = 1024 * 1024;
const MAX_TARGETS = 5;

/**
 * Amazon EventBridge: buses, rules, targets. Source: the EventBridge API reference and user guide.
 *
 * Not here: replay of archives, scheduled rules (the embedded EventBridge Scheduler runs schedules), and a check of
 * the policies that PutPermission stores.
 */
export function createEventBridge(deps: { clock: Clock; newId(): string; deliver: Deliver }): EventBridge {
  const { clock, newId } = deps;
  const places = new Map<string, Place>();
  const send = createDelivery({ clock, deliver: deliverOrForward });

  function placeOf(account: string, region: string): Place {
    const key = `${account}/${region}`;
    const known = places.get(key);
    if (known) return known;
    const place: Place = { account, region, buses: new Map(), archives: new Map() };
    place.buses.set('default', newBus(place, 'default', {}, clock.now()));
    places.set(key, place);
    return place;
  }

  async function route(event: Envelope, bus: Bus, forwarded: boolean): Promise<void> {
    const ingestionTime = isoSeconds(clock.now());
    const sent: Promise<void>[] = [];
    for (const rule of bus.rules.values()) {
      if (!accepts(rule.state, event) || !rule.matches(event)) continue;
      for (const { target, input } of rule.targets.values()) {
        const toBus = busOf(target.arn) !== undefined;
        // One hop: EventBridge does not send on to a third bus what one bus got from another.
        if (toBus && forwarded) continue;
        const context = { ruleArn: rule.arn, ruleName: rule.name, ingestionTime };
        const payload = toBus ? JSON.stringify(event) : targetPayload(event, input, context);
        sent.push(
          send({
            target,
            payload: () => payload,
            deadLetter: { payload: JSON.stringify(event), attributes: { RULE_ARN: rule.arn } },
          }),
        );
      }
    }
    await Promise.all(sent);
  }

  async function deliverOrForward(...[target, payload, attributes]: Parameters<Deliver>): Promise<void> {
    const at = busOf(target.arn);
    if (!at) return deps.deliver(target, payload, attributes);
    const bus = placeOf(at.account, at.region).buses.get(at.bus);
    if (!bus) throw notFound(`Event bus ${at.bus} does not exist.`);
    // Account, Region, source and id stay those of the origin: "Sending and receiving events between buses".
    await route(parseObject(payload) ?? {}, bus, true);
  }

  function envelope(event: Emission, place: Place): Envelope {
    return {
      version: '0',
      id: event.id ?? newId(),
      'detail-type': event['detail-type'],
      source: event.source,
      account: place.account,
      time: event.time ?? isoSeconds(clock.now()),
      region: place.region,
      resources: event.resources ?? [],
      detail: event.detail,
    };
  }

  function putEvents(input: Input, place: Place): object {
    const entries = records(input, 'Entries');
    if (entries.length === 0 || entries.length > MAX_ENTRIES) {
      throw validation(`Entries must have between 1 and ${MAX_ENTRIES} members, got ${entries.length}.`);
    }
    if (entries.reduce((sum, entry) => sum + entryBytes(entry), 0) > MAX_REQUEST_BYTES) {
      throw validation('Total size of the entries in the request is over the limit.');
    }
    const results = entries.map((entry) => putEvent(entry, place));
    const FailedEntryCount = results.filter((result) => 'ErrorCode' in result).length;
    return { FailedEntryCount, Entries: results };
  }

  function putEvent(entry: Input, place: Place): object {
    const refused = entryError(entry);
    if (refused) return refused;
    const detail = parseObject(text(entry, 'Detail'));
    if (!detail) return { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' };
    const time = timeOf(entry.Time);
    const event = envelope(
      {
        source: text(entry, 'Source'),
        'detail-type': text(entry, 'DetailType'),
        detail,
        resources: strings(entry, 'Resources'),
        ...(time === undefined ? {} : { time }),
      },
      place,
    );
    const bus = findBus(place, optionalText(entry, 'EventBusName'));
    // AWS answers with an id also when there is no such bus; the event is then dropped.
    if (bus) void route(event, bus, false);
    return { EventId: event.id };
  }

  function findBus(place: Place, nameOrArn = 'default'): Bus | undefined {
    const at = busOf(nameOrArn);
    return at ? placeOf(at.account, at.region).buses.get(at.bus) : place.buses.get(nameOrArn);
  }

  function busNamed(place: Place, nameOrArn: string | undefined): Bus {
    const bus = findBus(place, nameOrArn);
    if (!bus) throw notFound(`Event bus ${nameOrArn} does not exist.`);
    return bus;
  }

  function ruleNamed(place: Place, input: Input, member: string): Rule {
    const bus = busNamed(place, optionalText(input, 'EventBusName'));
    const name = text(input, member);
    const rule = bus.rules.get(name);
    if (!rule) throw notFound(`Rule ${name} does not exist on EventBus ${bus.name}.`);
    return rule;
  }

  const operations: Readonly<Record<string, Operation>> = {
    CreateEventBus(input, place) {
      const name = named(input, 'Name', /^[/.\-_A-Za-z0-9]{1,256}$/);
      if (place.buses.has(name)) throw exists(`Event bus ${name} already exists.`);
      const bus = newBus(
        place,
        name,
        pick(input, ['Description', 'DeadLetterConfig', 'KmsKeyIdentifier']),
        clock.now(),
      );
      place.buses.set(name, bus);
      return { EventBusArn: bus.arn, ...bus.given };
    },
    DeleteEventBus(input, place) {
      const name = text(input, 'Name');
      if (name === 'default') throw validation('Cannot delete event bus default.');
      if (place.buses.get(name)?.rules.size)
        throw validation(`Event bus ${name} still has rules: delete them first.`);
      place.buses.delete(name);
      return {};
    },
    DescribeEventBus: (input, place) => describeBus(busNamed(place, optionalText(input, 'Name'))),
    ListEventBuses(input, place) {
      const { items, NextToken } = page(input, place.buses);
      return { EventBuses: items.map(describeBus), ...NextToken };
    },
    PutPermission(input, place) {
      const bus = busNamed(place, optionalText(input, 'EventBusName'));
      if (input.Policy !== undefined) {
        const policy = parseObject(text(input, 'Policy'));
        if (!policy) throw new AwsError('InvalidParameterException', 'Policy is not a JSON object.');
        bus.policy = records({ Statement: [policy.Statement].flat() }, 'Statement');
      } else {
        const statement = permission(input, bus);
        bus.policy = [...bus.policy.filter(({ Sid }) => Sid !== statement.Sid), statement];
      }
      return {};
    },
    PutRule(input, place) {
      const name = named(input, 'Name', /^[.\-_A-Za-z0-9]{1,64}$/);
      const bus = busNamed(place, optionalText(input, 'EventBusName'));
      if (input.ScheduleExpression !== undefined) {
        throw validation(
          'Scheduled rules are not emulated: define a schedule of EventBridge Scheduler instead.',
        );
      }
      const pattern = optionalText(input, 'EventPattern');
      if (pattern === undefined) {
        throw validation('Parameter(s) EventPattern or ScheduleExpression must be specified.');
      }
      const settings = {
        pattern,
        matches: compilePattern(parsedPattern(pattern)),
        state: ruleState(input),
        description: optionalText(input, 'Description'),
        roleArn: optionalText(input, 'RoleArn'),
      };
      const known = bus.rules.get(name);
      const rule = known
        ? Object.assign(known, settings)
        : { name, arn: ruleArn(place, bus.name, name), bus: bus.name, targets: new Map(), ...settings };
      bus.rules.set(name, rule);
      return { RuleArn: rule.arn };
    },
    DescribeRule: (input, place) => ({
      ...describeRule(ruleNamed(place, input, 'Name')),
      CreatedBy: place.account,
    }),
    ListRules(input, place) {
      const bus = busNamed(place, optionalText(input, 'EventBusName'));
      const { items, NextToken } = page(input, bus.rules);
      return { Rules: items.map(describeRule), ...NextToken };
    },
    DeleteRule(input, place) {
      const bus = busNamed(place, optionalText(input, 'EventBusName'));
      const name = text(input, 'Name');
      if (bus.rules.get(name)?.targets.size) throw validation("Rule can't be deleted since it has targets.");
      bus.rules.delete(name);
      return {};
    },
    EnableRule(input, place) {
      ruleNamed(place, input, 'Name').state = 'ENABLED';
      return {};
    },
    DisableRule(input, place) {
      ruleNamed(place, input, 'Name').state = 'DISABLED';
      return {};
    },
    PutTargets(input, place) {
      const rule = ruleNamed(place, input, 'Rule');
      const targets = records(input, 'Targets').map(parseTarget);
      const ids = new Set([...rule.targets.keys(), ...targets.map(({ given }) => text(given, 'Id'))]);
      if (ids.size > MAX_TARGETS) {
        throw new AwsError(
          'LimitExceededException',
          'The requested resource exceeds the maximum number allowed.',
        );
      }
      for (const target of targets) rule.targets.set(text(target.given, 'Id'), target);
      return { FailedEntryCount: 0, FailedEntries: [] };
    },
    RemoveTargets(input, place) {
      const rule = ruleNamed(place, input, 'Rule');
      const FailedEntries = strings(input, 'Ids')
        .filter((id) => !rule.targets.delete(id))
        .map((TargetId) => ({
          TargetId,
          ErrorCode: 'ResourceNotFoundException',
          ErrorMessage: `Rule ${rule.name} does not have a target with the Id ${TargetId}.`,
        }));
      return { FailedEntryCount: FailedEntries.length, FailedEntries };
    },
    ListTargetsByRule(input, place) {
      const { items, NextToken } = page(input, ruleNamed(place, input, 'Rule').targets);
      return { Targets: items.map(({ given }) => given), ...NextToken };
    },
    PutEvents: putEvents,
    TestEventPattern(input) {
      const event = parseObject(text(input, 'Event'));
      if (!event) throw validation('Parameter Event is not valid. Reason: it is not a JSON object.');
      const missing = EVENT_MEMBERS.filter((member) => !Object.hasOwn(event, member));
      if (missing.length > 0)
        throw validation(`Parameter Event is not valid. Reason: it lacks ${missing.join(', ')}.`);
      return { Result: compilePattern(parsedPattern(text(input, 'EventPattern')))(event) };
    },
    CreateArchive(input, place) {
      const name = named(input, 'ArchiveName', /^[.\-_A-Za-z0-9]{1,48}$/);
      if (place.archives.has(name)) throw exists(`Archive ${name} already exists.`);
      busNamed(place, text(input, 'EventSourceArn'));
      const pattern = optionalText(input, 'EventPattern');
      if (pattern !== undefined) compilePattern(parsedPattern(pattern));
      const archive: Archive = {
        name,
        arn: `arn:aws:events:${place.region}:${place.account}:archive/${name}`,
        createdAt: clock.now(),
        given: pick(input, ['EventSourceArn', 'Description', 'EventPattern', 'RetentionDays']),
      };
      place.archives.set(name, archive);
      return { ArchiveArn: archive.arn, CreationTime: archive.createdAt / 1000, State: 'ENABLED' };
    },
    DescribeArchive(input, place) {
      const name = text(input, 'ArchiveName');
      const archive = place.archives.get(name);
      if (!archive) throw notFound(`Archive ${name} does not exist.`);
      return {
        ArchiveArn: archive.arn,
        ArchiveName: archive.name,
        RetentionDays: 0,
        ...archive.given,
        State: 'ENABLED',
        SizeBytes: 0,
        EventCount: 0,
        CreationTime: archive.createdAt / 1000,
      };
    },
  };

  return {
    target: 'AWSEvents',
    jsonVersion: '1.1',
    async call({ operation, input, account, region }: Call) {
      const run = Object.hasOwn(operations, operation) ? operations[operation] : undefined;
      if (!run)
        throw new AwsError('UnknownOperationException', `EventBridge here does not know ${operation}.`);
      return run(input, placeOf(account, region));
    },
    async publish(event, { account, region, bus = 'default' }) {
      const place = placeOf(account, region);
      await route(envelope(event, place), busNamed(place, bus), false);
    },
  };
}

/**
 * In state ENABLED a rule sees all events but CloudTrail's read-only management events: PutRule in the EventBridge API
 * reference.
 */
function accepts(state: RuleState, event: Envelope): boolean {
  if (state === 'DISABLED') return false;
  if (state === 'ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS') return true;
  const { detail } = event;
  const readOnly = isRecord(detail) && detail.readOnly === true;
  return !(readOnly && CLOUDTRAIL.includes(String(event['detail-type'])));
}

function parseTarget(given: Input): RuleTarget {
  const id = named(given, 'Id', /^[.\-_A-Za-z0-9]{1,64}$/);
  const inputs = ['Input', 'InputPath', 'InputTransformer'].filter((member) => given[member] !== undefined);
  if (inputs.length > 1) {
    throw validation(`Only one of Input, InputPath, or InputTransformer must be provided for target ${id}.`);
  }
  const roleArn = optionalText(given, 'RoleArn');
  const deadLetterArn = optionalText(record(given, 'DeadLetterConfig'), 'Arn');
  const sqsMessageGroupId = optionalText(record(given, 'SqsParameters'), 'MessageGroupId');
  return {
    given,
    target: {
      arn: text(given, 'Arn'),
      ...(roleArn === undefined ? {} : { roleArn }),
      ...(deadLetterArn === undefined ? {} : { deadLetterArn }),
      ...(given.RetryPolicy === undefined ? {} : { retryPolicy: retryPolicy(record(given, 'RetryPolicy')) }),
      ...(sqsMessageGroupId === undefined ? {} : { sqsMessageGroupId }),
    },
    input: targetInput(given, id),
  };
}

function retryPolicy(given: Input): NonNullable<Target['retryPolicy']> {
  const maximumRetryAttempts = optionalNumber(given, 'MaximumRetryAttempts', 0, 185);
  const maximumEventAgeInSeconds = optionalNumber(given, 'MaximumEventAgeInSeconds', 60, 86_400);
  return {
    ...(maximumRetryAttempts === undefined ? {} : { maximumRetryAttempts }),
    ...(maximumEventAgeInSeconds === undefined ? {} : { maximumEventAgeInSeconds }),
  };
}

function targetInput(given: Input, id: string): TargetInput {
  const input = optionalText(given, 'Input');
  if (input !== undefined) {
    if (parseJson(input) === undefined) throw validation(`JSON syntax error in input for target ${id}.`);
    return { input };
  }
  const inputPath = optionalText(given, 'InputPath');
  if (inputPath !== undefined) {
    if (!isPath(inputPath)) throw validation(`Invalid InputPath for target ${id}.`);
    return { inputPath };
  }
  if (given.InputTransformer === undefined) return {};
  return { transformer: inputTransformer(record(given, 'InputTransformer'), id) };
}

function inputTransformer(given: Input, id: string): InputTransformer {
  const paths = Object.entries(record(given, 'InputPathsMap')).map(([name, path]): [string, string] => {
    if (name.toLowerCase().startsWith('aws')) {
      throw validation(`InputPathsMap for target ${id} contains the reserved name ${name}.`);
    }
    if (typeof path !== 'string' || !isPath(path)) {
      throw validation(
        `Invalid InputPath for target ${id}: ${name} is not a JSONPath that EventBridge reads.`,
      );
    }
    return [name, path];
  });
  const transformer = { paths: Object.fromEntries(paths), template: text(given, 'InputTemplate') };
  const unknown = unknownPlaceholder(transformer);
  if (unknown !== undefined) {
    throw validation(`InputTemplate for target ${id} contains invalid placeholder ${unknown}.`);
  }
  return transformer;
}

function permission(input: Input, bus: Bus): Statement {
  const principal = text(input, 'Principal');
  const condition = record(input, 'Condition');
  return {
    Sid: text(input, 'StatementId'),
    Effect: 'Allow',
    Principal: principal === '*' ? '*' : { AWS: `arn:aws:iam::${principal}:root` },
    Action: text(input, 'Action'),
    Resource: bus.arn,
    ...(input.Condition === undefined
      ? {}
      : { Condition: { [text(condition, 'Type')]: { [text(condition, 'Key')]: text(condition, 'Value') } } }),
  };
}

function newBus(place: Place, name: string, given: Input, createdAt: number): Bus {
  const arn = `arn:aws:events:${place.region}:${place.account}:event-bus/${name}`;
  return { name, arn, createdAt, given, rules: new Map(), policy: [] };
}

function describeBus(bus: Bus): object {
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: bus.policy });
  return {
    Name: bus.name,
    Arn: bus.arn,
    ...bus.given,
    ...(bus.policy.length === 0 ? {} : { Policy }),
    CreationTime: bus.createdAt / 1000,
    LastModifiedTime: bus.createdAt / 1000,
  };
}

function describeRule(rule: Rule): object {
  return {
    Name: rule.name,
    Arn: rule.arn,
    EventPattern: rule.pattern,
    State: rule.state,
    EventBusName: rule.bus,
    ...(rule.description === undefined ? {} : { Description: rule.description }),
    ...(rule.roleArn === undefined ? {} : { RoleArn: rule.roleArn }),
  };
}

function ruleArn({ account, region }: Place, bus: string, name: string): string {
  return `arn:aws:events:${region}:${account}:rule/${bus === 'default' ? name : `${bus}/${name}`}`;
}

function ruleState(input: Input): RuleState {
  const given = optionalText(input, 'State') ?? 'ENABLED';
  const state = RULE_STATES.find((one) => one === given);
  if (!state) throw validation(`State must be one of ${RULE_STATES.join(', ')}, not ${given}.`);
  return state;
}

function busOf(arn: string): { account: string; region: string; bus: string } | undefined {
  const [, region, account, bus] = /^arn:[^:]+:events:([^:]+):([^:]+):event-bus\/(.+)$/.exec(arn) ?? [];
  return region && account && bus ? { account, region, bus } : undefined;
}

function entryError(entry: Input): object | undefined {
  for (const member of ['Source', 'DetailType', 'Detail']) {
    if (typeof entry[member] === 'string' && entry[member] !== '') continue;
    return {
      ErrorCode: 'InvalidArgument',
      ErrorMessage: `Parameter ${member} is not valid. Reason: ${member} is a required argument.`,
    };
  }
  if (!text(entry, 'Source').startsWith('aws.')) return undefined;
  return {
    ErrorCode: 'NotAuthorizedForSourceException',
    ErrorMessage: 'Not authorized for the source.',
  };
}

/** As "Calculating PutEvents event entry size" in the EventBridge user guide. */
function entryBytes(entry: Input): number {
  const parts = [
    entry.Source,
    entry.DetailType,
    entry.Detail,
    ...(Array.isArray(entry.Resources) ? entry.Resources : []),
  ];
  const bytes = parts.reduce(
    (sum: number, part) => sum + (typeof part === 'string' ? Buffer.byteLength(part) : 0),
    0,
  );
  return bytes + (entry.Time === undefined ? 0 : 14);
}

/** A timestamp of the JSON protocol: seconds since the epoch; ISO 8601 text is taken too. */
function timeOf(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  const milliseconds = typeof value === 'number' ? value * 1000 : Date.parse(String(value));
  if (Number.isNaN(new Date(milliseconds).getTime())) {
    throw new AwsError('SerializationException', 'Time must be seconds since the epoch.');
  }
  return isoSeconds(milliseconds);
}

function isoSeconds(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d{3}Z$/, 'Z');
}

/** What lists share: `NamePrefix`, `Limit` and `NextToken`, which here is the last name given. */
function page<T>(
  input: Input,
  all: ReadonlyMap<string, T>,
): { items: T[]; NextToken: { NextToken?: string } } {
  const prefix = optionalText(input, 'NamePrefix') ?? '';
  const limit = optionalNumber(input, 'Limit', 1, 100) ?? 100;
  const token = optionalText(input, 'NextToken');
  const names = [...all.keys()]
    .sort()
    .filter((name) => name.startsWith(prefix) && (token === undefined || name > token));
  const shown = names.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: shown.flatMap((name) => all.get(name) ?? []),
    NextToken: last !== undefined && names.length > limit ? { NextToken: last } : {},
  };
}

function parsedPattern(pattern: string): unknown {
  const parsed = parseJson(pattern);
  if (parsed !== undefined) return parsed;
  throw new AwsError('InvalidEventPatternException', 'Event pattern is not valid. Reason: it is not JSON.');
}

function parseObject(json: string): Record<string, unknown> | undefined {
  const value = parseJson(json);
  return isRecord(value) ? value : undefined;
}

/** The parsed value; undefined, which JSON cannot say, for text that is not JSON. */
function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function text(input: Input, member: string): string {
  const value = optionalText(input, member);
  if (value === undefined || value === '') throw validation(`Parameter ${member} is required.`);
  return value;
}

function named(input: Input, member: string, pattern: RegExp): string {
  const name = text(input, member);
  if (!pattern.test(name)) {
    throw validation(
      `Value '${name}' at '${member}' failed to satisfy constraint: must match ${pattern.source}`,
    );
  }
  return name;
}

function optionalText(input: Input, member: string): string | undefined {
  const value = input[member];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw validation(`Parameter ${member} must be a string.`);
  return value;
}

function optionalNumber(input: Input, member: string, least: number, most: number): number | undefined {
  const value = input[member];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || value < least || value > most) {
    throw validation(`Parameter ${member} must be a number from ${least} to ${most}.`);
  }
  return value;
}

function strings(input: Input, member: string): string[] {
  const value = input[member] ?? [];
  if (!Array.isArray(value) || !value.every((one) => typeof one === 'string')) {
    throw validation(`Parameter ${member} must be a list of strings.`);
  }
  return value;
}

function records(input: Input, member: string): Record<string, unknown>[] {
  const value = input[member];
  if (!Array.isArray(value) || !value.every(isRecord)) {
    throw validation(`Parameter ${member} must be a list of objects.`);
  }
  return value;
}

function record(input: Input, member: string): Record<string, unknown> {
  const value = input[member] ?? {};
  if (!isRecord(value)) throw validation(`Parameter ${member} must be an object.`);
  return value;
}

function pick(input: Input, members: string[]): Input {
  return Object.fromEntries(
    members.filter((name) => input[name] !== undefined).map((name) => [name, input[name]]),
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function validation(message: string): AwsError {
  return new AwsError('ValidationException', message);
}

function notFound(message: string): AwsError {
  return new AwsError('ResourceNotFoundException', message);
}

function exists(message: string): AwsError {
  return new AwsError('ResourceAlreadyExistsException', message);
}
