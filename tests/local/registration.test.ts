import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Registration, register, runningClouds } from '../../local/registration';

describe('the registration of a running cloud', () => {
  let parent = '';
  let folder = '';
  const servers: Server[] = [];
  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'registration-'));
    folder = join(parent, 'mine');
  });
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
    rmSync(parent, { recursive: true });
  });

  /** Something that listens, in this process. */
  async function cloud(over: Partial<Registration> = {}): Promise<Registration> {
    const server = createServer((socket) => socket.destroy());
    servers.push(server);
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    return {
      endpoint: `http://127.0.0.1:${port}`,
      account: '111122223333',
      regions: ['eu-central-1'],
      pid: process.pid,
      startedAt: '2026-11-24T10:00:00Z',
      ...over,
    };
  }

  it('is found while the cloud runs, and gone when it has ended', async () => {
    const mine = await cloud({ dataDir: '/data' });
    const remove = register(mine, folder);
    expect(await runningClouds(folder)).toEqual([mine]);
    remove();
    expect(await runningClouds(folder)).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('comes with the oldest first where several run', async () => {
    const young = await cloud({ startedAt: '2026-11-24T11:00:00Z' });
    const old = await cloud();
    register(young, folder);
    register(old, folder);
    expect(await runningClouds(folder)).toEqual([old, young]);
  });

  it('is cleared away where its process was killed, or another has its number and not its port', async () => {
    const killed = await cloud({ pid: 2 ** 22 + 1 });
    register(killed, folder);
    register({ ...(await cloud()), endpoint: 'http://127.0.0.1:1' }, folder);
    expect(await runningClouds(folder)).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('that is no registration is not followed', async () => {
    register(await cloud(), folder)();
    for (const [name, text] of [
      ['a.json', 'no JSON'],
      ['b.json', JSON.stringify({ ...(await cloud()), endpoint: 'file:///etc/passwd' })],
    ] as const) {
      writeFileSync(join(folder, name), text);
    }
    expect(await runningClouds(folder)).toEqual([]);
  });

  it('is none where nobody ever ran one', async () => {
    expect(await runningClouds(join(parent, 'never'))).toEqual([]);
  });
});
