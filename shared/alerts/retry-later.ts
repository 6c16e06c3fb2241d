import { Unavailable } from '../domain/errors';

/** Unavailable, and it is known for how long. */
export class RetryLater extends Unavailable {
  constructor(
    message: string,
    readonly seconds: number,
  ) {
    super(message);
  }
}

/** Slack took nothing and asks for a pause. */
export class RateLimited extends RetryLater {
  constructor(seconds: number) {
    super(`Slack asks for a pause of ${seconds} s`, seconds);
  }
}

/** A pause that is cheaper to sit out than to come again for. */
const shortPauseSeconds = 3;

/** Tries once more after a short pause that Slack asked for; a long one is the caller's. */
export async function patiently<T>(
  attempt: () => Promise<T>,
  sleep: (milliseconds: number) => Promise<void>,
): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    if (!(error instanceof RateLimited) || error.seconds > shortPauseSeconds) throw error;
    await sleep(error.seconds * 1000);
    return attempt();
  }
}
