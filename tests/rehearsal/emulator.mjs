import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from './until.mjs';

const launcher = join(dirname(fileURLToPath(import.meta.url)), 'launcher.py');
const credentials = { AWS_ACCESS_KEY_ID: 'rehearsal', AWS_SECRET_ACCESS_KEY: 'rehearsal' };

/** ministack on a free loopback port, with IAM on: functions may do what their roles allow and no more. */
export async function startEmulator({ bin, folder, account, region, children, signal }) {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const logFile = join(folder, 'ministack.log');
  const program = children.start(join(bin, 'python'), [launcher], {
    cwd: folder,
    // Nothing else of ours: ministack hands its environment on to the functions, where AWS would not.
    env: {
      ...bareEnvironment(folder),
      ...credentials,
      // Without it ministack listens on every address of the machine.
      BIND_HOST: '127.0.0.1',
      MINISTACK_HOST: '127.0.0.1',
      // It would listen on every address whatever BIND_HOST says.
      IOT_MTLS_ENABLED: '0',
      GATEWAY_PORT: String(port),
      MINISTACK_ACCOUNT_ID: account,
      MINISTACK_REGION: region,
      AUTH: 'true',
    },
    logFile,
  });
  const ended = program.ended.then(() => {
    throw new Error('ministack ended');
  });
  const healthy = until('ministack answers', 30, signal, async () => {
    const answer = await fetch(`${url}/_ministack/health`, { signal }).catch(() => undefined);
    return answer?.ok;
  });
  await Promise.race([healthy, ended]);
  ended.catch(() => undefined);
  return {
    url,
    /** What an AWS client needs to reach it. */
    environment: { ...credentials, AWS_ENDPOINT_URL: url, AWS_REGION: region },
    stop: () => children.stop(program),
    log: () => readFileSync(logFile, 'utf8'),
  };
}

/** An environment in which no profile, proxy or setting of the machine can matter. Functions run on this very Node. */
export function bareEnvironment(folder) {
  return {
    PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
    HOME: folder,
    TMPDIR: folder,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  };
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
