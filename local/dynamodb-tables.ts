import { z } from 'zod';
import { checked } from './checked';
import type { Clock } from './clock';
import { type Dynalite, type Table, under } from './dynalite';
import { AwsError } from './service';
import type { Stream, TableStreams } from './table-stream';

type Input = Readonly<Record<string, unknown>>;

/** The operations on tables of one account and Region, with the settings that dynalite drops. */
export interface Tables {
  readonly operations: Readonly<Record<string, (input: Input) => Promise<object>>>;
  /** The table's stream, if one is enabled. */
  streamOf(table: string): Stream | undefined;
}

const SETTINGS = z.object({
  /** Epoch milliseconds, here and in `recoverySince`. */
  createdAt: z.number(),
  deletionProtection: z.boolean(),
  tags: z.record(z.string(), z.string()),
  stream: z
    .object({
      label: z.string(),
      view: z.enum(['KEYS_ONLY', 'NEW_IMAGE', 'OLD_IMAGE', 'NEW_AND_OLD_IMAGES']),
    })
    .optional(),
  timeToLive: z.string().optional(),
  recoverySince: z.number().optional(),
  encryption: z.object({ key: z.string().optional() }).optional(),
  tableClass: z.string().optional(),
});
type Settings = z.infer<typeof SETTINGS>;

const NAMED = z.object({ TableName: z.string() });
const TAGS = z.array(z.object({ Key: z.string(), Value: z.string() }));
const LIST = z.object({
  Limit: z.int().min(1).max(100).default(100),
  ExclusiveStartTableName: z.string().default(''),
});
const CHANGES = NAMED.extend({
  StreamSpecification: z
    .object({
      StreamEnabled: z.boolean(),
      StreamViewType: SETTINGS.shape.stream.unwrap().shape.view.optional(),
    })
    .optional(),
  DeletionProtectionEnabled: z.boolean().optional(),
  SSESpecification: z
    .object({ Enabled: z.boolean().default(false), KMSMasterKeyId: z.string().optional() })
    .optional(),
  TableClass: z.string().optional(),
  Tags: TAGS.default([]),
  GlobalSecondaryIndexUpdates: z.array(z.record(z.string(), z.unknown())).default([]),
});
const TIME_TO_LIVE = NAMED.extend({
  TimeToLiveSpecification: z.object({ Enabled: z.boolean(), AttributeName: z.string().min(1) }),
});
const RECOVERY = NAMED.extend({
  PointInTimeRecoverySpecification: z.object({ PointInTimeRecoveryEnabled: z.boolean() }),
});
const TAGGED = z.object({ ResourceArn: z.string(), Tags: TAGS });
const UNTAGGED = z.object({ ResourceArn: z.string(), TagKeys: z.array(z.string()) });

const PREFIX = 'warden~settings~';

export async function openTables(options: {
  readonly dynalite: Dynalite;
  readonly streams: TableStreams;
  readonly clock: Clock;
}): Promise<Tables> {
  const { dynalite, streams, clock } = options;
  const kept = new Map<string, Settings>();
  for await (const [key, value] of dynalite.level.iterator(under(PREFIX))) {
    kept.set(key.slice(PREFIX.length), SETTINGS.parse(value));
  }

  async function keep(name: string, settings: Settings): Promise<void> {
    await dynalite.level.batch([{ type: 'put', key: PREFIX + name, value: settings }]);
    kept.set(name, settings);
  }

  async function forget(name: string): Promise<void> {
    await dynalite.level.batch([{ type: 'del', key: PREFIX + name }]);
    kept.delete(name);
  }

  function existing(name: string): { table: Table; settings: Settings } {
    const table = dynalite.table(name);
    const settings = kept.get(name);
    if (!table || !settings) {
      throw new AwsError(
        'ResourceNotFoundException',
        `Requested resource not found: Table: ${name} not found`,
      );
    }
    return { table, settings };
  }

  function tagged(arn: string) {
    return existing(arn.split(':table/')[1] ?? arn);
  }

  function describe(name: string): object {
    const { table, settings } = existing(name);
    const { stream, encryption, tableClass } = settings;
    return {
      ...table,
      CreationDateTime: settings.createdAt / 1000,
      DeletionProtectionEnabled: settings.deletionProtection,
      ...(stream && {
        StreamSpecification: { StreamEnabled: true, StreamViewType: stream.view },
        LatestStreamLabel: stream.label,
        LatestStreamArn: `${table.TableArn}/stream/${stream.label}`,
      }),
      ...(encryption && {
        SSEDescription: { Status: 'ENABLED', SSEType: 'KMS', KMSMasterKeyArn: encryption.key },
      }),
      ...(tableClass && { TableClassSummary: { TableClass: tableClass } }),
    };
  }

  function changed(settings: Settings, changes: z.infer<typeof CHANGES>): Settings {
    const { StreamSpecification: stream, SSESpecification: encryption } = changes;
    if (stream?.StreamEnabled && !stream.StreamViewType) {
      throw new AwsError(
        'ValidationException',
        'StreamSpecification.StreamViewType is required to enable a stream.',
      );
    }
    const label = new Date(clock.now()).toISOString().slice(0, -1);
    const view = stream?.StreamEnabled ? stream.StreamViewType : undefined;
    return {
      ...settings,
      ...(stream && { stream: view && { label, view } }),
      ...(encryption && { encryption: encryption.Enabled ? { key: encryption.KMSMasterKeyId } : undefined }),
      deletionProtection: changes.DeletionProtectionEnabled ?? settings.deletionProtection,
      tableClass: changes.TableClass ?? settings.tableClass,
      tags: withTags(settings.tags, changes.Tags),
    };
  }

  const operations: Tables['operations'] = {
    async CreateTable(input) {
      const request = checked(CHANGES, input);
      if (dynalite.table(request.TableName)) {
        throw new AwsError('ResourceInUseException', `Table already exists: ${request.TableName}`);
      }
      const fresh = { createdAt: clock.now(), deletionProtection: false, tags: {} };
      // The settings first: a table without them would be none.
      await keep(request.TableName, changed(fresh, request));
      try {
        await dynalite.callDynalite('CreateTable', input);
      } catch (error) {
        await forget(request.TableName);
        throw error;
      }
      return { TableDescription: describe(request.TableName) };
    },

    async UpdateTable(input) {
      const request = checked(CHANGES, input);
      const { settings } = existing(request.TableName);
      if (request.GlobalSecondaryIndexUpdates.some((update) => 'Create' in update || 'Delete' in update)) {
        throw new AwsError(
          'ValidationException',
          'GlobalSecondaryIndexUpdates: indexes of an existing table are not added or removed here; create the table anew.',
        );
      }
      const next = changed(settings, request);
      if (
        input.BillingMode ||
        input.ProvisionedThroughput ||
        request.GlobalSecondaryIndexUpdates.length > 0
      ) {
        await dynalite.callDynalite('UpdateTable', input);
      }
      await keep(request.TableName, next);
      return { TableDescription: describe(request.TableName) };
    },

    async DeleteTable(input) {
      const { TableName: name } = checked(NAMED, input);
      const { table, settings } = existing(name);
      if (settings.deletionProtection) {
        throw new AwsError(
          'ValidationException',
          'Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.',
        );
      }
      const TableDescription = { ...describe(name), TableStatus: 'DELETING' };
      await dynalite.deleteTable(table);
      await forget(name);
      await streams.forget(table.TableArn);
      return { TableDescription };
    },

    async DescribeTable(input) {
      return { Table: describe(checked(NAMED, input).TableName) };
    },

    async ListTables(input) {
      const { Limit, ExclusiveStartTableName: after } = checked(LIST, input);
      const names = (await dynalite.tableNames()).filter((name) => name > after);
      const page = names.slice(0, Limit);
      return { TableNames: page, ...(page.length < names.length && { LastEvaluatedTableName: page.at(-1) }) };
    },

    async UpdateTimeToLive(input) {
      const { TableName: name, TimeToLiveSpecification } = checked(TIME_TO_LIVE, input);
      const { Enabled, AttributeName } = TimeToLiveSpecification;
      await keep(name, { ...existing(name).settings, timeToLive: Enabled ? AttributeName : undefined });
      return { TimeToLiveSpecification };
    },

    async DescribeTimeToLive(input) {
      const { timeToLive } = existing(checked(NAMED, input).TableName).settings;
      return {
        TimeToLiveDescription: timeToLive
          ? { TimeToLiveStatus: 'ENABLED', AttributeName: timeToLive }
          : { TimeToLiveStatus: 'DISABLED' },
      };
    },

    async UpdateContinuousBackups(input) {
      const { TableName: name, PointInTimeRecoverySpecification } = checked(RECOVERY, input);
      const { settings } = existing(name);
      const enabled = PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled;
      const next = {
        ...settings,
        recoverySince: enabled ? (settings.recoverySince ?? clock.now()) : undefined,
      };
      await keep(name, next);
      return { ContinuousBackupsDescription: continuousBackups(next, clock.now()) };
    },

    async DescribeContinuousBackups(input) {
      const { settings } = existing(checked(NAMED, input).TableName);
      return { ContinuousBackupsDescription: continuousBackups(settings, clock.now()) };
    },

    async TagResource(input) {
      const { ResourceArn, Tags } = checked(TAGGED, input);
      const { table, settings } = tagged(ResourceArn);
      await keep(table.TableName, { ...settings, tags: withTags(settings.tags, Tags) });
      return {};
    },

    async UntagResource(input) {
      const { ResourceArn, TagKeys } = checked(UNTAGGED, input);
      const { table, settings } = tagged(ResourceArn);
      const left = Object.entries(settings.tags).filter(([key]) => !TagKeys.includes(key));
      await keep(table.TableName, { ...settings, tags: Object.fromEntries(left) });
      return {};
    },

    async ListTagsOfResource(input) {
      const { settings } = tagged(checked(UNTAGGED.pick({ ResourceArn: true }), input).ResourceArn);
      return { Tags: Object.entries(settings.tags).map(([Key, Value]) => ({ Key, Value })) };
    },
  };

  let last: Promise<unknown> = Promise.resolve();
  /** One at a time, so that two calls for one table do not mix their settings. */
  const inTurn = (operation: (input: Input) => Promise<object>) => (input: Input) => {
    const turn = last.then(() => operation(input));
    last = turn.catch(() => undefined);
    return turn;
  };

  return {
    operations: Object.fromEntries(Object.entries(operations).map(([name, run]) => [name, inTurn(run)])),
    streamOf: (table) => kept.get(table)?.stream,
  };
}

function withTags(tags: Settings['tags'], added: z.infer<typeof TAGS>): Settings['tags'] {
  return { ...tags, ...Object.fromEntries(added.map(({ Key, Value }) => [Key, Value])) };
}

function continuousBackups({ recoverySince }: Settings, now: number): object {
  return {
    ContinuousBackupsStatus: 'ENABLED',
    PointInTimeRecoveryDescription:
      recoverySince === undefined
        ? { PointInTimeRecoveryStatus: 'DISABLED' }
        : {
            PointInTimeRecoveryStatus: 'ENABLED',
            EarliestRestorableDateTime: recoverySince / 1000,
            LatestRestorableDateTime: now / 1000,
          },
  };
}
