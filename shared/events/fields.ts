import * as z from 'zod/mini';
import { isoTime } from '../domain/duration';
import { InvalidInput } from '../domain/errors';

/**
 * What the fields of an event must look like. Names, tags and digests become database keys, and free text becomes
 * part of a hashed record, so all of it is bounded and printable ASCII; ECR's own grammars are narrower. Each schema
 * carries the words that finish the sentence "expected …".
 */

const arnPrefix = /^arn:[a-z0-9:-]{1,80}:repository\//;

/** A repository's name. Some events carry its ARN instead: the name is what follows the first `repository/`. */
export const repositoryName = z.pipe(
  text(
    /^(?:arn:[a-z0-9:-]{1,80}:repository\/)?[a-z0-9][a-z0-9._/-]{0,255}$/,
    "a repository's name such as payments/api, or its ARN",
  ),
  z.transform((nameOrArn) => nameOrArn.replace(arnPrefix, '')),
);

/** Absent, null or empty where there is none. Without `#`, which ends the tag in the audit trail's sort key. */
export const tag = z.nullish(text(/^[!"$-~]{0,300}$/, 'a tag of at most 300 characters'));

/** Absent, null or empty where there is none. */
export const digest = z.nullish(
  text(/^(?:[A-Za-z0-9+_.-]{1,32}:[A-Fa-f0-9]{1,160})?$/, 'a digest such as sha256:0a1b…'),
);

export const account = text(/^\d{12}$/, 'an account id of twelve digits');
export const region = text(/^[a-z0-9-]{1,32}$/, 'a Region such as eu-central-1');

/** A word of the event's own vocabulary: `SUCCESS`, `ARCHIVE`, `PutImage`. */
export const word = text(/^[A-Za-z0-9_.:-]{1,80}$/, 'a word');

/** An instant at or after 1970, as ISO 8601 UTC in one spelling. */
export const instant = z.pipe(
  z
    .string('an ISO 8601 instant')
    .check(z.refine((spelling) => Number.isFinite(epochMilliseconds(spelling)), 'an ISO 8601 instant')),
  z.transform((spelling) => isoTime(epochMilliseconds(spelling))),
);

/** Free text of at most 200 characters; whatever else stands there counts as absent. */
export const remark = z.catch(z.optional(z.pipe(z.string(), z.transform(printable))), undefined);

export const anObject = 'an object';
export const aList = 'a list';

export function text(pattern: RegExp, expected: string): z.ZodMiniString {
  return z.string(expected).check(z.regex(pattern, expected));
}

/**
 * What the schema makes of the value. Throws `InvalidInput` that names the first field that is wrong, by its path
 * below `at`, and what was found there.
 */
export function read<T>(schema: z.ZodMiniType<T>, value: unknown, at: string): T {
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = [at, ...(issue?.path ?? [])].filter((step) => step !== '').join('.');
  throw new InvalidInput(`${path || 'the event'} ${found(issue?.input)}: expected ${issue?.message}`);
}

/** `is missing`, `is "abc"`, `is a list`: what stands in the field, never more than its beginning. */
export function found(value: unknown): string {
  if (value === undefined) return 'is missing';
  if (typeof value === 'string') return `is ${quoted(value)}`;
  if (Array.isArray(value)) return 'is a list';
  return typeof value === 'object' && value !== null ? 'is an object' : `is ${String(value)}`;
}

export function quoted(value: string): string {
  const shown = JSON.stringify(value.slice(0, 60)).slice(1, -1);
  return value.length > 60 || shown.length > 60 ? `"${shown.slice(0, 60)}…"` : `"${shown}"`;
}

function printable(anything: string): string {
  return anything
    .slice(0, 200)
    .replace(/[^\x20-\x7e]+/g, ' ')
    .trim();
}

const isoInstant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

/** NaN for what is no instant, or one before 1970, which the trail's window of trigger keys cannot hold. */
function epochMilliseconds(spelling: string): number {
  const milliseconds = isoInstant.test(spelling) ? Date.parse(spelling) : Number.NaN;
  return milliseconds >= 0 ? milliseconds : Number.NaN;
}
