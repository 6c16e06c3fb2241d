import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

/** What one run of Cloud Custodian's handler cost: see README.md of the peers. */
export interface PeerRun {
  readonly cpu_ms_per_event: number;
  readonly wall_ms_per_event: number;
  readonly events_per_s: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly calls_per_event: Readonly<Record<string, number>>;
  readonly connections_per_event: number;
  readonly peak_rss_mb: number;
}

export interface Peer {
  run(events: number, tls: boolean): Promise<PeerRun>;
}

const requirements = ['c7n==0.9.53', 'moto[server]==5.2.5', 'aiohttp'];

/** Cloud Custodian in a virtual environment of its own, or the reason why it is not there. */
export async function openPeer(
  folder: string,
  environment: string,
  signal: AbortSignal,
  say: (text: string) => void,
): Promise<Peer | { readonly missing: string }> {
  const script = join(folder, 'with_stack.py');
  if (!existsSync(script)) return { missing: `${script} is not there: name the folder with --peers` };
  const python = join(environment, 'bin/python');
  try {
    if (!existsSync(python)) await command('python3', ['-m', 'venv', environment], signal);
    await command(python, ['-c', 'import c7n, moto, aiohttp'], signal).catch(async () => {
      say(`installing ${requirements.join(', ')}, once`);
      await command(python, ['-m', 'pip', 'install', '--quiet', ...requirements], signal);
    });
  } catch (error) {
    signal.throwIfAborted();
    return { missing: `Python will not do: ${(error as Error).message}` };
  }
  return {
    async run(events, tls) {
      const [emulator, proxy, secure] = (await freePorts(3)).map(String) as [string, string, string];
      const plain = `http://127.0.0.1:${proxy}`;
      const event = ['event.py', '--variant', 'a', '--events', String(events), '--endpoint'];
      const target = tls ? [`https://127.0.0.1:${secure}`, '--control', plain, '--ca', '{ca}'] : [plain];
      const printed = await command(
        python,
        [
          ...[script, '--emulator-port', emulator, '--proxy-port', proxy],
          ...(tls ? ['--tls-port', secure] : []),
          ...['--', python, ...event, ...target],
        ],
        signal,
        folder,
      );
      return JSON.parse(printed) as PeerRun;
    },
  };
}

/** Answers with standard output. Rejects with the last line of standard error. */
function command(
  program: string,
  options: readonly string[],
  signal: AbortSignal,
  cwd?: string,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, options, {
      cwd,
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-4000);
    });
    // Python turns an interrupt into an exception, by which the stack's own processes are ended.
    const interrupt = (): void => void child.kill('SIGINT');
    signal.addEventListener('abort', interrupt);
    child.on('error', reject);
    child.on('close', (code) => {
      signal.removeEventListener('abort', interrupt);
      if (code === 0) resolve(output);
      else reject(new Error(said.trim().split('\n').at(-1) || `${program} ended with exit code ${code}`));
    });
  });
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
          const server = createServer();
          server.once('error', reject).listen(0, '127.0.0.1', () => resolve(server));
        }),
    ),
  );
  return Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) => {
          const address = server.address();
          server.close(() => resolve(address && typeof address === 'object' ? address.port : 0));
        }),
    ),
  );
}
