import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(__dirname, '../fixtures/events');

const texts = new Map<string, string>();

export type Json = Readonly<Record<string, unknown>>;

/** One event as EventBridge delivers it; `manifest.json` beside it names the AWS page that shows its shape. */
export function eventFixture(name: string): Json & { readonly detail: Json } {
  const text = texts.get(name) ?? readFileSync(join(folder, `${name}.json`), 'utf8');
  texts.set(name, text);
  return JSON.parse(text);
}

export const eventFixtureNames: readonly string[] = readdirSync(folder)
  .filter((file) => file !== 'manifest.json')
  .map((file) => file.replace(/\.json$/, ''))
  .sort();

export const fixtureSources: unknown = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));

/** The fixture with fields of its detail replaced; a field given as `undefined` is left out. */
export function withDetail(name: string, over: Json): Json {
  const event = eventFixture(name);
  const detail: Record<string, unknown> = { ...event.detail, ...over };
  for (const field of Object.keys(over)) if (over[field] === undefined) delete detail[field];
  return { ...event, detail };
}

/** The fixture with fields of its envelope replaced. */
export function withEnvelope(name: string, over: Json): Json {
  return { ...eventFixture(name), ...over };
}
