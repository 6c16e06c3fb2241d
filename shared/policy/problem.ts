/** Keys and list positions from the top of a document. */
export type Path = readonly (string | number)[];

/** A place in a file; both count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Something wrong in a policy file, where it stands, and the way out. */
export interface Problem extends Place {
  readonly file: string;
  /** Such as `namespaces[0].owner.slack`; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
}

export function pathText(path: Path): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (/^[\w-]+$/.test(step)) text += text === '' ? step : `.${step}`;
    else text += `[${JSON.stringify(step)}]`;
  }
  return text;
}

/** In the order of the file, each once. */
export function inOrder(problems: readonly Problem[]): readonly Problem[] {
  const seen = new Map(
    problems.map((problem) => [
      JSON.stringify([problem.file, problem.line, problem.column, problem.message]),
      problem,
    ]),
  );
  return [...seen.values()].sort((one, other) => one.line - other.line || one.column - other.column);
}
