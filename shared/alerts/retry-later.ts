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
export class RateLimited extends RetryLater {}
