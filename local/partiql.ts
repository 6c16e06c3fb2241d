import { AwsError } from './service';

/** `INSERT INTO "table" VALUE {…}`: each attribute takes a literal or the next parameter. */
export interface Insert {
  readonly table: string;
  readonly attributes: readonly { readonly name: string; readonly value: Literal | 'parameter' }[];
  readonly parameters: number;
}

/** In DynamoDB's own JSON. */
export type Literal = Readonly<Record<string, unknown>>;

const SUPPORTED = `only INSERT INTO "table" VALUE {'attribute': ?, …} is emulated here`;

const HEAD = /^\s*INSERT\s+INTO\s+(?:"([a-zA-Z0-9_.-]+)"|([a-zA-Z0-9_.-]+))\s+VALUE\s*\{/iy;
const NAME = /\s*'((?:[^']|'')+)'\s*:\s*/y;
const VALUE = /(\?)|'((?:[^']|'')*)'|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(true|false)\b|(null)\b/iy;
const NEXT = /\s*([,}])/y;
const TAIL = /\s*;?\s*$/y;

/** Throws AwsError `ValidationException` for any other statement. */
export function parseInsert(statement: string): Insert {
  let position = 0;
  const take = (pattern: RegExp, wanted: string): RegExpExecArray => {
    pattern.lastIndex = position;
    const match = pattern.exec(statement);
    if (!match) throw refused(`expected ${wanted} at character ${position + 1}`);
    position = pattern.lastIndex;
    return match;
  };

  const [, quoted, bare] = take(HEAD, 'INSERT INTO "table" VALUE {');
  const attributes = new Map<string, Literal | 'parameter'>();
  let parameters = 0;
  do {
    const [, name = ''] = take(NAME, "an attribute's name in single quotes and a colon");
    const attribute = unescaped(name);
    if (attributes.has(attribute)) throw refused(`attribute ${attribute} is given twice`);
    const value = literalOf(take(VALUE, '?, a string, a number, true, false or null'));
    if (value === 'parameter') parameters += 1;
    attributes.set(attribute, value);
  } while (take(NEXT, 'a comma or }')[1] === ',');
  take(TAIL, 'the end of the statement');
  return {
    table: quoted ?? bare ?? '',
    attributes: [...attributes].map(([name, value]) => ({ name, value })),
    parameters,
  };
}

/** The item to put. Throws AwsError `ValidationException` if the parameters are not as many as the question marks. */
export function insertedItem(insert: Insert, parameters: readonly unknown[]): Record<string, unknown> {
  if (parameters.length !== insert.parameters) {
    throw new AwsError('ValidationException', "Number of parameters in request and statement don't match.");
  }
  let next = 0;
  return Object.fromEntries(
    insert.attributes.map(({ name, value }) => [name, value === 'parameter' ? parameters[next++] : value]),
  );
}

function literalOf([text = '', parameter, quoted, digits, truth]: RegExpExecArray): Literal | 'parameter' {
  if (parameter) return 'parameter';
  if (quoted !== undefined) return { S: unescaped(quoted) };
  if (digits) return { N: digits };
  if (truth) return { BOOL: text.toLowerCase() === 'true' };
  return { NULL: true };
}

function unescaped(text: string): string {
  return text.replaceAll("''", "'");
}

function refused(reason: string): AwsError {
  return new AwsError(
    'ValidationException',
    `Statement wasn't well formed, can't be processed: ${reason} (${SUPPORTED}).`,
  );
}
