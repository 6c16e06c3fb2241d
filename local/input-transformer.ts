/** What a rule's target gets of an event: all of it, a part, a constant, or a template filled from it. */
export interface TargetInput {
  readonly input?: string;
  readonly inputPath?: string;
  readonly transformer?: InputTransformer;
}

export interface InputTransformer {
  /** Variable name to JSONPath. */
  readonly paths: Readonly<Record<string, string>>;
  readonly template: string;
}

export interface RuleContext {
  readonly ruleArn: string;
  readonly ruleName: string;
  readonly ingestionTime: string;
}

type Envelope = Readonly<Record<string, unknown>>;

const PLACEHOLDER = /<([^<>"\s]+)>/g;

const PREDEFINED: Readonly<Record<string, (event: Envelope, rule: RuleContext) => unknown>> = {
  'aws.events.rule-arn': (_event, rule) => rule.ruleArn,
  'aws.events.rule-name': (_event, rule) => rule.ruleName,
  'aws.events.event.ingestion-time': (_event, rule) => rule.ingestionTime,
  'aws.events.event.json': (event) => event,
  // "The original event payload as JSON (without the detail field)."
  'aws.events.event': ({ detail: _detail, ...event }) => event,
};

/** The text for the target. Source: "Amazon EventBridge input transformation" in the EventBridge user guide. */
export function targetPayload(event: Envelope, target: TargetInput, rule: RuleContext): string {
  if (target.input !== undefined) return target.input;
  if (target.inputPath !== undefined) return JSON.stringify(atPath(event, target.inputPath) ?? null);
  if (target.transformer !== undefined) return fillTemplate(event, target.transformer, rule);
  return JSON.stringify(event);
}

/** The first placeholder that neither a path nor AWS defines, or undefined. */
export function unknownPlaceholder(transformer: InputTransformer): string | undefined {
  for (const [, name = ''] of transformer.template.matchAll(PLACEHOLDER)) {
    if (!Object.hasOwn(transformer.paths, name) && !Object.hasOwn(PREDEFINED, name)) return name;
  }
  return undefined;
}

function fillTemplate(event: Envelope, { template, paths }: InputTransformer, rule: RuleContext): string {
  const value = (name: string): unknown => {
    const predefined = PREDEFINED[name];
    if (predefined) return predefined(event, rule);
    const path = paths[name];
    return path === undefined ? undefined : atPath(event, path);
  };
  const filled = splitStrings(template)
    .map(({ text, quoted }) =>
      text.replace(PLACEHOLDER, (_all, name: string) =>
        quoted ? inString(value(name)) : inJson(value(name)),
      ),
    )
    .join('');
  return minified(filled);
}

/** The template cut into JSON strings and what stands between them. */
function splitStrings(template: string): { text: string; quoted: boolean }[] {
  return template.split(/("(?:[^"\\]|\\.)*")/s).map((text, index) => ({ text, quoted: index % 2 === 1 }));
}

/** "If you specify a variable to match a JSON path that doesn't exist in the event, that variable isn't created." */
function inJson(value: unknown): string {
  return value === undefined ? '""' : JSON.stringify(value);
}

/** "EventBridge doesn't escape values extracted by Input Path, when populating the Input Template." */
function inString(value: unknown): string {
  if (value === undefined) return '';
  if (typeof value === 'string') return value;
  // Quotes inside the quoted string would end it; EventBridge leaves them out.
  return JSON.stringify(value).replaceAll('"', '');
}

/** "The JSON that is passed to the target is minified"; a template of several lines or bare text goes as it is. */
function minified(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return text;
  }
}

/** The JSONPath subset that EventBridge reads: `$`, `$.a.b-c`, `$.a[0]`, `$.a[*].b`. Undefined where nothing is. */
export function atPath(event: unknown, path: string): unknown {
  if (!isPath(path)) return undefined;
  let found = [event];
  let many = false;
  for (const step of path.slice(1).match(/\.[^.[\]]+|\[[^\]]*\]/g) ?? []) {
    if (step === '[*]' || step === '.*') {
      many = true;
      found = found.flatMap(children);
    } else {
      const key = step.startsWith('.') ? step.slice(1) : step.slice(1, -1).replace(/^(['"])(.*)\1$/, '$2');
      found = found.map((value) => member(value, key)).filter((value) => value !== undefined);
    }
  }
  return many ? found : found[0];
}

export function isPath(path: string): boolean {
  return /^\$(?:\.[^.[\]]+|\[(?:\d+|\*|'[^']+'|"[^"]+")\])*$/.test(path);
}

function children(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  return typeof value === 'object' && value !== null ? Object.values(value) : [];
}

function member(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return Reflect.get(value, key);
}
