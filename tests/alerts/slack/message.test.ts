import fc from 'fast-check';
import { findingMessage, type SlackMessage } from '../../../shared/alerts/slack/message';
import { clean, duration, escaped, instant, plain } from '../../../shared/alerts/slack/text';
import { finding } from '../../builders/findings';
import { digest, imageResource, repositoryResource, tagResource } from '../../builders/resources';

/** Every text object of a message, in order. */
function textsOf({ blocks }: SlackMessage): { type: string; text: string }[] {
  return blocks.flatMap((block) => {
    if (block.type === 'header') return [block.text];
    if (block.type === 'section') return block.text ? [block.text] : [];
    if (block.type === 'context') return block.elements.flatMap((one) => ('text' in one ? [one] : []));
    return [];
  });
}

/** What a person reads, a line a text. */
function read(message: SlackMessage): string[] {
  return textsOf(message).map((one) => plain(one).replace(/ +/g, ' '));
}

describe('an open finding', () => {
  test('says what, where, why, what to do, who and since when', () => {
    const message = findingMessage(
      finding({
        actor: 'arn:aws:sts::111122223333:assumed-role/ci/build-7',
        evidence: { tag: 'latest', deniedBy: 'latest', allow: ['semver', 'git-sha'] },
      }),
      { team: 'payments' },
    );
    expect(read(message)).toEqual([
      '🟠 High: tag format',
      'payments/api:latest in 111122223333 eu-central-1',
      'Tag "latest" is denied by "latest"',
      'allow semver, git-sha',
      'What to do: Push the image again under an allowed tag and remove this one.',
      `owner payments · by 111122223333:assumed-role/ci/build-7 · ${digest('a').slice(0, 19)}… · first seen 2026-11-20 10:00 UTC`,
    ]);
    expect(message.text).toBe('High: payments/api:latest: tag "latest" is denied by "latest" (tag-format)');
  });

  test.each([
    ['critical', '🔴 Critical: tag format'],
    ['medium', '🟡 Medium: tag format'],
    ['low', '🔵 Low: tag format'],
  ] as const)('shows the severity %s', (severity, header) => {
    expect(read(findingMessage(finding({ severity })))[0]).toBe(header);
  });

  test('says what enforce mode does, or would do', () => {
    const said = (mode: 'report' | 'enforce') =>
      read(findingMessage(finding({ action: 'quarantine-tag', mode }))).join('\n');
    expect(said('enforce')).toContain('Warden will quarantine-tag if every guard agrees');
    expect(said('report')).toContain('in enforce mode Warden would quarantine-tag');
  });

  test('shortens digests to twelve digits', () => {
    const [, place] = read(findingMessage(finding({ resource: imageResource('a') })));
    expect(place).toContain(`payments/api@${digest('a').slice(0, 19)}… `);
  });

  test('shows a long list by its first eight', () => {
    const exclusions = Array.from({ length: 20 }, (_, index) => `e${index}-*`);
    const message = findingMessage(finding({ resource: repositoryResource(), evidence: { exclusions } }));
    expect(read(message).join('\n')).toContain('e6-*, e7-* and 12 more');
  });

  test('is the same message whenever it is made, and another one for another finding', () => {
    expect(findingMessage(finding())).toEqual(findingMessage(finding()));
    expect(findingMessage(finding())).not.toEqual(findingMessage(finding({ severity: 'low' })));
  });
});

describe('a finding that is no longer open', () => {
  const resolved = { status: 'resolved', change: 'resolved', changedAt: '2026-11-20T12:05:31.000Z' } as const;

  test('is struck and says how it ended and how long it stood', () => {
    const message = findingMessage(finding(resolved));
    expect(read(message)).toEqual([
      '✅ Resolved: tag format',
      'payments/api:latest in 111122223333 eu-central-1',
      'Put right after 2 h 5 min: the rule passes.',
      'Was: tag "latest" is denied by "latest"',
      'first seen 2026-11-20 10:00 UTC · resolved 2026-11-20 12:05 UTC',
    ]);
    expect(textsOf(message)[1]?.text).toMatch(/^~\*`payments\/api:latest`\*~/);
    expect(message.text).toBe('Resolved: payments/api:latest (tag-format)');
  });

  test.each([
    ['gone', 'The tag is gone after 2 h 5 min.'],
    ['rule not selected', 'The policy no longer asks for this here after 2 h 5 min.'],
  ])('because of "%s"', (reason, sentence) => {
    expect(read(findingMessage(finding({ ...resolved, reason })))[2]).toBe(sentence);
  });

  test('does not invent how long it stood', () => {
    const { openedAt: _, ...tombstone } = finding(resolved);
    const said = read(findingMessage(tombstone));
    expect(said[2]).toBe('Put right: the rule passes.');
    expect(said.join()).not.toContain('first seen');
  });

  test('names the exemption that allows it', () => {
    const exemption = {
      owner: 'payments',
      ticket: 'PAY-1234',
      reason: 'old pipeline',
      through: '2027-01-31',
    };
    const [header, , sentence] = read(findingMessage(finding({ status: 'exempt', exemption })));
    expect(header).toBe('⚪ Exempt: tag format');
    expect(sentence).toBe('Allowed through 2027-01-31 by payments (PAY-1234): old pipeline');
  });
});

describe('text from outside', () => {
  const hostile =
    '<!channel> <@U123> <https://evil.example|click> & *bold* `code` \u202Eevil\u0007\u0000\u200B';

  test('pings nobody and links nowhere, wherever it stands', () => {
    const message = findingMessage(
      finding({
        rule: hostile,
        message: hostile,
        evidence: { [hostile]: hostile, list: [hostile] },
        actor: hostile,
        digest: hostile,
        resource: tagResource(hostile, { repository: hostile }),
      }),
      { team: hostile },
    );
    for (const { text } of [...textsOf(message), { text: message.text }]) {
      expect(text.replace(/<!date\^\d+\^[^|<>]*\|[^<>]*>/g, '')).not.toMatch(/[<>]/);
      expect(text).not.toMatch(/[\p{Cc}\u202E\u200B]/u);
    }
  });

  test('keeps its asterisks and backticks from becoming formatting', () => {
    const message = findingMessage(finding({ message: 'none of release-*, v* or `x`' }));
    expect(textsOf(message)[2]).toEqual({
      type: 'plain_text',
      text: 'None of release-*, v* or `x`',
      emoji: false,
    });
    const ticked = findingMessage(finding({ resource: tagResource('a`b') }));
    expect(textsOf(ticked)[1]?.text).toContain("`payments/api:a'b`");
  });

  test('never breaks Slack’s limits, never is cut through an escape, and is never made dangerous', () => {
    const outside = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.stringMatching(/^[&<>`*_~!@|^a]{0,40}$/),
      fc.constantFrom('&'.repeat(9_000), '<!here>'.repeat(2_000), '🟠'.repeat(5_000), '\ud800', hostile),
    );
    void fc.assert(
      fc.property(
        fc.record({
          message: outside,
          rule: outside,
          actor: outside,
          tag: outside,
          repository: outside,
          status: fc.constantFrom(
            'open' as const,
            'resolved' as const,
            'exempt' as const,
            'snoozed' as const,
          ),
          evidence: fc.dictionary(outside, fc.oneof(outside, fc.array(outside, { maxLength: 12 })), {
            maxKeys: 6,
          }),
          team: outside,
          reason: outside,
        }),
        ({ message, rule, actor, tag, repository, status, evidence, team, reason }) => {
          const exemption = { owner: team, ticket: tag, reason, through: '2027-01-31' };
          const made = findingMessage(
            finding({
              message,
              rule,
              actor,
              status,
              evidence,
              reason,
              exemption,
              resource: tagResource(tag, { repository }),
            }),
            { team },
          );
          const texts = textsOf(made);
          expect(made.blocks.length).toBeLessThanOrEqual(50);
          for (const { type, text } of texts) {
            expect(text.length).toBeLessThanOrEqual(3_000);
            expect(text.length).toBeGreaterThan(0);
            const inner = text.replace(/<!date\^\d+\^[^|<>]*\|[^<>]*>/g, '');
            expect(inner).not.toMatch(/[<>]|&(?!(?:amp|lt|gt);)/);
            expect(inner).not.toMatch(/\p{Cs}/u);
            if (type === 'mrkdwn') expect(text.split('`').length % 2).toBe(1);
          }
          expect(texts[0]!.text.length).toBeLessThanOrEqual(150);
          expect(made.text.length + texts.reduce((sum, { text }) => sum + text.length, 0)).toBeLessThan(
            13_000,
          );
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('escaped', () => {
  test.each([
    ['abc', 3, 'abc'],
    ['abcd', 3, 'ab…'],
    ['a&b', 7, 'a&amp;b'],
    ['a&bc', 7, 'a&amp;…'],
    ['&&&', 9, '&amp;…'],
    ['🟠🟠🟠', 4, '🟠…'],
  ])('%j within %i characters is %j', (text, limit, expected) => {
    expect(escaped(text, limit)).toBe(expected);
  });

  test('is undone by plain, for text without what clean takes away', () => {
    void fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => {
        expect(plain({ type: 'plain_text', text: escaped(text, 5_000) })).toBe(clean(text));
      }),
    );
  });
});

test.each([
  [999, '0 s'],
  [45_000, '45 s'],
  [60_000, '1 min'],
  [330_000, '5 min'],
  [7_500_000, '2 h 5 min'],
  [7_200_000, '2 h'],
  [273_600_000, '3 d 4 h'],
  [86_400_000 * 3 + 60_000, '3 d'],
  [-5, '0 s'],
])('%i milliseconds are %s', (milliseconds, expected) => {
  expect(duration(milliseconds)).toBe(expected);
});

test('an instant is shown in the reader’s time zone, with UTC for who cannot', () => {
  expect(instant('2026-11-20T10:00:01.000Z')).toBe(
    '<!date^1795168801^{date_short_pretty}, {time}|2026-11-20 10:00 UTC>',
  );
});
