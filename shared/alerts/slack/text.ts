/**
 * Text from outside (tags, repository names, evidence, callers) on its way into a Slack message or a terminal.
 * `&`, `<` and `>` are the only characters that Slack gives a meaning of its own ("Formatting text for app
 * surfaces"): escaped, `<!channel>` is six letters and pings nobody.
 */
const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** Without control characters and what turns or hides text: bidirectional overrides, zero widths, half a surrogate pair. */
export function clean(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/[\p{Cf}\p{Cs}]+/gu, '')
    .trim();
}

/** Cleaned and escaped, of at most `limit` characters, escapes counted and never cut through; an ellipsis says so. */
export function escaped(text: string, limit: number): string {
  let fits = '';
  let upToEllipsis = '';
  for (const character of clean(text)) {
    fits += entities[character] ?? character;
    if (fits.length > limit) return `${upToEllipsis.trimEnd()}…`;
    if (fits.length < limit) upToEllipsis = fits;
  }
  return fits;
}

/** As code: whatever stands in it is shown and not read as formatting. */
export function code(text: string, limit: number): string {
  return `\`${escaped(text.replaceAll('`', "'"), limit - 2)}\``;
}

/** An instant in the reader's own time zone; in UTC where Slack's clients cannot. */
export function instant(iso: string): string {
  const seconds = Math.floor(Date.parse(iso) / 1000);
  return `<!date^${seconds}^{date_short_pretty}, {time}|${iso.slice(0, 16).replace('T', ' ')} UTC>`;
}

/** `45 s`, `5 min`, `2 h 5 min`, `3 d 4 h`: the two greatest units, since nobody counts seconds after a day. */
export function duration(milliseconds: number): string {
  const units = [
    ['d', 86_400],
    ['h', 3_600],
    ['min', 60],
  ] as const;
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const first = units.findIndex(([, length]) => seconds >= length);
  if (first < 0) return `${seconds} s`;
  return units
    .slice(first, first + 2)
    .map(([unit, length], index) => {
      const count = Math.floor((index === 0 ? seconds : seconds % units[first]![1]) / length);
      return count > 0 ? `${count} ${unit}` : '';
    })
    .filter((part) => part !== '')
    .join(' ');
}

/** Back to what a person reads: the escapes undone and, of mrkdwn, our own formatting taken away. */
export function plain({ type, text }: { readonly type: string; readonly text: string }): string {
  return clean(unescaped(type === 'mrkdwn' ? withoutMarkup(text) : text));
}

function withoutMarkup(text: string): string {
  return text
    .replace(/<!date\^[^|>]*\|([^>]*)>/g, '$1')
    .split('`')
    .map((part, index) => (index % 2 === 0 ? part.replace(/[*~]/g, '') : part))
    .join('');
}

function unescaped(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}
