import { createReadStream } from 'node:fs';
import { InvalidInput } from '../shared/domain/errors';
import type { LifecyclePolicy } from '../shared/lifecycle/grammar';
import { readImages } from '../shared/lifecycle/image';
import { readInstant } from '../shared/lifecycle/instant';
import { type ParsedPolicy, parsePolicy, parsePolicyValue } from '../shared/lifecycle/parse';
import { type Simulation, simulate } from '../shared/lifecycle/simulate';
import type { PolicyError } from '../shared/lifecycle/validate';
import { didYouMean } from '../shared/policy/did-you-mean';
import { simulationPage } from './lifecycle-page';
import { policyErrorLine } from './lifecycle-validate';
import { counted, type Format, type Output, type Terminal } from './output';
import { compileFile, problemLine, readText } from './policy-validate';

export interface LifecycleSimulateOptions {
  /** The file with a lifecycle policy's text. */
  readonly policy?: string;
  /** Instead of `policy`: a template of the policy file. */
  readonly template?: string;
  /** The file with the templates; default `policy.yaml`. */
  readonly policyFile?: string;
  /** What DescribeImages answers, with `imageReferences` added. */
  readonly images?: string;
  /** Instead of all these: a file with `{policy, images, now}` a line. */
  readonly batch?: string;
  /** Epoch milliseconds. */
  readonly now: number;
  /** For people: also why each image stays. */
  readonly reasons?: boolean;
  readonly output?: Format;
}

/**
 * `lifecycle simulate`: what one run of a policy would do to the images, and why the others stay. 0 also when images
 * would go. Throws `InvalidInput` for what cannot be simulated.
 *
 * With `--batch` each line is answered by one line, whatever the format. A line that cannot be simulated is answered
 * with `error` (and `errors`, where its policy is not valid) and stops no other, so the code is 0 for every file that
 * can be read; standard error says how many such lines there were.
 */
export async function lifecycleSimulate(
  options: LifecycleSimulateOptions,
  terminal: Terminal,
): Promise<number> {
  const { batch, images: imagesFile, now, output, reasons = false } = options;
  if (batch !== undefined) return simulateBatch(batch, options, terminal);
  if (imagesFile === undefined) {
    throw new InvalidInput('--images is missing: a file with what `aws ecr describe-images` answers');
  }
  const policy = chosenPolicy(options);
  const images = readImages(jsonOf(imagesFile, contentOf(imagesFile)));
  const simulation = simulate(policy, images, { now });
  if (output === 'json') write(simulationText(simulation, {}), terminal);
  else terminal.stdout(simulationPage({ policy, images, simulation, now, reasons }, terminal));
  return 0;
}

function chosenPolicy(options: LifecycleSimulateOptions): LifecyclePolicy {
  const { policy: file, template, policyFile = 'policy.yaml', now } = options;
  if (file !== undefined && template !== undefined) {
    throw new InvalidInput('--policy and --template name two policies: give one of them');
  }
  if (file !== undefined) return validPolicy(file, parsePolicy(contentOf(file)));
  if (template === undefined) {
    throw new InvalidInput('--policy is missing: a file with a lifecycle policy, or --template with a name');
  }
  const { policy, errors } = compileFile(policyFile, contentOf(policyFile), now);
  if (!policy) throw new InvalidInput(errors.map((error) => problemLine(error, 'error')).join('\n'));
  const rules = Object.hasOwn(policy.lifecycle, template) ? policy.lifecycle[template] : undefined;
  if (!rules) {
    const names = Object.keys(policy.lifecycle);
    const known = names.length > 0 ? `: it has ${names.join(', ')}` : ', nor any other';
    throw new InvalidInput(
      `${policyFile} has no lifecycle template "${template}"${didYouMean(template, names) || known}`,
    );
  }
  return validPolicy(`the template "${template}"`, parsePolicyValue({ rules }));
}

function validPolicy(name: string, parsed: ParsedPolicy): LifecyclePolicy {
  if (parsed.valid) return parsed.policy;
  const lines = parsed.errors.map((error) => `\n  ${policyErrorLine(error)}`).join('');
  throw new InvalidInput(`${name} is no valid lifecycle policy:${lines}`);
}

function contentOf(file: string): string {
  const text = readText(file);
  if (text instanceof Error) throw new InvalidInput(`cannot read ${file}: ${text.message}`);
  return text;
}

function jsonOf(file: string, text: string): unknown {
  try {
    return JSON.parse(text.startsWith('\ufeff') ? text.slice(1) : text);
  } catch (reason) {
    throw new InvalidInput(`${file} is not JSON: ${reason instanceof Error ? reason.message : reason}`);
  }
}

async function simulateBatch(
  file: string,
  { policy, template, images, now }: LifecycleSimulateOptions,
  output: Output,
): Promise<number> {
  if (policy !== undefined || template !== undefined || images !== undefined) {
    throw new InvalidInput(
      '--batch has policy and images in its lines: leave --policy, --template and --images out',
    );
  }
  let wrong = 0;
  for await (const line of linesOf(file)) {
    if (line.trim() === '') continue;
    const answer = answerLine(line, now);
    if ('error' in answer) wrong += 1;
    write(
      'error' in answer ? [`${JSON.stringify(answer)}\n`] : simulationText(answer.simulation, answer.echo),
      output,
    );
  }
  if (wrong > 0)
    output.stderr(`${counted(wrong, 'line')} could not be simulated: see "error" in the answers\n`);
  return 0;
}

type Echo = Readonly<Record<string, unknown>>;
type Answer =
  | { readonly echo: Echo; readonly simulation: Simulation }
  | { readonly error: string; readonly errors?: readonly PolicyError[] };

/** Keys that a line has for us, or an answer for the caller. */
const ourKeys = ['policy', 'images', 'now', 'previewResults', 'kept', 'summary', 'error', 'errors'];

function answerLine(line: string, now: number): Answer {
  let echo: Echo = {};
  try {
    const request = jsonOf('the line', line);
    if (!isObject(request)) return { error: 'the line is no object such as {"policy":…,"images":…,"now":…}' };
    echo = Object.fromEntries(Object.entries(request).filter(([key]) => !ourKeys.includes(key)));
    const parsed =
      typeof request.policy === 'string' ? parsePolicy(request.policy) : parsePolicyValue(request.policy);
    if (!parsed.valid) {
      const [first] = parsed.errors;
      return { ...echo, error: `policy: ${first ? policyErrorLine(first) : ''}`, errors: parsed.errors };
    }
    const images = readImages(request.images);
    return { echo, simulation: simulate(parsed.policy, images, { now: lineNow(request.now, now) }) };
  } catch (reason) {
    return { ...echo, error: reason instanceof Error ? reason.message : String(reason) };
  }
}

function lineNow(value: unknown, otherwise: number): number {
  if (value === undefined) return otherwise;
  const instant = readInstant(value);
  if (typeof instant !== 'number') throw new InvalidInput(`now: ${JSON.stringify(value)} ${instant.problem}`);
  return instant;
}

/** The lines of a file, however long; each is held only while it is looked at. */
async function* linesOf(file: string): AsyncGenerator<string> {
  const pieces: string[] = [];
  try {
    for await (const chunk of createReadStream(file, { encoding: 'utf8', highWaterMark: 1 << 20 })) {
      const [first = '', ...others] = String(chunk).split('\n');
      pieces.push(first);
      for (const other of others) {
        yield pieces.splice(0).join('');
        pieces.push(other);
      }
    }
  } catch (reason) {
    throw new InvalidInput(`cannot read ${file}: ${reason instanceof Error ? reason.message : reason}`);
  }
  yield pieces.join('');
}

/** The JSON of a simulation as a line, in pieces, since that of a million images as one text would be too long to hold. */
function* simulationText({ previewResults, kept, summary }: Simulation, echo: Echo): Generator<string> {
  const echoed = JSON.stringify(echo).slice(1, -1);
  yield `{${echoed}${echoed && ','}"previewResults":[`;
  yield* listText(previewResults);
  yield '],"kept":[';
  yield* listText(kept);
  yield `],"summary":${JSON.stringify(summary)}}\n`;
}

const entriesInPiece = 1000;

function* listText(entries: readonly object[]): Generator<string> {
  for (let from = 0; from < entries.length; from += entriesInPiece) {
    const text = JSON.stringify(entries.slice(from, from + entriesInPiece)).slice(1, -1);
    yield from === 0 ? text : `,${text}`;
  }
}

function write(pieces: Iterable<string>, output: Output): void {
  let text = '';
  for (const piece of pieces) {
    text += piece;
    if (text.length < 1 << 16) continue;
    output.stdout(text);
    text = '';
  }
  if (text !== '') output.stdout(text);
}

function isObject(value: unknown): value is Echo {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
