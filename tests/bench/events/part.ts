import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** A part of the bench that runs in a process of its own and answers questions, one after the other. */
export interface Part<Questions extends Asked> {
  ask<Name extends keyof Questions & string>(
    name: Name,
    question: Questions[Name]['question'],
  ): Promise<Questions[Name]['answer']>;
  stop(): Promise<void>;
}

/** What can be asked: a name, what goes with it, and what comes back. All of it survives a structured clone. */
export type Asked = object & {
  readonly [name: string]: { readonly question: unknown; readonly answer: unknown };
};

export type Answers<Questions extends Asked> = {
  readonly [Name in keyof Questions]: (
    question: Questions[Name]['question'],
  ) => Questions[Name]['answer'] | Promise<Questions[Name]['answer']>;
};

/** `environment` is all that the process sees, so that nothing of the developer's own reaches it. */
export function startPart<Questions extends Asked>(
  file: string,
  environment: Readonly<Record<string, string>> = {},
): Part<Questions> {
  const child = fork(file, [], {
    env: { ...environment },
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ended = once(child, 'exit');
  return {
    async ask(name, question) {
      const answer = answerOf(child);
      child.send({ name, question });
      return (await answer) as Questions[typeof name]['answer'];
    },
    async stop() {
      if (child.connected) child.disconnect();
      await ended;
    },
  };
}

function answerOf(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const settled = (settle: () => void): void => {
      child.off('message', onMessage).off('exit', onExit);
      settle();
    };
    const onMessage = (message: unknown): void => {
      const { answer, error } = message as { answer?: unknown; error?: string };
      settled(() => (error === undefined ? resolve(answer) : reject(new Error(error))));
    };
    const onExit = (code: number | null): void =>
      settled(() => reject(new Error(`a part of the bench ended with exit code ${code}`)));
    child.on('message', onMessage).on('exit', onExit);
  });
}

/** The other side: answers until the parent lets go. */
export function answerParent<Questions extends Asked>(
  answers: Answers<Questions>,
  whenDone?: () => unknown,
): void {
  process.on('message', (message: { name: keyof Questions; question: never }) => {
    Promise.resolve()
      .then(() => answers[message.name](message.question))
      .then(
        (answer) => process.send?.({ answer }),
        (error: unknown) =>
          process.send?.({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
      );
  });
  process.on('disconnect', () => {
    void Promise.resolve(whenDone?.()).finally(() => process.exit());
  });
  // The terminal sends Ctrl-C to every process; the parent says when it is over.
  process.on('SIGINT', () => undefined);
}
