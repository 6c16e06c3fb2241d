/** What Warden can do to a registry; each kind has its own file under `enforcement/actions/`. */
export const actionKinds = [
  'quarantine-tag',
  'set-tag-immutability',
  'set-lifecycle-policy',
  'start-replication-backfill',
] as const;
export type ActionKind = (typeof actionKinds)[number];

export type Mode = 'report' | 'enforce';

/** An action in a record. `sweep-scope` asks for a sweep of the record's scope; it changes nothing in ECR. */
export interface RecordedAction {
  readonly kind: ActionKind | 'sweep-scope';
  readonly step: 'wanted' | 'intended' | 'refused' | 'done' | 'undone';
  readonly rule?: string;
  readonly reason?: string;
}
