import type { TrailSource } from '../shared/audit/export';
import { exportToFile } from './export-file';
import { counted, type Format, jsonText, type Terminal } from './output';
import { progress } from './progress';

export interface AuditExportOptions {
  /** Compressed where it ends in `.gz`. */
  readonly file: string;
  readonly output?: Format;
}

/**
 * `audit export --file F`: the whole trail as JSON lines, which `audit verify F` needs nothing else to verify. One
 * that was interrupted goes on where it stopped. Throws `InvalidInput`, `Unavailable` and what the file system throws.
 */
export async function auditExport(
  { file, output }: AuditExportOptions,
  trail: TrailSource,
  terminal: Terminal,
  now: () => number,
): Promise<number> {
  const shown = progress(terminal, now);
  const steps = ({ records, scopes, ofScopes }: { records: number; scopes: number; ofScopes: number }) =>
    shown.step(() => `exporting: ${counted(records, 'record')}, ${scopes} of ${counted(ofScopes, 'scope')}`);
  const { manifest, before } = await exportToFile(file, trail, steps).finally(shown.stop);
  const { records, root, scopes } = manifest;
  if (output === 'json') {
    terminal.stdout(jsonText({ file, records, root, scopes: scopes.size, continuedAfter: before }));
    return 0;
  }
  const continued = before > 0 ? `, the first ${before} of them by an export that was interrupted` : '';
  terminal.stdout(
    `${file}: ${counted(records, 'record')} of ${counted(scopes.size, 'scope')}${continued}\nroot ${root}\n` +
      'Keep the root elsewhere: `ecr-warden audit verify FILE --anchor ROOT` then proves the file against it.\n',
  );
  return 0;
}
