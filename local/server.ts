import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { HttpAnswer, HttpHandler } from './http';
import { AwsError, type Service } from './service';

export interface ServerOptions {
  /** JSON services, found by `X-Amz-Target`. */
  readonly services: readonly Service[];
  /** Services of other protocols, by the service name in the credential scope: `sts`, `lambda` … */
  readonly rest?: Readonly<Record<string, HttpHandler>>;
  /** Handlers by path prefix, such as `/slack/`; the longest that fits answers, signed or not. */
  readonly routes?: Readonly<Record<string, HttpHandler>>;
  /** 0 takes a free one. */
  readonly port: number;
  readonly host?: string;
  /** The account that all credentials belong to, but for those that `accountOf` knows. */
  readonly account: string;
  readonly accountOf?: (accessKeyId: string) => string | undefined;
  /** For requests that name no Region. */
  readonly defaultRegion: string;
  /** Told of each error that is no AwsError; the client gets `InternalFailure`. */
  readonly onFault?: (fault: unknown) => void;
}

export interface Server {
  /** Such as `http://127.0.0.1:4566`. */
  readonly endpoint: string;
  readonly port: number;
  /** Takes no more requests and ends once those under way are answered, or after the grace, in milliseconds. */
  close(grace?: number): Promise<void>;
}

interface Target {
  readonly service: Service;
  readonly operation: string;
}

const LARGEST_BODY = 16 * 1024 * 1024;
const CREDENTIAL = /\bCredential=([^/,\s]+)\/\d{8}\/([a-z0-9-]+)\/([a-z0-9-]+)\/aws4_request/;
const CLOSING_GRACE = 10_000;

/**
 * The embedded cloud's one port. Signatures are not checked: any credentials will do.
 * Rejects with the error of `listen`, whose `code` is `EADDRINUSE` for a taken port.
 */
export async function serve(options: ServerOptions): Promise<Server> {
  const { services, rest = {}, routes = {}, host = '127.0.0.1', account, defaultRegion, onFault } = options;
  const byTarget = new Map(services.map((service) => [service.target, service]));
  const prefixes = Object.keys(routes).sort((one, other) => other.length - one.length);
  let closing = false;

  const server = createServer((request, response) => {
    void answered(request).then((answer) => send(response, answer));
  });
  // Longer than SDKs keep an idle connection, so that they never write to one that is just being closed.
  server.keepAliveTimeout = 120_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const { port } = server.address() as AddressInfo;

  return {
    endpoint: `http://${host}:${port}`,
    port,
    close(grace = CLOSING_GRACE) {
      closing = true;
      return new Promise((resolve) => {
        const cut = setTimeout(() => server.closeAllConnections(), grace);
        server.close(() => {
          clearTimeout(cut);
          resolve();
        });
      });
    },
  };

  async function answered(request: IncomingMessage): Promise<HttpAnswer> {
    const target = request.headers['x-amz-target'];
    try {
      const body = await bodyOf(request);
      if (typeof target === 'string') return await callService(request, target, body);
      return await callHandler(request, body);
    } catch (error) {
      if (!(error instanceof AwsError)) onFault?.(error);
      return errorAnswer(
        error,
        typeof target === 'string' ? byTarget.get(splitTarget(target)[0]) : undefined,
      );
    }
  }

  async function callService(request: IncomingMessage, target: string, body: Buffer): Promise<HttpAnswer> {
    const { service, operation } = targetOf(target);
    const { account, region } = callerOf(request);
    const output = await service.call({ operation, input: jsonObject(body), account, region });
    return amzJson(200, service.jsonVersion, output);
  }

  async function callHandler(request: IncomingMessage, body: Buffer): Promise<HttpAnswer> {
    const { pathname: path, searchParams: query } = new URL(`http://localhost${request.url ?? '/'}`);
    const { account, region, signed } = callerOf(request);
    const prefix = prefixes.find((one) => path.startsWith(one));
    const handler =
      (prefix === undefined ? undefined : routes[prefix]) ??
      (signed && Object.hasOwn(rest, signed.service) ? rest[signed.service] : undefined);
    if (!handler) {
      throw new AwsError(
        'UnknownOperationException',
        `Nothing answers ${request.method} ${path} here${signed ? ` for the service ${signed.service}` : ''}. ${known()}`,
        404,
      );
    }
    const { method = 'GET', headers } = request;
    return handler({ method, path, query, headers, body, account, region, signed });
  }

  function targetOf(target: string): Target {
    const [name, operation] = splitTarget(target);
    const service = byTarget.get(name);
    if (service && operation) return { service, operation };
    throw new AwsError('UnknownOperationException', `No service here has the target ${target}. ${known()}`);
  }

  function known(): string {
    return `Emulated are: ${[...byTarget.keys(), ...Object.keys(rest), ...prefixes].join(', ')}.`;
  }

  function callerOf({ headers }: IncomingMessage) {
    const match = CREDENTIAL.exec(headers.authorization ?? '');
    if (!match) return { account, region: defaultRegion, signed: undefined };
    const [, accessKeyId = '', region = '', service = ''] = match;
    return {
      account: options.accountOf?.(accessKeyId) ?? account,
      region: region === '' ? defaultRegion : region,
      signed: { service, accessKeyId },
    };
  }

  function send(response: ServerResponse, { status, headers, body }: HttpAnswer): void {
    const bytes = typeof body === 'string' ? Buffer.from(body) : (body ?? Buffer.alloc(0));
    response.writeHead(status, {
      'x-amzn-requestid': randomUUID(),
      'content-length': bytes.byteLength,
      ...(closing && { connection: 'close' }),
      ...headers,
    });
    response.end(bytes);
  }
}

function bodyOf(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= LARGEST_BODY) chunks.push(chunk);
      else chunks.length = 0;
    });
    request.once('error', () => reject(new AwsError('RequestAborted', 'The client went away.')));
    request.once('end', () => {
      if (length <= LARGEST_BODY) return resolve(Buffer.concat(chunks));
      const message = `The request has ${length} bytes; at most ${LARGEST_BODY} are taken.`;
      reject(new AwsError('RequestEntityTooLargeException', message, 413));
    });
  });
}

function jsonObject(body: Buffer): Record<string, unknown> {
  if (body.length === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw new AwsError('SerializationException', `The request body is not JSON: ${(error as Error).message}`);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw new AwsError('SerializationException', 'The request body is not a JSON object.');
}

function amzJson(status: number, version: '1.0' | '1.1', body: object, headers = {}): HttpAnswer {
  return {
    status,
    headers: { 'content-type': `application/x-amz-json-${version}`, ...headers },
    body: JSON.stringify(body),
  };
}

function errorAnswer(error: unknown, service: Service | undefined): HttpAnswer {
  const version = service?.jsonVersion ?? '1.1';
  if (!(error instanceof AwsError)) {
    const message = `The embedded cloud failed: ${error instanceof Error ? error.message : String(error)}`;
    return amzJson(500, version, { __type: 'InternalFailure', message });
  }
  const body = { ...error.members, __type: error.code, message: error.message };
  const queryCode = service?.target === 'AmazonSQS' ? sqsQueryCode(error.code) : undefined;
  return amzJson(error.status, version, body, queryCode && { 'x-amzn-query-error': `${queryCode};Sender` });
}

/** SQS's JSON protocol also carries the code of its older protocol, which clients and their users still match. */
function sqsQueryCode(code: string): string {
  if (code === 'QueueDoesNotExist') return 'AWS.SimpleQueueService.NonExistentQueue';
  if (code === 'QueueNameExists') return 'QueueAlreadyExists';
  if (SQS_PREFIXED.has(code)) return `AWS.SimpleQueueService.${code}`;
  return code;
}

const SQS_PREFIXED = new Set([
  'BatchEntryIdsNotDistinct',
  'BatchRequestTooLong',
  'EmptyBatchRequest',
  'InvalidBatchEntryId',
  'MessageNotInflight',
  'PurgeQueueInProgress',
  'QueueDeletedRecently',
  'TooManyEntriesInBatchRequest',
  'UnsupportedOperation',
]);

function splitTarget(target: string): [name: string, operation: string] {
  const dot = target.indexOf('.');
  return dot === -1 ? [target, ''] : [target.slice(0, dot), target.slice(dot + 1)];
}
