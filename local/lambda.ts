import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import type { Clock } from './clock';

/** A function as its template describes it. */
export interface FunctionSettings {
  readonly name: string;
  readonly arn: string;
  /** The folder that stands for the unpacked zip. */
  readonly root: string;
  /** `dist/functions/reconcile/index.handler`: a file below `root`, and what it exports. */
  readonly handler: string;
  readonly timeoutSeconds: number;
  /** Megabytes. */
  readonly memorySize: number;
  /** Everything that the function sees: nothing of this process's environment goes in. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface FunctionDependencies {
  readonly clock: Clock;
  newId(): string;
  /** A line that the function wrote to its standard output or error. */
  onLog?(line: LogLine): void;
}

export interface LogLine {
  readonly functionName: string;
  readonly line: string;
}

export type Invocation =
  | { readonly answer: unknown }
  /** What the function threw, or `Sandbox.Timedout`, or `Runtime.ExitError` where its container died. */
  | { readonly error: { readonly name: string; readonly message: string } };

export interface LambdaFunction {
  /** Takes an idle container or starts one. Never rejects: a function that fails is an answer as well. */
  invoke(event: unknown): Promise<Invocation>;
  /** Ends the containers, whatever they are at. */
  close(): Promise<void>;
}

/** Lambda gives a function this long to start: "Lambda execution environment lifecycle" in the developer guide. */
const initialisationMilliseconds = 10_000;

/** A thread's error arrives as a copy, which is no Error of this realm. */
const thrown = z.object({ name: z.string(), message: z.string() });

const message = z.union([
  z.object({ ready: z.literal(true) }),
  z.object({ requestId: z.string(), answer: z.string() }),
  z.object({ requestId: z.string(), error: z.object({ name: z.string(), message: z.string() }) }),
]);

/** An AWS Lambda function that runs a built bundle, each container a worker thread. */
export function createLambdaFunction(settings: FunctionSettings, deps: FunctionDependencies): LambdaFunction {
  const { clock, newId } = deps;
  const idle: Container[] = [];
  const all = new Set<Container>();

  async function invoke(event: unknown): Promise<Invocation> {
    const container = idle.pop() ?? start();
    const invocation = await container.run(newId(), JSON.stringify(event));
    if (all.has(container)) idle.push(container);
    return invocation;
  }

  function start(): Container {
    const container = createContainer(settings, clock, deps.onLog, () => {
      all.delete(container);
      const at = idle.indexOf(container);
      if (at >= 0) idle.splice(at, 1);
    });
    all.add(container);
    return container;
  }

  return {
    invoke,
    async close() {
      await Promise.all([...all].map((container) => container.end()));
    },
  };
}

interface Container {
  run(requestId: string, event: string): Promise<Invocation>;
  end(): Promise<void>;
}

function createContainer(
  settings: FunctionSettings,
  clock: Clock,
  onLog: FunctionDependencies['onLog'],
  onGone: () => void,
): Container {
  const { name: functionName, arn: functionArn, root, handler, memorySize, timeoutSeconds } = settings;
  const worker = new Worker(join(root, 'local/lambda-container.cjs'), {
    workerData: { functionName, functionArn, root, handler, memorySize },
    env: { ...settings.environment },
    argv: [],
    execArgv: [],
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: memorySize },
  });
  for (const stream of [worker.stdout, worker.stderr]) {
    eachLine(stream, (line) => onLog?.({ functionName, line }));
  }

  let isReady = false;
  let gone: Invocation | undefined;
  let settle: ((invocation: Invocation) => void) | undefined;
  let whenReady: (() => void) | undefined;

  function die(invocation: Invocation): void {
    if (gone) return;
    gone = invocation;
    onGone();
    settle?.(invocation);
  }

  worker.on('message', (received: unknown) => {
    const parsed = message.parse(received);
    if ('ready' in parsed) {
      isReady = true;
      whenReady?.();
    } else if ('answer' in parsed) settle?.({ answer: JSON.parse(parsed.answer) });
    else settle?.({ error: parsed.error });
  });
  // Uncaught in the thread, out of memory, or thrown while the bundle was loaded.
  worker.on('error', (error: unknown) => {
    const { data } = thrown.safeParse(error);
    die(failed(data?.name ?? 'Error', data?.message ?? String(error)));
  });
  worker.on('exit', (code) => die(failed('Runtime.ExitError', `the container ended with exit code ${code}`)));

  return {
    run(requestId, event) {
      return new Promise((resolve) => {
        if (gone) return resolve(gone);
        let cancel = clock.after(initialisationMilliseconds, () =>
          end(
            failed(
              'Sandbox.Timedout',
              `the function did not start within ${initialisationMilliseconds / 1000} s`,
            ),
          ),
        );
        settle = (invocation) => {
          cancel();
          settle = undefined;
          resolve(invocation);
        };
        const end = (invocation: Invocation): void => {
          die(invocation);
          void worker.terminate();
        };
        whenReady = () => {
          cancel();
          cancel = clock.after(timeoutSeconds * 1000, () =>
            end(failed('Sandbox.Timedout', `Task timed out after ${timeoutSeconds.toFixed(2)} seconds`)),
          );
          worker.postMessage({ requestId, event, deadline: Date.now() + timeoutSeconds * 1000 });
        };
        if (isReady) whenReady();
      });
    },
    async end() {
      die(failed('Runtime.ExitError', 'the embedded cloud was stopped'));
      await worker.terminate();
    },
  };
}

function failed(name: string, reason: string): Invocation {
  return { error: { name, message: reason } };
}

function eachLine(stream: Readable, take: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) take(line);
  });
  stream.on('end', () => rest !== '' && take(rest));
}
