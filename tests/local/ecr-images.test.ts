import {
  BatchDeleteImageCommand,
  BatchGetImageCommand,
  CreateRepositoryCommand,
  DescribeImageScanFindingsCommand,
  DescribeImagesCommand,
  type ECRClient,
  ImageAlreadyExistsException,
  ImageArchivedException,
  ImageDigestDoesNotMatchException,
  ImageNotFoundException,
  ImageStorageClassUpdateNotSupportedException,
  ImageTagAlreadyExistsException,
  type ImageTagMutability,
  InvalidParameterException,
  LimitExceededException,
  ListImageReferrersCommand,
  ListImagesCommand,
  PutImageCommand,
  ReferencedImagesNotFoundException,
  RepositoryNotFoundException,
  ScanNotFoundException,
  StartImageScanCommand,
  UnsupportedImageTypeException,
  UpdateImageStorageClassCommand,
} from '@aws-sdk/client-ecr';
import {
  account,
  actions,
  configType,
  detailsOf,
  digestOf,
  entriesOf,
  image,
  imageType,
  index,
  indexType,
  registry,
  short,
  start,
} from './ecr-builders';

const repositoryName = 'payments/api';

async function withRepository(options: Parameters<typeof registry>[0] = {}) {
  const made = registry(options);
  await made.client.send(new CreateRepositoryCommand({ repositoryName }));
  made.events.length = 0;
  return made;
}

function put(client: ECRClient, imageManifest: string, imageTag?: string) {
  return client.send(new PutImageCommand({ repositoryName, imageManifest, ...(imageTag && { imageTag }) }));
}

function remove(client: ECRClient, ...imageIds: { imageDigest?: string; imageTag?: string }[]) {
  return client.send(new BatchDeleteImageCommand({ repositoryName, imageIds }));
}

async function describe1(client: ECRClient, imageDigest: string) {
  const { imageDetails = [] } = await client.send(
    new DescribeImagesCommand({
      repositoryName,
      imageIds: [{ imageDigest }],
      filter: { imageStatus: 'ANY' },
    }),
  );
  return imageDetails[0];
}

describe('a push', () => {
  it('answers the image and emits one event with the envelope and detail of Amazon ECR', async () => {
    const { client, events } = await withRepository({ scanning: { scanType: 'BASIC', rules: [] } });
    const manifest = image('a');
    const { image: answered } = await put(client, manifest, 'v1');
    expect(answered).toEqual({
      registryId: account,
      repositoryName,
      imageId: { imageDigest: digestOf(manifest), imageTag: 'v1' },
      imageManifest: manifest,
      imageManifestMediaType: imageType,
    });
    expect(events[0]).toEqual({
      version: '0',
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      'detail-type': 'ECR Image Action',
      source: 'aws.ecr',
      account,
      time: '2026-11-20T10:15:30Z',
      region: 'eu-west-1',
      resources: [],
      detail: {
        result: 'SUCCESS',
        'action-type': 'PUSH',
        'repository-name': repositoryName,
        'image-digest': digestOf(manifest),
        'image-tag': 'v1',
        'manifest-media-type': imageType,
        'artifact-media-type': configType,
      },
    });
    expect(events).toHaveLength(2);
    expect(events[1]).toMatchObject({
      'detail-type': 'AWS API Call via CloudTrail',
      detail: { eventName: 'PutImage', requestParameters: { repositoryName, imageTag: 'v1' } },
    });
  });

  it('of an index comes after its children, which have an empty tag', async () => {
    const { client, events } = await withRepository();
    const [amd, arm] = [image('amd'), image('arm')];
    await expect(put(client, index(amd, arm), 'v1')).rejects.toThrow(ReferencedImagesNotFoundException);
    await put(client, amd);
    await put(client, arm);
    await put(client, index(amd, arm), 'v1');
    expect(actions(events)).toEqual([
      `PUSH ${short(amd)} ""`,
      `PUSH ${short(arm)} ""`,
      `PUSH ${short(index(amd, arm))} "v1"`,
    ]);
    expect(detailsOf(events, 'ECR Image Action')[2]).toMatchObject({ 'manifest-media-type': indexType });
  });

  it('of a tag that moves emits nothing for the image that loses it', async () => {
    const { client, events } = await withRepository();
    const [a, b] = [image('a'), image('b')];
    await put(client, a, 'latest');
    await put(client, b, 'latest');
    expect(actions(events)).toEqual([`PUSH ${short(a)} "latest"`, `PUSH ${short(b)} "latest"`]);
    expect((await describe1(client, digestOf(a)))?.imageTags).toBeUndefined();
    expect((await describe1(client, digestOf(b)))?.imageTags).toEqual(['latest']);
  });

  it('of a further tag keeps the push time, and of the same tag is refused without an event', async () => {
    const { client, clock, events } = await withRepository();
    await put(client, image('a'), 'v1');
    await clock.advance(60_000);
    await put(client, image('a'), 'v2');
    await expect(put(client, image('a'), 'v2')).rejects.toThrow(ImageAlreadyExistsException);
    await expect(put(client, image('a'))).rejects.toThrow(ImageAlreadyExistsException);
    expect(actions(events)).toHaveLength(2);
    const found = await describe1(client, digestOf(image('a')));
    expect(found?.imageTags).toEqual(['v1', 'v2']);
    expect(found?.imagePushedAt).toEqual(new Date(start));
  });

  it.each<[ImageTagMutability, string[], string, boolean]>([
    ['MUTABLE', [], 'v1', true],
    ['IMMUTABLE', [], 'v1', false],
    ['IMMUTABLE_WITH_EXCLUSION', ['latest', 'dev-*'], 'dev-7', true],
    ['IMMUTABLE_WITH_EXCLUSION', ['latest', 'dev-*'], 'xdev-7', false],
    ['IMMUTABLE_WITH_EXCLUSION', ['v*.beta'], 'v1.beta', true],
    ['IMMUTABLE_WITH_EXCLUSION', ['v*.beta'], 'v1xbeta', false],
    ['MUTABLE_WITH_EXCLUSION', ['v*'], 'v1', false],
    ['MUTABLE_WITH_EXCLUSION', ['v*'], 'latest', true],
  ])('under %s %j may move the tag %s: %s', async (imageTagMutability, exclusions, tag, moves) => {
    const { client } = registry();
    const imageTagMutabilityExclusionFilters = exclusions.map((filter) => ({
      filterType: 'WILDCARD' as const,
      filter,
    }));
    await client.send(
      new CreateRepositoryCommand({
        repositoryName,
        imageTagMutability,
        ...(exclusions.length > 0 && { imageTagMutabilityExclusionFilters }),
      }),
    );
    await put(client, image('a'), tag);
    await expect(put(client, image('a'), tag)).rejects.toThrow(ImageAlreadyExistsException);
    const second = put(client, image('b'), tag);
    if (moves) await second;
    else await expect(second).rejects.toThrow(ImageTagAlreadyExistsException);
  });

  it('is refused where manifest, digest or tag are wrong', async () => {
    const { client, events } = await withRepository();
    const send = (input: { imageManifest: string; imageTag?: string; imageDigest?: string }) =>
      client.send(new PutImageCommand({ repositoryName, ...input }));
    await expect(send({ imageManifest: '{' })).rejects.toThrow(InvalidParameterException);
    await expect(send({ imageManifest: '{"schemaVersion":2}' })).rejects.toThrow(/imageManifestMediaType/);
    await expect(send({ imageManifest: image('a'), imageTag: '-v1' })).rejects.toThrow(/'imageTag'/);
    await expect(send({ imageManifest: image('a'), imageDigest: digestOf('b') })).rejects.toThrow(
      ImageDigestDoesNotMatchException,
    );
    expect(actions(events)).toEqual([]);
    expect(detailsOf(events, 'AWS API Call via CloudTrail').map(({ errorCode }) => errorCode)).toEqual([
      'InvalidParameterException',
      'InvalidParameterException',
      'InvalidParameterException',
      'ImageDigestDoesNotMatchException',
    ]);
  });

  it('is scanned at once, once a day, if it is an image', async () => {
    const { client, clock, events } = await withRepository({
      findings: () => [{ name: 'CVE-2026-1', severity: 'HIGH' }],
    });
    await put(client, image('a'), 'v1');
    await put(client, image('a'), 'v2');
    await put(client, index(image('a')), 'v3');
    expect(events.filter((event) => event['detail-type'] === 'ECR Image Scan')).toMatchObject([
      {
        resources: [`arn:aws:ecr:eu-west-1:${account}:repository/${repositoryName}`],
        detail: {
          'scan-status': 'COMPLETE',
          'repository-name': repositoryName,
          'image-digest': digestOf(image('a')),
          'image-tags': ['v1'],
          'finding-severity-counts': { HIGH: 1 },
        },
      },
    ]);
    const scan = (imageTag: string) =>
      client.send(new StartImageScanCommand({ repositoryName, imageId: { imageTag } }));
    await expect(scan('v1')).rejects.toThrow(LimitExceededException);
    await expect(scan('v3')).rejects.toThrow(UnsupportedImageTypeException);
    await clock.advance(24 * 60 * 60 * 1000);
    await scan('v2');
    const { imageScanStatus, imageScanFindings } = await client.send(
      new DescribeImageScanFindingsCommand({ repositoryName, imageId: { imageTag: 'v1' } }),
    );
    expect(imageScanStatus?.status).toBe('COMPLETE');
    expect(imageScanFindings).toMatchObject({
      imageScanCompletedAt: new Date(clock.now()),
      findingSeverityCounts: { HIGH: 1 },
      findings: [{ name: 'CVE-2026-1', severity: 'HIGH' }],
    });
    await expect(
      client.send(new DescribeImageScanFindingsCommand({ repositoryName, imageId: { imageTag: 'v3' } })),
    ).rejects.toThrow(ScanNotFoundException);
  });
});

describe('a delete', () => {
  it('by tag removes the tag, and the image with its last tag', async () => {
    const { client, events } = await withRepository();
    const a = image('a');
    await put(client, a, 'v1');
    await put(client, a, 'v2');
    events.length = 0;
    await expect(remove(client, { imageTag: 'v1' })).resolves.toMatchObject({
      imageIds: [{ imageDigest: digestOf(a), imageTag: 'v1' }],
      failures: [],
    });
    expect((await describe1(client, digestOf(a)))?.imageTags).toEqual(['v2']);
    await remove(client, { imageTag: 'v2' });
    await expect(describe1(client, digestOf(a))).rejects.toThrow(ImageNotFoundException);
    expect(actions(events)).toEqual([`DELETE ${short(a)} "v1"`, `DELETE ${short(a)} "v2"`]);
  });

  it('by digest removes every tag, one event each, and an untagged image with one event without a tag', async () => {
    const { client, events } = await withRepository();
    const [a, b] = [image('a'), image('b')];
    await put(client, a, 'v1');
    await put(client, a, 'v2');
    await put(client, b);
    events.length = 0;
    const { imageIds } = await remove(client, { imageDigest: digestOf(a) }, { imageDigest: digestOf(b) });
    expect(imageIds).toEqual([
      { imageDigest: digestOf(a), imageTag: 'v1' },
      { imageDigest: digestOf(a), imageTag: 'v2' },
      { imageDigest: digestOf(b) },
    ]);
    expect(actions(events)).toEqual([
      `DELETE ${short(a)} "v1"`,
      `DELETE ${short(a)} "v2"`,
      `DELETE ${short(b)} no tag`,
    ]);
  });

  it('tells what it could not do within the answer', async () => {
    const { client, events } = await withRepository();
    const [a, b] = [image('a'), image('b')];
    await put(client, a, 'v1');
    await put(client, b, 'v2');
    events.length = 0;
    const { imageIds, failures = [] } = await remove(
      client,
      {},
      { imageDigest: 'sha256' },
      { imageTag: '-' },
      { imageTag: 'none' },
      { imageDigest: digestOf(a), imageTag: 'v2' },
      { imageDigest: digestOf(a), imageTag: 'none' },
    );
    expect(imageIds).toEqual([]);
    expect(failures.map(({ failureCode }) => failureCode)).toEqual([
      'MissingDigestAndTag',
      'InvalidImageDigest',
      'InvalidImageTag',
      'ImageNotFound',
      'ImageTagDoesNotMatchDigest',
      'ImageNotFound',
    ]);
    expect(actions(events)).toEqual([]);
  });

  it('with the matching tag and digest removes that tag only', async () => {
    const { client } = await withRepository();
    await put(client, image('a'), 'v1');
    await put(client, image('a'), 'v2');
    const { failures } = await remove(client, { imageDigest: digestOf(image('a')), imageTag: 'v1' });
    expect(failures).toEqual([]);
    expect((await describe1(client, digestOf(image('a'))))?.imageTags).toEqual(['v2']);
  });

  it('leaves what an index lists, its last tag included, until the index is gone', async () => {
    const { client } = await withRepository();
    const child = image('child');
    await put(client, child, 'amd64');
    await put(client, index(child), 'v1');
    const codes = async (id: { imageDigest?: string; imageTag?: string }) =>
      (await remove(client, id)).failures?.map(({ failureCode }) => failureCode);
    expect(await codes({ imageDigest: digestOf(child) })).toEqual(['ImageReferencedByManifestList']);
    expect(await codes({ imageTag: 'amd64' })).toEqual(['ImageReferencedByManifestList']);
    await put(client, child, 'other');
    expect(await codes({ imageTag: 'other' })).toEqual([]);
    expect(await codes({ imageTag: 'v1' })).toEqual([]);
    expect(await codes({ imageTag: 'amd64' })).toEqual([]);
  });
});

describe('reading', () => {
  it('counts BatchGetImage as a pull, and DescribeImages as none', async () => {
    const { client, clock } = await withRepository();
    const a = image('a', { size: 90 });
    await put(client, a, 'v1');
    expect((await describe1(client, digestOf(a)))?.lastRecordedPullTime).toBeUndefined();
    await clock.advance(1500);
    const { images = [], failures = [] } = await client.send(
      new BatchGetImageCommand({ repositoryName, imageIds: [{ imageTag: 'v1' }, { imageTag: 'v2' }] }),
    );
    expect(images).toMatchObject([
      { imageId: { imageDigest: digestOf(a), imageTag: 'v1' }, imageManifest: a },
    ]);
    expect(failures).toMatchObject([{ imageId: { imageTag: 'v2' }, failureCode: 'ImageNotFound' }]);
    expect(await describe1(client, digestOf(a))).toEqual({
      registryId: account,
      repositoryName,
      imageDigest: digestOf(a),
      imageTags: ['v1'],
      imageSizeInBytes: 100,
      imagePushedAt: new Date(start),
      imageManifestMediaType: imageType,
      artifactMediaType: configType,
      imageStatus: 'ACTIVE',
      lastRecordedPullTime: new Date(start + 1500),
    });
  });

  it('gives an index the size of its largest image', async () => {
    const { client } = await withRepository();
    const children = [image('a', { size: 90 }), image('b', { size: 40 })];
    for (const child of children) await put(client, child);
    await put(client, index(...children), 'v1');
    expect((await describe1(client, digestOf(index(...children))))?.imageSizeInBytes).toBe(100);
  });

  it('fails as a whole if one of the images asked for is missing', async () => {
    const { client } = await withRepository();
    await put(client, image('a'), 'v1');
    await expect(
      client.send(
        new DescribeImagesCommand({ repositoryName, imageIds: [{ imageTag: 'v1' }, { imageTag: 'v2' }] }),
      ),
    ).rejects.toThrow(ImageNotFoundException);
  });

  it('pages through everything once, also while images go', async () => {
    const { client } = await withRepository();
    for (let number = 0; number < 7; number += 1) await put(client, image(`${number}`), `v${number}`);
    await put(client, image('3'), 'three');
    const described: (string | undefined)[] = [];
    let nextToken: string | undefined;
    do {
      const page = await client.send(
        new DescribeImagesCommand({ repositoryName, maxResults: 2, ...(nextToken && { nextToken }) }),
      );
      described.push(...(page.imageDetails ?? []).map(({ imageDigest }) => imageDigest));
      if (described.length === 2) await remove(client, { imageTag: 'v0' });
      nextToken = page.nextToken;
    } while (nextToken);
    expect(described).toEqual([0, 1, 2, 3, 4, 5, 6].map((number) => digestOf(image(`${number}`))));

    const listed: (string | undefined)[] = [];
    do {
      const page = await client.send(
        new ListImagesCommand({ repositoryName, maxResults: 3, ...(nextToken && { nextToken }) }),
      );
      listed.push(...(page.imageIds ?? []).map(({ imageTag }) => imageTag));
      nextToken = page.nextToken;
    } while (nextToken);
    expect(listed).toEqual(['v1', 'v2', 'v3', 'three', 'v4', 'v5', 'v6']);
  });

  it('filters by tag status', async () => {
    const { client } = await withRepository();
    await put(client, image('a'), 'v1');
    await put(client, image('b'));
    const list = async (tagStatus: 'TAGGED' | 'UNTAGGED') =>
      (await client.send(new ListImagesCommand({ repositoryName, filter: { tagStatus } }))).imageIds;
    expect(await list('TAGGED')).toEqual([{ imageDigest: digestOf(image('a')), imageTag: 'v1' }]);
    expect(await list('UNTAGGED')).toEqual([{ imageDigest: digestOf(image('b')) }]);
  });

  it('lists the referrers of an image by type', async () => {
    const { client, events } = await withRepository();
    const subject = { digest: digestOf(image('a')), mediaType: imageType, size: 1 };
    await put(client, image('a'), 'v1');
    const sbom = image('sbom', {
      subject,
      artifactType: 'application/spdx+json',
      annotations: { by: 'syft' },
    });
    const signature = image('signature', { subject, artifactType: 'application/vnd.dev.cosign' });
    await put(client, sbom);
    await put(client, signature);
    const list = async (artifactTypes: string[]) =>
      (
        await client.send(
          new ListImageReferrersCommand({
            repositoryName,
            subjectId: { imageDigest: digestOf(image('a')) },
            filter: { artifactTypes },
          }),
        )
      ).referrers;
    expect(await list(['application/spdx+json'])).toEqual([
      {
        digest: digestOf(sbom),
        mediaType: imageType,
        artifactType: 'application/spdx+json',
        size: sbom.length,
        annotations: { by: 'syft' },
        artifactStatus: 'ACTIVE',
      },
    ]);
    expect(await list([])).toHaveLength(2);
    expect(actions(events, 'ECR Referrer Action')).toHaveLength(2);
    expect((await describe1(client, digestOf(sbom)))?.subjectManifestDigest).toBe(subject.digest);
  });

  it('refuses what breaks the shape of a request, naming the member', async () => {
    const { client } = await withRepository();
    const imageIds = Array.from({ length: 101 }, () => ({ imageTag: 'v1' }));
    await expect(client.send(new DescribeImagesCommand({ repositoryName, imageIds }))).rejects.toMatchObject({
      name: 'InvalidParameterException',
      message:
        "Invalid parameter at 'imageIds' failed to satisfy constraint: " +
        "'Member must have length less than or equal to 100'",
    });
    await expect(client.send(new ListImagesCommand({ repositoryName, maxResults: 1001 }))).rejects.toThrow(
      /'maxResults'.*value less than or equal to 1000/,
    );
    await expect(client.send(new ListImagesCommand({ repositoryName: 'Upper' }))).rejects.toThrow(
      /'repositoryName'.*must satisfy regular expression/,
    );
    await expect(client.send(new ListImagesCommand({ repositoryName, nextToken: 'x' }))).rejects.toThrow(
      /'nextToken'/,
    );
    await expect(client.send(new ListImagesCommand({ repositoryName: 'none' }))).rejects.toThrow(
      RepositoryNotFoundException,
    );
  });
});

describe('the archive', () => {
  it('hides an image from readers and pulls, and a restore brings it back like a push', async () => {
    const { client, clock, events } = await withRepository();
    const a = image('a');
    const move = (targetStorageClass: 'ARCHIVE' | 'STANDARD') =>
      client.send(
        new UpdateImageStorageClassCommand({
          repositoryName,
          imageId: { imageTag: 'v1' },
          targetStorageClass,
        }),
      );
    await put(client, a, 'v1');
    await clock.advance(1000);
    events.length = 0;
    await expect(move('STANDARD')).rejects.toThrow(ImageStorageClassUpdateNotSupportedException);
    expect((await move('ARCHIVE')).imageStatus).toBe('ARCHIVED');
    expect(await describe1(client, digestOf(a))).toMatchObject({
      imageStatus: 'ARCHIVED',
      lastArchivedAt: new Date(start + 1000),
    });
    expect((await client.send(new DescribeImagesCommand({ repositoryName }))).imageDetails).toEqual([]);
    const pull = await client.send(
      new BatchGetImageCommand({ repositoryName, imageIds: [{ imageTag: 'v1' }] }),
    );
    expect(pull.failures).toMatchObject([{ failureCode: 'ImageInaccessible' }]);
    await expect(
      client.send(new StartImageScanCommand({ repositoryName, imageId: { imageTag: 'v1' } })),
    ).rejects.toThrow(ImageArchivedException);

    expect((await move('STANDARD')).imageStatus).toBe('ACTIVATING');
    await clock.advance(2000);
    expect(await describe1(client, digestOf(a))).toMatchObject({
      imageStatus: 'ACTIVE',
      lastActivatedAt: new Date(start + 3000),
    });
    expect(detailsOf(events, 'ECR Image Action')).toEqual([
      {
        result: 'SUCCESS',
        'action-type': 'UPDATE_STORAGE_CLASS',
        'target-storage-class': 'ARCHIVE',
        'repository-name': repositoryName,
        'image-digest': digestOf(a),
        'manifest-media-type': imageType,
        'artifact-media-type': configType,
      },
      expect.objectContaining({
        'target-storage-class': 'STANDARD',
        'last-activated-at': '2026-11-20T10:15:33.250Z',
      }),
    ]);
    expect(detailsOf(events, 'ECR Image Scan')).toHaveLength(1);
  });

  it('goes on with a restore after a restart', async () => {
    const before = await withRepository();
    await put(before.client, image('a'), 'v1');
    for (const targetStorageClass of ['ARCHIVE', 'STANDARD'] as const) {
      const imageId = { imageTag: 'v1' };
      await before.client.send(
        new UpdateImageStorageClassCommand({ repositoryName, imageId, targetStorageClass }),
      );
    }
    const after = registry();
    await after.ecr.replayJournal(entriesOf(before.journal));
    expect((await describe1(after.client, digestOf(image('a'))))?.imageStatus).toBe('ACTIVATING');
    await after.clock.advance(2000);
    expect((await describe1(after.client, digestOf(image('a'))))?.imageStatus).toBe('ACTIVE');
  });

  it('gives an image back at once when it is pushed again', async () => {
    const { client, events } = await withRepository();
    await put(client, image('a'), 'v1');
    await client.send(
      new UpdateImageStorageClassCommand({
        repositoryName,
        imageId: { imageTag: 'v1' },
        targetStorageClass: 'ARCHIVE',
      }),
    );
    events.length = 0;
    await put(client, image('a'), 'v1');
    expect((await describe1(client, digestOf(image('a'))))?.imageStatus).toBe('ACTIVE');
    expect(actions(events).map((action) => action.split(' ')[0])).toEqual(['UPDATE_STORAGE_CLASS', 'PUSH']);
  });
});
