import { BatchGetImageCommand, DescribeImagesCommand, PutImageCommand } from '@aws-sdk/client-ecr';
import type { ReplayLine } from '../../local/ecr';
import { account, actions, digestOf, entriesOf, home, registry } from './ecr-builders';

const [a, b] = [digestOf('a'), digestOf('b')];

function line(change: Partial<ReplayLine> = {}): ReplayLine {
  return {
    time: '2013-11-04T15:53:15Z',
    action: 'PUSH',
    repository: 'busybox',
    tag: 'latest',
    digest: a,
    ...change,
  };
}

function replayed(lines: readonly ReplayLine[], made = registry()) {
  const applied = lines.map((one, number) => made.ecr.applyReplayLine(one, `event-${number}`, home).applied);
  const held = async () => {
    const { imageDetails = [] } = await made.client.send(
      new DescribeImagesCommand({ repositoryName: 'busybox' }),
    );
    return imageDetails.map(({ imageDigest, imageTags, imagePushedAt }) => [
      imageDigest,
      imageTags,
      imagePushedAt,
    ]);
  };
  return { ...made, applied, held };
}

describe('a replay line', () => {
  it('becomes exactly one event with its own time and id, whatever its architectures', () => {
    const { events } = replayed([line({ architectures: ['amd64', 'arm64'] })]);
    expect(events).toEqual([
      {
        version: '0',
        id: 'event-0',
        'detail-type': 'ECR Image Action',
        source: 'aws.ecr',
        account,
        time: '2013-11-04T15:53:15Z',
        region: home.region,
        resources: [],
        detail: {
          result: 'SUCCESS',
          'action-type': 'PUSH',
          'repository-name': 'busybox',
          'image-digest': a,
          'image-tag': 'latest',
          'manifest-media-type': 'application/vnd.oci.image.manifest.v1+json',
          'artifact-media-type': 'application/vnd.oci.image.config.v1+json',
        },
      },
    ]);
  });

  it('gives a new image its time, and moves the tag of one that is held', async () => {
    const { held } = replayed([
      line(),
      line({ time: '2014-01-01T00:00:00Z', digest: b }),
      line({ time: '2015-01-01T00:00:00Z', digest: a, tag: 'old' }),
    ]);
    expect(await held()).toEqual([
      [a, ['old'], new Date('2013-11-04T15:53:15Z')],
      [b, ['latest'], new Date('2014-01-01T00:00:00Z')],
    ]);
  });

  it('keeps the image that loses its last tag by a move, and drops the one whose last tag is deleted', async () => {
    const { held } = replayed([line(), line({ digest: b }), line({ action: 'DELETE', digest: b })]);
    expect(await held()).toEqual([[a, undefined, expect.any(Date)]]);
  });

  it('that deletes what is not held is emitted all the same', async () => {
    const { held, events, applied } = replayed([
      line(),
      line({ action: 'DELETE', digest: b }),
      line({ action: 'DELETE', tag: 'none' }),
    ]);
    expect(applied).toEqual([true, true, true]);
    expect(actions(events)).toEqual([
      `PUSH ${a.slice(7, 13)} "latest"`,
      `DELETE ${b.slice(7, 13)} "latest"`,
      `DELETE ${a.slice(7, 13)} "none"`,
    ]);
    expect(await held()).toEqual([[a, ['latest'], expect.any(Date)]]);
  });

  it('that was applied before is emitted again and changes nothing, also after a restart', async () => {
    const lines = [line(), line({ digest: b }), line({ action: 'DELETE', digest: b })];
    const first = replayed(lines);
    const entries = first.journal.length;
    const again = replayed(lines, first);
    expect(again.applied).toEqual([false, false, false]);
    expect(first.events).toHaveLength(6);
    expect(first.journal).toHaveLength(entries);

    const restarted = registry();
    await restarted.ecr.replayJournal(entriesOf(first.journal));
    const after = replayed(lines, restarted);
    expect(after.applied).toEqual([false, false, false]);
    expect(await after.held()).toEqual(await first.held());
  });

  it('refuses a time that is none', () => {
    expect(() => replayed([line({ time: 'yesterday' })])).toThrow(/time: 'yesterday'.*ISO 8601/);
  });

  it('leaves an image that can be tagged anew by its manifest, under its own digest', async () => {
    const { client, events, held } = replayed([line()]);
    const repositoryName = 'busybox';
    const { images = [] } = await client.send(
      new BatchGetImageCommand({ repositoryName, imageIds: [{ imageTag: 'latest' }] }),
    );
    await client.send(
      new PutImageCommand({
        repositoryName,
        imageManifest: images[0]?.imageManifest,
        imageTag: 'quarantine',
        imageDigest: a,
      }),
    );
    expect(await held()).toEqual([[a, ['latest', 'quarantine'], expect.any(Date)]]);
    expect(actions(events).at(-1)).toBe(`PUSH ${a.slice(7, 13)} "quarantine"`);
  });
});
