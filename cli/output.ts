import { styleText } from 'node:util';

/** Where a command writes. What it prints as JSON is the whole of its standard output. */
export interface Output {
  stdout(text: string): void;
  stderr(text: string): void;
}

export type Format = 'text' | 'json';
export type Style = Parameters<typeof styleText>[0];

/** An output that people may be looking at. */
export interface Terminal extends Output {
  /** Columns of standard output; what is no terminal has room for everything. */
  readonly width: number;
  /** Whether standard error is a terminal, on which a line may be drawn over. */
  readonly interactive: boolean;
  /** Colours text for standard output, where it can show colours and nobody asked for none. */
  paint(style: Style, text: string): string;
}

interface Stream extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export function processTerminal(stdout: Stream = process.stdout, stderr: Stream = process.stderr): Terminal {
  return {
    stdout: (text) => void stdout.write(text),
    stderr: (text) => void stderr.write(text),
    width: stdout.isTTY ? Math.max(60, stdout.columns ?? 80) : Number.POSITIVE_INFINITY,
    interactive: stderr.isTTY === true,
    paint: (style, text) => styleText(style, text, { stream: stdout, validateStream: true }),
  };
}

/** One JSON document with a line end. Binary is written as lower-case hexadecimal, as in an export of the trail. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, hexadecimal, 2)}\n`;
}

/** A Buffer's own \`toJSON\` has run by the time a replacer sees the member, so the holder is asked. */
function hexadecimal(this: unknown, key: string, member: unknown): unknown {
  const original: unknown = Reflect.get(Object(this), key);
  return original instanceof Uint8Array ? Buffer.from(original).toString('hex') : member;
}

/**
 * Text from outside made safe to print: a name or message with control characters could otherwise move the cursor,
 * recolour the screen or hide what comes before. Bidirectional overrides reorder what is seen, so they go as well.
 */
export function printable(text: string): string {
  return text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
    /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** `1 finding`, `2 findings`. */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
