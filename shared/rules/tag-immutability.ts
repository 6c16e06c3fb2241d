import * as z from 'zod/mini';
import { isUnseen, type RepositoryFact } from '../domain/facts';
import { error, fail, pass, skip } from '../domain/result';
import type { Rule } from './rule';

/** Amazon ECR API reference, ImageTagMutabilityExclusionFilter: the characters of a filter, and five of them at most. */
const filter = z
  .string()
  .check(
    z.regex(
      /^[0-9a-zA-Z._*-]{1,128}$/,
      'write a tag wildcard of letters, digits, ".", "_", "-" and "*", such as "cache-*"',
    ),
  );
const parameters = z.strictObject({
  except: z._default(
    z
      .array(filter)
      .check(
        z.maxLength(5, 'ECR takes at most five exclusion filters'),
        z.describe(
          'Tag wildcards that may move, in the grammar of ECR’s exclusion filters, such as "cache-*".',
        ),
      ),
    [],
  ),
});

/** A tag means one digest for good, except where the policy lets it move. */
export const tagImmutability: Rule<'repository', z.infer<typeof parameters>> = {
  id: 'tag-immutability',
  kind: 'repository',
  sentence: 'A repository lets no tag move that the policy does not except.',
  severity: 'medium',
  facts: ['repository'],
  parameters,
  remediation:
    'Set the repository to IMMUTABLE, or to IMMUTABLE_WITH_EXCLUSION with no more than the excepted tags.',
  actions: ['set-tag-immutability'],
  evaluate({ facts: { repository } }, { except }) {
    if (repository === null) return skip('the repository is gone');
    if (isUnseen(repository)) return error(repository.message);
    const tooMany = movableTags(repository).filter((tags) => !except.some((one) => covers(one, tags)));
    if (tooMany.length === 0) return pass();
    const excepted = except.length > 0 ? `only ${except.join(', ')} may` : 'none may';
    return fail(
      `tags that match ${tooMany.join(', ')} can be moved, and ${excepted} (${repository.tagMutability})`,
      {
        tagMutability: repository.tagMutability,
        exclusions: repository.mutabilityExclusions,
        except,
      },
    );
  },
};

/**
 * The tags that a push can move, as wildcards. The exclusions of MUTABLE_WITH_EXCLUSION are the frozen ones, so
 * everything else moves, and what "everything else" is no list of wildcards can say: it counts as every tag.
 */
function movableTags({ tagMutability, mutabilityExclusions }: RepositoryFact): readonly string[] {
  switch (tagMutability) {
    case 'IMMUTABLE':
      return [];
    case 'IMMUTABLE_WITH_EXCLUSION':
      return mutabilityExclusions;
    case 'MUTABLE':
    case 'MUTABLE_WITH_EXCLUSION':
      return ['*'];
  }
}

/**
 * Whether every tag that `inner` matches is matched by `outer`. A `*` of `inner` can stand for anything, so only a
 * `*` of `outer` covers it; and since `*` stands in no tag, that is what matching `inner` itself comes to.
 */
export function covers(outer: string, inner: string): boolean {
  const [first = '', ...rest] = outer.split('*');
  const last = rest.pop();
  if (last === undefined) return inner === first;
  if (!inner.startsWith(first)) return false;
  let from = first.length;
  for (const part of rest) {
    const found = inner.indexOf(part, from);
    if (found < 0) return false;
    from = found + part.length;
  }
  return inner.length - last.length >= from && inner.endsWith(last);
}
