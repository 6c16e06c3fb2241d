import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import fc from 'fast-check';
import { notify } from '../../shared/alerts/notify';
import { publish } from '../../shared/alerts/publish';
import { findingMessage } from '../../shared/alerts/slack/message';
import type { AuditRecord } from '../../shared/audit/record';
import { evaluatedRecord, finding, judged, openFinding } from '../builders/findings';
import type { FakeState } from '../fakes/state';
import {
  type Code,
  dependenciesOf,
  everyOrder,
  everySchedule,
  type Io,
  interleave,
  type Outside,
  outside,
  type Run,
  run,
  type Schedule,
} from './faulty';

const real: Code = { publish, notify };
const { scope, key } = finding();

const opened = evaluatedRecord(undefined, {
  results: [judged()],
  findings: [openFinding()],
  changes: [{ rule: 'tag-format', kind: 'opened' }],
});
const resolved = evaluatedRecord(opened, {
  passes: 1,
  closed: ['tag-format'],
  changes: [{ rule: 'tag-format', kind: 'resolved' }],
  recordedAt: '2026-11-20T12:00:00Z',
});
const milder = evaluatedRecord(opened, {
  results: [judged({ severity: 'low' })],
  findings: [openFinding({ severity: 'low' })],
  changes: [{ rule: 'tag-format', kind: 'updated' }],
});
const reopened = evaluatedRecord(resolved, {
  results: [judged({ severity: 'critical' })],
  findings: [openFinding({ severity: 'critical', openedAt: '2026-11-20T13:00:00.000Z' })],
  changes: [{ rule: 'tag-format', kind: 'reopened' }],
  recordedAt: '2026-11-20T13:00:00Z',
});

/** The faults after which a message may stand in Slack of which nobody knows. */
function costly({ calls }: Run, schedule: Schedule): number {
  return schedule.filter(
    ([call, kind]) =>
      (calls[call] === 'post' && kind.endsWith('after')) ||
      (calls[call] === 'mark' && kind === 'crash before'),
  ).length;
}

/** What is wrong at the end of a run, in words. */
function wrongs(ran: Run, records: readonly AuditRecord[], schedule: Schedule): string[] {
  const { state, slack, taken } = ran.outside;
  const last = records.at(-1)!;
  const standing = state.findings.get(`${scope} ${key}`);
  const found: string[] = [];
  if (!ran.quiet) found.push('never quiet');
  if (standing?.record !== last.record) found.push('state is not the last record');
  for (const record of records) {
    if (!taken.some(({ detail }) => detail.sequence === Number(record.record.slice(-12)))) {
      found.push('the bus never heard of a record');
    }
  }
  const message = standing && findingMessage(standing);
  const shown = slack.standing.at(-1)?.message;
  const nothingToTell =
    slack.standing.length === 0 && (standing?.status === 'resolved' || standing?.severity === 'low');
  if (!nothingToTell && JSON.stringify(shown) !== JSON.stringify(message))
    found.push('Slack shows another state');
  if (slack.standing.length > 1 + costly(ran, schedule)) found.push('too many posts');
  return found;
}

async function tryAll(
  code: Code,
  records: readonly AuditRecord[],
  most: number,
  world: () => Outside = outside,
): Promise<{ schedules: number; duplicates: number; wrong: Map<string, number>; example?: Schedule }> {
  const wrong = new Map<string, number>();
  let example: Schedule | undefined;
  let duplicates = 0;
  const schedules = await everySchedule(
    most,
    (schedule) => run(code, records, schedule, world()),
    (ran, schedule) => {
      if (ran.outside.slack.standing.length > 1) duplicates += 1;
      for (const one of wrongs(ran, records, schedule)) {
        wrong.set(one, (wrong.get(one) ?? 0) + 1);
        example ??= schedule;
      }
    },
  );
  return { schedules, duplicates, wrong, ...(example && { example }) };
}

/** The real code with one line of it changed. */
async function mutant(file: string, from: string, to: string): Promise<Code> {
  const path = join(__dirname, '../../shared/alerts', file);
  const source = readFileSync(path, 'utf8');
  expect(source.split(from)).toHaveLength(2);
  const load = async <T>(entry: string): Promise<T> => {
    const built = await build({
      entryPoints: [join(__dirname, '../../shared/alerts', entry)],
      bundle: true,
      write: false,
      platform: 'node',
      format: 'cjs',
      target: 'node20',
      plugins: [
        {
          name: 'mutant',
          setup: ({ onLoad }) =>
            onLoad({ filter: /.*/ }, (args) =>
              args.path === path ? { contents: source.replace(from, to), loader: 'ts' } : undefined,
            ),
        },
      ],
    });
    const loaded = { exports: {} as T };
    new Function('module', 'exports', 'require', built.outputFiles[0]!.text)(loaded, loaded.exports, require);
    return loaded.exports;
  };
  const changed = await load<Code>(file);
  return { ...real, ...changed };
}

const stories: readonly (readonly [string, readonly AuditRecord[]])[] = [
  ['opened', [opened]],
  ['opened, then resolved', [opened, resolved]],
  ...(process.env.DEEP === undefined
    ? []
    : [['opened, resolved, then reopened', [opened, resolved, reopened]] as const]),
];

describe('every schedule of up to two faults, then deliveries until quiet', () => {
  test.each(stories)('%s: nothing is lost and nothing is told too often', async (name, records) => {
    const { schedules, duplicates, wrong, example } = await tryAll(real, records, 2);
    const share = ((100 * duplicates) / schedules).toFixed(1);
    process.stdout.write(
      `  ${name}: ${schedules} schedules, ${wrong.size} kinds of wrong; a second message in ${share} %, each by a crash or a lost answer between post and mark\n`,
    );
    expect(example).toBeUndefined();
    expect([...wrong]).toEqual([]);
  });

  test('without faults there is one message', async () => {
    const ran = await run(real, [opened, resolved, reopened], []);
    expect(ran.outside.slack.standing).toHaveLength(1);
    expect(ran.calls.filter((name) => name === 'post')).toHaveLength(1);
    expect(ran.outside.state.messages.get(`${scope} slack#tag#latest#tag-format`)).not.toHaveProperty(
      'claimedUntil',
    );
  });
});

/**
 * Deliveries of the opening beside whoever publishes the next record and delivers that, in one order of their calls.
 * What fails is delivered again once the others are through.
 */
async function sideBySide(
  { publish, notify }: Code,
  world: Outside,
  openings: number,
  next: AuditRecord | undefined,
  pick: (waiting: readonly number[]) => number,
): Promise<string[]> {
  const alone = dependenciesOf(world, (_, effect) => effect());
  await publish(opened, alone.publishing);
  const told = finding();
  const actors = Array.from(
    { length: openings },
    () => (io: Io) => notify(told, dependenciesOf(world, io).notifying),
  );
  const failed = await interleave(
    next ? [...actors, (io: Io) => publishAndNotify(next, dependenciesOf(world, io))] : actors,
    pick,
  );
  for (const _ of failed) {
    world.clock.now += 60_000;
    await notify(told, alone.notifying);
  }
  return wrongs({ calls: [], outside: world, quiet: true }, next ? [opened, next] : [opened], []);

  async function publishAndNotify(
    record: AuditRecord,
    { publishing, notifying }: ReturnType<typeof dependenciesOf>,
  ) {
    await publish(record, publishing);
    await notify(told, notifying);
  }
}

async function wrongOrders(
  code: Code,
  openings: number,
  next?: AuditRecord,
  changed?: (state: FakeState) => Partial<FakeState>,
): Promise<{ orders: number; wrong: Map<string, number> }> {
  const wrong = new Map<string, number>();
  const orders = await everyOrder(async (pick) => {
    const found = await sideBySide(code, outside(changed), openings, next, pick);
    for (const one of found) wrong.set(one, (wrong.get(one) ?? 0) + 1);
  });
  return { orders, wrong };
}

describe('invocations side by side, in every order of their calls', () => {
  test.each([
    ['two deliveries of an opening', 2, undefined],
    ['an opening beside its resolution', 1, resolved],
    ['an opening beside a change to a severity that is not told', 1, milder],
  ] as const)('%s end in one message that shows the end', async (name, openings, next) => {
    const { orders, wrong } = await wrongOrders(real, openings, next);
    process.stdout.write(`  ${name}: ${orders} orders, ${wrong.size} kinds of wrong\n`);
    expect([...wrong]).toEqual([]);
    expect(orders).toBeGreaterThan(50);
  });

  test('also two deliveries beside the resolution, in orders at random', async () => {
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.nat({ max: 5 })), async (choices) => {
        const pick = (waiting: readonly number[]) => waiting[choices.next().value! % waiting.length]!;
        expect(await sideBySide(real, outside(), 2, resolved, pick)).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });
});

describe('what each guard prevents is found when it is removed', () => {
  test('the sequence condition: an old record opens a finding again', async () => {
    const { wrong } = await tryAll(real, [opened, resolved], 0, () =>
      outside((state) => ({
        async putFinding(finding) {
          state.findings.set(`${finding.scope} ${finding.key}`, finding);
          return true;
        },
      })),
    );
    expect([...wrong.keys()]).toContain('state is not the last record');
  });

  test('the claim: two invocations post', async () => {
    const { wrong } = await wrongOrders(real, 2, undefined, (state) => ({
      claim: (key, _, until) => state.claim(key, Number.POSITIVE_INFINITY, until),
      async mark({ claimedUntil: _, ...message }) {
        state.messages.set(`${message.scope} ${message.key}`, message);
        return true;
      },
    }));
    expect([...wrong.keys()]).toContain('too many posts');
  });

  test.each([
    [
      'reading the finding again under the claim',
      resolved,
      'await write(key, claim.before, until, dependencies)',
      'await write(key, claim.before, until, { ...dependencies, findings: { finding: async () => finding } })',
    ],
    [
      'waiting for another one’s claim before saying that there is nothing to tell',
      milder,
      'message?.claimedUntil !== undefined && message.claimedUntil > now()',
      'false',
    ],
  ])('%s: an order ends wrong', async (_, next, from, to) => {
    const { wrong } = await wrongOrders(await mutant('notify.ts', from, to), 1, next);
    expect([...wrong.keys()]).toContain('Slack shows another state');
  });

  test.each([
    [
      'trying the mark again',
      'notify.ts',
      'if (attempt === 3) throw error;',
      'if (attempt === 1) throw error;',
    ],
    [
      'putting events again where state was already ahead',
      'publish.ts',
      'await findings.putFinding(finding);',
      'if ((await findings.finding(finding.scope, finding.key))?.sequence === finding.sequence) continue; await findings.putFinding(finding);',
    ],
    [
      'telling the end after a claim that ended without a word',
      'notify.ts',
      "finding.status === 'open' || message !== undefined",
      "finding.status === 'open'",
    ],
  ])('%s: a schedule ends wrong', async (_, file, from, to) => {
    const { wrong } = await tryAll(await mutant(file, from, to), [opened, resolved], 1);
    expect(wrong.size).toBeGreaterThan(0);
  });
});
