import { z } from 'zod';
import type { AwsError } from '../service';
import { invalid } from './failures';
import type { Place } from './state';

/** One API operation: the decoded request body in, the decoded response body out. Throws AwsError. */
export type Operation = (input: unknown, caller: Place) => object;
export type Operations = Readonly<Record<string, Operation>>;

/**
 * An operation that reads its input by schema. `registryId` names another account's registry in the caller's
 * Region, as everywhere in this API.
 */
export function operation<Schema extends z.ZodType>(
  schema: Schema,
  run: (input: z.output<Schema>, place: Place) => object,
): Operation {
  const withRegistry = z.object({ registryId: registryId.optional() });
  return (input, { account, region }) => {
    const place = { account: read(withRegistry, input).registryId ?? account, region };
    return run(read(schema, input), place);
  };
}

function read<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const { data, error, success } = schema.safeParse(input, { reportInput: true });
  if (success) return data;
  throw invalidMember(error.issues[0]!);
}

function invalidMember(issue: z.core.$ZodIssue): AwsError {
  return invalid(issue.path.join('.'), constraintOf(issue));
}

function constraintOf(issue: z.core.$ZodIssue): string {
  const kind =
    'origin' in issue && issue.origin !== 'string' && issue.origin !== 'array' ? 'value' : 'length';
  switch (issue.code) {
    case 'too_small':
      return `Member must have ${kind} greater than or equal to ${issue.minimum}`;
    case 'too_big':
      return `Member must have ${kind} less than or equal to ${issue.maximum}`;
    case 'invalid_value':
      return `Member must satisfy enum value set: [${issue.values.join(', ')}]`;
    case 'invalid_format':
      return `must satisfy regular expression '${issue.format === 'regex' ? bare(issue.pattern) : issue.format}'`;
    case 'invalid_type':
      return issue.input === undefined ? 'must not be null' : `must be of type ${issue.expected}`;
    default:
      return issue.message;
  }
}

/** `/^…$/` as the API model writes it. */
function bare(pattern = ''): string {
  return pattern.replace(/^\/\^?/, '').replace(/\$?\/$/, '');
}

const segment = '[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*';
export const registryId = z.string().regex(/^[0-9]{12}$/);
export const repositoryName = z
  .string()
  .min(2)
  .max(256)
  .regex(new RegExp(`^${segment}(\\/${segment})*$`));
export const regionName = z.string().regex(/^[0-9a-z-]{2,25}$/);
export const inRepository = z.object({ repositoryName });

/** The API says 1 to 300 characters; what a registry takes is the grammar of the OCI distribution specification. */
export const tagPattern = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
export const imageTag = z.string().min(1).max(300).regex(tagPattern);
export const digestPattern = /^[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+$/;
export const digest = z.string().regex(digestPattern);
/** One image by digest, tag or both, checked: for the operations that answer a bad id by failing. */
export const imageId = z
  .object({ imageDigest: digest.optional(), imageTag: z.string().min(1).max(300).optional() })
  .refine(({ imageDigest, imageTag }) => imageDigest !== undefined || imageTag !== undefined, {
    message: 'both tag and digest cannot be null',
  });
/** Unchecked ids, for the operations that answer a bad id within their list of failures. */
export const looseImageIds = z
  .array(z.object({ imageDigest: z.string().optional(), imageTag: z.string().optional() }))
  .min(1)
  .max(100);

export const resourceTags = z.array(z.object({ Key: z.string(), Value: z.string() }));
export const nextToken = z.string().optional();

export function pageSize(greatest: number, usual: number) {
  return z.int().min(1).max(greatest).default(usual);
}

/** A list that, where it is given, has members. */
export function listOf<Member extends z.ZodType>(member: Member, greatest: number) {
  return z.array(member).min(1).max(greatest);
}

/** A token is the position after which the next page begins, in a wrapping that keeps clients from reading it. */
export function tokenFrom(position: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

/** Throws InvalidParameterException for a token that `tokenFrom` did not make of the same kinds of members. */
export function positionFrom<Position extends z.ZodType>(
  schema: Position,
  token: string,
): z.output<Position> {
  const { success, data } = schema.safeParse(parse(Buffer.from(token, 'base64url').toString()));
  if (!success) throw invalid('nextToken', 'is not a token of an earlier page');
  return data;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** ECR's timestamps on the wire: epoch seconds with a fraction. */
export function seconds(milliseconds: number): number {
  return milliseconds / 1000;
}
