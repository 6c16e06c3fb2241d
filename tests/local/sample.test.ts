import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { wallClock } from '../../local/clock';
import { createEcr, type EcrEvent } from '../../local/ecr';
import { policyWithSample, sample } from '../../local/sample';
import { serve } from '../../local/server';
import { compilePolicy } from '../../shared/policy/compile';
import { account } from '../builders/resources';

const regions = ['eu-central-1', 'eu-west-1'];
const shipped = join(__dirname, '../../policy.yaml');

describe('the policy of the sample', () => {
  function compiled(text: string) {
    const { policy, errors } = compilePolicy(
      { file: shipped, text, readFile: (path) => readFileSync(path, 'utf8') },
      '2026-11-24T00:00:00Z',
    );
    expect(errors).toEqual([]);
    return policy!;
  }

  it('is the shipped one with a deadline that can be watched', () => {
    const { namespaces } = compiled(policyWithSample(readFileSync(shipped, 'utf8'), regions));
    expect(namespaces.map(({ name }) => name)).toEqual(['payments', 'sandbox', 'sample-dr']);
    expect(namespaces[2]).toMatchObject({ replication: { to: ['eu-west-1'], withinMilliseconds: 10_000 } });
  });

  it('needs no more than a version to add to', () => {
    const { namespaces } = compiled(policyWithSample('version: 1\n', regions));
    expect(namespaces.map(({ name }) => name)).toEqual(['sample-dr']);
  });

  it('is the policy itself where that knows the namespace, or where there is nowhere to replicate to', () => {
    const own = 'version: 1\nnamespaces: [{ name: mine, repositories: ["sample-dr/**"] }]\n';
    expect(policyWithSample(own, regions)).toBe(own);
    expect(policyWithSample('version: 1\n', ['eu-central-1'])).toBe('version: 1\n');
  });
});

describe('the sample', () => {
  async function registry() {
    const events: EcrEvent[] = [];
    let ids = 0;
    const ecr = createEcr({
      clock: wallClock,
      newId: () => `00000000-0000-4000-8000-${String(++ids).padStart(12, '0')}`,
      account,
      regions,
      emit: (event) => events.push(event),
      replicationDelay: () => 0,
    });
    const server = await serve({ services: [ecr], port: 0, account, defaultRegion: 'eu-central-1' });
    return { server, events };
  }

  it.each([
    ['two Regions', regions],
    ['one Region', ['eu-central-1']],
  ])('is taken by a registry of %s, and wanted only once', async (_, places) => {
    const { server, events } = await registry();
    try {
      const made = sample({ endpoint: server.endpoint, account, regions: places });
      expect(await made.isWanted()).toBe(true);
      await made.prepare();
      const paused: number[] = [];
      await made.push(async (milliseconds) => paused.push(milliseconds) > 0);
      const again = sample({ endpoint: server.endpoint, account, regions: places });
      expect(await again.isWanted()).toBe(false);
      expect(paused.reduce((sum, one) => sum + one, 0)).toBeLessThan(60_000);

      const pushes = events.filter(({ detail }) => detail['action-type'] === 'PUSH');
      const names = pushes.map(({ detail }) => `${detail['repository-name']}:${detail['image-tag']}`);
      // The children of the multi-platform image come first and have no tag.
      const index = names.indexOf('payments/web:v2.0.0');
      expect(names.slice(index - 2, index)).toEqual(['payments/web:', 'payments/web:']);
      expect(names).toContain('payments/api:latest');
      expect(names.filter((name) => name === 'payments/web:v2.0.0')).toHaveLength(2);
      expect(names.includes('sample-dr/ledger:v7.3.1')).toBe(places.length > 1);
      expect(events.some(({ detail }) => detail['action-type'] === 'DELETE')).toBe(true);
    } finally {
      await server.close(0);
    }
  });
});
