import { severities } from '../domain/result';
import type { Policy } from '../policy/effective-policy';
import type { AlertsEntry } from '../policy/policy-document';
import type { Finding } from './finding';

/** Who hears of a finding. */
export interface Route {
  /** A channel's name without `#`, or its id. Absent: nobody is named. */
  readonly channel?: string;
  /** The team that owns the namespace. */
  readonly team?: string;
  /** Whether the finding is severe enough for a message of its own. */
  readonly severeEnough: boolean;
}

/** The owner of the namespace first, else the policy's own channel. */
export function routeOf({ resource, severity }: Finding, policy: Policy, alerts: AlertsEntry): Route {
  const repository = resource.kind === 'registry' ? undefined : resource.repository;
  const owner = policy.effectiveFor(resource, repository).namespace?.owner;
  const channel = owner?.slack ?? alerts.slack?.channel;
  const minimum = alerts.slack?.minimumSeverity ?? 'low';
  return {
    ...(channel && { channel }),
    ...(owner && { team: owner.team }),
    severeEnough: severities.indexOf(severity) >= severities.indexOf(minimum),
  };
}
