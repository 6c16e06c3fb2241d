import { AwsError, type Service } from '../../local/service';

interface Request {
  readonly headers: Record<string, string>;
  readonly body?: unknown;
}

interface Response {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
}

/**
 * A `requestHandler` for real SDK clients that calls services of the embedded cloud without a network: the client
 * encodes and decodes as always, so that member names, timestamps and typed exceptions are the API's own.
 * A fault that is no AwsError reaches the test as it is.
 */
export function inProcess(
  services: readonly Service[],
  { account, region }: { account: string; region: string },
) {
  const byTarget = new Map(services.map((service) => [service.target, service]));
  return {
    async handle(request: Request): Promise<{ response: Response }> {
      const [target = '', operation = ''] = (request.headers['x-amz-target'] ?? '').split('.');
      const service = byTarget.get(target);
      if (!service) throw new Error(`no service answers the target ${target}`);
      const input: unknown = JSON.parse(textOf(request.body) || '{}');
      if (!isRecord(input)) throw new Error('the request body is no JSON object');
      const answer = (statusCode: number, body: object) => ({
        response: {
          statusCode,
          headers: { 'content-type': `application/x-amz-json-${service.jsonVersion}` },
          body: new TextEncoder().encode(JSON.stringify(body)),
        },
      });
      try {
        return answer(200, await service.call({ operation, input, account, region }));
      } catch (error) {
        if (!(error instanceof AwsError)) throw error;
        return answer(error.status, { ...error.members, __type: error.code, message: error.message });
      }
    },
    updateHttpClientConfig(): void {},
    httpHandlerConfigs: () => ({}),
  };
}

function textOf(body: unknown): string {
  if (typeof body === 'string') return body;
  if (body instanceof Uint8Array) return new TextDecoder().decode(body);
  if (body === undefined) return '';
  throw new Error('the request body is a stream; only text and bytes are read here');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
