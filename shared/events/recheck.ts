import { nameInScope, type Resource, resourceFrom, scopeOf } from '../domain/resource';
import type { Trigger } from '../domain/trigger';

/** What the reconcile queue carries beside ECR's events: look at a resource again once an instant is past. */
export interface RecheckMessage {
  readonly 'ecr-warden': 'recheck';
  readonly scope: string;
  /** The resource's name in its scope. */
  readonly name: string;
  /** ISO instant. */
  readonly until: string;
}

export function recheckMessage(resource: Resource, until: string): RecheckMessage {
  return { 'ecr-warden': 'recheck', scope: scopeOf(resource), name: nameInScope(resource), until };
}

/** The trigger of a recheck message; undefined for everything else that a queue may carry. */
export function parseRecheck(body: unknown): (Trigger & { readonly until: string }) | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const { 'ecr-warden': kind, scope, name, until } = body as Partial<Record<keyof RecheckMessage, unknown>>;
  if (
    kind !== 'recheck' ||
    typeof scope !== 'string' ||
    typeof name !== 'string' ||
    typeof until !== 'string'
  )
    return undefined;
  const resource = resourceFrom(scope, name);
  if (!resource || Number.isNaN(Date.parse(until))) return undefined;
  return { kind: 'recheck', eventId: `recheck ${until}`, eventTime: until, resource, until };
}
