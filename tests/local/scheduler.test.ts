import fc from 'fast-check';
import { type VirtualClock, virtualClock } from '../../local/clock';
import { createScheduler, next, type Schedule, type Scheduler } from '../../local/scheduler';
import { AwsError } from '../../local/service';

const at = (text: string): number => Date.parse(text);
const iso = (milliseconds: number | undefined): string | undefined =>
  milliseconds === undefined ? undefined : new Date(milliseconds).toISOString().replace('.000Z', 'Z');

/** The first `count` due times after `from`. */
function series(expression: string, from: string, count: number, timezone?: string): (string | undefined)[] {
  const times: (string | undefined)[] = [];
  for (let now: number | undefined = at(from); times.length < count && now !== undefined; ) {
    now = next(expression, now, timezone);
    times.push(iso(now));
  }
  return times;
}

describe('next', () => {
  // 2026-11-24 is a Tuesday.
  it.each([
    ['rate(5 minutes)', ['2026-11-24T08:05:00Z', '2026-11-24T08:10:00Z']],
    ['rate(1 hour)', ['2026-11-24T09:00:00Z', '2026-11-24T10:00:00Z']],
    ['rate(2 days)', ['2026-11-26T08:00:00Z', '2026-11-28T08:00:00Z']],
    ['at(2026-11-24T08:00:01)', ['2026-11-24T08:00:01Z', undefined]],
    ['at(2026-11-24T08:00:00)', [undefined]],
    ['cron(0 10 * * ? *)', ['2026-11-24T10:00:00Z', '2026-11-25T10:00:00Z']],
    ['cron(15 12 * * ? *)', ['2026-11-24T12:15:00Z', '2026-11-25T12:15:00Z']],
    ['cron(0 8 1 * ? *)', ['2026-12-01T08:00:00Z', '2027-01-01T08:00:00Z']],
    ['cron(0/10 * ? * MON-FRI *)', ['2026-11-24T08:10:00Z', '2026-11-24T08:20:00Z']],
    [
      'cron(*/20 8-9 ? * 3 *)',
      ['2026-11-24T08:20:00Z', '2026-11-24T08:40:00Z', '2026-11-24T09:00:00Z', '2026-11-24T09:20:00Z'],
    ],
    ['cron(0 0 ? * SUN,WED *)', ['2026-11-25T00:00:00Z', '2026-11-29T00:00:00Z']],
    [
      'cron(0 0 L * ? *)',
      ['2026-11-30T00:00:00Z', '2026-12-31T00:00:00Z', '2027-01-31T00:00:00Z', '2027-02-28T00:00:00Z'],
    ],
    ['cron(0 9 ? * L *)', ['2026-11-28T09:00:00Z', '2026-12-05T09:00:00Z']],
    ['cron(0 9 ? * 6L *)', ['2026-11-27T09:00:00Z', '2026-12-25T09:00:00Z']],
    ['cron(0 9 ? * 3#2 *)', ['2026-12-08T09:00:00Z', '2027-01-12T09:00:00Z']],
    ['cron(0 9 ? * TUE#5 *)', ['2026-12-29T09:00:00Z', '2027-03-30T09:00:00Z']],
    // 1 August 2027 is a Sunday, 15 May a Saturday, 31 October a Sunday.
    ['cron(0 0 1W 8 ? 2027)', ['2027-08-02T00:00:00Z']],
    ['cron(0 0 1W 5 ? 2027)', ['2027-05-03T00:00:00Z']],
    ['cron(0 0 15W 5 ? 2027)', ['2027-05-14T00:00:00Z']],
    ['cron(0 0 31W 10 ? 2027)', ['2027-10-29T00:00:00Z']],
    ['cron(0 0 29 2 ? *)', ['2028-02-29T00:00:00Z', '2032-02-29T00:00:00Z']],
    [
      'cron(0 0 1 JAN,jul ? 2027/2)',
      ['2027-01-01T00:00:00Z', '2027-07-01T00:00:00Z', '2029-01-01T00:00:00Z'],
    ],
    ['cron(0 0 30 2 ? *)', [undefined]],
    ['cron(0 0 1 1 ? 2020)', [undefined]],
  ])('%s', (expression, expected) => {
    expect(series(expression, '2026-11-24T08:00:00Z', expected.length)).toEqual(expected);
  });

  it('finds a time still to come on the last day of a month and of a year', () => {
    expect(iso(next('cron(0 22 L * ? *)', at('2026-11-30T08:00:00Z')))).toBe('2026-11-30T22:00:00Z');
    expect(iso(next('cron(59 23 * * ? 2026)', at('2026-12-31T23:58:59Z')))).toBe('2026-12-31T23:59:00Z');
    expect(next('cron(59 23 * * ? 2026)', at('2026-12-31T23:59:00Z'))).toBeUndefined();
  });

  it('reads cron and at in a time zone', () => {
    expect(series('cron(30 8 * * ? *)', '2026-11-24T12:00:00Z', 2, 'America/New_York')).toEqual([
      '2026-11-24T13:30:00Z',
      '2026-11-25T13:30:00Z',
    ]);
    expect(series('at(2026-07-01T09:00:00)', '2026-01-01T00:00:00Z', 1, 'Europe/Berlin')).toEqual([
      '2026-07-01T07:00:00Z',
    ]);
    expect(series('cron(0 0 * * ? *)', '2026-11-24T12:00:00Z', 1, 'Asia/Kathmandu')).toEqual([
      '2026-11-24T18:15:00Z',
    ]);
  });

  it('skips a time of day that daylight saving leaves out', () => {
    // Berlin, 29 March 2026: from 02:00 to 03:00.
    expect(series('cron(30 2 * * ? *)', '2026-03-28T00:00:00Z', 2, 'Europe/Berlin')).toEqual([
      '2026-03-28T01:30:00Z',
      '2026-03-30T00:30:00Z',
    ]);
    expect(next('at(2026-03-29T02:30:00)', 0, 'Europe/Berlin')).toBeUndefined();
  });

  it('runs once at a time of day that daylight saving repeats', () => {
    // Berlin, 25 October 2026: 03:00 is 02:00 again.
    expect(series('cron(30 2 * * ? *)', '2026-10-24T12:00:00Z', 2, 'Europe/Berlin')).toEqual([
      '2026-10-25T00:30:00Z',
      '2026-10-26T01:30:00Z',
    ]);
    expect(series('cron(0/30 * * * ? *)', '2026-10-25T00:00:00Z', 2, 'Europe/Berlin')).toEqual([
      '2026-10-25T00:30:00Z',
      '2026-10-25T02:00:00Z',
    ]);
  });

  it.each([
    ['every day', 'it must be rate'],
    ['rate(0 minutes)', 'positive number'],
    ['rate(5 seconds)', 'minutes, hours or days'],
    ['cron(0 0 * * ?)', 'six fields'],
    ['cron(0 0 * * * *)', 'exactly one of'],
    ['cron(0 0 ? * ? *)', 'exactly one of'],
    ['cron(60 0 * * ? *)', 'minutes must be from 0 to 59, not 60'],
    ['cron(0 24 * * ? *)', 'hours must be'],
    ['cron(0 0 0 * ? *)', 'day-of-month must be'],
    ['cron(0 0 ? * 8 *)', 'day-of-week must be'],
    ['cron(0 0 * FOO ? *)', 'month must be'],
    ['cron(0 0 * * ? 1969)', 'year must be'],
    ['cron(5-3 0 * * ? *)', 'runs backwards'],
    ['cron(*/0 0 * * ? *)', 'step'],
    ['at(2026-11-24)', 'yyyy-mm-ddThh:mm:ss'],
    ['at(2026-13-24T00:00:00)', 'yyyy-mm-ddThh:mm:ss'],
  ])('refuses %s', (expression, reason) => {
    expect(() => next(expression, 0)).toThrow(reason);
    expect(() => next(expression, 0)).toThrow(AwsError);
  });

  it('refuses an unknown time zone', () => {
    expect(() => next('cron(0 0 * * ? *)', 0, 'Europe/Nowhere')).toThrow('Europe/Nowhere');
  });

  const instant = fc.integer({ min: at('2020-01-01T00:00:00Z'), max: at('2035-01-01T00:00:00Z') });
  const oneOf = (least: number, most: number) =>
    fc.uniqueArray(fc.integer({ min: least, max: most }), { minLength: 1, maxLength: 3 });
  const fields = fc.record({
    minutes: oneOf(0, 59),
    hours: oneOf(0, 23),
    dates: oneOf(1, 28),
    weekdays: oneOf(1, 7),
    months: oneOf(1, 12),
    byDate: fc.boolean(),
  });

  it('is the first minute after that matches the fields', () => {
    void fc.assert(
      fc.property(instant, fields, (after, { minutes, hours, dates, weekdays, months, byDate }) => {
        const days = byDate ? `${dates} ${months} ?` : `? ${months} ${weekdays}`;
        const found = next(`cron(${minutes} ${hours} ${days} *)`, after) ?? Number.NaN;
        expect(found).toBeGreaterThan(after);
        const isDue = (time: number): boolean => {
          const date = new Date(time);
          const day = byDate ? dates.includes(date.getUTCDate()) : weekdays.includes(date.getUTCDay() + 1);
          const month = months.includes(date.getUTCMonth() + 1);
          return day && month && hours.includes(date.getUTCHours()) && minutes.includes(date.getUTCMinutes());
        };
        expect(found % 60_000).toBe(0);
        expect(isDue(found)).toBe(true);
        for (let time = found - 60_000; time > after && time > found - 2 * 86_400_000; time -= 60_000) {
          if (isDue(time)) throw new Error(`${iso(time)} came before ${iso(found)}`);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('reads the wanted time of day on the clocks of the zone', () => {
    const zones = fc.constantFrom(
      'Europe/Berlin',
      'America/New_York',
      'Australia/Lord_Howe',
      'Asia/Kathmandu',
      'America/St_Johns',
    );
    void fc.assert(
      fc.property(
        instant,
        zones,
        fc.integer({ min: 0, max: 23 }),
        fc.integer({ min: 0, max: 59 }),
        (after, zone, hour, minute) => {
          const found = next(`cron(${minute} ${hour} * * ? *)`, after, zone) ?? Number.NaN;
          const shown = new Date(found).toLocaleTimeString('en-GB', {
            timeZone: zone,
            hour: '2-digit',
            minute: '2-digit',
          });
          expect(shown).toBe(`${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`);
          expect(found - after).toBeGreaterThan(0);
          expect(found - after).toBeLessThanOrEqual(49 * 3_600_000);
        },
      ),
      { numRuns: 150 },
    );
  });
});

interface World {
  clock: VirtualClock;
  scheduler: Scheduler;
  delivered: {
    at: string | undefined;
    arn: string;
    payload: string;
    attributes?: Readonly<Record<string, string>> | undefined;
  }[];
  failing: { error?: Error };
}

function world(start = '2026-11-24T08:00:00Z'): World {
  const clock = virtualClock(at(start), () => new Promise((done) => setImmediate(done)));
  const delivered: World['delivered'] = [];
  const failing: World['failing'] = {};
  const scheduler = createScheduler({
    clock,
    async deliver({ arn }, payload, attributes) {
      if (failing.error && arn !== 'arn:dead') throw failing.error;
      delivered.push({ at: iso(clock.now()), arn, payload, attributes });
    },
  });
  return { clock, scheduler, delivered, failing };
}

const schedule = (fields: Partial<Schedule> = {}): Schedule => ({
  name: 's',
  region: 'eu-central-1',
  expression: 'cron(0 * * * ? *)',
  target: { arn: 'arn:target', input: '{}' },
  state: 'ENABLED',
  ...fields,
});

const HOUR = 3_600_000;

describe('a schedule', () => {
  it('delivers its input once at each due time', async () => {
    const { clock, scheduler, delivered } = world();
    const input =
      '{"at":"<aws.scheduler.scheduled-time>","arn":"<aws.scheduler.schedule-arn>","n":"<aws.scheduler.attempt-number>","keep":"<x>"}';
    scheduler.define(schedule({ account: '111122223333', target: { arn: 'arn:target', input } }));
    await clock.advance(2 * HOUR);
    expect(delivered.map((one) => [one.at, JSON.parse(one.payload)])).toEqual(
      ['2026-11-24T09:00:00Z', '2026-11-24T10:00:00Z'].map((time) => [
        time,
        {
          at: time,
          arn: 'arn:aws:scheduler:eu-central-1:111122223333:schedule/default/s',
          n: '1',
          keep: '<x>',
        },
      ]),
    );
  });

  it('with a rate starts at once and keeps its beat', async () => {
    const { clock, scheduler, delivered } = world();
    scheduler.define(schedule({ expression: 'rate(30 minutes)' }));
    await clock.advance(HOUR);
    expect(delivered.map((one) => one.at)).toEqual([
      '2026-11-24T08:00:00Z',
      '2026-11-24T08:30:00Z',
      '2026-11-24T09:00:00Z',
    ]);
  });

  it('waits longer than a timer can', async () => {
    const { clock, scheduler, delivered } = world();
    let longest = 0;
    const watched = createScheduler({
      clock: {
        now: clock.now,
        after(wait, task) {
          longest = Math.max(longest, wait);
          return clock.after(wait, task);
        },
      },
      deliver: async ({ arn }, payload) => void delivered.push({ at: iso(clock.now()), arn, payload }),
    });
    watched.define(schedule({ expression: 'at(2027-03-01T00:00:00)' }));
    scheduler.define(schedule({ state: 'DISABLED' }));
    await clock.advance(200 * 24 * HOUR);
    expect(delivered.map((one) => one.at)).toEqual(['2027-03-01T00:00:00Z']);
    expect(longest).toBeLessThan(2 ** 31);
    expect(clock.next()).toBeUndefined();
  });

  it('runs once for all that a pause of the clock made it miss', async () => {
    const { clock, delivered } = world();
    let skipped = 0;
    const sleepy = createScheduler({
      clock: { now: () => clock.now() + skipped, after: clock.after },
      deliver: async (_target, payload) => void delivered.push({ at: payload, arn: '', payload }),
    });
    sleepy.define(schedule({ target: { arn: 'arn:target', input: '<aws.scheduler.scheduled-time>' } }));
    skipped = 8 * HOUR;
    await clock.advance(HOUR);
    expect(delivered.map((one) => one.payload)).toEqual(['2026-11-24T09:00:00Z']);
    await clock.advance(HOUR);
    expect(delivered.map((one) => one.payload)).toEqual(['2026-11-24T09:00:00Z', '2026-11-24T18:00:00Z']);
  });

  it('is replaced by one of the same name and Region, and stops when disabled or removed', async () => {
    const { clock, scheduler, delivered } = world();
    scheduler.define(schedule());
    scheduler.define(schedule({ region: 'eu-west-1', target: { arn: 'arn:other', input: '1' } }));
    scheduler.define(schedule({ expression: 'cron(30 * * * ? *)' }));
    await clock.advance(HOUR);
    expect(delivered.map((one) => [one.at, one.arn])).toEqual([
      ['2026-11-24T08:30:00Z', 'arn:target'],
      ['2026-11-24T09:00:00Z', 'arn:other'],
    ]);
    scheduler.define(schedule({ state: 'DISABLED' }));
    scheduler.remove('s', 'eu-west-1');
    await clock.advance(HOUR);
    expect(delivered).toHaveLength(2);
  });

  it('without an input sends a notification', async () => {
    const { clock, scheduler, delivered } = world();
    scheduler.define(schedule({ target: { arn: 'arn:target' } }));
    await clock.advance(HOUR);
    expect(JSON.parse(delivered[0]?.payload ?? '')).toMatchObject({
      source: 'aws.scheduler',
      time: '2026-11-24T09:00:00Z',
      detail: '{}',
    });
  });

  it('retries, counts the attempts, and gives up to the dead-letter queue', async () => {
    const { clock, scheduler, delivered, failing } = world();
    failing.error = new Error('down');
    const target = {
      arn: 'arn:target',
      deadLetterArn: 'arn:dead',
      input: '<aws.scheduler.attempt-number>',
      retryPolicy: { maximumRetryAttempts: 2 },
    };
    scheduler.define(schedule({ expression: 'at(2026-11-24T09:00:00)', target }));
    await clock.advance(HOUR + 2000);
    delete failing.error;
    await clock.advance(HOUR);
    expect(delivered.map((one) => one.payload)).toEqual(['3']);

    failing.error = new Error('down');
    scheduler.define(schedule({ expression: 'at(2026-11-24T12:00:00)', target }));
    await clock.advance(3 * HOUR);
    expect(delivered[1]).toMatchObject({
      arn: 'arn:dead',
      attributes: {
        SCHEDULED_TIME: '2026-11-24T12:00:00Z',
        TARGET_ARN: 'arn:target',
        RETRY_ATTEMPTS: '2',
        EXHAUSTED_RETRY_CONDITION: 'MaximumRetryAttempts',
      },
    });
  });

  it('refuses a bad expression when it is defined', () => {
    expect(() => world().scheduler.define(schedule({ expression: 'rate(x)' }))).toThrow(
      'Invalid Schedule Expression rate(x)',
    );
  });
});
