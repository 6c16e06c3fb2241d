import { styleText } from 'node:util';
import type { Terminal } from '../../cli/output';

/** A terminal that remembers what was written to it. */
export function terminal({ width = 120, colour = false }: { width?: number; colour?: boolean } = {}) {
  const written = { out: '', err: '' };
  const made: Terminal = {
    stdout: (text) => {
      written.out += text;
    },
    stderr: (text) => {
      written.err += text;
    },
    width,
    interactive: false,
    paint: (style, text) => (colour ? styleText(style, text, { validateStream: false }) : text),
  };
  return Object.assign(made, { written });
}

export async function* stream<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}
