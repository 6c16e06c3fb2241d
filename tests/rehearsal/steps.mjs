/** Runs steps one after another, each a line with its seconds; a step answers with its value and what to say of it. */
export function stepRunner(signal) {
  const startedAt = performance.now();
  let passed = 0;

  async function step(name, work) {
    signal.throwIfAborted();
    const since = performance.now();
    const seconds = () => `${secondsSince(since).toFixed(1).padStart(5)} s`;
    // Before the work: whoever waits for a step that hangs sees which one.
    process.stdout.write(`  ${name.padEnd(14)}`);
    try {
      const { value, says } = await work();
      process.stdout.write(`${seconds()}  ${says}\n`);
      passed += 1;
      return value;
    } catch (error) {
      process.stdout.write(`${seconds()}  ${signal.aborted ? 'interrupted' : 'FAILED'}\n`);
      throw error;
    }
  }

  return {
    step,
    closingLine: (end = '') =>
      `rehearsal: ${passed} steps passed${end} in ${Math.round(secondsSince(startedAt))} s`,
  };
}

function secondsSince(time) {
  return (performance.now() - time) / 1000;
}
