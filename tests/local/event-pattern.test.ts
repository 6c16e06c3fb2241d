import fc from 'fast-check';
import { compilePattern } from '../../local/event-pattern';
import { AwsError } from '../../local/service';

const matches = (pattern: unknown, event: unknown): boolean => compilePattern(pattern)(event);

/** Pattern, events that match, events that do not. */
type Case = [name: string, pattern: object, yes: unknown[], no: unknown[]];

// The rows of "Comparison operators for use in event patterns in Amazon EventBridge", in its order.
const AWS_TABLE: Case[] = [
  [
    'And',
    { Location: ['New York'], Day: ['Monday'] },
    [{ Location: 'New York', Day: 'Monday' }],
    [{ Location: 'New York' }, { Location: 'New York', Day: 'Tuesday' }],
  ],
  [
    'Anything-but',
    { state: [{ 'anything-but': 'initializing' }] },
    [{ state: 'running' }, { state: 3 }, { state: null }],
    [{ state: 'initializing' }, {}, { state: {} }],
  ],
  [
    'Anything-but (list)',
    { state: [{ 'anything-but': ['stopped', 'overloaded'] }] },
    [{ state: 'running' }],
    [{ state: 'stopped' }, { state: 'overloaded' }],
  ],
  [
    'Anything-but (numbers)',
    { 'x-limit': [{ 'anything-but': [100, 200, 300] }] },
    [{ 'x-limit': 150 }, { 'x-limit': '100' }],
    [{ 'x-limit': 200 }],
  ],
  [
    'Anything-but (begins with)',
    { Region: [{ 'anything-but': { prefix: 'us-' } }] },
    [{ Region: 'eu-west-1' }, { Region: 5 }],
    [{ Region: 'us-east-1' }, {}],
  ],
  [
    'Anything-but (begins with, list)',
    { Region: [{ 'anything-but': { prefix: ['us-', 'eu-'] } }] },
    [{ Region: 'ap-south-1' }],
    [{ Region: 'us-east-1' }, { Region: 'eu-west-1' }],
  ],
  [
    'Anything-but (ends with)',
    { FileName: [{ 'anything-but': { suffix: ['.png', '.jpg'] } }] },
    [{ FileName: 'a.txt' }],
    [{ FileName: 'a.png' }, { FileName: 'a.jpg' }],
  ],
  [
    'Anything-but (ignore case)',
    { state: [{ 'anything-but': { 'equals-ignore-case': ['initializing', 'stopped'] } }] },
    [{ state: 'running' }],
    [{ state: 'INITIALIZING' }, { state: 'Stopped' }],
  ],
  [
    'Anything-but using a wildcard',
    { FilePath: [{ 'anything-but': { wildcard: ['*/lib/*', '*/bin/*'] } }] },
    [{ FilePath: '/usr/share/x' }],
    [{ FilePath: '/usr/lib/x' }, { FilePath: '/usr/bin/x' }],
  ],
  [
    'Begins with',
    { Region: [{ prefix: 'us-' }] },
    [{ Region: 'us-east-1' }],
    [{ Region: 'eu-us-' }, { Region: 1 }],
  ],
  [
    'Begins with (ignore case)',
    { service: [{ prefix: { 'equals-ignore-case': 'eventb' } }] },
    [{ service: 'EventBridge' }, { service: 'EVENTB' }],
    [{ service: 'an EventB' }],
  ],
  ['Empty', { LastName: [''] }, [{ LastName: '' }], [{}, { LastName: null }, { LastName: ' ' }]],
  ['Equals', { Name: ['Alice'] }, [{ Name: 'Alice' }], [{ Name: 'alice' }]],
  [
    'Equals (ignore case)',
    { Name: [{ 'equals-ignore-case': 'alice' }] },
    [{ Name: 'ALICE' }],
    [{ Name: 'bob' }],
  ],
  ['Ends with', { FileName: [{ suffix: '.png' }] }, [{ FileName: 'a.png' }], [{ FileName: 'a.png.txt' }]],
  [
    'Ends with (ignore case)',
    { service: [{ suffix: { 'equals-ignore-case': 'tBridge' } }] },
    [{ service: 'EVENTBRIDGE' }],
    [{ service: 'tbridges' }],
  ],
  [
    'Exists',
    { ProductName: [{ exists: true }] },
    [{ ProductName: 'x' }, { ProductName: null }, { ProductName: [1] }],
    [{}, { ProductName: {} }, { ProductName: [] }, { ProductName: [{}] }],
  ],
  [
    'Does not exist',
    { detail: { 'c-count': [{ exists: false }] } },
    [{}, { detail: {} }, { detail: { 'c-count': { c1: 100 } } }, { detail: { 'c-count': [] } }],
    [{ detail: { 'c-count': 1 } }, { detail: { 'c-count': null } }],
  ],
  ['Not', { Weather: [{ 'anything-but': ['Raining'] }] }, [{ Weather: 'Sunny' }], [{ Weather: 'Raining' }]],
  ['Null', { UserID: [null] }, [{ UserID: null }], [{}, { UserID: '' }, { UserID: 'null' }]],
  [
    'Numeric (equals)',
    { Price: [{ numeric: ['=', 100] }] },
    [{ Price: 100 }],
    [{ Price: '100' }, { Price: 99 }],
  ],
  [
    'Numeric (range)',
    { Price: [{ numeric: ['>', 10, '<=', 20] }] },
    [{ Price: 10.5 }, { Price: 20 }],
    [{ Price: 10 }, { Price: 20.1 }, { Price: '15' }],
  ],
  ['Or', { PaymentType: ['Credit', 'Debit'] }, [{ PaymentType: 'Debit' }], [{ PaymentType: 'Cash' }]],
  [
    'Or (multiple fields)',
    { $or: [{ Location: ['New York'] }, { Day: ['Monday'] }] },
    [{ Location: 'New York' }, { Location: 'Rome', Day: 'Monday' }],
    [{ Location: 'Rome', Day: 'Friday' }],
  ],
  [
    'Wildcard',
    { FileName: [{ wildcard: 'dir/*.png' }] },
    [{ FileName: 'dir/a/b.png' }, { FileName: 'dir/.png' }],
    [{ FileName: 'dir/a.gif' }, { FileName: 'x/dir/a.png' }],
  ],
];

const FURTHER: Case[] = [
  ['booleans are not text', { a: [true] }, [{ a: true }], [{ a: 'true' }, { a: false }]],
  ['numbers are not text', { a: [5] }, [{ a: 5 }, { a: 5.0 }], [{ a: '5' }]],
  ['any element of an array', { a: ['x'] }, [{ a: ['y', 'x'] }, { a: [['x']] }], [{ a: ['y'] }, { a: [] }]],
  ['anything-but asks one element', { a: [{ 'anything-but': 'x' }] }, [{ a: ['x', 'y'] }], [{ a: ['x'] }]],
  [
    'two fields of one element',
    { who: { first: ['Anna'], last: ['Jones'] } },
    [
      { who: [{ first: 'Peter' }, { first: 'Anna', last: 'Jones' }] },
      { who: [[{ first: 'Anna', last: 'Jones' }]] },
    ],
    [
      {
        who: [
          { first: 'Anna', last: 'Smith' },
          { first: 'Peter', last: 'Jones' },
        ],
      },
    ],
  ],
  [
    'absent from every element',
    { who: { badge: [{ exists: false }] } },
    [{ who: [{}, { x: 1 }] }],
    [{ who: [{}, { badge: 1 }] }],
  ],
  [
    'absent from the element that matches',
    { who: { name: ['Anna'], badge: [{ exists: false }] } },
    [{ who: [{ name: 'Peter', badge: 1 }, { name: 'Anna' }] }],
    [{ who: [{ name: 'Anna', badge: 1 }, { name: 'Peter' }] }],
  ],
  ['a value or nothing', { a: ['x', { exists: false }] }, [{}, { a: 'x' }], [{ a: 'y' }]],
  [
    'keys with hyphens and dots',
    { detail: { 'repository-name': ['r'], 'a.b': ['x'] } },
    [{ detail: { 'repository-name': 'r', 'a.b': 'x' } }],
    [{ detail: { 'repository-name': 'r', a: { b: 'y' } } }],
  ],
  ['names of Object.prototype', { constructor: [{ exists: false }] }, [{}], [{ constructor: 1 }]],
  ['exact numeric bound', { a: [{ numeric: ['<', 10] }] }, [{ a: 9 }], [{ a: 10 }, { a: -6e9 }]],
  [
    'cidr of IPv4',
    { ip: [{ cidr: '10.0.0.0/24' }] },
    [{ ip: '10.0.0.255' }],
    [{ ip: '10.0.1.0' }, { ip: 'x' }, { ip: '::1' }],
  ],
  [
    'cidr of IPv6',
    { ip: [{ cidr: '2001:db8::/32' }] },
    [{ ip: '2001:db8:ffff::1' }],
    [{ ip: '2001:db9::' }, { ip: '10.0.0.1' }],
  ],
  ['wildcard escapes', { a: [{ wildcard: 'a\\*\\\\*' }] }, [{ a: 'a*\\z' }, { a: 'a*\\' }], [{ a: 'ab\\z' }]],
  ['wildcard ends do not overlap', { a: [{ wildcard: 'ab*ba' }] }, [{ a: 'abba' }], [{ a: 'aba' }]],
  [
    'nested $or beside fields',
    { source: ['s'], detail: { kind: ['k'], $or: [{ a: [1] }, { b: [2], $or: [{ c: [3] }, { d: [4] }] }] } },
    [
      { source: 's', detail: { kind: 'k', a: 1 } },
      { source: 's', detail: { kind: 'k', b: 2, d: 4 } },
    ],
    [
      { source: 's', detail: { kind: 'k', b: 2 } },
      { source: 's', detail: { a: 1 } },
      { detail: { kind: 'k', a: 1 } },
    ],
  ],
  [
    "the example of Event Ruler's documentation",
    {
      time: [{ prefix: '2017-10-02' }],
      detail: {
        state: [{ 'anything-but': 'initializing' }],
        'c-count': [{ numeric: ['>', 0, '<=', 5] }],
        'x-limit': [{ 'anything-but': [100, 200, 300] }],
        'source-ip': [{ cidr: '10.0.0.0/8' }],
      },
    },
    [
      {
        time: '2017-10-02T16:24:49Z',
        detail: { state: 'running', 'c-count': 5, 'x-limit': 301.8, 'source-ip': '10.0.0.33' },
      },
    ],
    [
      {
        time: '2017-10-02T16:24:49Z',
        detail: { state: 'running', 'c-count': 6, 'x-limit': 301.8, 'source-ip': '10.0.0.33' },
      },
    ],
  ],
];

describe('event patterns match as AWS documents', () => {
  it.each([...AWS_TABLE, ...FURTHER])('%s', (_name, pattern, yes, no) => {
    for (const event of yes) expect([event, matches(pattern, event)]).toEqual([event, true]);
    for (const event of no) expect([event, matches(pattern, event)]).toEqual([event, false]);
  });

  it('takes no exponential time', () => {
    const wildcard = compilePattern({ a: [{ wildcard: `${'*a'.repeat(500)}*b` }] });
    const deep = { $or: [{ x: [1] }, { x: [2] }] };
    const ors = compilePattern(Object.fromEntries(Array.from({ length: 40 }, (_, key) => [`k${key}`, deep])));
    const started = process.hrtime.bigint();
    expect(wildcard({ a: 'a'.repeat(20_000) })).toBe(false);
    expect(ors(Object.fromEntries(Array.from({ length: 40 }, (_, key) => [`k${key}`, { x: 2 }])))).toBe(true);
    expect(Number(process.hrtime.bigint() - started) / 1e6).toBeLessThan(500);
  });
});

describe('an invalid pattern is refused', () => {
  it.each([
    ['text', 'x', 'Filter is not an object', 'the top level'],
    ['an empty object', { a: {} }, 'Empty objects are not allowed', 'a'],
    ['an empty list', { a: { b: [] } }, 'Empty arrays are not allowed', 'a.b'],
    ['a bare value', { a: { 'b-c': 'x' } }, '"b-c" must be an object or an array', 'a.b-c'],
    ['a list in a list', { a: [[1]] }, 'Match value must be', 'a'],
    ['an unknown operator', { a: [{ contains: 'x' }] }, 'Unrecognized match type contains', 'a.contains'],
    ['two operators', { a: [{ prefix: 'x', suffix: 'y' }] }, 'Only one key allowed', 'a'],
    ['exists without a boolean', { a: [{ exists: 'no' }] }, 'either true or false', 'a.exists'],
    ['a prefix that is no text', { a: [{ prefix: 5 }] }, 'prefix match pattern must be a string', 'a.prefix'],
    [
      'a mixed anything-but',
      { a: [{ 'anything-but': ['x', 1] }] },
      'all values are number or string',
      'a.anything-but',
    ],
    ['anything-but of nothing', { a: [{ 'anything-but': [] }] }, 'Empty arrays', 'a.anything-but'],
    [
      'anything-but numeric',
      { a: [{ 'anything-but': { numeric: ['=', 1] } }] },
      'Unsupported anything-but',
      'a.anything-but.numeric',
    ],
    [
      'an unknown comparison',
      { a: [{ numeric: ['!=', 1] }] },
      'Unrecognized numeric range operator',
      'a.numeric',
    ],
    ['a bound that is no number', { a: [{ numeric: ['<', '1'] }] }, 'must be numeric', 'a.numeric'],
    ['a bound too large', { a: [{ numeric: ['<', 6e9] }] }, 'must be between', 'a.numeric'],
    ['an upper bound first', { a: [{ numeric: ['<', 5, '>', 1] }] }, 'Too many terms', 'a.numeric'],
    [
      'a range upside down',
      { a: [{ numeric: ['>', 5, '<', 1] }] },
      'Bottom must be less than top',
      'a.numeric',
    ],
    ['a cidr without bits', { a: [{ cidr: '10.0.0.1' }] }, "one '/' required", 'a.cidr'],
    ['a cidr too narrow', { a: [{ cidr: '10.0.0.0/33' }] }, 'mask bits must be at most 32', 'a.cidr'],
    ['a cidr without an address', { a: [{ cidr: 'x/3' }] }, 'Nonstandard IP address', 'a.cidr'],
    [
      'two adjacent stars',
      { a: [{ wildcard: 'a**' }] },
      'Consecutive wildcard characters at pos 1',
      'a.wildcard',
    ],
    ['a bad escape', { a: [{ wildcard: 'a\\b' }] }, 'Invalid escape character at pos 1', 'a.wildcard'],
    ['$or of one', { a: { $or: [{ b: [1] }] } }, 'at least 2 objects', 'a.$or'],
    ['$or of values', { $or: ['x', 'y'] }, 'Only objects are allowed', '$or'],
    [
      'an operator as field in $or',
      { $or: [{ prefix: ['x'] }, { b: [1] }] },
      'reserved field name',
      '$or[0].prefix',
    ],
  ])('%s', (_name, pattern, reason, path) => {
    let error: unknown;
    try {
      compilePattern(pattern);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(AwsError);
    expect(error).toMatchObject({ code: 'InvalidEventPatternException' });
    expect(String(error)).toContain('Event pattern is not valid. Reason: ');
    expect(String(error)).toContain(reason);
    expect(String(error).endsWith(` at ${path}`)).toBe(true);
  });
});

/*
 * An independent formulation, after Event Ruler's documentation: an event is a bag of leaves, each with its path and
 * the array elements it lies in; a pattern is a list of alternatives (`$or` multiplied out), each a list of paths with
 * wanted values; an alternative matches if leaves can be chosen of which no two lie in different elements of one array.
 */
interface Leaf {
  path: string;
  value: unknown;
  elements: Map<string, number>;
}

function leavesOf(
  value: unknown,
  path: string[] = [],
  elements = new Map<string, number>(),
  array = '',
): Leaf[] {
  if (Array.isArray(value)) {
    const id = `${array}/${path.join('\0')}[]${[...elements]}`;
    return value.flatMap((one, index) => leavesOf(one, path, new Map(elements).set(id, index), id));
  }
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([key, one]) => leavesOf(one, [...path, key], elements));
  }
  return [{ path: path.join('\0'), value, elements }];
}

interface Want {
  path: string;
  values: unknown[];
}

function alternatives(pattern: Record<string, unknown>, path: string[] = []): Want[][] {
  return Object.entries(pattern).reduce<Want[][]>(
    (sofar, [key, want]) => {
      let branches: Want[][];
      if (key === '$or')
        branches = (want as Record<string, unknown>[]).flatMap((one) => alternatives(one, path));
      else if (Array.isArray(want)) branches = [[{ path: [...path, key].join('\0'), values: want }]];
      else branches = alternatives(want as Record<string, unknown>, [...path, key]);
      return sofar.flatMap((left) => branches.map((right) => [...left, ...right]));
    },
    [[]],
  );
}

function naive(pattern: Record<string, unknown>, event: unknown): boolean {
  const leaves = leavesOf(event);
  const agree = (a: Map<string, number>, b: Map<string, number>): boolean =>
    [...a].every(([id, index]) => !b.has(id) || b.get(id) === index);
  const isAbsence = ({ values }: Want): boolean => typeof values[0] === 'object' && values[0] !== null;
  const choose = (wants: Want[], chosen: Map<string, number>): boolean => {
    const [want, ...rest] = wants;
    if (!want) return true;
    const here = leaves.filter((leaf) => leaf.path === want.path && agree(leaf.elements, chosen));
    if (isAbsence(want)) return here.length === 0 && choose(rest, chosen);
    return here.some(
      (leaf) => want.values.includes(leaf.value) && choose(rest, new Map([...chosen, ...leaf.elements])),
    );
  };
  return alternatives(pattern).some((wants) =>
    choose([...wants.filter((want) => !isAbsence(want)), ...wants.filter(isAbsence)], new Map()),
  );
}

const scalar = fc.constantFrom<unknown>('x', 'y', 1, null, true);
const keys = ['a', 'b-c', 'd.e'];
const { event } = fc.letrec((tie) => ({
  event: fc.dictionary(fc.constantFrom(...keys, 'o', 'p'), tie('value'), { maxKeys: 5 }),
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }),
    tie('event'),
  ),
}));
// Branches of `$or` have fields of their own and ask for no absence: see the two notes on arrays in the module's docs.
const { pattern } = fc.letrec<{
  pattern: Record<string, unknown>;
  plain: Record<string, unknown>;
  or: object;
}>((tie) => ({
  pattern: fc
    .tuple(tie('plain'), fc.option(fc.array(tie('or'), { minLength: 2, maxLength: 3 }), { nil: undefined }))
    .map(([plain, $or]) => ($or ? { ...plain, $or } : plain)),
  plain: fc.dictionary(
    fc.constantFrom(...keys),
    fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.array(scalar, { minLength: 1, maxLength: 2 }),
      fc.constant([{ exists: false }]),
      tie('pattern'),
    ),
    { minKeys: 1, maxKeys: 3 },
  ),
  or: fc.dictionary(fc.constantFrom('o', 'p'), fc.array(scalar, { minLength: 1, maxLength: 2 }), {
    minKeys: 1,
  }),
}));

describe('properties', () => {
  it('agrees with the formulation by leaves', () => {
    void fc.assert(
      fc.property(pattern, event, (wanted, given) => {
        expect(matches(wanted, given)).toBe(naive(wanted, given));
      }),
      { numRuns: 3000 },
    );
  });

  it('wildcards agree with a regular expression', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '*', '\\', '.'), maxLength: 8 });
    const parts = fc.array(
      fc.string({ unit: fc.constantFrom('a', 'b', '*', '\\', '.'), minLength: 1, maxLength: 2 }),
      {
        maxLength: 4,
      },
    );
    void fc.assert(
      fc.property(parts, fc.boolean(), fc.boolean(), text, (literal, open, close, value) => {
        const join = (star: string, escaped: string[]): string =>
          (open ? star : '') + escaped.join(star) + (close && (escaped.length > 0 || !open) ? star : '');
        const wildcard = join(
          '*',
          literal.map((one) => one.replace(/[*\\]/g, '\\$&')),
        );
        const expected = new RegExp(
          `^${join(
            '[^]*',
            literal.map((one) => one.replace(/[*\\.]/g, '\\$&')),
          )}$`,
        );
        expect(matches({ v: [{ wildcard }] }, { v: value })).toBe(expected.test(value));
      }),
      { numRuns: 3000 },
    );
  });

  it('cidr agrees with arithmetic', () => {
    const address = fc.integer({ min: 0, max: 2 ** 32 - 1 });
    const dotted = (bits: number): string => [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join('.');
    void fc.assert(
      fc.property(
        address,
        address,
        fc.integer({ min: 0, max: 32 }),
        fc.boolean(),
        (network, other, bits, near) => {
          const value = near ? (network ^ (other >>> Math.min(bits, 31))) >>> 0 : other;
          const expected = Math.floor(network / 2 ** (32 - bits)) === Math.floor(value / 2 ** (32 - bits));
          expect(matches({ ip: [{ cidr: `${dotted(network)}/${bits}` }] }, { ip: dotted(value) })).toBe(
            expected,
          );
        },
      ),
    );
  });
});
