/** Time as the embedded cloud sees it, in epoch milliseconds. Everything that waits, waits on this. */
export interface Clock {
  now(): number;
  /** Runs `task` once, `milliseconds` from now; the answer cancels it. */
  after(milliseconds: number, task: () => void): () => void;
}

export const wallClock: Clock = {
  now: () => Date.now(),
  after(milliseconds, task) {
    const timer = setTimeout(task, milliseconds);
    return () => clearTimeout(timer);
  },
};

export interface VirtualClock extends Clock {
  /** Moves time on, running what falls due in order and letting promises settle in between. */
  advance(milliseconds: number): Promise<void>;
  /** The instant of the next task, or undefined when none waits. */
  next(): number | undefined;
}

interface Waiting {
  readonly due: number;
  readonly order: number;
  readonly task: () => void;
}

export function virtualClock(start: number, settle: () => Promise<void> = settlePromises): VirtualClock {
  let time = start;
  let order = 0;
  const waiting = new Set<Waiting>();
  const first = (): Waiting | undefined => {
    let found: Waiting | undefined;
    for (const one of waiting) {
      if (!found || one.due < found.due || (one.due === found.due && one.order < found.order)) found = one;
    }
    return found;
  };
  return {
    now: () => time,
    after(milliseconds, task) {
      const one = { due: time + Math.max(0, milliseconds), order: order++, task };
      waiting.add(one);
      return () => waiting.delete(one);
    },
    next: () => first()?.due,
    async advance(milliseconds) {
      const end = time + milliseconds;
      await settle();
      for (let one = first(); one && one.due <= end; one = first()) {
        waiting.delete(one);
        time = one.due;
        one.task();
        await settle();
      }
      time = end;
    },
  };
}

/** Lets everything that is ready run: several turns of the event loop, since a reaction starts others. */
async function settlePromises(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await new Promise((done) => setImmediate(done));
}
