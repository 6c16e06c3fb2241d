import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { findingMessage } from '../../../shared/alerts/slack/message';
import { renderInTerminal } from '../../../shared/alerts/slack/terminal';
import { finding } from '../../builders/findings';
import { tagResource } from '../../builders/resources';

test('a message is a box of text', () => {
  const box = renderInTerminal(findingMessage(finding(), { team: 'payments' }), 60, {
    title: '#payments-registry',
  });
  expect(box).toBe(
    [
      '╭─ #payments-registry ─────────────────────────────────────╮',
      '│ 🟠 High: tag format                                      │',
      '│                                                          │',
      '│ payments/api:latest in 111122223333 eu-central-1         │',
      '│                                                          │',
      '│ Tag "latest" is denied by "latest"                       │',
      '│ allow semver, git-sha                                    │',
      '│                                                          │',
      '│ What to do: Push the image again under an allowed tag    │',
      '│ and remove this one.                                     │',
      '│ owner payments · sha256:ca978112ca1b… · first seen       │',
      '│ 2026-11-20 10:00 UTC                                     │',
      '╰──────────────────────────────────────────────────────────╯',
    ].join('\n'),
  );
});

test('colours are only ours, and only when asked for', () => {
  const message = findingMessage(finding({ status: 'resolved', message: 'a\u001b[31mred' }));
  expect(renderInTerminal(message, 60)).not.toContain('\u001b');
  const coloured = renderInTerminal(message, 60, { colour: true });
  expect(coloured).toContain('\u001b[1m');
  expect(coloured).toContain('\u001b[9m');
  expect(coloured).not.toContain('\u001b[31m');
  expect(stripVTControlCharacters(coloured)).toBe(renderInTerminal(message, 60));
});

test('whatever stands in it, every line has the width of the frame and no control character', () => {
  const text = fc.string({ maxLength: 80 });
  void fc.assert(
    fc.property(text, text, text, fc.integer({ min: 20, max: 120 }), (message, tag, title, width) => {
      const made = findingMessage(finding({ message, resource: tagResource(tag), severity: 'low' }));
      const lines = renderInTerminal(made, width, { title }).split('\n');
      for (const line of lines) expect([...line].length + (line.includes('🔵') ? 1 : 0)).toBe(width);
      expect(lines.join('')).not.toMatch(/\p{Cc}/u);
    }),
  );
});
