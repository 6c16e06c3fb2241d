import * as fc from 'fast-check';
import { digestTable } from '../../shared/lifecycle/digest-table';

test('finds what a map would find', () => {
  const digests = fc.uniqueArray(fc.string({ maxLength: 3 }), { maxLength: 60 });
  void fc.assert(
    fc.property(digests, fc.array(fc.string({ maxLength: 3 })), (list, asked) => {
      const positionOf = digestTable(list.map((digest) => ({ digest })));
      const map = new Map(list.map((digest, at) => [digest, at]));
      for (const digest of [...list, ...asked]) expect(positionOf(digest)).toBe(map.get(digest));
    }),
  );
});

test('refuses a digest that stands twice, by both places', () => {
  const list = ['a', 'b', 'c', 'b'].map((digest) => ({ digest }));
  expect(() => digestTable(list)).toThrow('images[3].imageDigest: b stands at images[1] already');
});

test.each([
  ['padded before', (at: number) => String(at).padStart(64, '0')],
  ['padded behind', (at: number) => `${at}x`.padEnd(64, '0')],
])(
  'is quick for made-up digests that are %s',
  (_, name) => {
    const list = Array.from({ length: 50_000 }, (_, at) => ({ digest: `sha256:${name(at)}` }));
    expect(digestTable(list)(list[777]!.digest)).toBe(777);
  },
  5_000,
);
