import fc from 'fast-check';
import { canonicalJson } from '../../shared/domain/canonical-json';

describe('canonical JSON (RFC 8785)', () => {
  test.each<[unknown, string]>([
    // The vectors of RFC 8785, appendix B and section 3.2.
    [Number('333333333.33333329'), '333333333.3333333'],
    [1e30, '1e+30'],
    [4.5, '4.5'],
    [2e-3, '0.002'],
    [0.000000000000000000000000001, '1e-27'],
    [-0, '0'],
    [
      {
        '\u20ac': 'Euro Sign',
        '\r': 'Carriage Return',
        '\ufb33': 'Hebrew',
        '1': 'One',
        '\u{1f600}': 'Emoji',
        '\u0080': 'Control',
        '\u00f6': 'o',
      },
      '{"\\r":"Carriage Return","1":"One","\u0080":"Control","\u00f6":"o","\u20ac":"Euro Sign","\u{1f600}":"Emoji","\ufb33":"Hebrew"}',
    ],
    [{ b: [1, { z: null, a: true }], a: '\u000f\n"' }, '{"a":"\\u000f\\n\\"","b":[1,{"a":true,"z":null}]}'],
    [{ hash: new Uint8Array([0, 255, 16]) }, '{"hash":"00ff10"}'],
  ])('writes %p', (value, text) => {
    expect(canonicalJson(value)).toBe(text);
  });

  test.each([
    [undefined],
    [Number.NaN],
    [Number.POSITIVE_INFINITY],
    [new Date(0)],
    [new Map()],
    [{ a: undefined }],
    [() => 1],
    [1n],
  ])('refuses %p instead of dropping or changing it', (value) => {
    expect(() => canonicalJson(value)).toThrow(TypeError);
  });

  test('is JSON of the same value, and does not depend on the order of members', () => {
    void fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalJson(reversed(JSON.parse(text)))).toBe(text);
      }),
    );
  });
});

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([name, member]) => [name, reversed(member)]),
  );
}
