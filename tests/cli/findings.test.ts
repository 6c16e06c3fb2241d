import { checkFilters, type FindingsOptions, findings } from '../../cli/findings';
import type { Finding } from '../../shared/alerts/finding';
import { nameInScope, type Resource, scopeOf } from '../../shared/domain/resource';
import { account, digest, region, repositoryResource, tagResource } from '../builders/resources';
import { stream, terminal } from './terminal';

const now = Date.parse('2026-11-24T12:00:00Z');

function finding(over: Partial<Finding> & { resource?: Resource } = {}): Finding {
  const { resource = tagResource('latest'), rule = 'tag-format' } = over;
  return {
    scope: scopeOf(resource),
    key: `finding#${nameInScope(resource)}#${rule}`,
    rule,
    status: 'open',
    severity: 'high',
    message: 'tag "latest" is denied by "latest"',
    evidence: { tag: 'latest' },
    resource,
    digest: digest('a'),
    openedAt: '2026-11-24T11:57:00Z',
    changedAt: '2026-11-24T11:57:00Z',
    change: 'opened',
    sequence: 1,
    record: 'tag#latest#000000000001',
    ...over,
  };
}

const gone = finding({ resource: tagResource('old'), status: 'resolved', reason: 'gone' });
const elsewhere = finding({
  resource: tagResource('latest', { region: 'eu-west-1', repository: 'sandbox/demo' }),
});
const mutable = finding({
  resource: repositoryResource(),
  rule: 'tag-immutability',
  severity: 'medium',
  message: 'tags that match * can be moved',
});

async function listed(all: readonly Finding[], options: Partial<FindingsOptions> = {}, width?: number) {
  const screen = terminal(width === undefined ? {} : { width });
  const recorded = {
    openFindings: () => stream(all.filter(({ status }) => status !== 'resolved')),
    allFindings: () => stream(all),
    apiCalls: { Query: 4 },
    registries: [{ account, region }],
  };
  const code = await findings({ output: 'text', now: () => now, ...options }, recorded, screen);
  return { code, ...screen.written };
}

async function json(all: readonly Finding[], options: Partial<FindingsOptions> = {}) {
  const { out, err, code } = await listed(all, { ...options, output: 'json' });
  expect([err, code]).toEqual(['', 0]);
  return JSON.parse(out);
}

describe('findings as JSON', () => {
  it('have the shape of a sweep, with the recorded status', async () => {
    expect(await json([finding()])).toEqual({
      summary: {
        resources: 1,
        passed: 0,
        failed: 1,
        open: 1,
        snoozed: 0,
        exempt: 0,
        resolved: 0,
        bySeverity: { low: 0, medium: 0, high: 1, critical: 0 },
      },
      findings: [
        {
          rule: 'tag-format',
          status: 'open',
          severity: 'high',
          message: 'tag "latest" is denied by "latest"',
          evidence: { tag: 'latest' },
          remediation: expect.stringMatching(/^Push the image again/),
          resource: {
            kind: 'tag',
            account,
            region,
            repository: 'payments/api',
            tag: 'latest',
            digest: digest('a'),
          },
          openedAt: '2026-11-24T11:57:00Z',
          changedAt: '2026-11-24T11:57:00Z',
        },
      ],
      coverage: { complete: true, notSeen: [] },
      apiCalls: { Query: 4 },
      startedAt: '2026-11-24T12:00:00Z',
      endedAt: '2026-11-24T12:00:00Z',
    });
  });

  it('leave out what is resolved, unless all are asked for', async () => {
    expect((await json([gone, finding()])).findings).toHaveLength(1);
    const { summary, findings: found } = await json([gone, finding()], { all: true });
    expect(found.map(({ status }: Finding) => status)).toEqual(['open', 'resolved']);
    expect(summary).toMatchObject({ resources: 2, passed: 1, failed: 1, open: 1, resolved: 1 });
  });

  it('are told apart by rule, repository, severity and Region', async () => {
    const all = [finding(), mutable, elsewhere];
    const resources = async (options: Partial<FindingsOptions>) =>
      (await json(all, options)).findings.map(({ rule, resource }: Finding) => [rule, resource.region]);
    expect(await resources({ rules: ['tag-immutability'] })).toEqual([['tag-immutability', region]]);
    expect(await resources({ repositories: ['sandbox/**'] })).toEqual([['tag-format', 'eu-west-1']]);
    expect(await resources({ severity: 'high', regions: [region] })).toEqual([['tag-format', region]]);
    expect(await resources({ repositories: ['nobody/*'] })).toEqual([]);
  });
});

describe('findings for people', () => {
  it('come with the worst first and a count', async () => {
    const { out } = await listed([mutable, finding()]);
    expect(out).toBe(
      [
        'SEVERITY  RESOURCE             RULE              WHY                                 SINCE',
        'high      payments/api:latest  tag-format        tag "latest" is denied by "latest"  3 min ago',
        'medium    payments/api         tag-immutability  tags that match * can be moved      3 min ago',
        '',
        '2 open findings (1 high, 1 medium)',
        '',
      ].join('\n'),
    );
  });

  it('say where, if it is not the same everywhere, and how they ended', async () => {
    const { out } = await listed([elsewhere, gone], { all: true });
    expect(out).toMatch(/SEVERITY +STATUS +RESOURCE +REGION/);
    expect(out).toMatch(/high +resolved +payments\/api:old +eu-central-1 .*\(gone\)/);
    expect(out).toContain('1 open finding (1 high), 1 resolved');
  });

  it('fit a narrow terminal', async () => {
    const { out } = await listed(
      [finding({ message: 'a reason that is longer than any terminal. '.repeat(5) })],
      {},
      80,
    );
    expect(Math.max(...out.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(80);
  });

  it('cannot draw on the terminal', async () => {
    const { out } = await listed([finding({ message: 'a\u001b[2Jb' })]);
    expect(out).toContain('a\\u001b[2Jb');
    expect(out).not.toContain('\u001b');
  });

  it('say so where there are none, and where to look then', async () => {
    expect((await listed([gone])).out).toBe('No open findings. With --all you also see what was resolved.\n');
    expect((await listed([], { all: true })).out).toBe('No findings.\n');
  });
});

describe('a rule that does not exist', () => {
  it('is named with the one that was meant', () => {
    expect(() => checkFilters({ rules: ['tag-fromat'] })).toThrow(
      'unknown rule "tag-fromat": did you mean "tag-format"?',
    );
    expect(() => checkFilters({ rules: ['tag-format'] })).not.toThrow();
  });
});
