import { processTerminal } from './output';
import { run } from './program';

const terminal = processTerminal();

// `ecr-warden … | head` closes the pipe early, which is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 2);
});

void run(process.argv.slice(2), terminal).then((code) => {
  // Once what was written has left: a pipe takes longer than a file or a terminal.
  process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
});
