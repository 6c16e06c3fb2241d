import { InvalidInput, Refused, Unavailable } from '../shared/domain/errors';

/** What to print for an error that ends a command: a sentence where it was foreseen, else the fault with its trace. */
export function errorText(error: unknown): string {
  if (error instanceof InvalidInput || error instanceof Unavailable || error instanceof Refused) {
    return `error: ${error.message}\n`;
  }
  const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `error: this should not have happened; please report it with what follows\n${trace}\n`;
}
