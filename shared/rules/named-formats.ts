/** The formats that a policy may name instead of spelling them out; each judges the whole tag. */
export interface NamedFormat {
  /** What the format looks like, for people. */
  readonly sentence: string;
  matches(tag: string): boolean;
}

/**
 * The grammar of semver.org 2.0.0 without build metadata: a tag cannot hold `+`. Written out and not left to the
 * `semver` package, which refuses numbers above 2^53 that the specification allows.
 */
const number = '(?:0|[1-9]\\d*)';
const identifier = `(?:${number}|\\d*[a-zA-Z-][0-9a-zA-Z-]*)`;
const semver = new RegExp(`^v?${number}\\.${number}\\.${number}(?:-${identifier}(?:\\.${identifier})*)?$`);

const gitSha = /^[0-9a-f]{7,40}$/;
const date = /^(\d{4})(-?)(\d{2})\2(\d{2})$/;
const calver = /^v?(\d{4}|\d{2})\.(\d{1,2})(?:\.(\d+))?(?:\.(\d+))?(?:-[0-9A-Za-z]+(?:[.-][0-9A-Za-z]+)*)?$/;
const digestTag = /^sha256-[0-9a-f]{64}(?:\.(?:sig|att|sbom))?$/;

/** OCI's fallback for referrers, cosign's older tags and SOCI's index tags: they name an image, not a release. */
export function isDigestTag(tag: string): boolean {
  return digestTag.test(tag);
}

function isDate(tag: string): boolean {
  const [, year, , month, day] = date.exec(tag) ?? [];
  return isCalendarDay(Number(year), Number(month), Number(day));
}

function isCalver(tag: string): boolean {
  const [, year, month, third, fourth] = calver.exec(tag) ?? [];
  if (!year || !month || Number(month) < 1 || Number(month) > 12) return false;
  // A third number may be a day or a counter (2026.04.1, 24.04.3); with a fourth it can only be the day.
  if (fourth === undefined) return true;
  return isCalendarDay(year.length === 2 ? 2000 + Number(year) : Number(year), Number(month), Number(third));
}

function isCalendarDay(year: number, month: number, day: number): boolean {
  const time = new Date(0);
  time.setUTCFullYear(year, month - 1, day);
  return time.getUTCFullYear() === year && time.getUTCMonth() === month - 1 && time.getUTCDate() === day;
}

export const namedFormats: ReadonlyMap<string, NamedFormat> = new Map([
  [
    'semver',
    {
      sentence: 'a Semantic Version 2.0.0, such as 1.4.2, v1.4.2 or 2.0.0-rc.1',
      matches: (tag: string) => semver.test(tag),
    },
  ],
  ['calver', { sentence: 'a calendar version, such as 2026.11, 26.04.1 or 2026.11.24-1', matches: isCalver }],
  [
    'git-sha',
    { sentence: '7 to 40 lower-case hexadecimal digits', matches: (tag: string) => gitSha.test(tag) },
  ],
  ['date', { sentence: 'a calendar day, such as 2026-11-24 or 20261124', matches: isDate }],
  [
    'digest-tag',
    { sentence: 'sha256- and 64 hexadecimal digits, with .sig, .att or .sbom', matches: isDigestTag },
  ],
]);
