import type { Registry } from '../shared/domain/resource';

/** `5 s ago`, `3 min ago`, `2 h ago`, `4 d ago`: one unit, since a table has little room. */
export function ago(iso: string, now: number): string {
  const seconds = Math.max(0, Math.round((now - Date.parse(iso)) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

/** A digest by its first twelve digits, as the ECR console and `docker images` show it. */
export function shortDigests(text: string): string {
  return text.replace(/(sha256:[0-9a-f]{12})[0-9a-f]{52}/g, '$1');
}

/** The columns that tell registries apart: none where there is one, the Region, or account and Region. */
export function whereShown(
  shown: readonly Registry[],
  reachable: readonly Registry[],
): readonly { readonly head: string; cell(of: Registry): string }[] {
  const all = [...shown, ...reachable];
  const several = (of: (registry: Registry) => string): boolean => new Set(all.map(of)).size > 1;
  return [
    ...(several(({ account }) => account)
      ? [{ head: 'ACCOUNT', cell: ({ account }: Registry) => account }]
      : []),
    ...(several(({ region }) => region) ? [{ head: 'REGION', cell: ({ region }: Registry) => region }] : []),
  ];
}
