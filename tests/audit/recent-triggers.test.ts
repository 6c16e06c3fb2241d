import fc from 'fast-check';
import { nextRecord } from '../../shared/audit/next-record';
import { readRecent, recognise, triggerKey } from '../../shared/audit/recent-triggers';
import type { AuditRecord } from '../../shared/audit/record';
import { tagResource, trigger } from '../builders/resources';

const resource = tagResource();
const at = (second: number) => new Date(Date.parse('2026-11-20T00:00:00Z') + second * 1000).toISOString();

function chainOf(seconds: readonly number[]): AuditRecord | undefined {
  return seconds.reduce<AuditRecord | undefined>(
    (head, second, index) =>
      nextRecord(
        head,
        { resource, triggers: [trigger({ eventId: `e${index}`, eventTime: at(second) })] },
        Date.now(),
      ),
    undefined,
  );
}

describe('the window of recent triggers', () => {
  test('never forgets a trigger without sending its reader to the chain, and never claims one that is new', () => {
    void fc.assert(
      fc.property(fc.array(fc.nat(50), { minLength: 1, maxLength: 30 }), fc.nat(50), (seconds, second) => {
        const head = chainOf(seconds);
        seconds.forEach((one, index) => {
          const key = triggerKey(trigger({ eventId: `e${index}`, eventTime: at(one) }), resource);
          expect(recognise(head, key)).not.toBe('new');
        });
        const unseen = triggerKey(trigger({ eventId: 'unseen', eventTime: at(second) }), resource);
        expect(recognise(head, unseen)).not.toBe('recorded');
      }),
    );
  });

  test('keeps the eight with the greatest event times, whatever the order of arrival', () => {
    void fc.assert(
      fc.property(fc.uniqueArray(fc.nat(10_000), { minLength: 1, maxLength: 20 }), (seconds) => {
        const times = readRecent(chainOf(seconds)).map(({ time }) => time);
        const expected = seconds.toSorted((one, other) => one - other).slice(-8);
        expect(times).toEqual(expected.map((second) => Date.parse(at(second))));
      }),
    );
  });

  test('tells kinds, events and resources apart', () => {
    const keys = [
      triggerKey(trigger({ kind: 'push', eventId: 'e' }), resource),
      triggerKey(trigger({ kind: 'actor', eventId: 'e' }), resource),
      triggerKey(trigger({ kind: 'push', eventId: 'f' }), resource),
      triggerKey(trigger({ kind: 'push', eventId: 'e' }), tagResource('v2')),
    ];
    expect(new Set(keys.map(({ key }) => key.toString('hex'))).size).toBe(4);
  });
});
