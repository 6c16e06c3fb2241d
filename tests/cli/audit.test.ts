import { auditHistory } from '../../cli/audit-history';
import { auditList } from '../../cli/audit-list';
import { auditShow } from '../../cli/audit-show';
import { nextRecord } from '../../shared/audit/next-record';
import { type AuditRecord, resourceOf } from '../../shared/audit/record';
import { type Registry, resourceKey } from '../../shared/domain/resource';
import type { Trigger } from '../../shared/domain/trigger';
import { account, digest, region, repositoryResource, tagResource, trigger } from '../builders/resources';
import { stream, terminal } from './terminal';

const home = { account, region };
const away = { account, region: 'eu-west-1' };
const now = Date.parse('2026-11-24T12:00:00Z');
const minute = 60_000;

function chain(...triggers: readonly Trigger[]): AuditRecord[] {
  const records: AuditRecord[] = [];
  for (const [index, one] of triggers.entries()) {
    const entry = { resource: one.resource, triggers: [one] };
    records.push(nextRecord(records.at(-1), entry, now - (triggers.length - index) * minute));
  }
  return records;
}

function trail(records: readonly AuditRecord[], registries: readonly Registry[] = [home, away]) {
  const newestFirst = [...records].sort((one, other) => (one.recordedAt > other.recordedAt ? -1 : 1));
  return {
    registries,
    scope: (scope: string) => stream(records.filter((one) => one.scope === scope)),
    newest: (_: number, since: number) =>
      stream(newestFirst.filter(({ recordedAt }) => Date.parse(recordedAt) >= since)),
    chain: (resource: Parameters<typeof resourceKey>[0]) =>
      stream(
        newestFirst.filter((one) => {
          const about = resourceOf(one);
          return about && resourceKey(about) === resourceKey(resource);
        }),
      ),
  };
}

const moved = chain(
  trigger({ eventId: 'first', eventTime: '2026-11-20T10:00:00Z' }),
  trigger({ eventId: 'second', eventTime: '2026-11-21T10:00:00Z', digest: digest('b') }),
  trigger({ eventId: 'gone', kind: 'delete', eventTime: '2026-11-22T10:00:00Z', digest: digest('b') }),
);
const replica = chain(trigger({ eventId: 'copy', resource: tagResource('v1', away), kind: 'replicate' }));
const others = chain(
  trigger({ eventId: 'other', resource: tagResource('v1', { repository: 'sandbox/demo' }) }),
);

describe('audit history', () => {
  async function history(
    reference: string,
    records: readonly AuditRecord[],
    output: 'text' | 'json' = 'json',
  ) {
    const screen = terminal();
    expect(await auditHistory({ reference, output }, trail(records), screen)).toBe(0);
    expect(screen.written.err).toBe('');
    return screen.written.out;
  }

  it('as JSON is the list of moves in the order of the events', async () => {
    expect(JSON.parse(await history('payments/api:v1', moved))).toEqual([
      { time: '2026-11-20T10:00:00Z', from: null, to: digest('a'), actor: null, event: 'first' },
      { time: '2026-11-21T10:00:00Z', from: digest('a'), to: digest('b'), actor: null, event: 'second' },
      { time: '2026-11-22T10:00:00Z', from: digest('b'), to: null, actor: null, event: 'gone' },
    ]);
  });

  it('is of the hub’s own registry where others have the tag too, and says so', async () => {
    const records = [...moved, ...replica];
    expect(JSON.parse(await history('payments/api:v1', records))).toHaveLength(3);
    expect(await history('payments/api:v1', records, 'text')).toContain(
      '3 moves of payments/api:v1 in 111122223333 eu-central-1; also elsewhere: --region eu-west-1',
    );
  });

  it('is of another registry where only that has the tag, or an image URI names it', async () => {
    expect(JSON.parse(await history('payments/api:v1', replica))).toHaveLength(1);
    const uri = `${account}.dkr.ecr.eu-west-1.amazonaws.com/payments/api:v1`;
    expect(JSON.parse(await history(uri, [...moved, ...replica]))).toHaveLength(1);
  });

  it('of a tag that nobody saw is empty, and names the one that was meant', async () => {
    expect(await history('payments/api:v2', moved)).toBe('[]\n');
    expect(await history('payments/api:v2', moved, 'text')).toBe(
      'The trail has no move of payments/api:v2: did you mean "v1"?\n',
    );
    expect(await history('payments/none:v2', moved, 'text')).toBe(
      'The trail knows no tag of the repository payments/none.\n',
    );
  });

  it('asks for a tag where only a repository is named', async () => {
    await expect(history('payments/api', moved)).rejects.toThrow(
      'write REPOSITORY:TAG, such as payments/api:v1.4.0',
    );
  });
});

describe('audit list', () => {
  async function list(
    records: readonly AuditRecord[],
    options: { repository?: string; limit?: number } = {},
  ) {
    const screen = terminal();
    await auditList({ ...options, output: 'json', now }, trail(records), screen);
    return JSON.parse(screen.written.out);
  }
  const ids = (records: readonly AuditRecord[]) => records.map(({ triggers }) => triggers?.[0]?.id);

  it('has the newest first, at most as many as asked for', async () => {
    const all = [...moved, ...others];
    expect(ids(await list(all))).toEqual(['gone', 'other', 'second', 'first']);
    expect(ids(await list(all, { limit: 2 }))).toEqual(['gone', 'other']);
  });

  it('of one repository leaves out the others, in every registry', async () => {
    const all = [...moved, ...others, ...replica];
    expect(ids(await list(all, { repository: 'payments/api' }))).toEqual(['gone', 'copy', 'second', 'first']);
    expect(ids(await list(all, { repository: 'payments/api', limit: 1 }))).toEqual(['gone']);
    expect(ids(await list(all, { repository: 'nobody/here' }))).toEqual([]);
  });

  it('writes hashes as hexadecimal', async () => {
    const [record] = await list(others);
    expect(record.hash).toBe(Buffer.from(others[0]!.hash).toString('hex'));
  });

  it('for people has a line a record', async () => {
    const screen = terminal();
    await auditList({ output: 'text', now }, trail(others, [home]), screen);
    expect(screen.written.out.split('\n')).toEqual([
      'RECORDED              RESOURCE         SEQUENCE  TRIGGER  OUTCOME',
      '2026-11-24T11:59:00Z  sandbox/demo:v1  1         push     recorded',
      '',
      '1 record',
      '',
    ]);
  });

  it('says so where there are none', async () => {
    const screen = terminal();
    await auditList({ output: 'text', now }, trail([]), screen);
    await auditList({ repository: 'a', output: 'text', now }, trail([]), screen);
    expect(screen.written.out).toBe(
      'No records in the last 24 hours; --now looks at an earlier day, --repository at all times.\nNo records of the repository a.\n',
    );
  });
});

describe('audit show', () => {
  async function show(reference: string, sequence?: number, output: 'text' | 'json' = 'json') {
    const screen = terminal();
    const all = trail([...moved, ...replica]);
    await auditShow({ reference, output, ...(sequence && { sequence }) }, all, screen);
    return screen.written.out;
  }

  it('gives the newest record, one a registry that has it', async () => {
    const records: AuditRecord[] = JSON.parse(await show('payments/api:v1'));
    expect(records.map(({ scope, record }) => `${scope} ${record}`)).toEqual([
      '111122223333/eu-central-1/payments/api tag#v1#000000000003',
      '111122223333/eu-west-1/payments/api tag#v1#000000000001',
    ]);
  });

  it('gives the one that is asked for', async () => {
    const records: AuditRecord[] = JSON.parse(await show('payments/api:v1', 2));
    expect(records.map(({ triggers }) => triggers?.[0]?.id)).toEqual(['second']);
  });

  it('for people says what happened, what stands and who holds the tag', async () => {
    const text = await show(`${account}.dkr.ecr.eu-central-1.amazonaws.com/payments/api:v1`, 1, 'text');
    expect(text).toContain('resource  payments/api:v1 in 111122223333 eu-central-1');
    expect(text).toContain(`trigger   push  2026-11-20T10:00:00Z  ${digest('a')}  event first`);
    expect(text).toMatch(/^hash {6}[0-9a-f]{64}$/m);
  });

  it('says so where there is none', async () => {
    expect(await show('payments/api:v9')).toBe('[]\n');
    expect(await show('payments/api:v9', 4, 'text')).toBe('The trail has no record 4 of payments/api:v9.\n');
    expect(await show(repositoryResource().repository, undefined, 'text')).toBe(
      'The trail has no record of payments/api.\n',
    );
  });
});
