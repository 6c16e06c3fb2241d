import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Between the wish and the command to end. A custom resource that never answers would keep ministack for ever. */
const graceMilliseconds = 5_000;

/** The programs that the rehearsal starts, each the head of its own process group, so that none outlives it. */
export function childProcesses() {
  const running = new Set();

  function launch(command, args, { cwd, env, stdio }) {
    const child = spawn(command, args, { cwd, env, stdio, detached: true });
    const known = { child, ended: new Promise((done) => child.once('close', done).once('error', done)) };
    running.add(known);
    void known.ended.then(() => running.delete(known));
    return known;
  }

  return {
    /** Runs a command to its end and answers with what it printed, on either output. Throws `CommandFailed`. */
    async run(command, args, { cwd, env } = {}) {
      const known = launch(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
      let printed = '';
      for (const output of [known.child.stdout, known.child.stderr]) {
        output.setEncoding('utf8').on('data', (text) => {
          printed += text;
        });
      }
      const code = await known.ended;
      if (code === 0) return printed;
      throw new CommandFailed(code instanceof Error ? code.message : printed);
    },

    /** Starts a server that writes to a file. Its standard input stays open for as long as the rehearsal lives. */
    start(command, args, { cwd, env, logFile }) {
      const log = openSync(logFile, 'a');
      try {
        return launch(command, args, { cwd, env, stdio: ['pipe', log, log] });
      } finally {
        closeSync(log);
      }
    },

    stop,

    async stopAll() {
      await Promise.all([...running].map(stop));
    },
  };
}

/** Asks a program to end, then ends it and whatever it left behind; answers whether asking was enough. */
async function stop({ child, ended }) {
  signalGroup(child, 'SIGTERM');
  const inTime = await Promise.race([
    ended.then(() => true),
    sleep(graceMilliseconds, false, { ref: false }),
  ]);
  signalGroup(child, 'SIGKILL');
  await ended;
  return inTime;
}

function signalGroup({ pid }, signal) {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

/** Its message is all that the command printed. */
export class CommandFailed extends Error {}
