export type Severity = 'low' | 'medium' | 'high' | 'critical';
export const severities: readonly Severity[] = ['low', 'medium', 'high', 'critical'];

/** Small JSON that shows why: names, numbers and short lists, never a whole document. */
export type Evidence = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

/** What one rule says of one resource now. `until` is the ISO instant after which a `pending` turns by time alone. */
export type Result =
  | { readonly status: 'pass' }
  | { readonly status: 'fail'; readonly message: string; readonly evidence: Evidence }
  | {
      readonly status: 'pending';
      readonly message: string;
      readonly evidence: Evidence;
      readonly until: string;
    }
  | { readonly status: 'skip'; readonly message: string }
  | { readonly status: 'error'; readonly message: string };

export function pass(): Result {
  return { status: 'pass' };
}

export function fail(message: string, evidence: Evidence = {}): Result {
  return { status: 'fail', message, evidence };
}

export function pending(until: string, message: string, evidence: Evidence = {}): Result {
  return { status: 'pending', message, evidence, until };
}

/** The rule has nothing to say here, and that will not change by itself. Never a pass. */
export function skip(message: string): Result {
  return { status: 'skip', message };
}

/** The rule could not see what it needs, and time will not lift that: denied, archived, unsupported. Never a pass. */
export function error(message: string): Result {
  return { status: 'error', message };
}
