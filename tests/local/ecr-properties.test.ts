import fc from 'fast-check';
import type { EcrEvent, ReplayLine } from '../../local/ecr';
import { createIdSet } from '../../local/ecr/id-set';
import { isFrozen, scanningFilterMatches } from '../../local/ecr/matching';
import { newSettings } from '../../local/ecr/state';
import { AwsError } from '../../local/service';
import { away, digestOf, entriesOf, home, image, index, registry } from './ecr-builders';

const repositoryName = 'team/app';
const manifests = [image('a'), image('b'), image('c'), index(image('a'), image('b'))];
const tags = ['v1', 'v2', 'latest'];

type Made = ReturnType<typeof registry>;
interface Request {
  operation: string;
  input: Record<string, unknown>;
}

const manifest = fc.constantFrom(...manifests);
const tag = fc.constantFrom(...tags);
const id = fc.record({ imageDigest: manifest.map(digestOf), imageTag: tag }, { requiredKeys: [] });

function request(operation: string, input: fc.Arbitrary<Record<string, unknown>>): fc.Arbitrary<Request> {
  return input.map((members) => ({ operation, input: { repositoryName, ...members } }));
}

const putImage = request(
  'PutImage',
  fc.record({ imageManifest: manifest, imageTag: tag }, { requiredKeys: ['imageManifest'] }),
);
const batchDelete = request(
  'BatchDeleteImage',
  fc.record({ imageIds: fc.array(id, { minLength: 1, maxLength: 4 }) }),
);
const imageRequests = fc.array(fc.oneof({ weight: 3, arbitrary: putImage }, batchDelete), { maxLength: 40 });

/** Sends a request; the API's own errors are an answer like any other. */
async function send({ ecr }: Made, { operation, input }: Request, place = home): Promise<object> {
  try {
    return await ecr.call({ operation, input, ...place });
  } catch (error) {
    if (error instanceof AwsError) return { error: error.code, message: error.message };
    throw error;
  }
}

interface Held {
  imageDigest: string;
  imageTags?: string[];
}

async function held(made: Made): Promise<Held[]> {
  const answer = await send(made, {
    operation: 'DescribeImages',
    input: { repositoryName, maxResults: 1000 },
  });
  return 'imageDetails' in answer && Array.isArray(answer.imageDetails) ? answer.imageDetails : [];
}

async function tagMap(made: Made): Promise<Record<string, string>> {
  const pairs = (await held(made)).flatMap(({ imageDigest, imageTags = [] }) =>
    imageTags.map((one) => [one, imageDigest] as const),
  );
  expect(new Set(pairs.map(([one]) => one)).size).toBe(pairs.length);
  return Object.fromEntries(pairs);
}

function tagMapOf(events: readonly EcrEvent[]): Record<string, unknown> {
  const map = new Map<unknown, unknown>();
  for (const { detail, 'detail-type': type } of events) {
    if (type !== 'ECR Image Action' || !detail['image-tag']) continue;
    if (detail['action-type'] === 'PUSH') map.set(detail['image-tag'], detail['image-digest']);
    else if (map.get(detail['image-tag']) === detail['image-digest']) map.delete(detail['image-tag']);
  }
  return Object.fromEntries(map);
}

describe('any sequence of pushes and deletes', () => {
  it('keeps one digest a tag, the children of an index, and no image that lost its last tag by a delete', async () => {
    await fc.assert(
      fc.asyncProperty(imageRequests, async (requests) => {
        const made = registry();
        await send(made, { operation: 'CreateRepository', input: { repositoryName } });
        for (const one of requests) {
          const before = await held(made);
          const answer = await send(made, one);
          const after = await held(made);
          const digests = new Set(after.map(({ imageDigest }) => imageDigest));
          if (digests.has(digestOf(manifests[3] ?? ''))) {
            expect([...digests]).toEqual(
              expect.arrayContaining([digestOf(manifests[0] ?? ''), digestOf(manifests[1] ?? '')]),
            );
          }
          if (one.operation !== 'BatchDeleteImage' || !('imageIds' in answer)) continue;
          const untagged = (images: Held[]) =>
            images.filter(({ imageTags }) => !imageTags).map(({ imageDigest }) => imageDigest);
          expect(untagged(before)).toEqual(expect.arrayContaining(untagged(after)));
        }
        expect(tagMapOf(made.events)).toEqual(await tagMap(made));
      }),
    );
  });

  it('can be replayed from its events into the same tags', async () => {
    await fc.assert(
      fc.asyncProperty(imageRequests, async (requests) => {
        const made = registry();
        await send(made, { operation: 'CreateRepository', input: { repositoryName } });
        for (const one of requests) await send(made, one);
        const copy = registry();
        for (const { detail, id: eventId, time, 'detail-type': type } of made.events) {
          const name = String(detail['image-tag'] ?? '');
          if (type !== 'ECR Image Action' || name === '') continue;
          const line: ReplayLine = {
            time,
            action: detail['action-type'] === 'PUSH' ? 'PUSH' : 'DELETE',
            repository: repositoryName,
            tag: name,
            digest: String(detail['image-digest']),
          };
          copy.ecr.applyReplayLine(line, eventId, home);
        }
        expect(await tagMap(copy)).toEqual(await tagMap(made));
      }),
    );
  });
});

describe('a registry rebuilt from its journal', () => {
  const imageId = id.filter(
    ({ imageDigest, imageTag }) => imageDigest !== undefined || imageTag !== undefined,
  );
  const settings = fc.oneof(
    request('CreateRepository', fc.record({ repositoryName: fc.constantFrom(repositoryName, 'team/other') })),
    request('DeleteRepository', fc.record({ force: fc.boolean() })),
    request(
      'PutImageTagMutability',
      fc.record({ imageTagMutability: fc.constantFrom('MUTABLE', 'IMMUTABLE') }),
    ),
    request('SetRepositoryPolicy', fc.constant({ policyText: '{"Statement":[{}]}' })),
    request('DeleteRepositoryPolicy', fc.constant({})),
    request(
      'PutLifecyclePolicy',
      fc.constant({ lifecyclePolicyText: `{"rules":[{"rulePriority":1}]}${' '.repeat(80)}` }),
    ),
    request('DeleteLifecyclePolicy', fc.constant({})),
    request(
      'TagResource',
      fc.constant({ tags: [{ Key: 'team', Value: 'a' }], resourceArn: arn(repositoryName) }),
    ),
    request('PutAccountSetting', fc.constant({ name: 'BLOB_MOUNTING', value: 'ENABLED' })),
    request(
      'PutRegistryScanningConfiguration',
      fc.record({ scanType: fc.constantFrom('BASIC', 'ENHANCED') }),
    ),
    request(
      'PutReplicationConfiguration',
      fc.constant({
        replicationConfiguration: {
          rules: [
            {
              destinations: [{ region: away.region, registryId: away.account }],
              deleteReplication: { enabled: true },
            },
          ],
        },
      }),
    ),
  );
  const images = fc.oneof(
    { weight: 4, arbitrary: putImage },
    batchDelete,
    request('BatchGetImage', fc.record({ imageIds: fc.tuple(imageId) })),
    request('StartImageScan', fc.record({ imageId })),
    request(
      'UpdateImageStorageClass',
      fc.record({ imageId, targetStorageClass: fc.constantFrom('ARCHIVE', 'STANDARD') }),
    ),
  );
  const replayLine = fc.record({
    time: fc.constantFrom('2020-01-01T00:00:00Z', '2021-01-01T00:00:00Z'),
    action: fc.constantFrom<ReplayLine['action']>('PUSH', 'DELETE'),
    repository: fc.constantFrom(repositoryName, 'team/replayed'),
    tag,
    digest: fc.constantFrom(digestOf('x'), digestOf('y'), digestOf(manifests[0] ?? '')),
  });
  const step = fc.oneof(
    { weight: 4, arbitrary: images },
    { weight: 2, arbitrary: settings },
    { weight: 1, arbitrary: replayLine },
    { weight: 1, arbitrary: fc.constantFrom(500, 5000) },
  );

  it('answers the same', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const made = registry();
        await send(made, { operation: 'CreateRepository', input: { repositoryName } });
        for (const [number, one] of steps.entries()) {
          if (typeof one === 'number') await made.clock.advance(one);
          else if ('operation' in one) await send(made, one);
          else made.ecr.applyReplayLine(one, `line-${number}`, home);
        }
        const rebuilt = registry();
        await rebuilt.ecr.replayJournal(entriesOf(made.journal));
        expect(await everything(rebuilt)).toEqual(await everything(made));
        expect(rebuilt.events).toEqual([]);
        expect(rebuilt.journal).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it('refuses an entry that is none', async () => {
    await expect(registry().ecr.replayJournal([{ change: 'explode', ...home }])).rejects.toThrow(/explode/);
  });
});

async function everything(made: Made): Promise<object[]> {
  const answers: object[] = [];
  for (const place of [home, away]) {
    const ask = async (operation: string, input: Record<string, unknown> = {}) => {
      const answer = await send(made, { operation, input }, place);
      answers.push(answer);
      return answer;
    };
    await ask('DescribeRegistry');
    await ask('GetRegistryScanningConfiguration');
    await ask('GetAccountSetting', { name: 'BLOB_MOUNTING' });
    await ask('DescribeRepositories');
    for (const name of [repositoryName, 'team/other', 'team/replayed']) {
      const filter = { imageStatus: 'ANY' };
      const found = await ask('DescribeImages', { repositoryName: name, filter });
      await ask('ListImages', { repositoryName: name, filter });
      await ask('GetRepositoryPolicy', { repositoryName: name });
      await ask('GetLifecyclePolicy', { repositoryName: name });
      await ask('ListTagsForResource', { resourceArn: arn(name) });
      const images: Held[] =
        'imageDetails' in found && Array.isArray(found.imageDetails) ? found.imageDetails : [];
      for (const { imageDigest } of images) {
        await ask('DescribeImageReplicationStatus', { repositoryName: name, imageId: { imageDigest } });
        await ask('DescribeImageScanFindings', { repositoryName: name, imageId: { imageDigest } });
      }
      // Children of an index are known by what cannot be deleted: asked last, since asking deletes.
      for (const { imageDigest } of images) {
        await ask('BatchDeleteImage', { repositoryName: name, imageIds: [{ imageDigest }] });
      }
    }
    made.events.length = 0;
    made.journal.length = 0;
  }
  return answers;
}

function arn(name: string): string {
  return `arn:aws:ecr:${home.region}:${home.account}:repository/${name}`;
}

describe('matching', () => {
  const glob = fc.string({ unit: fc.constantFrom('a', 'b', '*'), minLength: 1, maxLength: 8 });
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 8 });
  const asRegExp = (pattern: string) => new RegExp(`^${pattern.replaceAll('*', '.*')}$`);

  it('reads a mutability exclusion as a glob over the whole tag', () => {
    void fc.assert(
      fc.property(glob, text, (exclusion, name) => {
        const base = { ...newSettings(repositoryName, 0), exclusions: [exclusion] };
        const matches = asRegExp(exclusion).test(name);
        expect(isFrozen({ ...base, mutability: 'MUTABLE_WITH_EXCLUSION' }, name)).toBe(matches);
        expect(isFrozen({ ...base, mutability: 'IMMUTABLE_WITH_EXCLUSION' }, name)).toBe(!matches);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['prod', [true, true, true, true, true]],
    ['*prod', [true, true, false, false, false]],
    ['prod*', [true, false, true, false, true]],
    ['*prod*', [true, true, true, true, true]],
    ['prod*repo', [false, false, true, false, true]],
  ])('reads the scanning filter %s as the user guide shows', (filter, expected) => {
    const names = ['prod', 'repo-prod', 'prod-repo', 'repo-prod-repo', 'prodrepo'];
    expect(names.map((name) => scanningFilterMatches(filter, name))).toEqual(expected);
  });
});

describe('the set of ids', () => {
  it('is a set', () => {
    void fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 40 }), { minLength: 800, maxLength: 1200 }), (ids) => {
        const set = createIdSet();
        const known = ids.map((one) => {
          const seen = set.has(one);
          set.add(one);
          return seen;
        });
        expect(known).toEqual(ids.map((one, at) => ids.indexOf(one) < at));
        expect(set.size).toBe(new Set(ids).size);
      }),
      { numRuns: 10 },
    );
  });

  it('tells a hundred thousand like ids apart', () => {
    const set = createIdSet();
    for (let number = 0; number < 100_000; number += 1) set.add(`00000000-0000-4000-8000-${number}`);
    expect(set.size).toBe(100_000);
    expect(set.has('00000000-0000-4000-8000-99999')).toBe(true);
    expect(set.has('00000000-0000-4000-8000-100000')).toBe(false);
  });
});
