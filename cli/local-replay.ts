import { setImmediate, setTimeout } from 'node:timers/promises';
import { startCloud } from '../local/cloud';
import { type ReplayCount, type ReplayTarget, replay } from '../local/replay';
import { openReplayFile } from '../local/replay-file';
import { severities } from '../shared/domain/result';
import { warmUp } from './build';
import { onInterrupt } from './interrupt';
import { placesOf, readLocalPolicy } from './local-policy';
import { counted, type Format, jsonText, printable, type Terminal } from './output';
import { progress } from './progress';

export interface LocalReplayOptions {
  readonly file: string;
  readonly limit?: number;
  readonly policy: string;
  readonly data?: string;
  readonly output: Format;
}

/** What `local replay` prints as JSON. */
export interface ReplayReport extends ReplayCount {
  readonly findings: { readonly open: number; readonly byRule: Readonly<Record<string, number>> };
  /** From the first line to the moment when everything was dealt with. */
  readonly seconds: number;
  readonly eventsPerSecond: number;
  readonly peakMemoryBytes: number;
}
