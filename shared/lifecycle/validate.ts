import { actionTypes, countTypes, limits, type StorageClass, storageClasses, tagStatuses } from './grammar';
import { settledReadings, type ValidationReadings } from './readings';

/** Why ECR would refuse the policy, and the way out. */
export interface PolicyError {
  /** Of the rule that is wrong, where it has one. */
  readonly rulePriority?: number;
  /** Such as `rules[2].selection.countNumber`; empty for the text as a whole. */
  readonly path: string;
  readonly message: string;
}

/** An error whose place is still in steps, for whoever knows where the steps stand in a file. */
export interface Fault {
  readonly at: readonly (string | number)[];
  readonly message: string;
  readonly rulePriority?: number;
}

type Faults = Generator<Fault, void>;
type Properties = Readonly<Record<string, unknown>>;

/**
 * Everything for which ECR would refuse a policy that is already a value, such as `{ rules: [...] }` around a template
 * of `policy.yaml`. Empty: it is a `LifecyclePolicy`.
 */
export function validatePolicy(
  value: unknown,
  readings: ValidationReadings = settledReadings,
): readonly PolicyError[] {
  return policyFaults(value, readings).map(policyError);
}

/** The same for a list of rules alone; the places are counted from the list. */
export function ruleListFaults(rules: unknown): readonly Fault[] {
  return policyFaults({ rules }, settledReadings).map(({ at, ...fault }) => ({ ...fault, at: at.slice(1) }));
}

export function policyFaults(value: unknown, readings: ValidationReadings): readonly Fault[] {
  const faults = [...shapeFaults(value, readings)];
  const text = JSON.stringify(value) ?? '';
  if (text.length > limits.longestText) faults.unshift({ at: [], message: tooLong(text.length) });
  return faults;
}

export function tooLong(length: number): string {
  return `the policy has ${length} characters, and ECR takes at most ${limits.longestText}: shorten descriptions, or join rules`;
}

export function policyError({ at, message, rulePriority }: Fault): PolicyError {
  return { ...(rulePriority === undefined ? {} : { rulePriority }), path: pathText(at), message };
}

function pathText(at: Fault['at']): string {
  return at.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    if (!/^[\w-]+$/.test(step)) return `${text}[${JSON.stringify(step)}]`;
    return text === '' ? step : `${text}.${step}`;
  }, '');
}

export function* shapeFaults(value: unknown, readings: ValidationReadings): Faults {
  if (!isObject(value)) {
    yield fault([], `${wholeHint(value)}, not ${kindOf(value)}`);
    return;
  }
  if (typeof value.lifecyclePolicyText === 'string') {
    yield fault([], 'this is an answer of GetLifecyclePolicy: take the text under "lifecyclePolicyText"');
    return;
  }
  yield* unknownProperties(value, ['rules'], readings);
  const { rules } = value;
  if (!Array.isArray(rules)) {
    yield fault(['rules'], wanted(rules, 'a list of rules'));
    return;
  }
  if (rules.length === 0 && readings.emptyLists === 'refused') {
    yield fault(['rules'], 'there are no rules, which ECR refuses: DeleteLifecyclePolicy removes a policy');
  }
  if (rules.length > limits.rules) {
    yield fault(
      ['rules'],
      `there are ${rules.length} rules, and a policy has at most ${limits.rules}: join or remove some`,
    );
  }
  for (const [index, rule] of rules.entries()) {
    yield* ofRule(rule, within(['rules', index], ruleFaults(rule, readings)));
  }
  for (const [rule, one] of acrossRules(rules.map(outline), readings)) {
    yield* ofRule(rules[rule], within(['rules', rule], [one]));
  }
}

function wholeHint(value: unknown): string {
  if (Array.isArray(value)) return 'write { "rules": [ … ] } around the list: a policy is an object';
  if (typeof value === 'string') return 'a policy is an object; take the text out of its quotes';
  return 'a policy is an object such as { "rules": [ … ] }';
}

function* ruleFaults(rule: unknown, readings: ValidationReadings): Faults {
  if (!isObject(rule)) {
    yield fault([], wanted(rule, 'an object with rulePriority, selection and action'));
    return;
  }
  yield* unknownProperties(rule, ['rulePriority', 'description', 'selection', 'action'], readings);
  yield* wholeNumber(rule, 'rulePriority', 'the order in which rules are applied, 1 first');
  const { description, selection, action } = rule;
  if (description !== undefined && typeof description !== 'string') {
    yield fault(['description'], wanted(description, 'text, or leave it out'));
  }
  if (isObject(selection)) yield* within(['selection'], selectionFaults(selection, readings));
  else yield fault(['selection'], wanted(selection, 'an object with tagStatus, countType and countNumber'));
  if (isObject(action)) yield* within(['action'], actionFaults(action, readings));
  else yield fault(['action'], wanted(action, 'an object such as { "type": "expire" }'));
  if (isObject(selection) && isObject(action)) yield* combinationFaults(selection, action);
}

const listNames = ['tagPatternList', 'tagPrefixList'] as const;
type ListName = (typeof listNames)[number];

function* selectionFaults(selection: Properties, readings: ValidationReadings): Faults {
  const known = ['tagStatus', ...listNames, 'storageClass', 'countType', 'countUnit', 'countNumber'];
  yield* unknownProperties(selection, known, readings);
  yield* oneOf(selection, 'tagStatus', tagStatuses);
  yield* listFaults(selection, readings);
  yield* oneOf(selection, 'countType', countTypes);
  yield* wholeNumber(selection, 'countNumber', 'how many images are kept, or for how many days');
  if (selection.storageClass !== undefined) yield* oneOf(selection, 'storageClass', storageClasses);
  yield* unitFaults(selection);
  yield* classFaults(selection);
}

function* listFaults(selection: Properties, readings: ValidationReadings): Faults {
  const { tagStatus } = selection;
  const present = listNames.filter((name) => selection[name] !== undefined);
  if (tagStatus === 'tagged' && present.length === 0) {
    yield fault(
      ['tagStatus'],
      '"tagged" needs a tagPatternList such as ["v*"] or a tagPrefixList; ["*"] takes every tagged image',
    );
  }
  if (listNames.every((name) => Array.isArray(selection[name]))) {
    yield fault(
      ['tagPrefixList'],
      'a rule has patterns or prefixes, not both: write the prefix as a pattern, such as "prod*" for "prod"',
    );
  }
  for (const name of present) {
    if ((tagStatus === 'untagged' || tagStatus === 'any') && readings.listsWithoutTagged === 'refused') {
      yield fault(
        [name],
        `leave ${name} out, or write "tagStatus": "tagged": "${tagStatus}" takes images whatever their tags`,
      );
    }
    yield* within([name], entryFaults(selection[name], name, readings));
  }
}

function* entryFaults(list: unknown, name: ListName, readings: ValidationReadings): Faults {
  const example = name === 'tagPatternList' ? '["v*"]' : '["v"]';
  if (!Array.isArray(list)) {
    yield fault(
      [],
      list === null ? 'leave it out: ECR takes no null' : wanted(list, `a list such as ${example}`),
    );
    return;
  }
  if (list.length === 0 && readings.emptyLists === 'refused') {
    yield fault([], `the list is empty: name what to match, such as ${example}, or leave it out`);
  }
  for (const [index, entry] of list.entries()) {
    if (typeof entry !== 'string') yield fault([index], wanted(entry, 'text'));
    else if (name === 'tagPatternList' && wildcards(entry) > limits.wildcardsInPattern) {
      yield fault(
        [index],
        `"${entry}" has ${wildcards(entry)} wildcards, and a pattern has at most ${limits.wildcardsInPattern}`,
      );
    }
  }
}

function wildcards(pattern: string): number {
  return pattern.split('*').length - 1;
}

function* unitFaults({ countType, countUnit }: Properties): Faults {
  if (countType === 'imageCountMoreThan') {
    if (countUnit !== undefined) yield fault(['countUnit'], 'leave it out: imageCountMoreThan counts images');
  } else if (countUnit !== undefined) {
    if (countUnit !== 'days') yield fault(['countUnit'], wanted(countUnit, '"days": there is no other unit'));
  } else if (isOneOf(countType, countTypes)) {
    yield fault(['countUnit'], `it is missing: write "days" beside ${countType}`);
  }
}

function* classFaults({ countType, countNumber, storageClass }: Properties): Faults {
  if (countType !== 'sinceImageTransitioned') {
    if (storageClass === 'archive' && isOneOf(countType, countTypes)) {
      yield fault(
        ['storageClass'],
        `in the archive only sinceImageTransitioned counts: take that, or "standard" for ${countType}`,
      );
    }
    return;
  }
  if (storageClass === undefined || storageClass === 'standard') {
    yield fault(['storageClass'], 'write "archive": sinceImageTransitioned counts the days in the archive');
  }
  if (isWhole(countNumber) && countNumber < limits.fewestDaysInArchive) {
    yield fault(
      ['countNumber'],
      `write ${limits.fewestDaysInArchive} or more: an archived image stays at least so many days`,
    );
  }
}

function* actionFaults(action: Properties, readings: ValidationReadings): Faults {
  yield* unknownProperties(action, ['type', 'targetStorageClass'], readings);
  yield* oneOf(action, 'type', actionTypes);
  const { type, targetStorageClass: target } = action;
  if (type === 'expire') {
    if (target !== undefined) yield fault(['targetStorageClass'], 'leave it out: "expire" deletes the image');
  } else if (target !== undefined) {
    if (target !== 'archive') yield fault(['targetStorageClass'], wanted(target, '"archive"'));
  } else if (type === 'transition' && readings.targetStorageClass === 'required') {
    yield fault(['targetStorageClass'], 'it is missing: write "archive" beside "transition"');
  }
}

function* combinationFaults({ countType }: Properties, { type }: Properties): Faults {
  if (countType === 'sinceImagePulled' && type === 'expire') {
    yield fault(
      ['action', 'type'],
      'sinceImagePulled can only archive: write "transition" with "targetStorageClass": "archive", or count with sinceImagePushed',
    );
  }
  if (countType === 'sinceImageTransitioned' && type === 'transition') {
    yield fault(['action', 'type'], 'write "expire": what sinceImageTransitioned counts is archived already');
  }
}

/** A rule as far as rules meet each other; a part that is wrong by itself is left out. */
interface Outline {
  readonly priority?: number | undefined;
  readonly tagStatus?: unknown;
  readonly storageClass?: StorageClass | undefined;
  readonly entries: readonly { readonly list: ListName; readonly index: number; readonly text: string }[];
}

function outline(rule: unknown): Outline {
  const { rulePriority, selection } = isObject(rule) ? rule : {};
  const { tagStatus, storageClass = 'standard', ...rest } = isObject(selection) ? selection : {};
  return {
    priority: isWhole(rulePriority) ? rulePriority : undefined,
    tagStatus,
    storageClass: isOneOf(storageClass, storageClasses) ? storageClass : undefined,
    entries: listNames.flatMap((list) => {
      const entries = rest[list];
      if (!Array.isArray(entries)) return [];
      return entries.flatMap((text: unknown, index) =>
        typeof text === 'string' ? [{ list, index, text }] : [],
      );
    }),
  };
}

function* acrossRules(
  rules: readonly Outline[],
  { repeatedEntries }: ValidationReadings,
): Generator<[rule: number, Fault]> {
  const priorities = new Map<number, number>();
  const untagged = new Map<StorageClass, number>();
  const entries = new Map<string, number>();
  const last = lastPriorities(rules);
  for (const [index, rule] of rules.entries()) {
    const { priority, tagStatus, storageClass } = rule;
    const samePriority = priority === undefined ? undefined : firstAt(priorities, priority, index);
    if (samePriority !== undefined) {
      yield [
        index,
        fault(['rulePriority'], `rules[${samePriority}] has ${priority} too: each needs its own`),
      ];
    }
    if (!storageClass) continue;
    const sameUntagged = tagStatus === 'untagged' ? firstAt(untagged, storageClass, index) : undefined;
    if (sameUntagged !== undefined) {
      yield [
        index,
        fault(
          ['selection', 'tagStatus'],
          `rules[${sameUntagged}] selects untagged images of the class ${storageClass} already: keep one such rule`,
        ),
      ];
    }
    const greatest = last.get(storageClass);
    if (tagStatus === 'any' && priority !== undefined && greatest !== undefined && greatest > priority) {
      yield [
        index,
        fault(
          ['rulePriority'],
          `"any" comes last among the rules of the class ${storageClass}: give it a number above ${greatest}`,
        ),
      ];
    }
    if (repeatedEntries === 'accepted') continue;
    for (const { list, index: position, text } of rule.entries) {
      const same = firstAt(entries, `${storageClass} ${list} ${text}`, index);
      if (same === undefined) continue;
      const where = same === index ? 'stands in this list already' : `stands in rules[${same}] already`;
      yield [
        index,
        fault(['selection', list, position], `"${text}" ${where}, and a storage class has each entry once`),
      ];
    }
  }
}

/** The greatest priority of each storage class. */
function lastPriorities(rules: readonly Outline[]): ReadonlyMap<StorageClass, number> {
  const greatest = new Map<StorageClass, number>();
  for (const { storageClass, priority } of rules) {
    if (!storageClass || priority === undefined) continue;
    greatest.set(storageClass, Math.max(priority, greatest.get(storageClass) ?? 0));
  }
  return greatest;
}

/** Where the key stood first, if not here. */
function firstAt<Key>(seen: Map<Key, number>, key: Key, index: number): number | undefined {
  const first = seen.get(key);
  if (first === undefined) seen.set(key, index);
  return first;
}

function* unknownProperties(
  value: Properties,
  known: readonly string[],
  { unknownProperties: reading }: ValidationReadings,
): Faults {
  if (reading === 'accepted') return;
  for (const name of Object.keys(value)) {
    if (known.includes(name)) continue;
    const meant = known.find((one) => one.toLowerCase() === name.toLowerCase());
    const hint = meant ? `did you mean "${meant}"?` : `known here: ${known.join(', ')}`;
    yield fault([name], `ECR knows no "${name}": ${hint}`);
  }
}

function* oneOf(value: Properties, name: string, choices: readonly string[]): Faults {
  if (isOneOf(value[name], choices)) return;
  yield fault([name], wanted(value[name], `one of ${choices.map((one) => `"${one}"`).join(', ')}`));
}

function* wholeNumber(value: Properties, name: string, meaning: string): Faults {
  if (isWhole(value[name])) return;
  yield fault([name], `${wanted(value[name], 'a whole number from 1')} (${meaning})`);
}

function wanted(value: unknown, what: string): string {
  if (value === undefined) return `it is missing: write ${what}`;
  return `write ${what}, not ${kindOf(value)}`;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  const text = JSON.stringify(value) ?? typeof value;
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function isObject(value: unknown): value is Properties {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isWhole(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 1;
}

function isOneOf<Choice extends string>(value: unknown, choices: readonly Choice[]): value is Choice {
  return choices.some((choice) => choice === value);
}

function fault(at: Fault['at'], message: string): Fault {
  return { at, message };
}

function* within(steps: Fault['at'], faults: Iterable<Fault>): Faults {
  for (const one of faults) yield { ...one, at: [...steps, ...one.at] };
}

function* ofRule(rule: unknown, faults: Iterable<Fault>): Faults {
  const priority = isObject(rule) && isWhole(rule.rulePriority) ? { rulePriority: rule.rulePriority } : {};
  for (const one of faults) yield { ...one, ...priority };
}
