import fc from 'fast-check';
import { tagHistory } from '../../shared/audit/history';
import type { AuditRecord } from '../../shared/audit/record';
import type { Trigger } from '../../shared/domain/trigger';
import { reconcile } from '../../shared/evaluation/reconcile';
import { deniedTag, heldImage, policyOf } from '../builders/policies';
import { digest, tagResource, trigger } from '../builders/resources';
import { openFindings, reconciler } from '../fakes/reconciler';

const tags = ['latest', 'v1', 'v2', 'edge'] as const;
const repositories = ['payments/api', 'payments/web'] as const;

interface Step {
  readonly repository: (typeof repositories)[number];
  readonly tag: (typeof tags)[number];
  readonly image: number;
  readonly remove: boolean;
}

const steps = (count: number) =>
  fc.array(
    fc.record<Step>({
      repository: fc.constantFrom(...repositories),
      tag: fc.constantFrom(...tags),
      image: fc.nat(5),
      remove: fc.boolean(),
    }),
    { minLength: count, maxLength: count },
  );

const policy = policyOf([deniedTag('latest'), heldImage]);

/** Plays the steps into a registry and answers with the events that it emitted, in order. */
function play(world: ReturnType<typeof reconciler>, script: readonly Step[]): Trigger[] {
  const held = new Map<string, string>();
  return script.flatMap((step, index) => {
    const resource = tagResource(step.tag, { repository: step.repository });
    const eventTime = new Date(Date.parse('2026-11-19T00:00:00Z') + index * 1000).toISOString();
    const key = `${step.repository}:${step.tag}`;
    if (step.remove) {
      const removed = held.get(key);
      if (removed === undefined) return [];
      held.delete(key);
      world.ecr.remove(resource);
      return [trigger({ kind: 'delete', eventId: `e${index}`, eventTime, resource, digest: removed })];
    }
    const pushed = digest(`${step.repository} ${step.image}`);
    held.set(key, pushed);
    world.ecr.push(resource, pushed, eventTime);
    return [trigger({ kind: 'push', eventId: `e${index}`, eventTime, resource, digest: pushed })];
  });
}

async function deliver(
  events: readonly Trigger[],
  batch: number,
  world: ReturnType<typeof reconciler>,
): Promise<void> {
  for (let at = 0; at < events.length; at += batch) {
    const outcomes = await reconcile(events.slice(at, at + batch), world);
    for (const { error } of outcomes) if (error) throw error;
  }
}

function recordedIds(records: readonly AuditRecord[]): string[] {
  return records.flatMap(({ triggers }) => triggers ?? []).map(({ id }) => id);
}

function historyOf(records: readonly AuditRecord[]) {
  const byTag = new Map<string, AuditRecord[]>();
  for (const record of records) {
    if (!record.record.startsWith('tag#')) continue;
    const key = `${record.scope} ${record.record.slice(0, -13)}`;
    byTag.set(key, [...(byTag.get(key) ?? []), record]);
  }
  return Object.fromEntries([...byTag].map(([key, chain]) => [key, tagHistory(chain)]).toSorted());
}

describe('any duplication or reordering of an event stream', () => {
  const check = (count: number, runs: number) =>
    fc.assert(
      fc.asyncProperty(
        steps(count),
        fc.integer(),
        fc.integer({ min: 1, max: 12 }),
        async (script, seed, batch) => {
          const ordered = reconciler(policy);
          const events = play(ordered, script);
          await deliver(events, 1, ordered);

          const disturbed = reconciler(policy);
          play(disturbed, script);
          const doubled = shuffled([...events, ...events], seed);
          await deliver(doubled, batch, disturbed);

          expect(openFindings(disturbed.trail)).toEqual(openFindings(ordered.trail));
          const ids = recordedIds(disturbed.trail.records);
          expect(ids.toSorted()).toEqual(events.map(({ eventId }) => eventId).toSorted());
          expect(historyOf(disturbed.trail.records)).toEqual(historyOf(ordered.trail.records));
        },
      ),
      { numRuns: runs },
    );

  test('ends in the same findings and histories, each trigger recorded once', () => check(60, 40));

  test('also over 2,000 events', () => check(process.env.DEEP ? 20_000 : 2_000, 1), 300_000);
});

/** A deterministic shuffle, so that fast-check's seed tells the whole case. */
function shuffled<T>(items: readonly T[], seed: number): T[] {
  let state = seed >>> 0;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return items
    .map((item) => [random(), item] as const)
    .toSorted(([one], [other]) => one - other)
    .map(([, item]) => item);
}
