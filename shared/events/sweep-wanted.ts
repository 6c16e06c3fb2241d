/** Asks for a sweep of everything in a scope of the audit trail; the scope `policy` is everything governed. */
export type SweepWanted = {
  readonly id: string;
  readonly scope: string;
  readonly reason: string;
};

export function sweepWanted(detail: SweepWanted) {
  return { detailType: 'Sweep Wanted', detail } as const;
}
