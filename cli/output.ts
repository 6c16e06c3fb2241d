/** Where a command writes. What it prints as JSON is the whole of its standard output. */
export interface Output {
  stdout(text: string): void;
  stderr(text: string): void;
}
