import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Guards one LevelDB folder. LevelDB starts afresh when CURRENT is missing, and takes a shortened MANIFEST for the
 * whole of it: both would silently lose what was stored. So a clean close notes what the folder holds, and the next
 * opening compares. After a crash there is no note; LevelDB's own checksums and the check for CURRENT remain.
 */
export interface LevelFolder {
  /** True for a folder that holds nothing yet. Throws an Error, naming the folder, for a damaged one. */
  inspect(): boolean;
  /** To call once the database is open: from here on the folder changes. */
  opened(): void;
  /** To call once the database is closed. */
  closed(): void;
  /** The error to show when LevelDB refuses to open the folder. */
  refusal(cause: unknown): Error;
}

export function levelFolder(folder: string): LevelFolder {
  const note = `${folder}.contents.json`;
  return {
    inspect() {
      const contents = contentsOf(folder);
      const names = Object.keys(contents);
      const noted = existsSync(note) ? readNote(note) : undefined;
      if (names.length === 0 && !noted) return true;
      if (!names.includes('CURRENT')) throw damaged(folder, 'its file CURRENT is missing');
      if (!noted) return false;
      const changed = [...new Set([...names, ...Object.keys(noted)])].find(
        (name) => noted[name] !== contents[name],
      );
      if (changed) throw damaged(folder, `its file ${changed} is not as it was left`);
      return false;
    },
    opened: () => rmSync(note, { force: true }),
    closed: () => writeFileSync(note, JSON.stringify(contentsOf(folder))),
    refusal(cause) {
      const chain = chainOf(cause);
      if (chain.some(({ code }) => code === 'LEVEL_LOCKED')) {
        return new Error(`The data folder ${folder} is in use by another process: stop that one first.`, {
          cause,
        });
      }
      return damaged(folder, String(chain.at(-1)?.message ?? cause), cause);
    },
  };
}

function damaged(folder: string, reason: string, cause?: unknown): Error {
  return new Error(
    `The data folder ${folder} is damaged: ${reason}. Nothing was changed; put back a copy, or choose another folder.`,
    { cause },
  );
}

/** File names with what identifies their state: a hash of the small files that name the others, else the size. */
function contentsOf(folder: string): Record<string, string> {
  if (!existsSync(folder)) return {};
  const names = readdirSync(folder).filter((name) => !/^(LOCK|LOG|LOG\.old)$/.test(name));
  return Object.fromEntries(names.sort().map((name) => [name, stateOf(join(folder, name))]));
}

function stateOf(file: string): string {
  if (/CURRENT$|MANIFEST-\d+$/.test(file))
    return createHash('sha256').update(readFileSync(file)).digest('hex');
  return String(statSync(file).size);
}

function readNote(file: string): Record<string, unknown> {
  try {
    const noted: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof noted === 'object' && noted !== null) return { ...noted };
  } catch {
    // Told below: a note that cannot be read is damage as well.
  }
  throw new Error(
    `The note ${file} beside the data folder is damaged: remove it if the folder itself is whole.`,
  );
}

/** LevelDB's own errors are not of this realm's Error where tests run. */
function chainOf(error: unknown): { code?: unknown; message?: unknown }[] {
  if (typeof error !== 'object' || error === null) return [];
  return [error, ...chainOf('cause' in error ? error.cause : undefined)];
}
