import { replicated } from '../../shared/rules/replicated';
import { policyOf, selected } from '../builders/policies';
import { account, hub, member, pipeline } from './in-process';

const minutes = 60_000;
const pushes = process.env.DEEP ? 10_000 : 1_000;

interface Plan {
  readonly delay: number | 'fail';
  readonly eventLost: boolean;
}

/** The same plans for the same seed: delays of 1 to 60 minutes, 2 % failing, 5 % of the replication events lost. */
function plans(seed: number): Plan[] {
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return Array.from({ length: pushes }, () => ({
    delay: random() < 0.02 ? ('fail' as const) : Math.round((1 + random() * 59) * minutes),
    eventLost: random() < 0.05,
  }));
}

test('each push to a replicated repository gets its one final verdict, and a late one is told once', async () => {
  const seed = Number(process.env.SEED ?? 20261124);
  process.stdout.write(`  seed ${seed}\n`);
  const planned = plans(seed);
  const planOf = (tag: string) => planned[Number(tag.slice(1))]!;
  const world = await pipeline({
    policy: policyOf([selected(replicated, { parameters: { within: '30m' } })]),
    replicationDelay: ({ tag }) => planOf(tag).delay,
    loses: (event) =>
      event['detail-type'] === 'ECR Replication Action' &&
      planOf(String((event.detail as Record<string, unknown>)['image-tag'])).eventLost,
  });
  await world.call('CreateRepository', { repositoryName: 'payments/api' });
  await world.call('PutReplicationConfiguration', {
    replicationConfiguration: { rules: [{ destinations: [{ region: member, registryId: account }] }] },
  });
  await world.run(1 * minutes);

  for (let index = 0; index < pushes; index += 1) {
    const imageManifest = JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: {
        mediaType: 'application/vnd.oci.image.config.v1+json',
        digest: `sha256:${'0'.repeat(64)}`,
        size: 2,
      },
      layers: [],
      annotations: { index: `${index}` },
    });
    await world.call('PutImage', { repositoryName: 'payments/api', imageManifest, imageTag: `v${index}` });
    if (index % 10 === 9) await world.run(30_000);
  }
  await world.run(120 * minutes);

  const counts = { onTime: 0, late: 0, failed: 0, told: 0, resolved: 0 };
  for (let index = 0; index < pushes; index += 1) {
    const chain = world.trail.records.filter(
      ({ scope, record }) =>
        scope === `${account}/${hub}/payments/api` && record.startsWith(`tag#v${index}#`),
    );
    const changes = chain.flatMap((record) => record.changes ?? []).map(({ kind }) => kind);
    const head = chain.at(-1)!;
    const { delay, eventLost } = planned[index]!;
    const late = delay !== 'fail' && delay > 30 * minutes;
    const arrivalSeen = !eventLost;
    const expected =
      delay === 'fail' ? ['opened'] : !late ? [] : arrivalSeen ? ['opened', 'resolved'] : ['opened'];
    expect({ index, delay, changes }).toEqual({ index, delay, changes: expected });
    expect(head.results?.filter(({ status }) => status === 'pending') ?? []).toEqual([]);
    counts[delay === 'fail' ? 'failed' : late ? 'late' : 'onTime'] += 1;
    counts.told += changes.filter((kind) => kind === 'opened').length;
    counts.resolved += changes.filter((kind) => kind === 'resolved').length;
  }
  process.stdout.write(
    `  ${JSON.stringify(counts)}, ${world.trail.records.length} records, ${world.rejected.length} rejected\n`,
  );
  expect(counts.told).toBe(counts.late + counts.failed);
  expect(world.rejected).toEqual([]);
}, 600_000);
