import { InvalidInput } from './errors';

const unitMilliseconds = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `45s`, `30m`, `24h` or `14d` in milliseconds. Throws `InvalidInput` that says what a duration looks like. */
export function durationMilliseconds(text: string): number {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (!count || !unit || Number(count) === 0) {
    throw new InvalidInput(
      `"${text}" is not a duration: write a whole number and a unit, such as 30m, 24h or 14d`,
    );
  }
  return Number(count) * unitMilliseconds[unit as keyof typeof unitMilliseconds];
}

/** An instant, as ISO 8601 UTC with milliseconds only where there are any: one spelling for one instant. */
export function isoTime(epochMilliseconds: number): string {
  return new Date(epochMilliseconds).toISOString().replace('.000Z', 'Z');
}
