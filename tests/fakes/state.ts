import { type Finding, messageKey, resourceOfFinding } from '../../shared/alerts/finding';
import type { TrackedMessage } from '../../shared/alerts/notify';
import type { StateTable } from '../../shared/aws/state-table';
import { scopeOf } from '../../shared/domain/resource';
import { severities } from '../../shared/domain/result';

export interface FakeState extends StateTable {
  /** Findings and messages by scope and key. */
  readonly findings: Map<string, Finding>;
  readonly messages: Map<string, TrackedMessage>;
}

/** The table `state` in memory, with the conditions of the real one. */
export function fakeState(): FakeState {
  const findings = new Map<string, Finding>();
  const messages = new Map<string, TrackedMessage>();
  const inOrder = () => [...findings.values()].toSorted((one, other) => (one.key < other.key ? -1 : 1));
  return {
    findings,
    messages,
    finding: async (scope, key) => findings.get(`${scope} ${key}`),
    async putFinding(finding) {
      const name = `${finding.scope} ${finding.key}`;
      if ((findings.get(name)?.sequence ?? 0) > finding.sequence) return false;
      findings.set(name, finding);
      return true;
    },
    async *openFindings() {
      for (const severity of severities.toReversed()) {
        yield* inOrder()
          .filter((one) => one.status !== 'resolved' && one.severity === severity)
          .toSorted((one, other) => ((one.openedAt ?? '') < (other.openedAt ?? '') ? -1 : 1));
      }
    },
    async *findingsIn(scope) {
      yield* inOrder().filter((one) => one.scope === scope);
    },
    async tagsNaming(repository, digest) {
      const tags = inOrder()
        .filter((one) => one.scope === scopeOf(repository) && one.status !== 'resolved')
        .filter((one) => one.digest === digest)
        .flatMap(({ scope, key }) => resourceOfFinding(scope, key) ?? [])
        .flatMap((resource) => (resource.kind === 'tag' ? [resource] : []));
      return tags.filter((tag, index) => tags.findIndex((one) => one.tag === tag.tag) === index);
    },
    message: async (scope, key) => messages.get(`${scope} ${key}`),
    async claim({ scope, key }, now, until) {
      const name = `${scope} ${messageKey(key)}`;
      const before = messages.get(name);
      if ((before?.claimedUntil ?? 0) > now) return 'held';
      const { shown: _, ...rest } = before ?? { scope, key: messageKey(key) };
      messages.set(name, { ...rest, claimedUntil: until });
      return before ? { before } : {};
    },
    async mark({ claimedUntil: _, ...message }, claimedUntil) {
      const name = `${message.scope} ${message.key}`;
      const stored = messages.get(name);
      const done =
        stored?.claimedUntil === undefined &&
        stored?.shown === message.shown &&
        stored?.sequence === message.sequence;
      if (stored?.claimedUntil !== claimedUntil && !done) return false;
      messages.set(name, message);
      return true;
    },
    async release({ scope, key }, before, claimedUntil) {
      const name = `${scope} ${messageKey(key)}`;
      if (messages.get(name)?.claimedUntil !== claimedUntil) return;
      if (before) messages.set(name, before);
      else messages.delete(name);
    },
  };
}
