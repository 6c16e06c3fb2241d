import * as fc from 'fast-check';
import { isoTime } from '../../shared/domain/duration';
import { readInstant } from '../../shared/lifecycle/instant';
import { isoTimeOfMany } from '../../shared/lifecycle/iso-times';

const noon = Date.parse('2026-11-20T12:00:00Z');

test.each([
  '2026-11-20T12:00:00Z',
  '2026-11-20T12:00Z',
  '2026-11-20t12:00:00.000z',
  '2026-11-20T13:00:00+01:00',
  '2026-11-20 06:30:00-0530',
  '2026-11-21T02:00:00.000000+14',
  noon / 1000,
  String(noon / 1000),
  `${noon / 1000}.0`,
  '1.795176e9',
])('%j is noon', (value) => {
  expect(readInstant(value)).toBe(noon);
});

test.each([
  ['yesterday', /is no time/],
  ['2026-02-30T00:00:00Z', /is no time/],
  ['2026-11-20T24:00:00Z', /is no time/],
  ['2026-11-20T12:00:00.Z', /is no time/],
  ['2026-11-20T12:00:00Zz', /is no time/],
  ['2026-11-20T12:00:00+25:00', /is no time/],
  ['2026-11-20T12:00:00', /has no offset/],
  ['', /is no time/],
  [noon, /too great for epoch seconds/],
  [Number.NaN, /too great/],
  [true, /is no time/],
  [{}, /is no time/],
])('%j is none', (value, message) => {
  expect(readInstant(value)).toEqual({ problem: expect.stringMatching(message) });
});

test('an instant reads the same in every spelling, to the microsecond', () => {
  const micros = fc.integer({ min: 0, max: 4_000_000_000_000_000 });
  const offset = fc.integer({ min: -23 * 60 - 59, max: 23 * 60 + 59 });
  void fc.assert(
    fc.property(micros, offset, (microseconds, minutes) => {
      const wholeSecond = Math.floor(microseconds / 1e6);
      const local = new Date((wholeSecond + minutes * 60) * 1000).toISOString().slice(0, 19);
      const size = Math.abs(minutes);
      const sign = minutes < 0 ? '-' : '+';
      const shift = [Math.floor(size / 60), size % 60].map((part) => String(part).padStart(2, '0')).join(':');
      const fraction = String(microseconds % 1e6).padStart(6, '0');
      const instant = microseconds / 1000;
      expect(readInstant(`${local}.${fraction}${sign}${shift}`)).toBe(instant);
      expect(readInstant(`${wholeSecond}.${fraction}`)).toBe(instant);
      expect(isoTimeOfMany(instant)).toBe(isoTime(instant));
    }),
    { numRuns: 3000 },
  );
});

test('agrees with the engine on every text that both take', () => {
  const instants = fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true });
  void fc.assert(
    fc.property(instants, (date) => {
      expect(readInstant(date.toISOString())).toBe(date.getTime());
    }),
    { numRuns: 2000 },
  );
});
