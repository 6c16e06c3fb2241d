import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { jsonText, printable } from '../../cli/output';
import { type Column, table } from '../../cli/table';
import { ago, whereShown } from '../../cli/words';
import { terminal } from './terminal';

describe('text from outside', () => {
  it('cannot move the cursor, recolour the screen or reorder what is read', () => {
    expect(printable('a\u001b[31m\r\n\u202eb\u0085')).toBe('a\\u001b[31m\\u000d\\u000a\\u202eb\\u0085');
    expect(printable('payments/api:v1 ümläut 漢字')).toBe('payments/api:v1 ümläut 漢字');
  });

  it('never keeps a control character, whatever it is', () => {
    void fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(printable(text)).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});

describe('JSON', () => {
  it('writes binary as lower-case hexadecimal at any depth', () => {
    const written: unknown = JSON.parse(
      jsonText({ hash: new Uint8Array([1, 171]), in: [{ key: Buffer.from('a') }] }),
    );
    expect(written).toEqual({ hash: '01ab', in: [{ key: '61' }] });
  });

  it('is one document with a line end', () => {
    expect(jsonText([])).toBe('[]\n');
  });
});

describe('a table', () => {
  interface Row {
    readonly name: string;
    readonly n: number;
    readonly why: string;
  }
  const name: Column<Row> = { head: 'NAME', cell: (row) => row.name, flexible: true };
  const n: Column<Row> = { head: 'N', cell: (row) => String(row.n) };
  const why: Column<Row> = { head: 'WHY', cell: (row) => row.why, flexible: true };
  const columns = [name, n, why];
  const row = {
    name: 'payments/api:latest',
    n: 7,
    why: 'tag "latest" is denied by "latest", and that for a good reason',
  };

  it('takes the room that it needs where there is enough', () => {
    expect(table(columns, [row], terminal({ width: Number.POSITIVE_INFINITY }))).toBe(
      'NAME                 N  WHY\n' +
        'payments/api:latest  7  tag "latest" is denied by "latest", and that for a good reason\n',
    );
  });

  it('cuts the widest flexible column first, never a fixed one', () => {
    expect(table(columns, [row], terminal({ width: 50 }))).toBe(
      'NAME                 N  WHY\n' + 'payments/api:latest  7  tag "latest" is denied by…\n',
    );
  });

  it('never exceeds the width while its flexible columns can give way', () => {
    const rows = fc.array(
      fc.record({ name: fc.string(), n: fc.nat(999), why: fc.string({ maxLength: 200 }) }),
      {
        minLength: 1,
      },
    );
    void fc.assert(
      fc.property(rows, fc.integer({ min: 40, max: 200 }), (some, width) => {
        const lines = table(columns, some, terminal({ width })).split('\n');
        // Wide characters take two columns of a cell that counts code units, so only lines of narrow ones are held to it.
        for (const line of lines) if (/^[ -~…]*$/.test(line)) expect(line.length).toBeLessThanOrEqual(width);
        expect(lines).toHaveLength(some.length + 2);
      }),
      { numRuns: 50 },
    );
  });

  it('colours a cell without moving the columns', () => {
    const styled = [{ ...name, style: () => 'red' as const }, n];
    const coloured = table(styled, [{ ...row, name: 'a' }], terminal({ colour: true }));
    expect(coloured).toContain('\u001b[31ma');
    expect(stripVTControlCharacters(coloured)).toBe(table(styled, [{ ...row, name: 'a' }], terminal()));
  });
});

describe('a time that has passed', () => {
  const now = Date.parse('2026-11-24T12:00:00Z');
  it.each([
    ['2026-11-24T11:59:58Z', '2 s ago'],
    ['2026-11-24T11:57:00Z', '3 min ago'],
    ['2026-11-24T02:30:00Z', '9 h ago'],
    ['2026-11-20T02:30:00Z', '4 d ago'],
    ['2026-11-24T12:00:05Z', '0 s ago'],
  ])('%s is %s', (time, words) => {
    expect(ago(time, now)).toBe(words);
  });
});

describe('the columns that tell registries apart', () => {
  const heads = (...places: [string, string][]) =>
    whereShown(
      places.map(([account, region]) => ({ account, region })),
      [],
    ).map(({ head }) => head);

  it('are none for one registry, the Region for one account, else both', () => {
    expect(heads(['1', 'a'], ['1', 'a'])).toEqual([]);
    expect(heads(['1', 'a'], ['1', 'b'])).toEqual(['REGION']);
    expect(heads(['1', 'a'], ['2', 'b'])).toEqual(['ACCOUNT', 'REGION']);
  });
});
