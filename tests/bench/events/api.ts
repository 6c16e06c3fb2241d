import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { createServer } from 'node:tls';
import { wallClock } from '../../../local/clock';
import { createDynamodb } from '../../../local/dynamodb';
import { createEcr, type EcrEvent } from '../../../local/ecr';
import { createEventBridge } from '../../../local/eventbridge';
import { type Server, serve } from '../../../local/server';
import type { Service } from '../../../local/service';
import { createSqs } from '../../../local/sqs';
import { deployStack } from '../../../local/stack';
import { parseTemplate, resolveTemplate } from '../../../local/template';
import { answerParent } from './part';
import { account, home, monotonicMilliseconds, type Push, replica, type TlsFiles } from './scenario';

/** What the process with the embedded services can be asked for. */
export type Api = {
  start: {
    /** The packaged template's text. */
    question: { readonly template: string; readonly tls?: TlsFiles | undefined };
    answer: Endpoints;
  };
  prepare: {
    question: { readonly repositories: readonly string[]; readonly replicated: boolean };
    answer: undefined;
  };
  push: { question: readonly Push[]; answer: readonly string[] };
  begin: { question: undefined; answer: undefined };
  end: { question: undefined; answer: Seen };
};

export interface Endpoints {
  readonly http: string;
  readonly https?: string;
  /** The environment that the template gives the function. */
  readonly environment: Readonly<Record<string, string>>;
  readonly handler: string;
}

export interface Seen {
  /** Calls by operation since `begin`. */
  readonly calls: Readonly<Record<string, number>>;
  /** By scope and sort key: when the record could be read, in milliseconds of the machine's monotonic clock. */
  readonly visibleAt: ReadonlyMap<string, number>;
}

/** Longer than any run: what was just pushed has not arrived at the destination yet. */
const replicationMilliseconds = 3_600_000;

const clock = wallClock;
const newId = randomUUID;
let calls: Record<string, number> = {};
let visibleAt = new Map<string, number>();
let emitted: EcrEvent[] = [];
let server: Server;

const sqs = createSqs({ clock, newId, endpoint: () => server.endpoint });
const ecr = createEcr({
  clock,
  newId,
  account,
  regions: [home, replica],
  emit: (event) => emitted.push(event),
  replicationDelay: () => replicationMilliseconds,
});
const bridge = createEventBridge({ clock, newId, deliver: async () => undefined });
const opening = createDynamodb({ clock, newId });

function callEcr(operation: string, input: Record<string, unknown>, region = home): Promise<object> {
  return ecr.call({ operation, input, account, region });
}

answerParent<Api>(
  {
    async start({ template, tls }) {
      const dynamodb = await opening;
      server = await serve({
        services: [ecr, sqs, dynamodb].map(counted),
        port: 0,
        account,
        defaultRegion: home,
        onFault: (fault) => console.error(fault),
      });
      const stack = resolveTemplate(parseTemplate(template, 'the packaged template'), {
        stackName: 'ecr-warden',
        account,
        region: home,
        endpoint: server.endpoint,
      });
      const { functions } = await deployStack(
        stack,
        { sqs, dynamodb, eventBridge: bridge },
        { account, region: home },
      );
      const reconcile = functions.find(({ name }) => name === 'ecr-warden-reconcile');
      if (!reconcile) throw new Error('the template has no function ecr-warden-reconcile');
      const { Environment, Handler } = reconcile;
      const table = `arn:aws:dynamodb:${home}:${account}:table/${Environment.Variables.AUDIT_TABLE}`;
      dynamodb.subscribe(table, ({ dynamodb: { Keys, SequenceNumber }, eventSourceARN }) => {
        visibleAt.set(`${Keys.scope?.S} ${Keys.record?.S}`, monotonicMilliseconds());
        void dynamodb.checkpoint(eventSourceARN, SequenceNumber);
      });
      return {
        http: server.endpoint,
        ...(tls && { https: `https://127.0.0.1:${await unwrapTls(tls, server.port)}` }),
        environment: Environment.Variables,
        handler: Handler,
      };
    },

    async prepare({ repositories, replicated }) {
      for (const repositoryName of repositories) await callEcr('CreateRepository', { repositoryName });
      if (!replicated) return;
      const destinations = [{ region: replica, registryId: account }];
      await callEcr('PutReplicationConfiguration', {
        replicationConfiguration: { rules: [{ destinations }] },
      });
    },

    async push(pushes) {
      emitted = [];
      for (const { repository, tag } of pushes) {
        await callEcr('PutImage', {
          repositoryName: repository,
          imageTag: tag,
          imageManifest: manifest(`${repository}:${tag}`),
        });
      }
      return emitted
        .filter((event) => event['detail-type'] === 'ECR Image Action')
        .map((event) => JSON.stringify(event));
    },

    begin() {
      calls = {};
      visibleAt = new Map();
    },

    end: () => ({ calls, visibleAt }),
  },
  () => server?.close(0),
);

function counted(service: Service): Service {
  return {
    ...service,
    call(call) {
      calls[call.operation] = (calls[call.operation] ?? 0) + 1;
      return service.call(call);
    },
  };
}

/** Takes TLS off and hands on to the plain port; answers with the port that it listens on. */
function unwrapTls(tls: TlsFiles, port: number): Promise<number> {
  const front = createServer(
    { key: readFileSync(tls.key), cert: readFileSync(tls.certificate) },
    (outside) => {
      const inside = connect(port, '127.0.0.1').setNoDelay();
      outside.setNoDelay();
      outside.pipe(inside).pipe(outside);
      const end = (): void => {
        outside.destroy();
        inside.destroy();
      };
      outside.on('error', end).on('close', end);
      inside.on('error', end).on('close', end);
    },
  );
  return new Promise((resolve, reject) => {
    front.once('error', reject).listen(0, '127.0.0.1', () => {
      const address = front.address();
      if (address && typeof address === 'object') resolve(address.port);
    });
  });
}

/** Of a real image's size, and another for each name. */
function manifest(name: string): string {
  const digest = (part: string): string =>
    `sha256:${createHash('sha256')
      .update(name + part)
      .digest('hex')}`;
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
    config: {
      mediaType: 'application/vnd.docker.container.image.v1+json',
      size: 5543,
      digest: digest('config'),
    },
    layers: [0, 1, 2, 3, 4].map((layer) => ({
      mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
      size: 252,
      digest: digest(`layer ${layer}`),
    })),
  });
}
