import { InvalidInput } from '../../shared/domain/errors';
import type { Clock } from '../clock';
import { AwsError, type Call, type Service } from '../service';
import { announceCall, isReadOnly } from './cloudtrail';
import type { Context, Copy } from './context';
import { type EcrEvent, envelope } from './events';
import { imageOperations } from './images';
import type { Operations } from './input';
import { layerOperations } from './layers';
import { listingOperations } from './listings';
import { imageConfigType, imageManifestType } from './manifest';
import { registryOperations } from './registry';
import { createReplication, replicationOperations } from './replication';
import { repositoryOperations } from './repositories';
import { scanningOperations } from './scanning';
import {
  applyChange,
  createState,
  isChange,
  type Place,
  type Replayed,
  type ScanFinding,
  type ScanningConfiguration,
} from './state';

export type { Copy, EcrEvent, Place, ScanFinding, ScanningConfiguration };

export interface EcrDependencies {
  readonly clock: Clock;
  /** Ids of events, requests and uploads, in the form of a UUID. */
  newId(): string;
  /** The account that the embedded cloud's callers are in. */
  readonly account: string;
  readonly regions: readonly string[];
  /** Receives each event, as EventBridge would deliver it, at the moment when it happens. */
  emit(event: EcrEvent, place: Place): void;
  /** Keeps each change before it takes effect. An entry is one small JSON object; `replayJournal` reads them back. */
  readonly journal?: { append(entry: object): void };
  /** How long the way to a destination takes, in milliseconds, or that it fails. Default: 2 seconds. */
  replicationDelay?(copy: Copy): number | 'fail';
  /** How long restoring an archived image takes, in milliseconds. Default: 2 seconds. */
  readonly restoreDelay?: number;
  /** What a registry scans until told otherwise. Default: every push, as a basic scan. */
  readonly scanning?: ScanningConfiguration;
  /** What a basic scan finds in an image. Default: nothing. */
  findings?(image: { readonly repository: string; readonly digest: string }): readonly ScanFinding[];
  /** Says what is wrong with a lifecycle policy, or nothing. Default: any JSON with rules is right. */
  validateLifecyclePolicy?(text: string): string | undefined;
  /** The assumed-role ARN that CloudTrail's events name as the caller. */
  callerArn?(call: Call): string;
}

/** One line of a replay file. `time` is ISO 8601; the digest is taken as given. */
export interface ReplayLine extends Replayed {
  readonly architectures?: readonly string[];
}

export interface Ecr extends Service {
  /**
   * Turns one line into exactly one ECR Image Action event with the line's time and the given id. A line whose id
   * was applied before is emitted again but changes nothing. Throws InvalidInput for a time that is none.
   */
  applyReplayLine(line: ReplayLine, eventId: string, place: Place): { applied: boolean };
  /** Rebuilds the state from a journal's entries, in order, and takes up again what was under way. */
  replayJournal(entries: Iterable<object> | AsyncIterable<object>): Promise<void>;
}

const everyPush: ScanningConfiguration = {
  scanType: 'BASIC',
  rules: [{ scanFrequency: 'SCAN_ON_PUSH', repositoryFilters: [{ filter: '*', filterType: 'WILDCARD' }] }],
};

/** The embedded cloud's Amazon ECR: private registries, one for each account and Region, and the events they emit. */
export function createEcr(dependencies: EcrDependencies): Ecr {
  const { clock, journal, emit, newId } = dependencies;
  const state = createState({
    scanning: dependencies.scanning ?? everyPush,
    replication: { rules: [] },
    account: {},
  });

  const context: Context = {
    clock,
    state,
    newId,
    regions: dependencies.regions,
    commit(change) {
      journal?.append(change);
      applyChange(state, change);
    },
    announce: (place, content) => emit(envelope(place, content, newId(), clock), placeOnly(place)),
    findings: (image) => dependencies.findings?.(image) ?? [],
    validateLifecyclePolicy: (text) => dependencies.validateLifecyclePolicy?.(text),
    replicationDelay: (copy) => dependencies.replicationDelay?.(copy) ?? 2000,
    restoreDelay: dependencies.restoreDelay ?? 2000,
  };
  const callerArn =
    dependencies.callerArn ?? (() => `arn:aws:sts::${dependencies.account}:assumed-role/developer/local`);

  const replication = createReplication(context);
  const images = imageOperations(context, replication);
  const operations: Operations = {
    ...repositoryOperations(context),
    ...registryOperations(context),
    ...images.operations,
    ...listingOperations(context),
    ...scanningOperations(context),
    ...replicationOperations(context),
    ...layerOperations(context),
  };

  return {
    target: 'AmazonEC2ContainerRegistry_V20150921',
    jsonVersion: '1.1',

    async call(call) {
      const operation = Object.hasOwn(operations, call.operation) ? operations[call.operation] : undefined;
      if (!operation) {
        throw new AwsError(
          'UnknownOperationException',
          `The embedded Amazon ECR does not know the operation ${call.operation}`,
        );
      }
      if (!dependencies.regions.includes(call.region)) {
        throw new AwsError(
          'InvalidParameterException',
          `Region '${call.region}' is not one of this embedded cloud's: ${dependencies.regions.join(', ')}`,
        );
      }
      if (isReadOnly(call.operation)) return operation(call.input, call);
      try {
        const answer = operation(call.input, call);
        announceCall(context, call, callerArn(call), answer);
        return answer;
      } catch (error) {
        if (error instanceof AwsError) announceCall(context, call, callerArn(call), error);
        throw error;
      }
    },

    applyReplayLine(line, eventId, { account, region }) {
      const { time, action, repository, tag, digest } = line;
      if (Number.isNaN(Date.parse(time))) {
        throw new InvalidInput(`time: '${time}' is no date; write ISO 8601, such as 2024-12-27T20:52:35Z`);
      }
      const applied = !state.replayed.has(eventId);
      if (applied) {
        context.commit({
          change: 'replay',
          account,
          region,
          id: eventId,
          time,
          action,
          repository,
          tag,
          digest,
        });
      }
      emit(
        {
          version: '0',
          id: eventId,
          'detail-type': 'ECR Image Action',
          source: 'aws.ecr',
          account,
          time,
          region,
          resources: [],
          detail: {
            result: 'SUCCESS',
            'repository-name': repository,
            'image-digest': digest,
            'action-type': action,
            'image-tag': tag,
            ...(action === 'PUSH' && pushedMediaTypes),
          },
        },
        { account, region },
      );
      return { applied };
    },

    async replayJournal(entries) {
      for await (const entry of entries) {
        if (!isChange(entry))
          throw new InvalidInput(`journal: not an entry of ECR's: ${JSON.stringify(entry)}`);
        applyChange(state, entry);
      }
      replication.resume();
      images.resume();
    },
  };
}

const pushedMediaTypes = { 'manifest-media-type': imageManifestType, 'artifact-media-type': imageConfigType };

function placeOnly({ account, region }: Place): Place {
  return { account, region };
}
