import * as z from 'zod/mini';
import { fail, pass } from '../domain/result';
import { isDigestTag } from './named-formats';
import { type Pattern, patternProblem, tagPattern } from './pattern';
import type { Rule } from './rule';

const entry = z.string().check(
  z.refine((text) => patternProblem(text, tagPattern) === undefined, {
    error: ({ input }) => patternProblem(String(input), tagPattern) ?? 'is no pattern',
  }),
  z.describe('semver, calver, git-sha, date or digest-tag; a tag or glob such as "release-*"; or "/re/"'),
);
const parameters = z.strictObject({
  allow: z.optional(
    z
      .array(entry)
      .check(
        z.minLength(
          1,
          'an empty list would refuse every tag: leave `allow` out, or write ["*"] to lift an inherited one',
        ),
        z.describe('A tag matches at least one of these. Left out: any tag that is not denied.'),
      ),
  ),
  deny: z.optional(z.array(entry).check(z.describe('A tag matches none of these, whatever `allow` says.'))),
});
type Parameters = z.infer<typeof parameters>;

/** A tag says what it is: in an allowed format, and none of the denied ones. */
export const tagFormat: Rule<'tag', Parameters> = {
  id: 'tag-format',
  kind: 'tag',
  sentence: 'A tag matches one of the allowed patterns and none of the denied ones.',
  severity: 'high',
  facts: [],
  parameters,
  remediation: 'Push the image again under an allowed tag and remove this one.',
  actions: ['quarantine-tag'],
  evaluate({ resource: { tag } }, parameters) {
    const { allow, deny, digestTagDeny } = compiled(parameters);
    // Signatures, attestations and indexes under such tags are written by tools that leave no choice of name.
    const digestTag = isDigestTag(tag);
    const denied = (digestTag ? digestTagDeny : deny).find((pattern) => pattern.matches(tag));
    if (denied)
      return fail(`tag "${tag}" is denied by "${denied.text}"`, {
        tag,
        deniedBy: denied.text,
        ...allowed(allow),
      });
    if (digestTag || allow.length === 0 || allow.some((pattern) => pattern.matches(tag))) return pass();
    return fail(`tag "${tag}" matches none of ${allow.map(({ text }) => text).join(', ')}`, {
      tag,
      ...allowed(allow),
    });
  },
};

interface Compiled {
  readonly allow: readonly Pattern[];
  readonly deny: readonly Pattern[];
  /** Of `deny`, the entries that name digest tags outright; a `*` does not mean them. */
  readonly digestTagDeny: readonly Pattern[];
}

/** The same parameters come with every push of a repository: compile them once. */
const cache = new WeakMap<Parameters, Compiled>();

function compiled(parameters: Parameters): Compiled {
  const known = cache.get(parameters);
  if (known) return known;
  const deny = (parameters.deny ?? []).map(tagPattern);
  const made = {
    allow: (parameters.allow ?? []).map(tagPattern),
    deny,
    digestTagDeny: deny.filter(({ text }) => text === 'digest-tag' || /^\/?\^?sha256-/.test(text)),
  };
  cache.set(parameters, made);
  return made;
}

function allowed(allow: readonly Pattern[]): { allow?: readonly string[] } {
  return allow.length > 0 ? { allow: allow.map(({ text }) => text) } : {};
}
