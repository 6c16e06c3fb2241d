import { styleText } from 'node:util';
import type { KnownBlock } from '@slack/types';
import type { SlackMessage } from './message';
import { clean, plain } from './text';

type Style = 'bold' | 'dim' | 'strikethrough' | undefined;

/**
 * A Slack message as a box of text, about as Slack shows it. `width` counts the frame; below 20 it is taken as 20.
 * With `colour` lines carry ANSI styles; what outsiders wrote never does.
 */
export function renderInTerminal(
  message: SlackMessage,
  width: number,
  { title = '', colour = false }: { readonly title?: string; readonly colour?: boolean } = {},
): string {
  const inner = Math.max(20, width) - 4;
  const lines = message.blocks.flatMap((block, index) => [
    ...(index > 0 && block.type === 'section' ? [{ text: '', style: undefined }] : []),
    ...paragraphs(block).flatMap(({ text, style }) =>
      wrap(text, inner).map((line) => ({ text: line, style })),
    ),
  ]);
  const styled = (text: string, style: Style) =>
    // The stream is not asked: the caller knows where the text goes.
    colour && style ? styleText(style, text, { validateStream: false }) : text;
  const [label = ''] = title === '' ? [] : wrap(clean(title), inner - 2);
  const top = label === '' ? '' : ` ${label} `;
  return [
    `╭─${top}${'─'.repeat(inner + 1 - widthOf(top))}╮`,
    ...lines.map(
      ({ text, style }) => `│ ${styled(text, style)}${' '.repeat(Math.max(0, inner - widthOf(text)))} │`,
    ),
    `╰${'─'.repeat(inner + 2)}╯`,
  ].join('\n');
}

function paragraphs(block: KnownBlock): readonly { text: string; style: Style }[] {
  switch (block.type) {
    case 'header':
      return [{ text: plain(block.text), style: 'bold' }];
    case 'section':
      if (!block.text) return [];
      return [
        { text: plain(block.text), style: block.text.text.startsWith('~') ? 'strikethrough' : undefined },
      ];
    case 'context':
      return block.elements.flatMap((element) =>
        'text' in element ? [{ text: plain(element), style: 'dim' as const }] : [],
      );
    default:
      return [];
  }
}

/** Breaks at spaces; a word longer than a line is broken where the line ends. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/ +/)) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (widthOf(longer) <= width) {
      line = longer;
      continue;
    }
    if (line !== '') lines.push(line);
    line = '';
    for (const character of word) {
      if (widthOf(line + character) > width) {
        lines.push(line);
        line = '';
      }
      line += character;
    }
  }
  return line === '' ? lines : [...lines, line];
}

/** Columns of a terminal: two for emoji and for East Asian wide characters, none for what combines. */
function widthOf(text: string): number {
  let columns = 0;
  for (const character of text) {
    if (/\p{M}/u.test(character)) continue;
    columns +=
      /[\p{Emoji_Presentation}\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]/u.test(
        character,
      )
        ? 2
        : 1;
  }
  return columns;
}
