import { request } from 'node:http';
import { connect } from 'node:net';
import { GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs';
import {
  GetParameterCommand,
  GetParametersCommand,
  PutParameterCommand,
  SSMClient,
} from '@aws-sdk/client-ssm';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { virtualClock } from '../../local/clock';
import { type HttpRequest, jsonAnswer } from '../../local/http';
import { type Server, type ServerOptions, serve } from '../../local/server';
import { AwsError, type Call, type Service } from '../../local/service';
import { createSqs } from '../../local/sqs';
import { createSsm } from '../../local/ssm';
import { createSts } from '../../local/sts';

const account = '111122223333';
const region = 'eu-central-1';
const START = Date.parse('2026-11-24T08:00:00Z');
const credentials = { accessKeyId: 'any', secretAccessKey: 'thing' };

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close(0);
});

async function started(options: Partial<ServerOptions> = {}): Promise<Server> {
  const server = await serve({ services: [], port: 0, account, defaultRegion: region, ...options });
  servers.push(server);
  return server;
}

/** Answers with what it was called with. */
function echo(answer: (call: Call) => Promise<object> = async (call) => ({ ...call })): Service {
  return { target: 'Echo_20260101', jsonVersion: '1.1', call: answer };
}

interface Sent {
  headers?: Record<string, string>;
  body?: string;
  path?: string;
}

async function post(server: Server, { headers = {}, body = '{}', path = '/' }: Sent = {}) {
  const response = await fetch(server.endpoint + path, { method: 'POST', headers, body });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

const scope = (ofRegion: string, service: string) => ({
  authorization: `AWS4-HMAC-SHA256 Credential=AKID/20261124/${ofRegion}/${service}/aws4_request, SignedHeaders=host, Signature=00`,
});
const target = (operation: string) => ({ 'x-amz-target': `Echo_20260101.${operation}` });

describe('a JSON service', () => {
  it('is called with its operation, the account and the Region of the credential scope', async () => {
    const server = await started({ services: [echo()] });

    const answer = await post(server, {
      headers: { ...target('Say'), ...scope('eu-west-1', 'echo') },
      body: '{"words":["ü"]}',
    });

    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('application/x-amz-json-1.1');
    expect(answer.headers.get('x-amzn-requestid')).toMatch(/^[0-9a-f-]{36}$/);
    expect(JSON.parse(answer.text)).toEqual({
      operation: 'Say',
      input: { words: ['ü'] },
      account,
      region: 'eu-west-1',
    });
  });

  it('takes an unsigned and empty request for the default Region', async () => {
    const server = await started({ services: [echo()] });

    const { text } = await post(server, { headers: target('Say'), body: '' });

    expect(JSON.parse(text)).toEqual({ operation: 'Say', input: {}, account, region });
  });

  it('answers an AwsError with its name, status and members', async () => {
    const refusing = echo(async () => {
      throw new AwsError('NoSuchThing', 'There is none.', 404, { Item: { a: 1 } });
    });
    const server = await started({ services: [refusing] });

    const { status, text } = await post(server, { headers: target('Say') });

    expect(status).toBe(404);
    expect(JSON.parse(text)).toEqual({ __type: 'NoSuchThing', message: 'There is none.', Item: { a: 1 } });
  });

  it('answers any other error as its own failure, and tells', async () => {
    const faults: unknown[] = [];
    const failing = echo(async () => {
      throw new TypeError('a bug');
    });
    const server = await started({ services: [failing], onFault: (fault) => faults.push(fault) });

    const { status, text } = await post(server, { headers: target('Say') });

    expect(status).toBe(500);
    expect(JSON.parse(text)).toEqual({
      __type: 'InternalFailure',
      message: 'The embedded cloud failed: a bug',
    });
    expect(faults).toEqual([new TypeError('a bug')]);
  });

  it.each([
    ['is not JSON', '{"a":'],
    ['is no object', '[1]'],
  ])('refuses a body that %s', async (_, body) => {
    const server = await started({ services: [echo()] });

    const { status, text } = await post(server, { headers: target('Say'), body });

    expect(status).toBe(400);
    expect(JSON.parse(text)).toMatchObject({ __type: 'SerializationException' });
  });

  it('refuses more than 16 MB and lives on', async () => {
    const server = await started({ services: [echo()] });

    const large = await post(server, {
      headers: target('Say'),
      body: JSON.stringify('x'.repeat(16 * 1024 * 1024)),
    });

    expect(large.status).toBe(413);
    expect(JSON.parse(large.text)).toMatchObject({ __type: 'RequestEntityTooLargeException' });
    expect((await post(server, { headers: target('Say') })).status).toBe(200);
  });

  it.each(['Other_2026.Say', 'Echo_20260101', 'Echo_20260101.', 'constructor.Say'])(
    'is named when the target %s is unknown',
    async (unknown) => {
      const server = await started({ services: [echo()] });

      const { status, text } = await post(server, { headers: { 'x-amz-target': unknown } });

      expect(status).toBe(400);
      expect(JSON.parse(text)).toEqual({
        __type: 'UnknownOperationException',
        message: `No service here has the target ${unknown}. Emulated are: Echo_20260101.`,
      });
    },
  );
});

describe('HTTP handlers', () => {
  const about = ({ path, query, account: of, region: at, signed, body }: HttpRequest) =>
    jsonAnswer(200, { path, q: query.get('q'), of, at, service: signed?.service, body: body.toString() });

  it('are found by path prefix, the longest first, signed or not', async () => {
    const server = await started({
      routes: { '/a/': () => jsonAnswer(200, { short: true }), '/a/b/': about },
    });

    expect(JSON.parse((await post(server, { path: '/a/x' })).text)).toEqual({ short: true });
    expect(JSON.parse((await post(server, { path: '/a/b/c%2Fd?q=1', body: 'raw' })).text)).toEqual({
      path: '/a/b/c%2Fd',
      q: '1',
      of: account,
      at: region,
      body: 'raw',
    });
  });

  it('are found by the service of the credential scope', async () => {
    const server = await started({ rest: { lambda: about } });

    const { text } = await post(server, {
      path: '/2015-03-31/functions',
      headers: scope('eu-west-1', 'lambda'),
    });

    expect(JSON.parse(text)).toMatchObject({ at: 'eu-west-1', service: 'lambda' });
  });

  it('say what is emulated when none fits', async () => {
    const server = await started({
      services: [echo()],
      rest: { sts: about },
      routes: { '/_warden/': about },
    });

    const { status, text } = await post(server, { path: '/bucket', headers: scope(region, 's3') });

    expect(status).toBe(404);
    expect(JSON.parse(text).message).toBe(
      'Nothing answers POST /bucket here for the service s3. Emulated are: Echo_20260101, sts, /_warden/.',
    );
  });
});

describe('the port', () => {
  it('is refused with its code when taken', async () => {
    const { port } = await started();
    await expect(started({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  it('is on the loopback address alone and reused by a client', async () => {
    const server = await started({ services: [echo()] });
    expect(server.endpoint).toBe(`http://127.0.0.1:${server.port}`);
    const socket = connect(server.port, '127.0.0.1');
    const ask = () =>
      new Promise<string>((resolve) => {
        socket.once('data', (data) => resolve(String(data)));
        socket.write(
          'POST / HTTP/1.1\r\nhost: x\r\nx-amz-target: Echo_20260101.Say\r\ncontent-length: 2\r\n\r\n{}',
        );
      });

    const answers = [await ask(), await ask()];

    expect(answers.every((answer) => answer.startsWith('HTTP/1.1 200') && /keep-alive/i.test(answer))).toBe(
      true,
    );
    socket.destroy();
  });

  it('is closed once the requests under way are answered', async () => {
    let answerNow = () => {};
    const waiting = new Promise<void>((resolve) => {
      answerNow = resolve;
    });
    const began = { yes: () => {} };
    const underWay = new Promise<void>((resolve) => {
      began.yes = resolve;
    });
    const slow = echo(async () => {
      began.yes();
      await waiting;
      return { done: true };
    });
    const server = await started({ services: [slow] });
    const answer = post(server, { headers: target('Say') });
    await underWay;

    let closed = false;
    const closing = server.close().then(() => {
      closed = true;
    });
    await new Promise((done) => setTimeout(done, 30));
    expect(closed).toBe(false);
    answerNow();

    expect(JSON.parse((await answer).text)).toEqual({ done: true });
    await closing;
    await expect(post(server)).rejects.toThrow();
  });

  it('is closed after the grace when an answer never comes', async () => {
    const server = await started({ services: [echo(() => new Promise(() => {}))] });
    const answer = post(server, { headers: target('Say') });
    answer.catch(() => {});
    await new Promise((done) => setTimeout(done, 30));

    await server.close(10);

    await expect(answer).rejects.toThrow();
  });

  it('outlives a client that goes away in the middle of a request', async () => {
    const faults: unknown[] = [];
    const server = await started({ services: [echo()], onFault: (fault) => faults.push(fault) });
    await new Promise<void>((resolve) => {
      const headers = { ...target('Say'), 'content-length': '100' };
      const cut = request({ port: server.port, host: '127.0.0.1', method: 'POST', headers });
      cut.on('error', () => resolve());
      cut.write('{', () => cut.destroy());
      cut.on('close', () => resolve());
    });

    expect((await post(server, { headers: target('Say') })).status).toBe(200);
    expect(faults).toEqual([]);
  });
});

it("answers SQS's errors with the code of its older protocol as well", async () => {
  const sqs = createSqs({ clock: virtualClock(START), newId: () => 'id', endpoint: () => '' });
  const server = await started({ services: [sqs] });
  const client = new SQSClient({ endpoint: server.endpoint, region, credentials, maxAttempts: 1 });

  const answer = client.send(new GetQueueUrlCommand({ QueueName: 'none' }));

  await expect(answer).rejects.toMatchObject({
    name: 'QueueDoesNotExist',
    Code: 'AWS.SimpleQueueService.NonExistentQueue',
  });
  client.destroy();
});

describe('STS', () => {
  async function withSts() {
    let ids = 0;
    const sts = createSts({ clock: virtualClock(START), newId: () => `id-${++ids}` });
    const server = await started({
      services: [echo()],
      rest: { sts: sts.handle },
      accountOf: sts.accountOf,
    });
    const clientWith = (keys: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }) =>
      new STSClient({ endpoint: server.endpoint, region, credentials: keys, maxAttempts: 1 });
    return { server, clientWith, client: clientWith(credentials) };
  }
  const role = { RoleArn: 'arn:aws:iam::444455556666:role/path/ecr-warden-read', RoleSessionName: 'hub' };

  it('knows any credentials as the one account', async () => {
    const { client } = await withSts();

    const identity = await client.send(new GetCallerIdentityCommand({}));

    expect(identity).toMatchObject({
      Account: account,
      Arn: `arn:aws:iam::${account}:root`,
      UserId: account,
    });
  });

  it('gives out credentials of the account of the assumed role', async () => {
    const { client, clientWith, server } = await withSts();

    const { Credentials, AssumedRoleUser } = await client.send(
      new AssumeRoleCommand({ ...role, ExternalId: 'x&<y>', DurationSeconds: 900 }),
    );
    const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '', Expiration } = Credentials ?? {};
    const assumed = {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      sessionToken: SessionToken,
    };

    const arn = 'arn:aws:sts::444455556666:assumed-role/ecr-warden-read/hub';
    expect(AssumedRoleUser?.Arn).toBe(arn);
    expect(Expiration).toEqual(new Date(START + 900_000));
    expect(await clientWith(assumed).send(new GetCallerIdentityCommand({}))).toMatchObject({
      Account: '444455556666',
      Arn: arn,
      UserId: AssumedRoleUser?.AssumedRoleId,
    });
    const authorization = scope(region, 'echo').authorization.replace('AKID', AccessKeyId);
    const { text } = await post(server, { headers: { ...target('Say'), authorization } });
    expect(JSON.parse(text).account).toBe('444455556666');
  });

  it.each([
    ['RoleArn', { RoleArn: 'arn:aws:iam::12:role/x' }],
    ['RoleSessionName', { RoleSessionName: 'a b' }],
    ['DurationSeconds', { DurationSeconds: 60 }],
  ])('refuses a wrong %s by name', async (name, wrong) => {
    const { client } = await withSts();

    const answer = client.send(new AssumeRoleCommand({ ...role, ...wrong }));

    await expect(answer).rejects.toMatchObject({
      Code: 'ValidationError',
      message: expect.stringContaining(name),
    });
  });
});

describe('SSM', () => {
  async function withSsm() {
    const ssm = createSsm({ clock: virtualClock(START) });
    const server = await started({ services: [ssm] });
    const client = new SSMClient({ endpoint: server.endpoint, region, credentials, maxAttempts: 1 });
    return { ssm, client };
  }

  it('keeps parameters, secret ones shown only decrypted', async () => {
    const { client } = await withSsm();
    const put = { Name: '/warden/slack', Value: 'xoxb-1', Type: 'SecureString' as const };
    expect((await client.send(new PutParameterCommand(put))).Version).toBe(1);

    const shown = async (WithDecryption: boolean) =>
      (await client.send(new GetParameterCommand({ Name: put.Name, WithDecryption }))).Parameter;

    expect(await shown(true)).toMatchObject({
      ...put,
      Version: 1,
      LastModifiedDate: new Date(START),
      ARN: `arn:aws:ssm:${region}:${account}:parameter/warden/slack`,
    });
    expect((await shown(false))?.Value).not.toContain('xoxb');
  });

  it('replaces only on demand', async () => {
    const { client } = await withSsm();
    const put = (Value: string, Overwrite: boolean) =>
      client.send(new PutParameterCommand({ Name: 'p', Value, Type: 'String', Overwrite }));
    await put('1', false);

    await expect(put('2', false)).rejects.toMatchObject({ name: 'ParameterAlreadyExists' });
    expect((await put('3', true)).Version).toBe(2);
  });

  it('tells which parameters do not exist', async () => {
    const { client, ssm } = await withSsm();
    await client.send(new PutParameterCommand({ Name: 'p', Value: '1', Type: 'String' }));

    const one = client.send(new GetParameterCommand({ Name: 'q' }));
    await expect(one).rejects.toMatchObject({ name: 'ParameterNotFound' });
    const several = await client.send(new GetParametersCommand({ Names: ['p', 'q'] }));
    expect(several.InvalidParameters).toEqual(['q']);
    expect(several.Parameters).toMatchObject([{ Name: 'p', Value: '1' }]);

    const restored = createSsm({ clock: virtualClock(START) });
    restored.restore(JSON.parse(JSON.stringify(ssm.snapshot())));
    expect(restored.snapshot()).toEqual(ssm.snapshot());
  });
});
