import { nextRecord } from '../../shared/audit/next-record';
import type { AuditRecord } from '../../shared/audit/record';
import type { Trigger } from '../../shared/domain/trigger';
import { reconcile } from '../../shared/evaluation/reconcile';
import { deniedTag, heldImage, policyOf } from '../builders/policies';
import { imageResource, trigger } from '../builders/resources';
import { mutant } from '../mutant';
import { digests, explore, type Scenario, tag } from './explore';

const policy = policyOf([heldImage, deniedTag('other')]);
const dependencies = { policy, now: () => Date.parse('2026-11-20T12:00:00Z') };

function moved(minute: number, digest: string, kind: Trigger['kind'] = 'push'): Trigger {
  return trigger({
    kind,
    eventId: `event-of-minute-${minute}`,
    eventTime: `2026-11-20T10:0${minute}:00Z`,
    resource: tag,
    digest,
  });
}

/** The tag on its first digest, both recorded, as an earlier quiet state left them. */
function quietStart(): AuditRecord[] {
  const evaluated = {
    passes: 1,
    closed: [],
    actions: [],
    policyHash: policy.hash,
    policyBuiltAt: policy.builtAt,
  };
  const first = moved(1, digests[0]);
  const now = Date.parse('2026-11-20T10:01:01Z');
  const judged = { rule: 'held-image', severity: 'medium', mode: 'report' } as const;
  return [
    nextRecord(
      undefined,
      {
        resource: tag,
        triggers: [first],
        evaluation: { ...evaluated, results: [], findings: [], changes: [] },
        holder: { digest: digests[0], since: first.eventTime, event: first.eventId },
      },
      now,
    ),
    nextRecord(
      undefined,
      {
        resource: imageResource('d1'),
        triggers: [],
        evaluation: {
          ...evaluated,
          passes: 0,
          results: [{ ...judged, status: 'fail', message: 'held by v1', digest: digests[0] }],
          findings: [
            { rule: 'held-image', severity: 'medium', status: 'open', openedAt: '2026-11-20T10:01:01Z' },
          ],
          changes: [{ rule: 'held-image', kind: 'opened' }],
        },
      },
      now,
    ),
  ];
}

type Name = 'push' | 'then' | 'duplicate' | 'sweep';

/** Two moves of the tag, the second a push or a delete, with the processes that are named and at most one crash. */
function scenario(second: 'push' | 'delete', names: readonly Name[], crashes: number): Scenario {
  const push = moved(2, digests[1]);
  const then = second === 'push' ? moved(3, digests[2]) : moved(3, digests[1], 'delete');
  const sweep = trigger({
    kind: 'sweep',
    eventId: 'sweep',
    eventTime: '2026-11-20T11:00:00Z',
    resource: imageResource('d2'),
  });
  const processes = [
    { name: 'push', trigger: push, after: 1 },
    { name: 'then', trigger: then, after: 2 },
    { name: 'duplicate', trigger: push, after: 1 },
    { name: 'sweep', trigger: sweep, after: 0 },
  ];
  return {
    world: [{ to: digests[1] }, { to: second === 'push' ? digests[2] : null }],
    processes: processes.filter((one) => names.some((name) => name === one.name)),
    crashes,
    start: quietStart(),
  };
}

const deep = process.env.DEEP !== undefined;
const casts: readonly (readonly [string, readonly Name[], number])[] = deep
  ? [['with a duplicate, a sweep and a crash', ['push', 'then', 'duplicate', 'sweep'], 1]]
  : [
      ['with a duplicate', ['push', 'then', 'duplicate'], 0],
      ['with a sweep', ['push', 'then', 'sweep'], 0],
      ['with a crash', ['push', 'then'], 1],
    ];

describe.each(['push', 'delete'] as const)('every interleaving of a push and a %s of one tag', (second) => {
  test.each(casts)(
    '%s: no quiet end is wrong',
    async (name, names, crashes) => {
      const found = await explore(scenario(second, names, crashes), reconcile, dependencies);
      process.stdout.write(
        `  push then ${second} ${name}: ${found.states} states, ${found.ends} quiet ends, ${found.wrong.size} wrong\n`,
      );
      expect(found.example).toBeUndefined();
      expect(found.wrong.size).toBe(0);
      expect(found.ends).toBeGreaterThan(2);
    },
    1_800_000,
  );
});

describe('the enumeration finds what each of these prevents', () => {
  test.each([
    [
      'the second reading',
      'push',
      ['push', 'then', 'sweep'],
      0,
      'shared/evaluation/reconcile.ts',
      'changed: won.filter((one) => one.changed).map(({ work }) => work),',
      'changed: [],',
    ],
    [
      'reconciling a known trigger again',
      'push',
      ['push', 'then', 'duplicate'],
      1,
      'shared/evaluation/reconcile.ts',
      'touched: await touchedBy(work, head, dependencies)',
      'touched: (await isRecorded(dependencies.trail, head, work.triggers[0]!)) ? [] : await touchedBy(work, head, dependencies)',
    ],
    [
      'looking at the image that silently lost the tag',
      'delete',
      ['push', 'then'],
      1,
      'shared/events/touches.ts',
      'image(context.holder?.digest);',
      "if (trigger.kind !== 'delete') image(context.holder?.digest);",
    ],
  ] as const)(
    'without %s an end is wrong',
    async (_, second, names, crashes, file, from, to) => {
      const changed = await mutant<{ reconcile: typeof reconcile }>(
        'shared/evaluation/reconcile.ts',
        file,
        from,
        to,
      );
      const found = await explore(scenario(second, names, crashes), changed.reconcile, dependencies);
      expect(found.wrong.size).toBeGreaterThan(0);
    },
    120_000,
  );
});
