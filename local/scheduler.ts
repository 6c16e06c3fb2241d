import { createHash } from 'node:crypto';
import type { Clock } from './clock';
import { createDelivery, type Deliver, type Target } from './delivery';
import { AwsError } from './service';

export interface Schedule {
  readonly name: string;
  readonly region: string;
  /** Default: `000000000000`. */
  readonly account?: string;
  /** `rate(5 minutes)`, `cron(0 8 ? * MON-FRI *)` or `at(2026-11-24T08:00:00)`. */
  readonly expression: string;
  /** IANA name; default: UTC. */
  readonly timezone?: string;
  readonly target: Target & { readonly input?: string };
  readonly state: 'ENABLED' | 'DISABLED';
}

export interface Scheduler {
  /**
   * Creates the schedule, or replaces the one of that name and Region.
   *
   * @throws AwsError `ValidationException` for an expression or time zone that EventBridge Scheduler refuses
   */
  define(schedule: Schedule): void;
  remove(name: string, region: string): void;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * Amazon EventBridge Scheduler. Source: "Schedule types in EventBridge Scheduler" and "Adding context attributes" in
 * its user guide. A rate without a start date starts at once, as there. After a long pause of the clock (a laptop that
 * slept) a schedule runs once for all that it missed.
 */
export function createScheduler(deps: { clock: Clock; deliver: Deliver }): Scheduler {
  const { clock } = deps;
  const send = createDelivery(deps);
  const cancels = new Map<string, () => void>();

  function define(schedule: Schedule): void {
    const { expression, timezone = 'UTC' } = schedule;
    const following = compile(expression, timezone);
    remove(schedule.name, schedule.region);
    if (schedule.state === 'DISABLED') return;
    const first = expression.startsWith('rate') ? clock.now() : following(clock.now());
    waitFor(schedule, first, following);
  }

  function remove(name: string, region: string): void {
    cancels.get(`${region}/${name}`)?.();
    cancels.delete(`${region}/${name}`);
  }

  function waitFor(schedule: Schedule, due: number | undefined, following: Following): void {
    const key = `${schedule.region}/${schedule.name}`;
    if (due === undefined) {
      cancels.delete(key);
      return;
    }
    const check = (): void => {
      const isDue = clock.now() >= due;
      waitFor(schedule, isDue ? latest(due, following) : due, following);
      if (isDue) void run(schedule, due);
    };
    // Node's timers hold at most 24.8 days and fire at once when asked for more.
    cancels.set(key, clock.after(Math.min(due - clock.now(), DAY), check));
  }

  /** The due time after this one that is still to come, on the same beat. */
  function latest(due: number, following: Following): number | undefined {
    let next = following(due);
    while (next !== undefined && next <= clock.now()) next = following(next);
    return next;
  }

  function run(schedule: Schedule, due: number): Promise<void> {
    const { input, ...target } = schedule.target;
    const arn = arnOf(schedule);
    const scheduledTime = iso(due);
    const executionId = createHash('sha256').update(`${arn} ${scheduledTime}`).digest('hex').slice(0, 32);
    const payload = (attempt: number): string =>
      (input ?? defaultInput(schedule, due, executionId)).replace(
        /<aws\.scheduler\.([a-z-]+)>/g,
        (all, name) => {
          switch (name) {
            case 'schedule-arn':
              return arn;
            case 'scheduled-time':
              return scheduledTime;
            case 'execution-id':
              return executionId;
            case 'attempt-number':
              return String(attempt);
            default:
              return all;
          }
        },
      );
    return send({
      target,
      payload,
      deadLetter: {
        payload: payload(1),
        attributes: {
          SCHEDULE_ARN: arn,
          SCHEDULED_TIME: scheduledTime,
          EXECUTION_ID: executionId,
          IS_PAYLOAD_TRUNCATED: 'false',
        },
      },
    });
  }

  return { define, remove };
}

/**
 * The first due time strictly after `afterMs`, in epoch milliseconds; undefined if there is none. For a rate, one
 * period later.
 *
 * @throws AwsError `ValidationException`
 */
export function next(expression: string, afterMs: number, timezone = 'UTC'): number | undefined {
  return compile(expression, timezone)(afterMs);
}

type Following = (afterMs: number) => number | undefined;

function compile(expression: string, timezone: string): Following {
  const [, kind = '', body = ''] = /^(rate|cron|at)\((.+)\)$/.exec(expression) ?? [];
  switch (kind) {
    case 'rate': {
      const period = ratePeriod(expression, body);
      return (after) => after + period;
    }
    case 'at': {
      const toInstant = zone(timezone);
      const local = Date.parse(`${body}Z`);
      if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(body) || Number.isNaN(local)) {
        throw invalid(expression, 'at() takes yyyy-mm-ddThh:mm:ss');
      }
      const instant = toInstant.instantOf(local);
      return (after) => (instant !== undefined && instant > after ? instant : undefined);
    }
    case 'cron':
      return cronFollowing(parseCron(expression, body), zone(timezone));
    default:
      throw invalid(expression, 'it must be rate(…), cron(…) or at(…)');
  }
}

function ratePeriod(expression: string, body: string): number {
  const [, value = '', unit = ''] = /^([1-9]\d*) (minute|hour|day)s?$/.exec(body) ?? [];
  // A day is 24 hours, whatever daylight saving does.
  const length = { minute: MINUTE, hour: HOUR, day: DAY }[unit];
  if (length === undefined)
    throw invalid(expression, 'rate() takes a positive number and minutes, hours or days');
  return Number(value) * length;
}

interface Cron {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly months: ReadonlySet<number>;
  readonly years: ReadonlySet<number>;
  isDay(day: Day): boolean;
}

interface Day {
  readonly date: number;
  /** 0 is Sunday. */
  readonly weekday: number;
  readonly last: number;
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
const FIRST_YEAR = 1970;
const LAST_YEAR = 2199;

function parseCron(expression: string, body: string): Cron {
  const fields = body.trim().split(/\s+/);
  const [minutes = '', hours = '', dates = '', months = '', weekdays = '', years = ''] = fields;
  if (fields.length !== 6) {
    throw invalid(expression, 'cron() takes six fields: minutes hours day-of-month month day-of-week year');
  }
  if ((dates === '?') === (weekdays === '?')) {
    throw invalid(expression, 'exactly one of day-of-month and day-of-week must be ?');
  }
  const field = (text: string, range: Range): number[] => parseField(expression, text, range);
  return {
    minutes: field(minutes, { name: 'minutes', least: 0, most: 59 }),
    hours: field(hours, { name: 'hours', least: 0, most: 23 }),
    months: new Set(field(months, { name: 'month', least: 1, most: 12, words: MONTHS, firstWord: 1 })),
    years: new Set(field(years, { name: 'year', least: FIRST_YEAR, most: LAST_YEAR })),
    isDay: weekdays === '?' ? dateTest(expression, dates) : weekdayTest(expression, weekdays),
  };
}

function dateTest(expression: string, text: string): Cron['isDay'] {
  const range = { name: 'day-of-month', least: 1, most: 31 };
  return anyOf(text, (item) => {
    if (item === 'L') return (day) => day.date === day.last;
    const [, nearest] = /^(\d{1,2})W$/.exec(item) ?? [];
    if (nearest !== undefined) {
      const [wanted = 0] = parseField(expression, nearest, range);
      return (day) => wanted <= day.last && day.date === nearestWeekday(wanted, day);
    }
    const dates = new Set(parseField(expression, item, range));
    return (day) => dates.has(day.date);
  });
}

/** W stands for a weekday: the one nearest to that date, in the same month. */
function nearestWeekday(wanted: number, { date, weekday, last }: Day): number {
  const on = (((weekday + wanted - date) % 7) + 7) % 7;
  if (on === 6) return wanted === 1 ? 3 : wanted - 1;
  if (on === 0) return wanted === last ? wanted - 2 : wanted + 1;
  return wanted;
}

function weekdayTest(expression: string, text: string): Cron['isDay'] {
  const range = { name: 'day-of-week', least: 1, most: 7, words: WEEKDAYS, firstWord: 1 };
  const one = (item: string): number => (parseField(expression, item, range)[0] ?? 0) - 1;
  return anyOf(text, (item) => {
    // L alone is the last day of the week.
    if (item === 'L') return (day) => day.weekday === 6;
    const [, lastOne] = /^(\d|[A-Z]{3})L$/.exec(item) ?? [];
    if (lastOne !== undefined) {
      const wanted = one(lastOne);
      return (day) => day.weekday === wanted && day.date + 7 > day.last;
    }
    const [, ofWeek, nth] = /^(\d|[A-Z]{3})#([1-5])$/.exec(item) ?? [];
    if (ofWeek !== undefined) {
      const wanted = one(ofWeek);
      return (day) => day.weekday === wanted && Math.ceil(day.date / 7) === Number(nth);
    }
    const weekdays = new Set(parseField(expression, item, range));
    return (day) => weekdays.has(day.weekday + 1);
  });
}

function anyOf(text: string, test: (item: string) => Cron['isDay']): Cron['isDay'] {
  const tests = text.toUpperCase().split(',').map(test);
  return (day) => tests.some((one) => one(day));
}

interface Range {
  readonly name: string;
  readonly least: number;
  readonly most: number;
  readonly words?: readonly string[];
  /** The number of the first word. */
  readonly firstWord?: number;
}

/** The numbers, in order, that a field of `*`, `a`, `a-b`, `a/step`, steps from `*` and commas stands for. */
function parseField(expression: string, text: string, range: Range): number[] {
  const { name, least, most, words = [], firstWord = 0 } = range;
  const number = (item: string): number => {
    const word = words.indexOf(item.toUpperCase());
    const value = word >= 0 ? word + firstWord : /^\d+$/.test(item) ? Number(item) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw invalid(expression, `${name} must be from ${least} to ${most}, not ${item}`);
  };
  const numbers = new Set<number>();
  for (const item of text.split(',')) {
    const [span = '', step, ...tooMany] = item.split('/');
    if (tooMany.length > 0 || (step !== undefined && !/^[1-9]\d*$/.test(step))) {
      throw invalid(expression, `${name} has a step that is no positive number: ${item}`);
    }
    const [from, to] = spanOf(span, number, range, step !== undefined);
    if (from > to) throw invalid(expression, `${name} runs backwards: ${item}`);
    for (let value = from; value <= to; value += Number(step ?? 1)) numbers.add(value);
  }
  return [...numbers].sort((a, b) => a - b);
}

function spanOf(
  span: string,
  number: (item: string) => number,
  { least, most }: Range,
  stepped: boolean,
): [number, number] {
  if (span === '*') return [least, most];
  const [from = '', to, ...rest] = span.split('-');
  if (rest.length > 0) return [number(span), most];
  if (to !== undefined) return [number(from), number(to)];
  return [number(from), stepped ? most : number(from)];
}

function cronFollowing(cron: Cron, { localOf, instantOf }: Zone): Following {
  return (after) => {
    const local = localOf(after);
    const start = new Date(local);
    for (let year = Math.max(start.getUTCFullYear(), FIRST_YEAR); year <= LAST_YEAR; year += 1) {
      if (!cron.years.has(year)) continue;
      for (let month = 0; month < 12; month += 1) {
        const last = Date.UTC(year, month + 1, 0);
        if (!cron.months.has(month + 1) || last + DAY <= local) continue;
        const found = inMonth(new Date(last), local, after);
        if (found !== undefined) return found;
      }
    }
    return undefined;
  };

  function inMonth(lastDay: Date, local: number, after: number): number | undefined {
    const last = lastDay.getUTCDate();
    for (let date = 1; date <= last; date += 1) {
      const midnight = lastDay.getTime() - (last - date) * DAY;
      if (midnight + DAY <= local) continue;
      if (!cron.isDay({ date, last, weekday: new Date(midnight).getUTCDay() })) continue;
      for (const hour of cron.hours) {
        for (const minute of cron.minutes) {
          const candidate = midnight + hour * HOUR + minute * MINUTE;
          if (candidate < local) continue;
          const instant = instantOf(candidate);
          if (instant !== undefined && instant > after) return instant;
        }
      }
    }
    return undefined;
  }
}

/** Between instants and local time; local time is written as the epoch milliseconds that it would be in UTC. */
interface Zone {
  localOf(instant: number): number;
  /**
   * Undefined for a time that daylight saving leaves out: the run is skipped. Of a time that comes twice the first: the
   * schedule runs only once.
   */
  instantOf(local: number): number | undefined;
}

function zone(timezone: string): Zone {
  if (timezone === 'UTC') return { localOf: (instant) => instant, instantOf: (local) => local };
  const format = zoneFormat(timezone);
  const localOf = (instant: number): number => {
    const part: Record<string, number> = {};
    for (const { type, value } of format.formatToParts(instant)) part[type] = Number(value);
    const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = part;
    return Date.UTC(year, month - 1, day, hour, minute, second) + (((instant % 1000) + 1000) % 1000);
  };
  return {
    localOf,
    instantOf(local) {
      const offsets = [local - DAY, local + DAY].map((near) => localOf(near) - near);
      return offsets
        .map((offset) => local - offset)
        .filter((instant) => localOf(instant) === local)
        .sort((a, b) => a - b)[0];
    },
  };
}

function zoneFormat(timezone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone: timezone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    throw new AwsError('ValidationException', `Provided time zone is not supported: ${timezone}`);
  }
}

function arnOf({ name, region, account = '000000000000' }: Schedule): string {
  return `arn:aws:scheduler:${region}:${account}:schedule/default/${name}`;
}

/** What a target gets from a schedule without an input. */
function defaultInput(schedule: Schedule, due: number, id: string): string {
  return JSON.stringify({
    version: '0',
    id,
    'detail-type': 'Scheduled Event',
    source: 'aws.scheduler',
    account: schedule.account ?? '000000000000',
    time: iso(due),
    region: schedule.region,
    resources: [arnOf(schedule)],
    detail: '{}',
  });
}

function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d{3}Z$/, 'Z');
}

function invalid(expression: string, reason: string): AwsError {
  return new AwsError('ValidationException', `Invalid Schedule Expression ${expression}: ${reason}.`);
}
