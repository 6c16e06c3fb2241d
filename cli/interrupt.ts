/** Aborts at the first SIGINT or SIGTERM; a second one ends the process at once, as people expect who press it twice. */
export function onInterrupt(): { readonly signal: AbortSignal; release(): void } {
  const controller = new AbortController();
  const interrupted = (): void => {
    release();
    controller.abort();
  };
  const release = (): void => {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
  };
  process.on('SIGINT', interrupted).on('SIGTERM', interrupted);
  return { signal: controller.signal, release };
}

/** Waits, but not beyond an abort; the answer is whether the time passed. */
export function pauseUnless(signal: AbortSignal, milliseconds: number): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false);
  return new Promise((resolve) => {
    const end = (passed: boolean) => () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stopped);
      resolve(passed);
    };
    const stopped = end(false);
    const timer = setTimeout(end(true), milliseconds);
    signal.addEventListener('abort', stopped);
  });
}

export function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
