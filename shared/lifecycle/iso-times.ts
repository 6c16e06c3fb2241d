import { isoTime } from '../domain/duration';

const days = new Map<number, string>();
const mostDays = 10_000;

/** `isoTime` for many instants of few days: a day's text is made once. */
export function isoTimeOfMany(epochMilliseconds: number): string {
  const day = Math.floor(epochMilliseconds / dayMilliseconds);
  let text = days.get(day);
  if (text === undefined) {
    text = isoTime(day * dayMilliseconds).slice(0, -timeLength);
    if (days.size >= mostDays) days.clear();
    days.set(day, text);
  }
  return text + timeOfDay(Math.floor(epochMilliseconds) - day * dayMilliseconds);
}

const dayMilliseconds = 86_400_000;
const timeLength = '00:00:00Z'.length;

function timeOfDay(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  const hour = twoDigits[Math.floor(seconds / 3600)];
  const minute = twoDigits[Math.floor(seconds / 60) % 60];
  const fraction = milliseconds % 1000;
  const end = fraction === 0 ? 'Z' : `.${String(fraction).padStart(3, '0')}Z`;
  return `${hour}:${minute}:${twoDigits[seconds % 60]}${end}`;
}

const twoDigits = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, '0'));
