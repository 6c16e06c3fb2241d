import type { z } from 'zod';
import { AwsError } from './service';

/** The request body as the schema reads it. Throws AwsError `ValidationException` that names the member. */
export function checked<T extends z.ZodType>(schema: T, input: unknown): z.infer<T> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new AwsError(
    'ValidationException',
    `${issue?.path.join('.') || 'request'}: ${issue?.message ?? 'invalid'}`,
  );
}
