import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Cloud, startCloud } from '../local/cloud';
import { register } from '../local/registration';
import { policyWithSample, sample, sampleReplicationDelay } from '../local/sample';
import { isoTime } from '../shared/domain/duration';
import { openPolicy } from '../shared/policy/open';
import { buildWhatChanged } from './build';
import { onInterrupt, pauseUnless, untilAborted } from './interrupt';
import { explainStart } from './local-cloud';
import { type LocalPolicy, placesOf, readLocalPolicy } from './local-policy';
import type { Format, Terminal } from './output';
import { type Watch, watch } from './watch';

export interface LocalStartOptions {
  readonly port: number;
  readonly data?: string;
  readonly policy: string;
  readonly output: Format;
}

/**
 * `local start`: the embedded cloud until SIGINT or SIGTERM. People see a sample being pushed into its empty registry
 * and a line a reaction; with `--output json` there is one line and no sample.
 */
export async function localStart(options: LocalStartOptions, terminal: Terminal): Promise<number> {
  const interrupt = onInterrupt();
  const forPeople = options.output === 'text';
  const written = readLocalPolicy(options.policy, Date.now());
  const places = placesOf(written.compiled);
  const used = forPeople ? withSample(written, places.regions) : { ...written, remove: () => undefined };
  let watched: Watch | undefined;
  try {
    await buildWhatChanged(used.file, forPeople ? terminal : undefined);
    if (interrupt.signal.aborted) return 0;
    const cloud = await startCloud({});
  } finally {
    used.remove();
    interrupt.release();
  }
  return 0;
}
