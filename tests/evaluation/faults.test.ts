import { Unavailable } from '../../shared/domain/errors';
import { pending } from '../../shared/domain/result';
import { type Message, reconcileMessages } from '../../shared/evaluation/reconcile-messages';
import { deniedTag, heldImage, policyOf, rule } from '../builders/policies';
import { account, digest, region, tagResource } from '../builders/resources';
import { openFindings, type Reconciler, reconciler } from '../fakes/reconciler';
import { mutant } from '../mutant';

/** What can go wrong at one call: an error before it took effect, an error after, or the end of the process. */
const faults = ['before', 'after', 'crash before', 'crash after'] as const;
type Fault = (typeof faults)[number];

class Crash extends Error {}

const waits = rule({ id: 'waits', kind: 'tag', evaluate: () => pending('2026-11-20T12:30:00Z', 'not yet') });
const policy = policyOf([deniedTag('latest'), heldImage, waits]);

function message(id: string, detail: Record<string, string>, time: string): Message {
  const body = {
    version: '0',
    id,
    'detail-type': 'ECR Image Action',
    source: 'aws.ecr',
    account,
    region,
    time,
    resources: [],
    detail: { result: 'SUCCESS', 'repository-name': 'payments/api', ...detail },
  };
  return { id, body: JSON.stringify(body), receiveCount: 1, receipt: id };
}

const messages = [
  message(
    'push',
    { 'action-type': 'PUSH', 'image-tag': 'latest', 'image-digest': digest('b') },
    '2026-11-20T10:05:00Z',
  ),
  message('poison', { 'action-type': 'EXPLODE' }, '2026-11-20T10:05:00Z'),
];

interface Run {
  readonly calls: number;
  readonly world: Reconciler;
  readonly rejected: readonly string[];
}

/** Delivers until nothing is left, with faults at the calls of those numbers. A crash forgets what the process knew. */
async function run(schedule: ReadonlyMap<number, Fault>, code = { reconcileMessages }): Promise<Run> {
  const world = reconciler(policy);
  world.ecr.push(tagResource('latest'), digest('a'), '2026-11-20T09:00:00Z');
  await code.reconcileMessages(
    [
      message(
        'first',
        { 'action-type': 'PUSH', 'image-tag': 'latest', 'image-digest': digest('a') },
        '2026-11-20T10:00:00Z',
      ),
    ],
    { ...world, inbox: { reject: async () => {}, comeAgain: async () => {} } },
  );
  world.ecr.push(tagResource('latest'), digest('b'), '2026-11-20T10:05:00Z');

  let calls = 0;
  const rejected: string[] = [];
  const through = async <T>(effect: () => Promise<T>): Promise<T> => {
    calls += 1;
    const fault = schedule.get(calls);
    if (fault === 'crash before') throw new Crash();
    if (fault === 'before') throw new Unavailable('a fault before the effect');
    const answer = await effect();
    if (fault === 'crash after') throw new Crash();
    if (fault === 'after') throw new Unavailable('a fault after the effect');
    return answer;
  };
  let queue = [...messages];
  for (let round = 0; queue.length > 0; round += 1) {
    if (round > 20) throw new Error('the messages never come to an end');
    const crash = { happened: false };
    const guarded = <T>(effect: () => Promise<T>): Promise<T> =>
      through(effect).catch((error) => {
        if (!(error instanceof Crash)) throw error;
        crash.happened = true;
        // The process is gone: nobody ever sees an answer.
        return new Promise<T>(() => {});
      });
    const process = code.reconcileMessages(queue, {
      ...world,
      evaluatedRepositories: new Set(),
      trail: {
        head: (resource) => guarded(() => world.trail.head(resource)),
        insert: (records) => guarded(() => world.trail.insert(records)),
        chain: world.trail.chain,
      },
      ecr: {
        ...world.ecr,
        tag: (resource) => guarded(() => world.ecr.tag(resource)),
        image: (resource) => guarded(() => world.ecr.image(resource)),
      },
      rechecks: { schedule: (resource, until) => guarded(() => world.rechecks.schedule(resource, until)) },
      inbox: {
        reject: (one, reason) => guarded(async () => void rejected.push(`${one.id}: ${reason}`)),
        comeAgain: () => guarded(async () => {}),
      },
    });
    const ended = await settled(process, crash);
    if (ended) queue = ended.filter(({ end }) => end === 'again').map((fate) => fate.message);
    else if (!crash.happened) throw new Error('the process hangs');
  }
  return { calls, world, rejected };
}

/** What the process answers; nothing once it has crashed and all that was under way beside it has come to rest. */
async function settled<T>(
  process: Promise<T>,
  crash: { readonly happened: boolean },
): Promise<T | undefined> {
  let answer: { readonly value: T } | undefined;
  void process.then((value) => {
    answer = { value };
  });
  for (let turn = 0, idle = 0; turn < 40 && idle < 4 && !answer; turn += 1) {
    await new Promise((done) => setImmediate(done));
    if (crash.happened) idle += 1;
  }
  return answer?.value;
}

function expectWhole({ world, rejected }: Run): void {
  expect(openFindings(world.trail)).toEqual([
    `denied-tag 111122223333/eu-central-1/payments/api tag#latest`,
    `held-image 111122223333/eu-central-1/payments/api image#${digest('b')}`,
  ]);
  const ids = world.trail.records.flatMap(({ triggers }) => triggers ?? []).map(({ id }) => id);
  expect(ids.toSorted()).toEqual(['first', 'push']);
  expect(new Set(rejected).size).toBe(1);
  expect(world.scheduled.length).toBeGreaterThan(0);
}

describe('every I/O of reconcile failing before, after its effect, or by a crash', () => {
  test.each([
    [
      'recognising a recorded trigger',
      'shared/audit/trail.ts',
      "if (seen !== 'look in the chain') return seen === 'recorded';",
      'return false;',
    ],
    [
      'keeping a failed message',
      'shared/evaluation/reconcile-messages.ts',
      'return failed ? retry(message, failed, dependencies.inbox)',
      'return failed ? { message, end: "done" }',
    ],
  ])('without %s one fault does harm', async (_, file, from, to) => {
    const code = await mutant<{ reconcileMessages: typeof reconcileMessages }>(
      'shared/evaluation/reconcile-messages.ts',
      file,
      from,
      to,
    );
    const { calls } = await run(new Map());
    const harmed = await Promise.all(
      Array.from({ length: calls }, (_, index) => faults.map((fault) => new Map([[index + 1, fault]])))
        .flat()
        .map(async (schedule) => {
          const after = await run(schedule, code);
          try {
            expectWhole(after);
            return false;
          } catch {
            return true;
          }
        }),
    );
    expect(harmed).toContain(true);
  });

  test('every schedule of up to two faults: nothing lost, nothing recorded twice', async () => {
    const clean = await run(new Map());
    expectWhole(clean);
    let schedules = 0;
    // A fault makes for more calls, so the second may come later than the last call of a clean run.
    for (let first = 1; first <= clean.calls; first += 1) {
      for (const one of faults) {
        for (let second = first; second <= clean.calls + 6; second += 1) {
          for (const other of second === first ? [one] : faults) {
            schedules += 1;
            expectWhole(
              await run(
                new Map([
                  [first, one],
                  [second, other],
                ]),
              ),
            );
          }
        }
      }
    }
    process.stdout.write(`  ${clean.calls} calls, ${schedules} schedules\n`);
    expect(schedules).toBeGreaterThan(1_000);
  }, 120_000);
});
