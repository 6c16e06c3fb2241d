import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { nameInScope, resourceFrom, resourceKey, scopeOf } from '../../shared/domain/resource';
import type { Trigger } from '../../shared/domain/trigger';
import { parseEvent } from '../../shared/events';
import { eventFixture, eventFixtureNames } from './fixtures';

/** What holds of every answer, whatever came in; a list of what does not, since `expect` is slow in great numbers. */
function flaws(body: unknown): string[] {
  const parsed = parseEvent(body);
  if ('rejected' in parsed) {
    const { rejected } = parsed;
    return rejected.length > 0 && rejected.length <= 300 ? [] : [`a reason of ${rejected.length} characters`];
  }
  const keys = parsed.triggers.map((trigger) => `${trigger.kind} ${resourceKey(trigger.resource)}`);
  return [
    ...keys.filter((key, at) => keys.indexOf(key) !== at).map((key) => `${key} stands there twice`),
    ...parsed.triggers.flatMap(triggerFlaws),
  ];
}

function triggerFlaws(trigger: Trigger): string[] {
  const { resource } = trigger;
  const stored = resourceFrom(scopeOf(resource), nameInScope(resource));
  return [
    ...(Date.parse(trigger.eventTime) >= 0 ? [] : [`the time ${trigger.eventTime}`]),
    ...(isDeepStrictEqual(stored, resource) ? [] : [`the resource ${JSON.stringify(resource)}`]),
    ...(isDeepStrictEqual(JSON.parse(JSON.stringify(trigger)), trigger) ? [] : ['a field that is undefined']),
    ...(/^[ -~]*$/.test(JSON.stringify(trigger)) ? [] : ['a character that is no printable ASCII']),
  ];
}

function expectSound(body: unknown): void {
  const found = flaws(body);
  if (found.length > 0) throw new Error(`${found.join('; ')} of ${JSON.stringify(body)}`);
}

type Path = readonly (string | number)[];

/** The path of every value below the root, lists and objects included. */
function pathsOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [];
  const steps = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
  return steps.flatMap((step) => [[...path, step], ...pathsOf(Reflect.get(value, step), [...path, step])]);
}

function change(root: unknown, path: Path, to: (holder: object, step: string | number) => void): void {
  const holder = path
    .slice(0, -1)
    .reduce<unknown>(
      (at, step) => (typeof at === 'object' && at !== null ? Reflect.get(at, step) : undefined),
      root,
    );
  const last = path.at(-1);
  if (typeof holder === 'object' && holder !== null && last !== undefined) to(holder, last);
}

const anyFixture = fc.constantFrom(...eventFixtureNames);
const anyFixtureAndPaths = anyFixture.chain((name) =>
  fc.tuple(fc.constant(name), fc.subarray(pathsOf(eventFixture(name)), { minLength: 1 })),
);
const hostileValue = fc.oneof(
  fc.jsonValue(),
  fc.string({ unit: 'binary', maxLength: 400 }),
  fc.constantFrom('', null, [], {}, 'x'.repeat(100_000), '\ud800', '__proto__', 1e308),
);

test('any JSON value is answered by triggers or a reason', () => {
  void fc.assert(fc.property(fc.jsonValue(), expectSound));
});

test('any detail under a known detail-type is answered by triggers or a reason', () => {
  void fc.assert(
    fc.property(anyFixture, hostileValue, (name, detail) => expectSound({ ...eventFixture(name), detail })),
  );
});

test('an event that lost any of its fields is answered by triggers or a reason', () => {
  void fc.assert(
    fc.property(anyFixtureAndPaths, ([name, paths]) => {
      const event = eventFixture(name);
      for (const path of paths) change(event, path, (holder, step) => Reflect.deleteProperty(holder, step));
      expectSound(event);
    }),
    { numRuns: 500 },
  );
});

test('an event with any value in any field is answered by triggers or a reason', () => {
  void fc.assert(
    fc.property(anyFixtureAndPaths, hostileValue, ([name, paths], value) => {
      const event = eventFixture(name);
      for (const path of paths.slice(0, 3))
        change(event, path, (holder, step) => Reflect.set(holder, step, value));
      expectSound(event);
    }),
    { numRuns: 500 },
  );
});

test('one lost or hostile field at a time is answered by triggers or a reason', () => {
  for (const name of eventFixtureNames) {
    for (const path of pathsOf(eventFixture(name))) {
      for (const value of [undefined, null, '', 'x'.repeat(1_000), '\u0007'.repeat(400), 7, true, [], {}]) {
        const event = eventFixture(name);
        change(event, path, (holder, step) => Reflect.set(holder, step, value));
        expectSound(event);
      }
    }
  }
});

test('reading an event leaves it as it was', () => {
  for (const name of eventFixtureNames) {
    const event = eventFixture(name);
    parseEvent(event);
    expect(event).toEqual(eventFixture(name));
  }
});
