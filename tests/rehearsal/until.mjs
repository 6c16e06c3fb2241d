import { setTimeout as sleep } from 'node:timers/promises';

/** Asks again and again until the answer is truthy, and answers with it. */
export async function until(what, seconds, signal, ask) {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    signal.throwIfAborted();
    const answer = await ask();
    if (answer) return answer;
    if (performance.now() > deadline) throw new Error(`waited ${seconds} s in vain: ${what}`);
    await sleep(100);
  }
}
