import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type HashChecker, uncheckedLines } from '../shared/audit/hash-check';

export interface HashThread extends HashChecker {
  close(): Promise<void>;
}

/** Pieces of a megabyte that may wait for the thread. */
const mostWaiting = 8;

/**
 * Checks hashes in a thread of its own, which halves the time that a large export takes. `script` is `hash-worker.ts`
 * as it was built; undefined where it was not, and everything is then done in one thread.
 */
export function hashThread(script = join(__dirname, 'hash-worker.js')): HashThread | undefined {
  if (!existsSync(script)) return undefined;
  const worker = new Worker(script);
  let lines = uncheckedLines(new Uint8Array(0));
  let waiting = 0;
  let isSound = false;
  let proceed = (): void => {};
  let broken: Error | undefined;
  let fail = (_: Error): void => {};
  let finish = (_: string): void => {};
  worker.on('message', (answer: 'done' | { readonly root: string; readonly isSound: boolean }) => {
    if (answer === 'done') {
      waiting -= 1;
      return proceed();
    }
    isSound = answer.isSound;
    finish(answer.root);
  });
  worker.on('error', (error) => {
    broken = error;
    fail(error);
  });

  function send(): void {
    const taken = lines.taken();
    if (taken.hashes.length === 0) return;
    waiting += 1;
    worker.postMessage(taken, [taken.text.buffer, taken.places.buffer, taken.hashes.buffer]);
    lines = uncheckedLines(new Uint8Array(0));
  }

  return {
    text(bytes) {
      send();
      lines = uncheckedLines(bytes);
    },
    line: (start, member, end) => lines.line(start, member, end),
    add: (hash) => lines.add(hash),
    room() {
      if (broken) return Promise.reject(broken);
      if (waiting < mostWaiting) return Promise.resolve();
      return new Promise((resolve, reject) => {
        proceed = resolve;
        fail = reject;
      });
    },
    root() {
      if (broken) return Promise.reject(broken);
      send();
      worker.postMessage('end');
      return new Promise((resolve, reject) => {
        finish = resolve;
        fail = reject;
      });
    },
    get isSound() {
      return isSound;
    },
    async close() {
      await worker.terminate();
    },
  };
}
