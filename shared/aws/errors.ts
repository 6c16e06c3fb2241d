import { Unavailable } from '../domain/errors';
import type { Unseen } from '../domain/facts';

/** What AWS SDK errors have in common, as far as we ask. */
interface SdkError extends Error {
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $retryable?: object;
}

const denied = new Set([
  'AccessDeniedException',
  'AccessDenied',
  'UnauthorizedOperation',
  'NotAuthorizedException',
]);
const unsupported = new Set(['UnknownOperationException', 'UnsupportedImageTypeException', 'OptInRequired']);
const passing = new Set([
  'ThrottlingException',
  'Throttling',
  'TooManyRequestsException',
  'RequestLimitExceeded',
  'ProvisionedThroughputExceededException',
  'LimitExceededException',
  'ServerException',
  'ServiceUnavailable',
  'InternalServerError',
  'InternalFailure',
  'TimeoutError',
  'RequestTimeout',
  'RequestTimeoutException',
  'ExpiredTokenException',
]);
const brokenConnection = /^(ECONN|ETIMEDOUT|EPIPE|EAI_AGAIN|ENOTFOUND|EHOSTUNREACH|UND_ERR)/;

export function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : '';
}

/** A throttle, a time-out, a broken connection or a 5xx: what time can lift. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { $metadata, $retryable } = error as SdkError;
  const code = 'code' in error ? String(error.code) : '';
  return (
    passing.has(error.name) ||
    brokenConnection.test(code) ||
    ($metadata?.httpStatusCode ?? 0) >= 500 ||
    $retryable !== undefined
  );
}

/**
 * Runs one call and sorts its failures: `absent` names the errors that mean "there is none", which is an answer; a
 * denial or an unsupported call stays and becomes a fact that says so; what time can lift is thrown as `Unavailable`;
 * anything else is a fault of ours and is thrown as it is.
 */
export async function readFact<T>(
  what: string,
  absent: readonly string[],
  call: () => Promise<T>,
): Promise<T | null | Unseen> {
  try {
    return await call();
  } catch (error) {
    if (absent.includes(nameOf(error))) return null;
    if (denied.has(nameOf(error)))
      return { unseen: 'denied', message: `${what} was denied: ${messageOf(error)}` };
    if (unsupported.has(nameOf(error)))
      return { unseen: 'unsupported', message: `${what} is not supported here` };
    throw asUnavailable(what, error);
  }
}

/** The error to throw: `Unavailable` with its cause where time can lift it. */
export function asUnavailable(what: string, error: unknown): unknown {
  return isPassing(error) ? new Unavailable(`${what}: ${messageOf(error)}`, { cause: error }) : error;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
