import type { Clock } from './clock';
import { AwsError } from './service';

/** Where EventBridge and EventBridge Scheduler send something. */
export interface Target {
  readonly arn: string;
  readonly roleArn?: string;
  readonly deadLetterArn?: string;
  readonly retryPolicy?: RetryPolicy;
  readonly sqsMessageGroupId?: string;
}

export interface RetryPolicy {
  readonly maximumRetryAttempts?: number;
  readonly maximumEventAgeInSeconds?: number;
}

/**
 * Hands a payload to a target once. A rejection is a failed delivery: with an `AwsError` of status 4xx (but 429 and
 * throttles) one that no retry can mend.
 *
 * @param attributes SQS message attributes, given only for a dead-letter queue
 */
export type Deliver = (
  target: Target,
  payload: string,
  attributes?: Readonly<Record<string, string>>,
) => Promise<void>;

export interface Parcel {
  readonly target: Target;
  /** What to send; the first attempt is 1. */
  payload(attempt: number): string;
  /** What the dead-letter queue gets if the target never takes it; attributes beyond those of the failure itself. */
  readonly deadLetter: { readonly payload: string; readonly attributes: Readonly<Record<string, string>> };
}

// "By default, EventBridge retries sending the event for 24 hours and up to 185 times with an exponential back off":
// "How EventBridge retries delivering events" in the EventBridge user guide.
const DEFAULT_RETRIES = 185;
const DEFAULT_AGE_SECONDS = 86_400;

/** Sends with EventBridge's retries and dead-letter queue. The answer settles after the first attempt and never rejects. */
export function createDelivery(deps: { clock: Clock; deliver: Deliver }): (parcel: Parcel) => Promise<void> {
  const { clock, deliver } = deps;

  async function attempt(parcel: Parcel, number: number, firstTried: number): Promise<void> {
    try {
      await deliver(parcel.target, parcel.payload(number));
    } catch (error) {
      await fail(parcel, number, firstTried, error);
    }
  }

  async function fail(parcel: Parcel, number: number, firstTried: number, error: unknown): Promise<void> {
    if (isPermanent(error)) return bury(parcel, number, error);
    const { maximumRetryAttempts = DEFAULT_RETRIES, maximumEventAgeInSeconds = DEFAULT_AGE_SECONDS } =
      parcel.target.retryPolicy ?? {};
    if (number > maximumRetryAttempts) return bury(parcel, number, error, 'MaximumRetryAttempts');
    const wait = backoff(number);
    if (clock.now() + wait - firstTried > maximumEventAgeInSeconds * 1000) {
      return bury(parcel, number, error, 'MaximumEventAgeInSeconds');
    }
    clock.after(wait, () => void attempt(parcel, number + 1, firstTried));
  }

  async function bury(parcel: Parcel, number: number, error: unknown, exhausted?: string): Promise<void> {
    const { target, deadLetter } = parcel;
    if (target.deadLetterArn === undefined) return;
    const attributes = {
      ...deadLetter.attributes,
      TARGET_ARN: target.arn,
      ERROR_CODE: error instanceof AwsError ? error.code : 'InternalError',
      ERROR_MESSAGE: error instanceof Error ? error.message : String(error),
      RETRY_ATTEMPTS: String(number - 1),
      ...(exhausted === undefined ? {} : { EXHAUSTED_RETRY_CONDITION: exhausted }),
    };
    // AWS drops what even the dead-letter queue does not take.
    await deliver({ arn: target.deadLetterArn }, deadLetter.payload, attributes).catch(() => undefined);
  }

  return (parcel) => attempt(parcel, 1, clock.now());
}

/** Doubling from one second to eight minutes, without AWS's jitter: 185 attempts then just fit in 24 hours. */
function backoff(attempt: number): number {
  return Math.min(1000 * 2 ** (attempt - 1), 465_000);
}

function isPermanent(error: unknown): boolean {
  if (!(error instanceof AwsError)) return false;
  if (error.status === 429 || /throttl|TooManyRequests|OverLimit/i.test(error.code)) return false;
  return error.status >= 400 && error.status < 500;
}
