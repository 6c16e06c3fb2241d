import * as z from 'zod/mini';
import { durationMilliseconds, isoTime } from '../domain/duration';
import { isUnseen } from '../domain/facts';
import { error, fail, pass, pending, skip } from '../domain/result';
import { expectedDestinations } from '../replication/expected-destinations';
import { type DestinationVerdict, replicationVerdicts } from '../replication/verdict';
import type { Rule } from './rule';

const parameters = z.strictObject({
  /** How long a pushed tag may take to reach every destination; a namespace's own `replication.within` goes first. */
  within: z._default(z.string().check(z.regex(/^\d{1,6}[smhd]$/, 'write a duration such as 30m')), '30m'),
});

/** Every destination of the registry's replication configuration and of the namespace has the tag's digest in time. */
export const replicated: Rule<'tag', z.infer<typeof parameters>> = {
  id: 'replicated',
  kind: 'tag',
  sentence:
    'Every destination of the registry’s replication configuration and of the namespace has the same digest under the same tag, in time.',
  severity: 'high',
  facts: ['tag', 'replicationConfiguration', 'replicas'],
  parameters,
  remediation:
    'Read the failure with `ecr-warden replication status`, put its cause right, then push the tag again or start a replication backfill.',
  actions: ['start-replication-backfill'],
  evaluate({ resource, facts, holder, namespace, now }, { within }) {
    const { tag, replicationConfiguration, replicas } = facts;
    if (isUnseen(tag)) return error(tag.message);
    if (tag === null) return skip('the tag is gone');
    if (isUnseen(replicationConfiguration)) return error(replicationConfiguration.message);
    if (isUnseen(replicas)) return error(replicas.message);
    const demanded = namespace?.replication?.to ?? [];
    const expected = expectedDestinations(
      resource,
      resource.repository,
      replicationConfiguration.destinations,
      demanded,
    );
    if (expected.length === 0) return pass();
    const movedAt = holder?.since == null ? null : Date.parse(holder.since);
    const deadline =
      (movedAt ?? now) + (namespace?.replication?.withinMilliseconds ?? durationMilliseconds(within));
    const verdicts = replicationVerdicts(tag.digest, movedAt, deadline, now, expected, replicas);
    const regions = (...states: DestinationVerdict['state'][]): string[] =>
      verdicts.filter((one) => states.includes(one.state)).map(destinationName);
    const missing = regions('late', 'failed', 'other-digest');
    if (missing.length > 0) {
      const reasons = verdicts
        .filter((one) => ['late', 'failed', 'other-digest'].includes(one.state))
        .map(sentenceOf);
      return fail(reasons.join('; '), {
        destinations: missing,
        digest: tag.digest,
        deadline: isoTime(deadline),
      });
    }
    const unseen = verdicts.find((one) => one.state === 'unseen');
    if (unseen) return error(`${destinationName(unseen)}: ${unseen.detail}`);
    const waiting = regions('waiting');
    if (waiting.length > 0) {
      return pending(isoTime(deadline), `on its way to ${waiting.join(', ')}`, { destinations: waiting });
    }
    const notExpected = verdicts.find((one) => one.state === 'not-expected');
    return notExpected ? skip(`${destinationName(notExpected)}: ${notExpected.detail}`) : pass();
  },
};

function destinationName({ account, region }: DestinationVerdict): string {
  return `${region} (${account})`;
}

function sentenceOf(verdict: DestinationVerdict): string {
  const name = destinationName(verdict);
  switch (verdict.state) {
    case 'failed':
      return `replication to ${name} failed: ${verdict.detail}`;
    case 'other-digest':
      return `${name} still has ${verdict.detail} under this tag`;
    default:
      return `not in ${name} in time`;
  }
}
