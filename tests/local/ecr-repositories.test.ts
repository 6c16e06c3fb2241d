import {
  BatchCheckLayerAvailabilityCommand,
  BatchGetRepositoryScanningConfigurationCommand,
  CompleteLayerUploadCommand,
  CreateRepositoryCommand,
  DeleteLifecyclePolicyCommand,
  DeleteRegistryPolicyCommand,
  DeleteRepositoryCommand,
  DeleteRepositoryPolicyCommand,
  DescribePullThroughCacheRulesCommand,
  DescribeRegistryCommand,
  DescribeRepositoriesCommand,
  DescribeRepositoryCreationTemplatesCommand,
  GetAccountSettingCommand,
  GetAuthorizationTokenCommand,
  GetDownloadUrlForLayerCommand,
  GetLifecyclePolicyCommand,
  GetRegistryPolicyCommand,
  GetRegistryScanningConfigurationCommand,
  GetRepositoryPolicyCommand,
  GetSigningConfigurationCommand,
  InitiateLayerUploadCommand,
  InvalidLayerException,
  InvalidLayerPartException,
  InvalidParameterException,
  LifecyclePolicyNotFoundException,
  ListTagsForResourceCommand,
  PutAccountSettingCommand,
  PutImageCommand,
  PutImageScanningConfigurationCommand,
  PutImageTagMutabilityCommand,
  PutLifecyclePolicyCommand,
  PutRegistryPolicyCommand,
  PutRegistryScanningConfigurationCommand,
  RegistryPolicyNotFoundException,
  RepositoryAlreadyExistsException,
  RepositoryNotEmptyException,
  RepositoryNotFoundException,
  RepositoryPolicyNotFoundException,
  SetRepositoryPolicyCommand,
  SigningConfigurationNotFoundException,
  StartReplicationBackfillCommand,
  TagResourceCommand,
  TooManyTagsException,
  UntagResourceCommand,
  UploadLayerPartCommand,
  UploadNotFoundException,
} from '@aws-sdk/client-ecr';
import { account, away, detailsOf, digestOf, home, image, registry, start } from './ecr-builders';

const repositoryName = 'payments/api';
const repositoryArn = `arn:aws:ecr:eu-west-1:${account}:repository/${repositoryName}`;
const cloudTrail = 'AWS API Call via CloudTrail';
const policyText = JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Deny' }] });

describe('a repository', () => {
  it('has what it was created with, and the defaults of Amazon ECR', async () => {
    const { client, clock } = registry();
    const created = await client.send(new CreateRepositoryCommand({ repositoryName }));
    expect(created.repository).toEqual({
      repositoryArn,
      registryId: account,
      repositoryName,
      repositoryUri: `${account}.dkr.ecr.eu-west-1.amazonaws.com/${repositoryName}`,
      createdAt: new Date(start),
      imageTagMutability: 'MUTABLE',
      imageScanningConfiguration: { scanOnPush: false },
      encryptionConfiguration: { encryptionType: 'AES256' },
    });
    await clock.advance(1);
    await client.send(
      new CreateRepositoryCommand({
        repositoryName: 'a__b/c--d',
        imageTagMutability: 'IMMUTABLE_WITH_EXCLUSION',
        imageTagMutabilityExclusionFilters: [{ filterType: 'WILDCARD', filter: 'latest' }],
        tags: [{ Key: 'team', Value: 'payments' }],
      }),
    );
    const { repositories } = await client.send(
      new DescribeRepositoriesCommand({ repositoryNames: ['a__b/c--d'] }),
    );
    expect(repositories).toMatchObject([
      {
        imageTagMutability: 'IMMUTABLE_WITH_EXCLUSION',
        imageTagMutabilityExclusionFilters: [{ filterType: 'WILDCARD', filter: 'latest' }],
      },
    ]);
  });

  it.each(['a', 'Payments', 'a//b', '-a', 'a_', 'a..b', 'a/', `${'a'.repeat(257)}`])(
    'cannot be called %j',
    async (name) => {
      const { client } = registry();
      await expect(client.send(new CreateRepositoryCommand({ repositoryName: name }))).rejects.toThrow(
        /^Invalid parameter at 'repositoryName' failed to satisfy constraint: /,
      );
    },
  );

  it('is listed in pages', async () => {
    const { client } = registry();
    for (const name of ['cc', 'aa', 'bb']) {
      await client.send(new CreateRepositoryCommand({ repositoryName: name }));
    }
    const first = await client.send(new DescribeRepositoriesCommand({ maxResults: 2 }));
    const second = await client.send(
      new DescribeRepositoriesCommand({
        maxResults: 2,
        ...(first.nextToken && { nextToken: first.nextToken }),
      }),
    );
    const names = [first, second].map((page) => page.repositories?.map((one) => one.repositoryName));
    expect(names).toEqual([['aa', 'bb'], ['cc']]);
    expect(second.nextToken).toBeUndefined();
    await expect(
      client.send(new DescribeRepositoriesCommand({ repositoryNames: ['aa', 'none'] })),
    ).rejects.toMatchObject({
      name: 'RepositoryNotFoundException',
      message: `The repository with name 'none' does not exist in the registry with id '${account}'`,
    });
  });

  it('exists once in a registry, and apart in each Region and account', async () => {
    const { client, remote } = registry();
    await client.send(new CreateRepositoryCommand({ repositoryName }));
    await expect(client.send(new CreateRepositoryCommand({ repositoryName }))).rejects.toThrow(
      RepositoryAlreadyExistsException,
    );
    expect((await remote.send(new DescribeRepositoriesCommand({}))).repositories).toEqual([]);
    const registryId = '999988887777';
    expect((await client.send(new DescribeRepositoriesCommand({ registryId }))).repositories).toEqual([]);
  });

  it('is deleted with its images only by force', async () => {
    const { client } = registry();
    await client.send(new CreateRepositoryCommand({ repositoryName }));
    await client.send(new PutImageCommand({ repositoryName, imageManifest: image('a') }));
    await expect(client.send(new DeleteRepositoryCommand({ repositoryName }))).rejects.toThrow(
      RepositoryNotEmptyException,
    );
    await client.send(new DeleteRepositoryCommand({ repositoryName, force: true }));
    await expect(client.send(new DeleteRepositoryCommand({ repositoryName }))).rejects.toThrow(
      RepositoryNotFoundException,
    );
  });

  it('takes exclusion filters with the matching mutability only', async () => {
    const { client } = registry();
    await client.send(new CreateRepositoryCommand({ repositoryName }));
    const filters = [{ filterType: 'WILDCARD' as const, filter: 'dev-*' }];
    const set = (imageTagMutability: 'MUTABLE' | 'IMMUTABLE_WITH_EXCLUSION', with_?: typeof filters) =>
      client.send(
        new PutImageTagMutabilityCommand({
          repositoryName,
          imageTagMutability,
          ...(with_ && { imageTagMutabilityExclusionFilters: with_ }),
        }),
      );
    await expect(set('MUTABLE', filters)).rejects.toThrow(InvalidParameterException);
    await expect(set('IMMUTABLE_WITH_EXCLUSION')).rejects.toThrow(InvalidParameterException);
    expect(await set('IMMUTABLE_WITH_EXCLUSION', filters)).toMatchObject({
      registryId: account,
      repositoryName,
      imageTagMutability: 'IMMUTABLE_WITH_EXCLUSION',
      imageTagMutabilityExclusionFilters: filters,
    });
  });

  it('carries resource tags', async () => {
    const { client } = registry();
    await client.send(new CreateRepositoryCommand({ repositoryName, tags: [{ Key: 'team', Value: 'a' }] }));
    const tags = [
      { Key: 'team', Value: 'b' },
      { Key: 'tier', Value: '1' },
    ];
    await client.send(new TagResourceCommand({ resourceArn: repositoryArn, tags }));
    const list = () => client.send(new ListTagsForResourceCommand({ resourceArn: repositoryArn }));
    expect((await list()).tags).toEqual(tags);
    await client.send(new UntagResourceCommand({ resourceArn: repositoryArn, tagKeys: ['team'] }));
    expect((await list()).tags).toEqual([{ Key: 'tier', Value: '1' }]);
    const many = Array.from({ length: 50 }, (_, number) => ({ Key: `key${number}`, Value: '' }));
    await expect(
      client.send(new TagResourceCommand({ resourceArn: repositoryArn, tags: many })),
    ).rejects.toThrow(TooManyTagsException);
  });

  it('keeps an access policy', async () => {
    const { client } = registry();
    await client.send(new CreateRepositoryCommand({ repositoryName }));
    const get = () => client.send(new GetRepositoryPolicyCommand({ repositoryName }));
    await expect(get()).rejects.toThrow(RepositoryPolicyNotFoundException);
    await expect(
      client.send(new SetRepositoryPolicyCommand({ repositoryName, policyText: '{}' })),
    ).rejects.toThrow(
      "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository policy provided'",
    );
    await client.send(new SetRepositoryPolicyCommand({ repositoryName, policyText }));
    expect(await get()).toMatchObject({ registryId: account, repositoryName, policyText });
    await client.send(new DeleteRepositoryPolicyCommand({ repositoryName }));
    await expect(get()).rejects.toThrow(RepositoryPolicyNotFoundException);
  });

  it('gives a lifecycle policy back with its rules by priority', async () => {
    const { client } = registry({
      validateLifecyclePolicy: (text) => (text.includes('"bad"') ? 'it is bad' : undefined),
    });
    await client.send(new CreateRepositoryCommand({ repositoryName }));
    const rule = (rulePriority: number, description = 'x'.repeat(50)) => ({ rulePriority, description });
    const put = (rules: object[]) =>
      client.send(
        new PutLifecyclePolicyCommand({
          repositoryName,
          lifecyclePolicyText: JSON.stringify({ rules }, null, 2),
        }),
      );
    const get = () => client.send(new GetLifecyclePolicyCommand({ repositoryName }));
    await expect(get()).rejects.toThrow(LifecyclePolicyNotFoundException);
    await expect(put([])).rejects.toThrow(/length greater than or equal to 100/);
    await expect(put([rule(1, 'bad'), rule(2)])).rejects.toThrow(
      "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: " +
        "'Lifecycle policy validation failure: it is bad'",
    );
    await put([rule(20), rule(3)]);
    expect((await get()).lifecyclePolicyText).toBe(JSON.stringify({ rules: [rule(3), rule(20)] }));
    const deleted = await client.send(new DeleteLifecyclePolicyCommand({ repositoryName }));
    expect(deleted.lifecyclePolicyText).toContain('"rulePriority":3');
    await expect(get()).rejects.toThrow(LifecyclePolicyNotFoundException);
  });

  it('takes layers in parts', async () => {
    const { client } = registry();
    await client.send(new CreateRepositoryCommand({ repositoryName }));
    const layer = new TextEncoder().encode('layer');
    const layerDigest = digestOf('layer');
    const { uploadId = '' } = await client.send(new InitiateLayerUploadCommand({ repositoryName }));
    const upload = (partFirstByte: number, bytes: Uint8Array, id = uploadId) =>
      client.send(
        new UploadLayerPartCommand({
          repositoryName,
          uploadId: id,
          partFirstByte,
          partLastByte: partFirstByte + bytes.length - 1,
          layerPartBlob: bytes,
        }),
      );
    const complete = (layerDigests: string[]) =>
      client.send(new CompleteLayerUploadCommand({ repositoryName, uploadId, layerDigests }));
    await upload(0, layer.slice(0, 2));
    await expect(upload(3, layer.slice(3))).rejects.toMatchObject({
      name: InvalidLayerPartException.name,
      lastValidByteReceived: 1,
      uploadId,
    });
    const overlapping = { partFirstByte: 1, partLastByte: 4, layerPartBlob: layer.slice(2) };
    await expect(
      client.send(new UploadLayerPartCommand({ repositoryName, uploadId, ...overlapping })),
    ).rejects.toThrow(InvalidLayerPartException);
    await upload(2, layer.slice(2));
    await expect(complete([digestOf('other')])).rejects.toThrow(InvalidLayerException);
    expect((await complete([layerDigest])).layerDigest).toBe(layerDigest);
    await expect(upload(5, layer)).rejects.toThrow(UploadNotFoundException);
    const { layers, failures } = await client.send(
      new BatchCheckLayerAvailabilityCommand({
        repositoryName,
        layerDigests: [layerDigest, digestOf('none'), 'bad'],
      }),
    );
    expect(layers?.map(({ layerAvailability }) => layerAvailability)).toEqual(['AVAILABLE', 'UNAVAILABLE']);
    expect(failures).toMatchObject([{ layerDigest: 'bad', failureCode: 'InvalidLayerDigest' }]);
    const { downloadUrl = '' } = await client.send(
      new GetDownloadUrlForLayerCommand({ repositoryName, layerDigest }),
    );
    expect(await (await fetch(downloadUrl)).text()).toBe('layer');
  });
});

describe('a registry', () => {
  it('scans every push by basic scanning until told otherwise', async () => {
    const { client, events } = registry();
    for (const name of ['prod', 'repo-prod', 'other']) {
      await client.send(new CreateRepositoryCommand({ repositoryName: name }));
    }
    expect(
      (await client.send(new GetRegistryScanningConfigurationCommand({}))).scanningConfiguration,
    ).toEqual({
      scanType: 'BASIC',
      rules: [
        { scanFrequency: 'SCAN_ON_PUSH', repositoryFilters: [{ filter: '*', filterType: 'WILDCARD' }] },
      ],
    });
    const configure = (filter: string) =>
      client.send(
        new PutRegistryScanningConfigurationCommand({
          scanType: 'BASIC',
          rules: [{ scanFrequency: 'SCAN_ON_PUSH', repositoryFilters: [{ filter, filterType: 'WILDCARD' }] }],
        }),
      );
    const scannedBy = async () => {
      const { scanningConfigurations, failures } = await client.send(
        new BatchGetRepositoryScanningConfigurationCommand({
          repositoryNames: ['prod', 'repo-prod', 'other', 'none'],
        }),
      );
      expect(failures).toMatchObject([{ repositoryName: 'none', failureCode: 'REPOSITORY_NOT_FOUND' }]);
      return scanningConfigurations?.filter(({ scanOnPush }) => scanOnPush).map((one) => one.repositoryName);
    };
    await configure('prod');
    expect(await scannedBy()).toEqual(['prod', 'repo-prod']);
    await configure('prod*');
    expect(await scannedBy()).toEqual(['prod']);
    for (const name of ['prod', 'other']) {
      await client.send(new PutImageCommand({ repositoryName: name, imageManifest: image('a') }));
    }
    expect(detailsOf(events, 'ECR Image Scan')).toMatchObject([{ 'repository-name': 'prod' }]);
    await expect(
      client.send(
        new PutRegistryScanningConfigurationCommand({
          scanType: 'BASIC',
          rules: [{ scanFrequency: 'CONTINUOUS_SCAN', repositoryFilters: [] }],
        }),
      ),
    ).rejects.toThrow(/CONTINUOUS_SCAN needs the scan type ENHANCED/);
  });

  it("follows the repository's own setting where the registry has no rules", async () => {
    const { client, events } = registry({ scanning: { scanType: 'BASIC', rules: [] } });
    await client.send(new CreateRepositoryCommand({ repositoryName }));
    await client.send(new PutImageCommand({ repositoryName, imageManifest: image('a') }));
    await client.send(
      new PutImageScanningConfigurationCommand({
        repositoryName,
        imageScanningConfiguration: { scanOnPush: true },
      }),
    );
    await client.send(new PutImageCommand({ repositoryName, imageManifest: image('b') }));
    expect(detailsOf(events, 'ECR Image Scan')).toMatchObject([{ 'image-digest': digestOf(image('b')) }]);
  });

  it('keeps a policy and account settings', async () => {
    const { client } = registry();
    const get = () => client.send(new GetRegistryPolicyCommand({}));
    await expect(get()).rejects.toThrow(RegistryPolicyNotFoundException);
    await client.send(new PutRegistryPolicyCommand({ policyText }));
    expect(await get()).toMatchObject({ registryId: account, policyText });
    await client.send(new DeleteRegistryPolicyCommand({}));
    await expect(get()).rejects.toThrow(RegistryPolicyNotFoundException);

    const name = 'BLOB_MOUNTING';
    expect((await client.send(new GetAccountSettingCommand({ name }))).value).toBe('DISABLED');
    await client.send(new PutAccountSettingCommand({ name, value: 'ENABLED' }));
    expect((await client.send(new GetAccountSettingCommand({ name }))).value).toBe('ENABLED');
    await expect(client.send(new PutAccountSettingCommand({ name, value: 'MAYBE' }))).rejects.toThrow(
      InvalidParameterException,
    );
  });

  it('gives tokens for twelve hours', async () => {
    const { client } = registry();
    const { authorizationData = [] } = await client.send(new GetAuthorizationTokenCommand({}));
    expect(authorizationData).toMatchObject([
      {
        expiresAt: new Date(start + 12 * 60 * 60 * 1000),
        proxyEndpoint: `https://${account}.dkr.ecr.eu-west-1.amazonaws.com`,
      },
    ]);
    expect(Buffer.from(authorizationData[0]?.authorizationToken ?? '', 'base64').toString()).toMatch(
      /^AWS:.{8}/,
    );
  });

  it('answers what asks for features that it has not in use', async () => {
    const { client } = registry();
    expect(await client.send(new DescribeRegistryCommand({}))).toMatchObject({
      registryId: account,
      replicationConfiguration: { rules: [] },
    });
    expect((await client.send(new DescribePullThroughCacheRulesCommand({}))).pullThroughCacheRules).toEqual(
      [],
    );
    const templates = await client.send(new DescribeRepositoryCreationTemplatesCommand({}));
    expect(templates.repositoryCreationTemplates).toEqual([]);
    await expect(client.send(new GetSigningConfigurationCommand({}))).rejects.toThrow(
      SigningConfigurationNotFoundException,
    );
  });

  it('says which operation or Region it does not have', async () => {
    const { client, ecr } = registry();
    const destination = { region: away.region, registryId: account };
    await expect(client.send(new StartReplicationBackfillCommand({ destination }))).rejects.toMatchObject({
      name: 'UnknownOperationException',
      message: expect.stringContaining('StartReplicationBackfill'),
    });
    await expect(ecr.call({ operation: 'constructor', input: {}, ...home })).rejects.toMatchObject({
      code: 'UnknownOperationException',
    });
    await expect(
      ecr.call({ operation: 'DescribeRegistry', input: {}, account, region: 'mars-1' }),
    ).rejects.toThrow(/mars-1.*eu-west-1, us-east-1/);
  });
});

describe('CloudTrail', () => {
  it('tells of each call that changes something, with its caller', async () => {
    const { client, events } = registry({
      callerArn: () => `arn:aws:sts::${account}:assumed-role/ci/run-42`,
    });
    await client.send(new CreateRepositoryCommand({ repositoryName }));
    await client.send(new DescribeRepositoriesCommand({}));
    expect(events).toEqual([
      {
        version: '0',
        id: expect.any(String),
        'detail-type': cloudTrail,
        source: 'aws.ecr',
        account,
        time: '2026-11-20T10:15:30Z',
        region: 'eu-west-1',
        resources: [],
        detail: expect.objectContaining({
          eventVersion: '1.09',
          eventSource: 'ecr.amazonaws.com',
          eventName: 'CreateRepository',
          eventTime: '2026-11-20T10:15:30Z',
          awsRegion: 'eu-west-1',
          eventType: 'AwsApiCall',
          readOnly: false,
          userIdentity: expect.objectContaining({
            type: 'AssumedRole',
            arn: `arn:aws:sts::${account}:assumed-role/ci/run-42`,
            accountId: account,
            sessionContext: {
              sessionIssuer: expect.objectContaining({
                arn: `arn:aws:iam::${account}:role/ci`,
                userName: 'ci',
              }),
            },
          }),
          requestParameters: { repositoryName },
          responseElements: {
            repository: expect.objectContaining({ repositoryArn, createdAt: 'Nov 20, 2026 10:15:30 AM' }),
          },
          resources: [{ ARN: repositoryArn, accountId: account }],
        }),
      },
    ]);
  });

  it('tells of a call that failed, with its error and without an answer', async () => {
    const { client, events } = registry();
    await expect(client.send(new DeleteRepositoryCommand({ repositoryName }))).rejects.toThrow();
    expect(detailsOf(events, cloudTrail)).toEqual([
      expect.objectContaining({
        eventName: 'DeleteRepository',
        errorCode: 'RepositoryNotFoundException',
        errorMessage: `The repository with name '${repositoryName}' does not exist in the registry with id '${account}'`,
        requestParameters: { repositoryName },
        responseElements: null,
      }),
    ]);
  });

  it('carries policies as text and leaves out the content of layers', async () => {
    const { client, events } = registry();
    await client.send(new CreateRepositoryCommand({ repositoryName }));
    await client.send(new SetRepositoryPolicyCommand({ repositoryName, policyText, force: true }));
    const { uploadId } = await client.send(new InitiateLayerUploadCommand({ repositoryName }));
    const part = { repositoryName, uploadId, partFirstByte: 0, partLastByte: 0 };
    await client.send(new UploadLayerPartCommand({ ...part, layerPartBlob: new Uint8Array(1) }));
    const details = detailsOf(events, cloudTrail);
    expect(details[1]?.requestParameters).toEqual({ repositoryName, policyText, force: true });
    expect(details[3]?.requestParameters).toEqual(part);
  });
});
