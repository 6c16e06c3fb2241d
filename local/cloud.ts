import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { devNull } from 'node:os';
import { join } from 'node:path';
import type { AuditRecord } from '../shared/audit/record';
import { streamEntry } from '../shared/aws/audit-stream';
import { InvalidInput } from '../shared/domain/errors';
import { type Clock, wallClock } from './clock';
import { type DataFolder, openDataFolder, type SavedName } from './data-folder';
import type { Deliver } from './delivery';
import { createDynamodb, type Dynamodb } from './dynamodb';
import { type Copy, createEcr, type Ecr } from './ecr';
import { defaultConcurrency, type EventSource, sqsSource, streamSource } from './event-source';
import { createEventBridge, type EventBridge } from './eventbridge';
import { createLambdaFunction, type FunctionSettings, type LambdaFunction, type LogLine } from './lambda';
import { type Server, serve } from './server';
import { AwsError, type Service } from './service';
import { createSlack, type Slack, type SlackMessage } from './slack';
import { createSqs, type Sqs } from './sqs';
import { createSsm, type Ssm } from './ssm';
import { type DeployedFunctions, deployStack } from './stack';
import { createSts } from './sts';
import { parseTemplate, resolveTemplate, type Stack } from './template';

export interface CloudOptions {
  /** The checkout: its packaged template, member.yaml and built functions are what runs. */
  readonly root: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** Default: 127.0.0.1. */
  readonly host?: string;
  readonly account: string;
  /** The hub's Region comes first, the others get the member template. */
  readonly regions: readonly string[];
  /** Keeps everything in this folder, which is made if missing; without it, all is gone with the process. */
  readonly dataDir?: string | undefined;
  /** A compiled policy (JSON) for the functions in place of the one in their bundles. */
  readonly policyFile?: string | undefined;
  readonly clock?: Clock;
  /** How long ECR's replication takes to a destination, in milliseconds, or that it fails. */
  replicationDelay?(copy: Copy): number | 'fail';
  /** Told of each record that is appended to the audit trail. */
  onRecord?(record: AuditRecord): void;
  /** Told of each message that is posted in Slack, or edited. */
  onSlackMessage?(message: SlackMessage): void;
  /** Told of each line that a function logs. */
  onLog?(line: LogLine): void;
  /** Told of what should not have happened in the embedded services themselves. */
  onFault?(fault: unknown): void;
}

export interface QueueDepth {
  readonly visible: number;
  readonly inFlight: number;
  readonly delayed: number;
}

export interface Cloud {
  readonly endpoint: string;
  readonly account: string;
  readonly regions: readonly string[];
  readonly ecr: Ecr;
  readonly slack: Slack;
  /** How many messages and stream records wait or are being handled; delayed messages do not count. */
  backlog(): number;
  /** Settles when there is no backlog, or when the signal aborts. */
  drain(signal?: AbortSignal): Promise<void>;
  /** Of the hub's queues, by name. */
  queueDepths(): Readonly<Record<string, QueueDepth>>;
  /** Lets the functions end what they are at, keeps everything in the data folder and frees the port. */
  close(): Promise<void>;
}

/** How long closing waits for functions that are at work. Their messages come again after a restart. */
const closingMilliseconds = 5000;
/** A killed process loses no more of its queues and Slack messages than this. */
const savingMilliseconds = 50;
const drainedAfterMilliseconds = 15;

/**
 * The embedded cloud: the packaged hub in the first Region, the member template in the others, and under them the
 * services that both need, on one port. Throws `InvalidInput` for a template, a data folder or a port that will not do.
 */
export async function startCloud(options: CloudOptions): Promise<Cloud> {
  const { account, regions } = options;
  const [home] = regions;
  if (home === undefined) throw new InvalidInput('the embedded cloud needs a Region');
  const folder =
    options.dataDir === undefined ? undefined : openDataFolder(options.dataDir, { account, regions });
  const undo: (() => unknown)[] = [() => folder?.close()];
  try {
    return await start(options, home, folder, undo);
  } catch (error) {
    for (const step of undo.reverse()) await step();
    throw error;
  }
}

async function start(
  options: CloudOptions,
  home: string,
  folder: DataFolder | undefined,
  undo: (() => unknown)[],
): Promise<Cloud> {
  const { account, regions, root } = options;
  const onFault = options.onFault ?? (() => undefined);
  const clock = stoppable(options.clock ?? wallClock);
  undo.push(clock.stop);
  const newId = randomUUID;

  const sqs = createSqs({ clock, newId, endpoint: () => server.endpoint });
  const dynamodb = await createDynamodb({ path: folder?.tables, clock, newId }).catch((error: Error) => {
    throw new InvalidInput(error.message, { cause: error });
  });
  undo.push(() => dynamodb.close());
  const bridge = createEventBridge({ clock, newId, deliver: toQueue(sqs) });
  const slack = createSlack({ clock });
  const ssm = createSsm({ clock });
  const sts = createSts({ clock: wallClock, newId });
  let announcing = 0;
  const ecr = createEcr({
    clock,
    newId,
    account,
    regions,
    emit(event, place) {
      announcing += 1;
      bridge
        .publish(event, place)
        .catch(onFault)
        .finally(() => {
          announcing -= 1;
        });
    },
    ...(folder && { journal: { append: (entry) => folder.append(entry) } }),
    ...(options.replicationDelay && { replicationDelay: options.replicationDelay }),
  });

  let markReady: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => {
    markReady = resolve;
  });
  const server: Server = await serve({
    services: [ecr, sqs, dynamodb, bridge, ssm].map((service) => onceReady(service, ready)),
    rest: { sts: sts.handle },
    routes: { '/slack/': slack.handle },
    port: options.port,
    ...(options.host !== undefined && { host: options.host }),
    account,
    accountOf: sts.accountOf,
    defaultRegion: home,
    onFault,
  }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error;
    throw new InvalidInput(`port ${options.port} is taken: name another with --port, or 0 for a free one`);
  });
  undo.push(() => server.close(0));
  const { endpoint } = server;

  const services = { sqs, dynamodb, eventBridge: bridge };
  const { deployed, queueArns } = await deploy(options, home, endpoint, services);
  restore(folder, { queues: sqs, slack, parameters: ssm });
  await storeSlackToken(ssm, deployed, { account, region: home });
  await ecr.replayJournal(folder?.journal() ?? []);
  if (options.onSlackMessage) slack.onMessage(options.onSlackMessage);
  const saving = folder && saver(folder, { queues: sqs, slack, parameters: ssm }, onFault);

  const functions = new Map(
    deployed.functions.map((one) => {
      const settings = functionSettings(one, {
        root,
        endpoint,
        region: home,
        policyFile: options.policyFile,
      });
      const { onLog } = options;
      return [one.arn, createLambdaFunction(settings, { clock, newId, ...(onLog && { onLog }) })] as const;
    }),
  );
  // Last, since work begins with it.
  markReady();
  const sources = deployed.sources
    .filter(({ Enabled }) => Enabled)
    .map((mapping) => {
      const { invoke } = found(functions, mapping.FunctionName);
      return startSource(mapping, { sqs, dynamodb, clock, newId, invoke, onRecord: options.onRecord });
    });

  async function shutDown(): Promise<void> {
    const ended = Promise.all(sources.map((source) => source.close()));
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, closingMilliseconds).unref())]);
    for (const one of functions.values()) await one.close();
    await ended;
    await server.close(closingMilliseconds);
    clock.stop();
    saving?.stop();
    await dynamodb.close();
    folder?.close();
  }

  let closing: Promise<void> | undefined;
  const backlog = (): number => sources.reduce((sum, source) => sum + source.backlog(), announcing);
  return {
    endpoint,
    account,
    regions,
    ecr,
    slack,
    backlog,
    async drain(signal) {
      // Between two stages a message is in neither for a moment, so that one look is not enough.
      for (let quiet = 0; quiet < 3 && !signal?.aborted; ) {
        quiet = backlog() === 0 ? quiet + 1 : 0;
        await new Promise((resolve) => setTimeout(resolve, drainedAfterMilliseconds));
      }
    },
    queueDepths: () =>
      Object.fromEntries(queueArns.map((arn) => [arn.slice(arn.lastIndexOf(':') + 1), sqs.depth(arn)])),
    close() {
      closing ??= shutDown();
      return closing;
    },
  };
}

/** Clients may come before everything is there: they wait. */
function onceReady(service: Service, ready: Promise<void>): Service {
  return {
    ...service,
    async call(call) {
      await ready;
      return service.call(call);
    },
  };
}

/** The hub in its Region, the members in theirs, each told of the hub. */
async function deploy(
  { root, account, regions }: CloudOptions,
  home: string,
  endpoint: string,
  services: { readonly sqs: Sqs; readonly dynamodb: Dynamodb; readonly eventBridge: EventBridge },
): Promise<{ readonly deployed: DeployedFunctions; readonly queueArns: readonly string[] }> {
  const place = { account, endpoint };
  const hub = resolveTemplate(
    readTemplate(join(root, '.serverless/cloudformation-template-update-stack.json')),
    {
      ...place,
      region: home,
      stackName: 'ecr-warden',
      parameters: { SlackApiUrl: `${endpoint}/slack/api/` },
    },
  );
  const deployed = await deployStack(hub, services, { account, region: home });
  for (const region of regions.slice(1)) {
    const member = resolveTemplate(readTemplate(join(root, 'member.yaml')), {
      ...place,
      region,
      stackName: 'ecr-warden-member',
      parameters: {
        HubBusArn: output(hub, 'IngestBusArn'),
        HubReconcileRoleArn: output(hub, 'ReconcileRoleArn'),
      },
    });
    await deployStack(member, services, { account, region });
  }
  const queueArns = hub.resources.filter(({ type }) => type === 'AWS::SQS::Queue').map(({ arn }) => arn);
  return { deployed, queueArns };
}

function readTemplate(file: string): unknown {
  if (!existsSync(file)) throw new InvalidInput(`${file} is not there: run \`npm run package\` first`);
  return parseTemplate(readFileSync(file, 'utf8'), file);
}

function output({ outputs }: Stack, name: string): string {
  const value = outputs[name];
  if (value === undefined) throw new InvalidInput(`template: the hub has no output ${name}`);
  return value;
}

function startSource(
  mapping: DeployedFunctions['sources'][number],
  deps: {
    readonly sqs: Sqs;
    readonly dynamodb: Dynamodb;
    readonly clock: Clock;
    readonly newId: () => string;
    readonly invoke: LambdaFunction['invoke'];
    readonly onRecord: CloudOptions['onRecord'];
  },
): EventSource {
  const { EventSourceArn: arn, FilterCriteria, BatchSize } = mapping;
  const reportsItemFailures = mapping.FunctionResponseTypes.includes('ReportBatchItemFailures');
  const service = arn.split(':')[2];
  if (service === 'sqs' && !FilterCriteria) {
    return sqsSource(
      {
        queueArn: arn,
        batchSize: BatchSize,
        windowSeconds: mapping.MaximumBatchingWindowInSeconds,
        maximumConcurrency: mapping.ScalingConfig?.MaximumConcurrency ?? defaultConcurrency,
        reportsItemFailures,
      },
      deps,
    );
  }
  if (service !== 'dynamodb') {
    throw new InvalidInput(`template: the embedded Lambda takes no events from ${arn} with these settings`);
  }
  const tableArn = arn.replace(/\/stream\/.*$/, '');
  const { onRecord } = deps;
  if (onRecord) deps.dynamodb.subscribe(tableArn, (entry) => onRecord(streamEntry(entry).record()));
  return streamSource(
    {
      tableArn,
      functionArn: mapping.FunctionName,
      batchSize: BatchSize,
      filters: FilterCriteria?.Filters.map(({ Pattern }) => Pattern) ?? [],
      bisects: mapping.BisectBatchOnFunctionError,
      maximumRetries: mapping.MaximumRetryAttempts,
      reportsItemFailures,
      onFailureArn: mapping.DestinationConfig?.OnFailure.Destination,
    },
    deps,
  );
}

function found(functions: ReadonlyMap<string, LambdaFunction>, arn: string): LambdaFunction {
  const one = functions.get(arn);
  if (!one) throw new InvalidInput(`template: an event source names the function ${arn}, which is not there`);
  return one;
}

function functionSettings(
  { name, arn, Handler, Timeout, MemorySize, Environment }: DeployedFunctions['functions'][number],
  given: {
    readonly root: string;
    readonly endpoint: string;
    readonly region: string;
    readonly policyFile: string | undefined;
  },
): FunctionSettings {
  const { Variables } = Environment;
  const readsPolicy = given.policyFile !== undefined && Variables.POLICY_FILE !== undefined;
  return {
    name,
    arn,
    root: given.root,
    handler: Handler,
    timeoutSeconds: Timeout,
    memorySize: MemorySize,
    environment: {
      ...Variables,
      ...(readsPolicy && { POLICY_FILE: given.policyFile }),
      // What Lambda itself sets: "Defined runtime environment variables" in its developer guide.
      AWS_REGION: given.region,
      AWS_DEFAULT_REGION: given.region,
      AWS_ACCESS_KEY_ID: 'embedded',
      AWS_SECRET_ACCESS_KEY: 'embedded',
      AWS_SESSION_TOKEN: 'embedded',
      AWS_LAMBDA_FUNCTION_NAME: name,
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(MemorySize),
      AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
      LAMBDA_TASK_ROOT: given.root,
      AWS_ENDPOINT_URL: given.endpoint,
      // Lambda has none of these files; a developer's own must not reach the functions.
      AWS_CONFIG_FILE: devNull,
      AWS_SHARED_CREDENTIALS_FILE: devNull,
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    },
  };
}

/** The parameter that a person puts into Parameter Store before deploying; the embedded Slack takes any token. */
async function storeSlackToken(
  ssm: Ssm,
  { functions }: DeployedFunctions,
  place: { readonly account: string; readonly region: string },
): Promise<void> {
  const names = functions.flatMap(({ Environment }) => Environment.Variables.SLACK_TOKEN_PARAMETER ?? []);
  for (const Name of new Set(names)) {
    const input = { Name, Type: 'SecureString', Value: 'xoxb-embedded', Overwrite: true };
    await ssm.call({ operation: 'PutParameter', input, ...place });
  }
}

function toQueue(sqs: Sqs): Deliver {
  return async ({ arn }, payload, attributes = {}) => {
    if (arn.split(':')[2] !== 'sqs') {
      throw new AwsError(
        'InvalidParameterException',
        `The embedded EventBridge delivers to queues, not to ${arn}.`,
      );
    }
    const named = Object.entries(attributes).map(([name, StringValue]) => [
      name,
      { DataType: 'String', StringValue },
    ]);
    sqs.send(arn, payload, { attributes: Object.fromEntries(named) });
  };
}

const savedNames: readonly SavedName[] = ['queues', 'slack', 'parameters'];

interface Keeping {
  snapshot(): object;
  restore(snapshot: unknown): void;
}

function restore(folder: DataFolder | undefined, kept: Readonly<Record<SavedName, Keeping>>): void {
  for (const name of savedNames) {
    const snapshot = folder?.load(name);
    if (snapshot === undefined) continue;
    try {
      kept[name].restore(snapshot);
    } catch (error) {
      throw new InvalidInput(`${name}.json in the data folder is damaged: ${(error as Error).message}`);
    }
  }
}

/** Saves what changed, again and again and at the end; what takes long to write out is saved less often. */
function saver(
  folder: DataFolder,
  kept: Readonly<Record<SavedName, Keeping>>,
  onFault: (fault: unknown) => void,
): { stop(): void } {
  const stops = savedNames.map((name) => {
    let saved: string | undefined;
    function save(): void {
      const json = JSON.stringify(kept[name].snapshot());
      if (json !== saved) folder.save(name, json);
      saved = json;
    }
    function again(): void {
      const startedAt = performance.now();
      try {
        save();
      } catch (fault) {
        onFault(fault);
      }
      const taken = performance.now() - startedAt;
      timer = setTimeout(again, Math.max(savingMilliseconds, taken * 20)).unref();
    }
    let timer = setTimeout(again, savingMilliseconds).unref();
    return () => {
      clearTimeout(timer);
      save();
    };
  });
  return {
    stop() {
      for (const stop of stops) stop();
    },
  };
}

/** After `stop` nothing that waits on the clock happens any more. */
function stoppable(clock: Clock): Clock & { stop(): void } {
  const cancels = new Set<() => void>();
  let stopped = false;
  return {
    now: () => clock.now(),
    after(milliseconds, task) {
      if (stopped) return () => undefined;
      const cancel = clock.after(milliseconds, () => {
        cancels.delete(cancel);
        task();
      });
      cancels.add(cancel);
      return () => {
        cancels.delete(cancel);
        cancel();
      };
    },
    stop() {
      stopped = true;
      for (const cancel of cancels) cancel();
      cancels.clear();
    },
  };
}
