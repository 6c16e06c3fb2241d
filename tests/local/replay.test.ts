import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { type ReplayOptions, type ReplayTarget, replay } from '../../local/replay';
import { openReplayFile } from '../../local/replay-file';
import { readReplayLine, replayEventId } from '../../local/replay-line';
import { InvalidInput } from '../../shared/domain/errors';
import { digest } from '../builders/resources';

const good = {
  time: '2013-11-04T15:53:15Z',
  action: 'PUSH',
  repository: 'busybox',
  tag: 'latest',
  digest: digest('a'),
};

describe('a line of a replay file', () => {
  const reason = (line: unknown): string => {
    try {
      readReplayLine(typeof line === 'string' ? line : JSON.stringify(line));
      return 'taken';
    } catch (error) {
      expect(error).toBeInstanceOf(InvalidInput);
      return error instanceof Error ? error.message : '';
    }
  };

  it('is read as it stands, and what it has beyond that is left out', () => {
    expect(readReplayLine(JSON.stringify({ ...good, architectures: ['amd64'], note: 1 }))).toEqual({
      ...good,
      architectures: ['amd64'],
    });
  });

  it.each([
    ['no JSON', '{"time":', 'the line is not JSON'],
    ['no object', [1], 'the line is no JSON object with time, action, repository, tag and digest'],
    ['a missing field', { ...good, tag: undefined }, '"tag" is missing'],
    ['a time without a zone', { ...good, time: '2013-11-04 15:53' }, /^time: write ISO 8601 with a zone/],
    ['another action', { ...good, action: 'PULL' }, 'action: write PUSH or DELETE'],
    ['a name that ECR does not take', { ...good, repository: 'Busy Box' }, /^repository: ECR takes 2 to 256/],
    ['a tag that ECR does not take', { ...good, tag: 'a b' }, /^tag: ECR takes at most 128/],
    ['a short digest', { ...good, digest: 'sha256:12' }, /^digest: write sha256: and 64/],
  ])('%s is refused, and the field is named', (_, line, expected) => {
    expect(reason(line)).toMatch(expected);
  });

  it('is never taken or refused in another way', () => {
    const field = fc.oneof(fc.string(), fc.integer(), fc.constant(null));
    const line = fc.oneof(
      fc.string(),
      fc.json(),
      fc
        .record(
          { time: field, action: field, repository: field, tag: field, digest: field },
          { requiredKeys: [] },
        )
        .map((change) => JSON.stringify({ ...good, ...change })),
    );
    void fc.assert(fc.property(line, (text) => expect(reason(text)).not.toBe('')));
  });

  it('gives the event its id: the same for the same line, in the form of a UUID', () => {
    const text = JSON.stringify(good);
    expect(replayEventId(text)).toBe(replayEventId(text));
    expect(replayEventId(text)).not.toBe(replayEventId(`${text} `));
    expect(replayEventId(text)).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  });
});

describe('a replay file', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'replay-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  async function linesOf(name: string, content: string | Buffer): Promise<string[]> {
    const path = join(folder, name);
    writeFileSync(path, content);
    const lines: string[] = [];
    const file = await openReplayFile(path);
    for await (const { number, text } of file.lines) lines.push(`${number}: ${text}`);
    expect(file.progress()).toBe(1);
    return lines;
  }

  it('is gzipped or not by its content, whatever its name', async () => {
    expect(await linesOf('plain.gz', 'a\nb\n')).toEqual(['1: a', '2: b']);
    expect(await linesOf('packed.jsonl', gzipSync('a\nb\n'))).toEqual(['1: a', '2: b']);
  });

  it('has its lines numbered as an editor does, without the blank ones', async () => {
    expect(await linesOf('lines', 'ä\r\n\n  \nb')).toEqual(['1: ä', '4: b']);
    expect(await linesOf('empty', '')).toEqual([]);
  });

  it('is named where it cannot be read', async () => {
    await expect(openReplayFile(join(folder, 'none'))).rejects.toThrow(
      /cannot read .*none: there is no such file/,
    );
    await expect(openReplayFile(folder)).rejects.toThrow(/it is a folder/);
  });

  it('that breaks off is named with the last whole line', async () => {
    const packed = gzipSync('a\nb\n');
    await expect(linesOf('cut.gz', packed.subarray(0, packed.length - 6))).rejects.toThrow(
      /cut\.gz breaks off after line \d: the gzip stream is cut off/,
    );
  });

  it('loses no character where a chunk ends within one', async () => {
    const text = `${'ä'.repeat(300_000)}\n${'漢'.repeat(200_000)}`;
    expect(await linesOf('wide', `x${text}`)).toEqual([
      `1: x${'ä'.repeat(300_000)}`,
      `2: ${'漢'.repeat(200_000)}`,
    ]);
  });
});

describe('a replay', () => {
  /** A pipeline that works off one message a pause, and records what it is fed unless `loses` says otherwise. */
  function pipeline({ loses = () => false }: { loses?: (tag: string) => boolean } = {}) {
    const queue: { tag: string; id: string }[] = [];
    const recorded: string[] = [];
    let deepest = 0;
    const work = (): void => {
      const message = queue.shift();
      if (message && !loses(message.tag) && !recorded.includes(message.id)) recorded.push(message.id);
    };
    const target: ReplayTarget = {
      apply({ tag }, id) {
        queue.push({ tag, id });
        deepest = Math.max(deepest, queue.length);
      },
      backlog: () => queue.length,
      async drained() {
        while (queue.length > 0) work();
      },
      async *recordedEvents() {
        yield ['somebody else’s'];
        for (const id of recorded) yield [id];
      },
      async pause() {
        work();
      },
    };
    return { target, deepest: () => deepest };
  }

  const push = (tag: string) => JSON.stringify({ ...good, tag });

  async function run(
    lines: readonly string[],
    target: ReplayTarget = pipeline().target,
    options: Partial<ReplayOptions> = {},
  ) {
    const rejections: string[] = [];
    async function* numbered() {
      for (const [index, text] of lines.entries()) yield { number: index + 1, text };
    }
    const count = await replay(numbered(), target, {
      onRejected: (line, reason) => rejections.push(`${line}: ${reason}`),
      ...options,
    });
    return { ...count, rejections };
  }

  it('counts lines, and each line that is in the trail', async () => {
    expect(await run([push('a'), 'no JSON', push('b')])).toEqual({
      events: { accepted: 3, recorded: 2, rejected: 1, lost: 0 },
      records: 3,
      rejections: ['2: the line is not JSON'],
    });
  });

  it('says what was lost', async () => {
    const { events } = await run(['a', 'b', 'c'].map(push), pipeline({ loses: (tag) => tag === 'b' }).target);
    expect(events).toEqual({ accepted: 3, recorded: 2, rejected: 0, lost: 1 });
  });

  it('counts a line that comes twice twice, since its one event is in the trail', async () => {
    const { events, records } = await run([push('a'), push('a'), push('a')]);
    expect(events).toEqual({ accepted: 3, recorded: 3, rejected: 0, lost: 0 });
    expect(records).toBe(2);
  });

  it('run again finds what the first run recorded', async () => {
    const { target } = pipeline();
    const first = await run(['a', 'b'].map(push), target);
    expect(await run(['a', 'b'].map(push), target)).toEqual(first);
  });

  it('stops after the limit, or where it is interrupted, and counts what was fed', async () => {
    const lines = Array.from({ length: 300 }, (_, index) => push(`v${index}`));
    expect((await run(lines, undefined, { limit: 7 })).events.accepted).toBe(7);
    const controller = new AbortController();
    const interrupted = await run(lines, undefined, {
      signal: controller.signal,
      onLine: (accepted) => accepted === 10 && controller.abort(),
    });
    expect(interrupted.events).toEqual({ accepted: 10, recorded: 10, rejected: 0, lost: 0 });
  });

  it('waits for the pipeline instead of filling its queue', async () => {
    const { target, deepest } = pipeline();
    await run(
      Array.from({ length: 2000 }, (_, index) => push(`v${index}`)),
      target,
    );
    expect(deepest()).toBeLessThanOrEqual(400);
  });
});
