import { createHash } from 'node:crypto';
import { z } from 'zod';
import { InvalidInput } from '../shared/domain/errors';
import type { ReplayLine } from './ecr';
import { repositoryName, tagPattern } from './ecr/input';

const line = z.object({
  time: z.iso.datetime({ offset: true, error: 'write ISO 8601 with a zone, such as 2024-12-27T20:52:35Z' }),
  action: z.enum(['PUSH', 'DELETE'], 'write PUSH or DELETE'),
  repository: z.string().check((context) => {
    if (!repositoryName.safeParse(context.value).success) {
      const message = 'ECR takes 2 to 256 lower-case letters, digits, ".", "_", "-" and "/"';
      context.issues.push({ code: 'custom', message, input: context.value });
    }
  }),
  tag: z.string().regex(tagPattern, 'ECR takes at most 128 letters, digits, ".", "_" and "-"'),
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/, 'write sha256: and 64 lower-case hexadecimal digits'),
  architectures: z.array(z.string()).optional(),
});

/** One line of a replay file. Throws `InvalidInput` that names the field and says what belongs there. */
export function readReplayLine(text: string): ReplayLine {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InvalidInput('the line is not JSON');
  }
  const { data, error } = line.safeParse(value);
  if (!data) {
    const [issue] = error.issues;
    const field = issue?.path.join('.');
    const missing = field && typeof value === 'object' && value !== null && !(field in value);
    throw new InvalidInput(
      missing
        ? `"${field}" is missing`
        : field
          ? `${field}: ${issue?.message}`
          : 'the line is no JSON object with time, action, repository, tag and digest',
    );
  }
  const { architectures, ...rest } = data;
  return { ...rest, ...(architectures && { architectures }) };
}

/** The event's id: a hash of the line in the form of a UUID, like EventBridge's own. Equal lines are one event. */
export function replayEventId(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    '-',
  );
}
