import fc from 'fast-check';
import { holderAfterEvents, holderAfterRead } from '../../shared/audit/holder';
import type { Trigger } from '../../shared/domain/trigger';
import { digest, trigger } from '../builders/resources';

const push = (minute: number, name: string): Trigger =>
  trigger({
    eventId: `push-${minute}-${name}`,
    eventTime: `2026-11-20T10:${String(minute).padStart(2, '0')}:00Z`,
    digest: digest(name),
  });
const remove = (minute: number, name: string): Trigger => ({
  ...push(minute, name),
  kind: 'delete',
  eventId: `delete-${minute}`,
});
const readAt = Date.parse('2026-11-20T11:00:00Z');

describe('who holds a tag, by events', () => {
  test('the newest event decides, in whatever order they arrive', () => {
    void fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat(59), { minLength: 1, maxLength: 12 }),
        fc.infiniteStream(fc.nat()),
        (minutes, order) => {
          const events = minutes.map((minute) =>
            minute % 5 === 0 ? remove(minute, 'x') : push(minute, `${minute}`),
          );
          const shuffled = events.toSorted(() => ((order.next().value as number) % 2 === 0 ? 1 : -1));
          const oneByOne = shuffled.reduce<ReturnType<typeof holderAfterEvents>['holder']>(
            (holder, event) => holderAfterEvents(holder, [event]).holder,
            undefined,
          );
          const newest = Math.max(...minutes);
          expect(oneByOne).toEqual(holderAfterEvents(undefined, events).holder);
          expect(oneByOne?.digest).toBe(newest % 5 === 0 ? null : digest(`${newest}`));
        },
      ),
    );
  });

  test('a late event moves nothing', () => {
    const { holder } = holderAfterEvents(undefined, [push(5, 'b')]);
    expect(holderAfterEvents(holder, [push(1, 'a')]).holder).toBe(holder);
  });

  test('two digests at one instant are a tie that only ECR can settle', () => {
    expect(holderAfterEvents(undefined, [push(5, 'a'), push(5, 'b')]).tie).toBe(true);
    const tied = holderAfterEvents(holderAfterEvents(undefined, [push(5, 'a')]).holder, [push(5, 'b')]);
    expect(tied.tie).toBe(true);
    expect(holderAfterRead(tied, digest('b'), readAt)).toEqual({
      digest: digest('b'),
      since: '2026-11-20T10:05:00Z',
    });
  });

  test('a later event ends a tie', () => {
    expect(holderAfterEvents(undefined, [push(5, 'a'), push(5, 'b'), push(6, 'c')])).toMatchObject({
      tie: false,
      holder: { digest: digest('c') },
    });
  });
});

describe('who holds a tag, by ECR’s answer', () => {
  const known = holderAfterEvents(undefined, [push(5, 'a')]);

  test('the same digest keeps what is known of since when', () => {
    expect(holderAfterRead(known, digest('a'), readAt)).toBe(known.holder);
  });

  test('another digest overrides when the newest event is more than two minutes old, since when unknown', () => {
    expect(holderAfterRead(known, digest('b'), readAt)).toEqual({
      digest: digest('b'),
      since: null,
      asOf: '2026-11-20T10:58:00Z',
    });
    expect(holderAfterRead(known, null, readAt)).toMatchObject({ digest: null, since: null });
  });

  test('a fresh answer can be stale and overrides nothing', () => {
    const fresh = Date.parse('2026-11-20T10:06:00Z');
    expect(holderAfterRead(known, digest('b'), fresh)).toBe(known.holder);
  });

  test('an event that the answer must have seen does not move the tag back', () => {
    const overridden = holderAfterRead(known, digest('c'), readAt);
    expect(holderAfterEvents(overridden, [push(50, 'b')]).holder).toBe(overridden);
    expect(holderAfterEvents(overridden, [push(59, 'd')]).holder?.digest).toBe(digest('d'));
  });
});
