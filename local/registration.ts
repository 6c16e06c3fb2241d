import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';

/** What a running embedded cloud says of itself, so that a command in another terminal finds it. */
export interface Registration {
  readonly endpoint: string;
  readonly account: string;
  /** The hub's Region comes first. */
  readonly regions: readonly string[];
  readonly pid: number;
  readonly dataDir?: string | undefined;
  /** ISO instant. */
  readonly startedAt: string;
}

const registration: z.ZodType<Registration> = z.object({
  endpoint: z.url({ protocol: /^http$/ }),
  account: z.string().regex(/^\d{12}$/),
  regions: z.array(z.string()).min(1),
  pid: z.int().positive(),
  dataDir: z.string().optional(),
  startedAt: z.string(),
});

/** A folder of one user's own: the temporary folder is shared, and a command must not follow somebody else's file. */
export function registrationFolder(parent: string = tmpdir()): string {
  return join(parent, `ecr-warden-${userInfo().username}`);
}

/** Writes the registration; the answer takes it away again. */
export function register(mine: Registration, folder: string = registrationFolder()): () => void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, `${mine.pid}-${new URL(mine.endpoint).port}.json`);
  writeFileSync(file, `${JSON.stringify(mine)}\n`, { mode: 0o600 });
  return () => rmSync(file, { force: true });
}

/** The embedded clouds that run now, the oldest first. What a killed one left behind is cleared away. */
export async function runningClouds(folder: string = registrationFolder()): Promise<readonly Registration[]> {
  const found: Registration[] = [];
  for (const file of filesIn(folder)) {
    const one = read(file);
    if (one && isRunning(one.pid) && !(await refuses(one.endpoint))) found.push(one);
    else rmSync(file, { force: true });
  }
  return found.sort((one, other) => (one.startedAt < other.startedAt ? -1 : 1));
}

function filesIn(folder: string): string[] {
  try {
    // On Windows a temporary folder is the user's own, and files have no owner to ask for.
    const mine = process.getuid === undefined || statSync(folder).uid === process.getuid();
    if (!mine) return [];
    return readdirSync(folder)
      .filter((name) => name.endsWith('.json'))
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}

function read(file: string): Registration | undefined {
  try {
    return registration.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data;
  } catch {
    return undefined;
  }
}

/** Signal 0 asks only whether the process is there; one of another user is there and may not be asked. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return Object(error).code === 'EPERM';
  }
}

/**
 * A process id is given out anew in the end, and a port too; both together belong to the cloud that wrote them. One
 * that is too busy to answer is still there.
 */
function refuses(endpoint: string): Promise<boolean> {
  const { hostname, port } = new URL(endpoint);
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port), timeout: 1000 });
    const end = (answer: boolean) => () => {
      socket.destroy();
      resolve(answer);
    };
    socket.on('connect', end(false)).on('timeout', end(false)).on('error', end(true));
  });
}
