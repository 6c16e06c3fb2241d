import { reactionLine, reactionMemory, reactionsTo } from '../../cli/reactions';
import { watch } from '../../cli/watch';
import { virtualClock } from '../../local/clock';
import { findingAfter } from '../../shared/alerts/finding';
import { findingMessage } from '../../shared/alerts/slack/message';
import { nextRecord, type RecordedEvaluation } from '../../shared/audit/next-record';
import type { AuditRecord } from '../../shared/audit/record';
import type { JudgedResult } from '../../shared/domain/finding';
import { policyOf } from '../builders/policies';
import { account, digest, region, repositoryResource, tagResource, trigger } from '../builders/resources';
import { terminal } from './terminal';

const home = { account, region };
const recordedAt = Date.parse('2026-11-24T10:14:05.250Z');

const denied: JudgedResult = {
  rule: 'tag-format',
  status: 'fail',
  severity: 'high',
  message: 'tag "latest" is denied by "latest"',
  mode: 'report',
};
const onItsWay: JudgedResult = {
  rule: 'replicated',
  status: 'pending',
  severity: 'high',
  message: 'on its way to eu-west-1 (111122223333)',
  mode: 'report',
  until: '2026-11-24T10:44:05Z',
};

function evaluation(over: Partial<RecordedEvaluation> = {}): RecordedEvaluation {
  return {
    results: [],
    passes: 2,
    findings: [],
    closed: [],
    changes: [],
    actions: [],
    policyHash: 'a'.repeat(64),
    policyBuiltAt: '2026-11-20T00:00:00Z',
    ...over,
  };
}

const opened = evaluation({
  results: [denied],
  findings: [{ rule: 'tag-format', status: 'open', severity: 'high', openedAt: '2026-11-24T10:14:05Z' }],
  changes: [{ rule: 'tag-format', kind: 'opened' }],
});

function record(
  over: Partial<Parameters<typeof nextRecord>[1]> = {},
  head?: AuditRecord,
  at = recordedAt,
): AuditRecord {
  const resource = over.resource ?? tagResource('latest');
  return nextRecord(
    head,
    { resource, triggers: [trigger({ resource })], evaluation: evaluation(), ...over },
    at,
  );
}

const lineOf = (one: AuditRecord, told?: string) =>
  reactionsTo(one)
    .map((reaction) => reactionLine(reaction, home, told, terminal({ width: 140 })))
    .join('');

describe('the reaction to a record', () => {
  it('is one line that says when, what, which, the verdict, why, and who was told', () => {
    expect(lineOf(record({ evaluation: opened }), '#payments-registry')).toBe(
      '10:14:05  push       payments/api:latest          high      tag-format: tag "latest" is denied by "latest"  → #payments-registry\n',
    );
  });

  it('is a pass, with how many rules agreed', () => {
    expect(lineOf(record({ resource: tagResource('v1') }))).toBe(
      '10:14:05  push       payments/api:v1              pass      2 rules\n',
    );
  });

  it('says until when a result is open, and where the tag came from', () => {
    const one = record({
      evaluation: evaluation({ results: [onItsWay] }),
      holder: { digest: digest('b'), since: '2026-11-24T10:14:05Z' },
    });
    const [reaction] = reactionsTo(one, { digest: digest('a') });
    expect(reaction).toMatchObject({
      verdict: 'pending',
      why: `moved from ${digest('a').slice(0, 19)}; replicated: until 10:44:05, on its way to eu-west-1 (111122223333)`,
    });
  });

  it('names the Region only where it is not the hub’s', () => {
    expect(lineOf(record({ resource: tagResource('v1', { region: 'eu-west-1' }) }))).toContain(
      'payments/api:v1 eu-west-1',
    );
  });

  it('is one line a change, and a resolved one says why', () => {
    const resource = repositoryResource();
    const two = evaluation({
      changes: [
        { rule: 'tag-immutability', kind: 'resolved' },
        { rule: 'lifecycle-policy-present', kind: 'resolved', reason: 'gone' },
      ],
    });
    const lines = lineOf(record({ resource, evaluation: two })).split('\n');
    expect(lines[0]).toMatch(/resolved +tag-immutability: put right/);
    expect(lines[1]).toMatch(/resolved +lifecycle-policy-present: the repository is gone/);
  });

  it('is none to what people did not ask about: a caller told by CloudTrail, a scan, a repository seen for the first time', () => {
    const resource = tagResource('v1');
    expect(reactionsTo(record({ resource, triggers: [trigger({ resource, kind: 'actor' })] }))).toEqual([]);
    expect(reactionsTo(record({ resource, triggers: [trigger({ resource, kind: 'scan' })] }))).toEqual([]);
    expect(reactionsTo(record({ resource: repositoryResource(), triggers: [] }))).toEqual([]);
  });

  it('tells that what was pending came in time, from the record before', () => {
    const memory = reactionMemory();
    const first = record({ evaluation: evaluation({ results: [onItsWay] }) });
    const second = record({ triggers: [] }, first);
    memory(first);
    expect(reactionsTo(second, memory(second))).toMatchObject([
      { verdict: 'pass', why: 'replicated: in time' },
    ]);
    // Not a pass where another rule still fails.
    expect(
      reactionsTo(record({ triggers: [], evaluation: { ...opened, changes: [] } }), {
        pending: 'replicated',
      }),
    ).toEqual([]);
  });

  it('is none to a copy that arrived as it should, which is told of at its source', () => {
    const resource = tagResource('v1', { region: 'eu-west-1' });
    const copied = [trigger({ resource, kind: 'replicate' })];
    expect(reactionsTo(record({ resource, triggers: copied }))).toEqual([]);
    expect(reactionsTo(record({ resource, triggers: copied, evaluation: opened }))).toHaveLength(1);
  });

  it('cannot draw on the terminal', () => {
    const evil = { ...denied, message: 'a\u001b[2Jb' };
    const line = lineOf(record({ evaluation: { ...opened, results: [evil] } }));
    expect(line).not.toContain('\u001b');
  });

  it('is cut to the width of the terminal', () => {
    const long = { ...denied, message: 'a reason that goes on '.repeat(10) };
    const [reaction] = reactionsTo(record({ evaluation: { ...opened, results: [long] } }));
    const line = reactionLine(reaction!, home, '#payments', terminal({ width: 110 }));
    expect(line.length).toBeLessThanOrEqual(111);
    expect(line).toMatch(/… {2}→ #payments\n$/);
  });
});

describe('a watch', () => {
  const owned = policyOf([], {
    namespace: { name: 'payments', owner: { team: 'payments', slack: 'payments-registry', approvers: [] } },
  });

  function watching() {
    const clock = virtualClock(recordedAt);
    const screen = terminal({ width: 110 });
    const watched = watch({
      policy: owned,
      alerts: { slack: { channel: 'registry', minimumSeverity: 'medium' } },
      home,
      terminal: screen,
      after: (milliseconds, task) => void clock.after(milliseconds, task),
    });
    const lines = () => screen.written.out.split('\n').filter((line) => /^\d\d:/.test(line));
    const tell = (one: AuditRecord, edited = false) => {
      const message = findingMessage(findingAfter(one, one.changes![0]!, undefined), { team: 'payments' });
      watched.onSlackMessage({ channel: 'payments-registry', message, edited });
    };
    return { ...watched, clock, lines, tell, screen };
  }

  const bad = record({ evaluation: opened });
  const good = record({ resource: tagResource('v2') });

  it('holds a line until Slack was told, and the lines behind it, so that they come in order', () => {
    const { onRecord, lines, tell } = watching();
    onRecord(bad);
    onRecord(good);
    expect(lines()).toEqual([]);
    tell(bad);
    expect(lines()).toEqual([
      expect.stringMatching(/latest .*→ #payments-registry$/),
      expect.stringMatching(/:v2 .*pass/),
    ]);
  });

  it('does not wait for ever', async () => {
    const { onRecord, lines, clock } = watching();
    onRecord(bad);
    await clock.advance(5000);
    expect(lines()).toEqual([expect.stringMatching(/latest .*denied by "latest"$/)]);
  });

  it('does not wait where nobody is told', () => {
    const { onRecord, lines } = watching();
    const low = { ...denied, severity: 'low' as const };
    onRecord(
      record({
        evaluation: { ...opened, results: [low], findings: [{ ...opened.findings[0]!, severity: 'low' }] },
      }),
    );
    expect(lines()).toHaveLength(1);
  });

  it('draws the first message whole, and only the first', () => {
    const { onRecord, tell, screen } = watching();
    const other = record({ resource: tagResource('nightly'), evaluation: opened });
    for (const one of [bad, other]) {
      onRecord(one);
      tell(one);
    }
    const boxes = screen.written.out.match(/╭─ Slack, #payments-registry ─/g);
    expect(boxes).toHaveLength(1);
    expect(screen.written.out).toContain('What to do: Push the image again');
    for (const line of screen.written.out.split('\n')) expect(line.length).toBeLessThanOrEqual(110);
  });

  it('says that a message was edited when its finding is resolved', () => {
    const { onRecord, tell, lines } = watching();
    const resolved = record({
      triggers: [trigger({ resource: tagResource('latest'), kind: 'delete' })],
      evaluation: evaluation({ changes: [{ rule: 'tag-format', kind: 'resolved', reason: 'gone' }] }),
    });
    onRecord(resolved);
    tell(bad);
    expect(lines()).toEqual([]);
    tell(resolved, true);
    expect(lines()).toEqual([
      expect.stringMatching(/delete .*resolved .*the tag is … {2}→ #payments-registry, edited$/),
    ]);
  });
});
