import spinnerOn from 'yocto-spinner';
import type { Terminal } from './output';

export interface Progress {
  /** Shows the text that `text` makes, from time to time. */
  step(text: () => string): void;
  stop(): void;
}

const drawnEvery = 150;
const printedEvery = 5000;
const firstAfter = 1000;

/** On a terminal one line that is drawn over, elsewhere a line every few seconds; always on standard error. */
export function progress({ interactive, stderr }: Terminal, now: () => number): Progress {
  const spinner = interactive ? spinnerOn({ handleSignals: false }).start() : undefined;
  let shownAt = now() - printedEvery + firstAfter;
  return {
    step(text) {
      const time = now();
      if (time - shownAt < (spinner ? drawnEvery : printedEvery)) return;
      shownAt = time;
      if (spinner) spinner.text = text();
      else stderr(`${text()}\n`);
    },
    stop: () => void spinner?.stop(),
  };
}
