/** An event of ours, on the `ecr-warden` bus. `detail.id` is the same however often the event is put. */
export interface OwnEvent {
  readonly detailType: 'Finding Changed' | 'Action Wanted' | 'Sweep Wanted';
  readonly detail: { readonly id: string } & Readonly<Record<string, unknown>>;
}

/** The `source` of everything that we put on a bus. */
export const ownSource = 'ecr-warden';
