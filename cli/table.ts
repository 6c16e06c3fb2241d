import Table from 'cli-table3';
import { printable, type Style, type Terminal } from './output';

export interface Column<Row> {
  readonly head: string;
  cell(row: Row): string;
  style?(row: Row): Style;
  /** Takes what is left of the width and is cut where that is too little. */
  readonly flexible?: true;
}

const gap = 2;
const narrowest = 12;

/** Rows under their heads, without lines. Columns are as wide as they need; a flexible one gives way. */
export function table<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { width, paint }: Pick<Terminal, 'width' | 'paint'>,
): string {
  const cells = rows.map((row) => columns.map((column) => printable(column.cell(row))));
  const natural = columns.map((column, index) =>
    Math.max(column.head.length, ...cells.map((row) => row[index]?.length ?? 0)),
  );
  const widths = fittedWidths(
    natural,
    columns.map(({ flexible }) => flexible === true),
    width,
  );
  const drawn = new Table({
    head: columns.map(({ head }) => paint('dim', head)),
    chars: borderless,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
    colWidths: widths,
  });
  for (const [index, row] of rows.entries()) {
    drawn.push(
      columns.map((column, at) => {
        const text = shortened(cells[index]?.[at] ?? '', widths[at] ?? 0);
        const style = column.style?.(row);
        return style ? paint(style, text) : text;
      }),
    );
  }
  return `${drawn
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')}\n`;
}

/** Takes from the flexible columns, the widest first, until all fit. */
function fittedWidths(natural: readonly number[], flexible: readonly boolean[], width: number): number[] {
  const widths = [...natural];
  for (let over = sum(widths) + gap * (widths.length - 1) - width; over > 0; over -= 1) {
    let widest = -1;
    for (const [index, one] of widths.entries()) {
      if (flexible[index] && one > narrowest && one > (widths[widest] ?? 0)) widest = index;
    }
    if (widest < 0) break;
    widths[widest]! -= 1;
  }
  return widths;
}

function shortened(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, Math.max(0, width - 1))}…` : text;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

const borderless = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: ' '.repeat(gap),
};
