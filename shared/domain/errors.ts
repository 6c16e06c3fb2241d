/**
 * The three ways in which work ends without a result, by what the caller does next. Nothing else is thrown on
 * purpose; anything else is a fault of ours and is retried like `Unavailable`.
 */

/** What was given cannot be right, however often it is tried: tell whoever gave it. */
export class InvalidInput extends Error {
  override readonly name = 'InvalidInput';
}

/** What time can lift: a throttle, a time-out, a lost race, something that ECR does not show yet. Try again. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable';
}

/** A named reason not to act, by a guard or by permissions. Trying again changes nothing. */
export class Refused extends Error {
  override readonly name = 'Refused';
}
