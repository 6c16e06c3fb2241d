/** Why a value is no instant. */
export interface NoInstant {
  readonly problem: string;
}

/** What is greater as seconds is most likely meant in milliseconds: this is the year 5138. */
const mostSeconds = 1e11;

/**
 * Epoch milliseconds of an ISO 8601 time with an offset, or of epoch seconds (the AWS CLI's other format) as a number
 * or text. Fractions are kept to the microsecond, since the order of two images may hang on them.
 */
export function readInstant(value: unknown): number | NoInstant {
  if (typeof value === 'number') return fromSeconds(value);
  if (typeof value !== 'string') {
    return { problem: 'is no time: write ISO 8601 such as 2026-11-20T10:15:30Z, or epoch seconds' };
  }
  if (value.charCodeAt(4) === dash || !/^-?\d+(\.\d+)?(e\+?\d+)?$/i.test(value)) return isoInstant(value);
  return fromSeconds(Number(value));
}

function fromSeconds(seconds: number): number | NoInstant {
  if (!(Math.abs(seconds) < mostSeconds)) {
    return { problem: 'is too great for epoch seconds: divide milliseconds by 1000' };
  }
  return Math.round(seconds * 1e6) / 1000;
}

/** By hand, since a repository has a hundred thousand images with up to four times each. */
function isoInstant(text: string): number | NoInstant {
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 2);
  const day = digits(text, 8, 2);
  const hour = digits(text, 11, 2);
  const minute = digits(text, 14, 2);
  const separated =
    text.charCodeAt(4) === dash &&
    text.charCodeAt(7) === dash &&
    separatesTime(text.charCodeAt(10)) &&
    text.charCodeAt(13) === colon;
  let at = 16;
  let second = 0;
  if (text.charCodeAt(at) === colon) {
    second = digits(text, at + 1, 2);
    at += 3;
  }
  let microseconds = 0;
  const point = text.charCodeAt(at);
  if (point === dot || point === comma) {
    const from = at + 1;
    let unit = 100_000;
    for (at = from; isDigit(text.charCodeAt(at)); at += 1) {
      microseconds += (text.charCodeAt(at) - 48) * unit;
      unit = Math.floor(unit / 10);
    }
    if (at === from) return noTime;
  }
  const possible =
    separated &&
    month >= 1 &&
    month <= 12 &&
    day >= 1 &&
    day <= daysIn(year, month) &&
    hour <= 23 &&
    minute <= 59 &&
    second <= 59;
  if (!possible) return noTime;
  if (at === text.length) {
    return { problem: 'has no offset: add Z, or one such as +01:00' };
  }
  const offset = offsetMinutes(text, at);
  if (Number.isNaN(offset)) return noTime;
  const seconds = Date.UTC(year, month - 1, day, hour, minute - offset, second) / 1000;
  return (seconds * 1e6 + microseconds) / 1000;
}

const noTime: NoInstant = { problem: 'is no time: write ISO 8601 such as 2026-11-20T10:15:30Z' };
const [dash, plus, colon, dot, comma] = [45, 43, 58, 46, 44];

/** `Z`, `+01:00`, `+0100` or `+01` to the end of the text; NaN for anything else. */
function offsetMinutes(text: string, at: number): number {
  const sign = text.charCodeAt(at);
  const rest = text.length - at - 1;
  if (rest === 0 && (sign === 90 || sign === 122)) return 0;
  if (sign !== plus && sign !== dash) return Number.NaN;
  const hours = digits(text, at + 1, 2);
  const colonAt = text.charCodeAt(at + 3) === colon ? 1 : 0;
  if (rest !== 2 && rest !== 4 + colonAt) return Number.NaN;
  const minutes = rest === 2 ? 0 : digits(text, at + 3 + colonAt, 2);
  if (!(hours <= 23 && minutes <= 59)) return Number.NaN;
  return (sign === dash ? -1 : 1) * (hours * 60 + minutes);
}

function separatesTime(code: number): boolean {
  return code === 84 || code === 116 || code === 32;
}

/** The number that so many digits make; NaN where there is anything else. */
function digits(text: string, at: number, count: number): number {
  let number = 0;
  for (let index = at; index < at + count; index += 1) {
    const code = text.charCodeAt(index);
    if (!isDigit(code)) return Number.NaN;
    number = number * 10 + code - 48;
  }
  return number;
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

function daysIn(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
}
