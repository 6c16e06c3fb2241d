#!/usr/bin/env node
// The deploy rehearsal: what `serverless deploy` would put into an account goes into an emulated one, an image is
// pushed there, and each promise on its way to Slack is looked at. README.md says where the emulator is not AWS.

import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { childProcesses } from './children.mjs';
import { bareEnvironment, startEmulator } from './emulator.mjs';
import { lint } from './lint.mjs';
import { pythonEnvironment, Skipped } from './python.mjs';
import { startSlackStub } from './slack-stub.mjs';
import { deployedStack } from './stack.mjs';
import { until } from './until.mjs';

// Node 20 is supported for as long as the SDK's releases of today are; the README says until when.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

const require = createRequire(import.meta.url);
const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../..');
const packageFolder = join(root, '.serverless');
const template = join(packageFolder, 'cloudformation-template-update-stack.json');

/** The registry of the shipped policy, whose payments/** refuses the tag `latest`. */
const account = '111122223333';
const region = 'eu-central-1';
const repository = 'payments/api';
const scope = `${account}/${region}/${repository}`;
const slackToken = 'xoxb-rehearsal';

const interruption = new AbortController();
const { signal } = interruption;
const children = childProcesses();
const folder = mkdtempSync(join(tmpdir(), 'ecr-warden-rehearsal-'));

async function rehearse(python, step, cleanUp) {
  await step('package', async () => {
    await children.run(process.execPath, ['build.mjs', '--package'], { cwd: root, env: process.env });
    await build({
      entryPoints: [join(root, 'shared/audit/record.ts')],
      outfile: join(folder, 'record.cjs'),
      bundle: true,
      platform: 'node',
      format: 'cjs',
    });
    const resources = Object.values(JSON.parse(readFileSync(template, 'utf8')).Resources);
    const functions = resources.filter(({ Type }) => Type === 'AWS::Lambda::Function');
    return [undefined, `${functions.length} functions, ${resources.length} resources`];
  });

  await step('lint', async () => {
    const known = await lint([template, join(root, 'member.yaml')], { ...python, run: children.run, root });
    return [undefined, `hub and member templates: no error, ${known} known warnings`];
  });

  const slack = await startSlackStub();
  cleanUp(() => slack.stop());
  const emulator = await step('emulator', async () => {
    const started = await startEmulator({ ...python, folder, account, region, children, signal });
    return [started, `ministack on ${started.url}, IAM on`];
  });
  cleanUp.onFailure(() => explain(emulator));
  const warden = deployedStack({ ...emulator, region });
  cleanUp(() => warden.close());

  await step('deploy', async () => {
    await deploy(emulator, slack);
    await warden.storeSlackToken(slackToken);
    return [undefined, 'the package, into an empty account'];
  });

  const pushed = await step('push', async () => {
    await warden.createRepository(repository);
    const digest = await warden.putImage(repository, 'latest', imageManifest);
    const id = await warden.putEvent(imageAction('PUSH', digest));
    const record = await until('a record of the push', 30, signal, async () => {
      const [first] = await warden.records(scope, 'tag#latest#');
      return first;
    });
    assert.equal(record.record, 'tag#latest#000000000001');
    assert.deepEqual(
      record.triggers.map(({ kind, id }) => ({ kind, id })),
      [{ kind: 'push', id }],
    );
    assert.equal(record.holder.digest, digest);
    assertChained([record]);
    return [{ digest, id, record }, `${record.record} is in the audit trail, its hash is right`];
  });

  const finding = await step('finding', async () => {
    const key = 'finding#tag#latest#tag-format';
    const found = await until('the finding in state', 30, signal, () => warden.finding(scope, key));
    assert.equal(found.status, 'open');
    assert.equal(found.severity, 'high');
    assert.equal(found.sequence, 1);
    return [found, `${found.rule} is ${found.status}: ${found.message}`];
  });

  await step('slack', async () => {
    const post = await until('the post in Slack', 30, signal, () =>
      slack.calls.find(({ text }) => text.includes(`${repository}:latest`)),
    );
    assert.equal(post.method, 'chat.postMessage');
    assert.equal(post.channel, 'payments-registry');
    assert.equal(post.token, `Bearer ${slackToken}`);
    assert.equal(post.text, `High: ${repository}:latest: ${finding.message} (tag-format)`);
    return [undefined, post.text];
  });

  await step('again', async () => {
    await quiet(warden);
    const before = { records: (await warden.records(scope, '')).length, posts: slack.calls.length };
    // At least once, says EventBridge of both of its deliveries.
    await warden.send('ecr-warden-reconcile', envelope(pushed));
    await warden.putEvent(findingChanged(finding));
    await quiet(warden);
    const after = { records: (await warden.records(scope, '')).length, posts: slack.calls.length };
    assert.deepEqual(after, before);
    return [undefined, `the same events again: still ${after.records} records and ${after.posts} posts`];
  });

  await step('delete', async () => {
    await warden.deleteTag(repository, 'latest');
    await warden.putEvent(imageAction('DELETE', pushed.digest));
    const edit = await until('the edit in Slack', 30, signal, () =>
      slack.calls.find(({ method, text }) => method === 'chat.update' && text.includes('latest')),
    );
    assert.equal(edit.text, `Resolved: ${repository}:latest (tag-format)`);
    assert.equal((await warden.finding(scope, finding.key)).status, 'resolved');
    const records = await warden.records(scope, 'tag#latest#');
    assert.equal(records.length, 2);
    assertChained(records);
    return [undefined, 'the second record follows the first by its hash, the post was edited'];
  });

  await step('poison', async () => {
    const { detail: whole, ...action } = imageAction('PUSH', pushed.digest);
    const { 'repository-name': _, ...detail } = whole;
    // By the bus on which other accounts' events arrive.
    await warden.putEvent({ ...action, detail, bus: 'ecr-warden-ingest' });
    const [rejected] = await until('the rejected message', 30, signal, async () => {
      const messages = await warden.receive('ecr-warden-rejected');
      return messages.length > 0 && messages;
    });
    assert.match(rejected.reason, /detail\.repository-name/);
    assert.deepEqual(JSON.parse(rejected.body).detail, detail);
    return [undefined, `rejected: ${rejected.reason}`];
  });

  await step('dead letters', async () => {
    await quiet(warden);
    const queues = ['reconcile-dead-letters', 'notify-dead-letters', 'rule-dead-letters', 'publish-failures'];
    for (const queue of queues) assert.equal(await warden.depth(`ecr-warden-${queue}`), 0, queue);
    return [undefined, 'none'];
  });

  await step('deploy again', async () => {
    await deploy(emulator, slack);
    return [undefined, 'no changes'];
  });

  await step('remove', async () => {
    await serverless('remove', emulator);
    return [undefined, 'the stack is gone'];
  });

  await step('stop', async () => {
    const inTime = await emulator.stop();
    return [undefined, inTime ? 'ministack ended when asked' : 'ministack had to be killed'];
  });
}

/** Runs the Serverless Framework as a person would, on a copy of what was built: it leaves files behind. */
async function serverless(command, emulator, options = []) {
  const service = join(folder, 'service');
  for (const one of ['serverless.yml', 'dist/functions'])
    cpSync(join(root, one), join(service, one), { recursive: true });
  const cli = join(dirname(require.resolve('serverless/package.json')), 'bin/serverless.js');
  return children.run(process.execPath, [cli, command, ...options], {
    cwd: service,
    env: { ...bareEnvironment(folder), ...emulator.environment, SLS_NOTIFICATIONS_MODE: 'off' },
  });
}

/** The one difference to a real deployment: an archive, which the emulator does not know, and Slack's address. */
function deploy(emulator, slack) {
  const params = [`slackApiUrl=${slack.url}`, 'ingestArchiveDays=0'];
  return serverless(
    'deploy',
    emulator,
    params.flatMap((one) => ['--param', one]),
  );
}

/** Nothing waits and nothing is being worked on; what goes by way of the table's stream shows a moment later. */
async function quiet(warden) {
  const queues = ['ecr-warden-reconcile', 'ecr-warden-notify'];
  const idle = async () =>
    (await Promise.all(queues.map((queue) => warden.depth(queue)))).every((depth) => depth === 0);
  await until('the queues are empty', 30, signal, async () => {
    if (!(await idle())) return false;
    await sleep(1_000);
    return idle();
  });
}

/** Each record's hash is that of what stands in the table, and the next one carries it on. */
function assertChained(records) {
  const { hashOf, firstPreviousHash } = require(join(folder, 'record.cjs'));
  let previous = firstPreviousHash;
  for (const record of records) {
    assert.deepEqual(Buffer.from(record.hash), Buffer.from(hashOf(record)), `the hash of ${record.record}`);
    assert.deepEqual(
      Buffer.from(record.previousHash),
      Buffer.from(previous),
      `what ${record.record} follows`,
    );
    previous = record.hash;
  }
}

const imageManifest = {
  schemaVersion: 2,
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  config: {
    mediaType: 'application/vnd.oci.image.config.v1+json',
    digest: `sha256:${'c'.repeat(64)}`,
    size: 2,
  },
  layers: [],
};

/** As "Amazon ECR events and EventBridge" in the Amazon ECR user guide shows it. */
function imageAction(action, digest) {
  return {
    source: 'aws.ecr',
    detailType: 'ECR Image Action',
    detail: {
      result: 'SUCCESS',
      'action-type': action,
      'repository-name': repository,
      'image-digest': digest,
      'image-tag': 'latest',
    },
  };
}

/** The push as EventBridge brought it into the queue. */
function envelope({ digest, id, record }) {
  const { source, detailType, detail } = imageAction('PUSH', digest);
  const { time } = record.triggers[0];
  return {
    version: '0',
    id,
    source,
    'detail-type': detailType,
    account,
    region,
    time,
    resources: [],
    detail,
  };
}

/** What `publish` put on our bus. */
function findingChanged({ scope, key, rule, change, severity, resource, sequence }) {
  return {
    bus: 'ecr-warden',
    source: 'ecr-warden',
    detailType: 'Finding Changed',
    detail: { id: '0'.repeat(32), scope, key, rule, change, severity, resource, sequence },
  };
}

/** What a person needs to see when a step failed: the functions' last lines and the emulator's. */
async function explain(emulator) {
  const names = Object.keys(
    JSON.parse(readFileSync(join(packageFolder, 'serverless-state.json'), 'utf8')).service.functions,
  );
  for (const name of names) {
    const lines = await serverless('logs', emulator, ['--function', name, '--startTime', '10m']).catch(
      (error) => error.message,
    );
    printLast(`function ${name}`, lines.trimEnd().split('\n'));
  }
  printLast('ministack', emulator.log());
}

function printLast(title, lines) {
  console.error(`\n--- ${title}, its last lines:`);
  for (const line of lines.slice(-25)) console.error(line.slice(0, 1_000));
}

/** Runs the steps one after another, each one line; answers how many there were. */
async function main() {
  const startedAt = performance.now();
  const cleanups = [];
  const explanations = [];
  let count = 0;

  async function step(name, work) {
    signal.throwIfAborted();
    const since = performance.now();
    process.stdout.write(`  ${name.padEnd(14)}`);
    try {
      const [value, result] = await work();
      console.log(`${seconds(since).padStart(5)} s  ${result}`);
      count += 1;
      return value;
    } catch (error) {
      console.log(`${seconds(since).padStart(5)} s  FAILED`);
      throw error;
    }
  }
  const cleanUp = Object.assign((work) => cleanups.push(work), {
    onFailure: (work) => explanations.push(work),
  });

  try {
    const python = await pythonEnvironment({
      folder: join(root, '.venv-rehearsal'),
      requirements: join(here, 'requirements.txt'),
      run: children.run,
      log: (line) => console.log(`rehearsal: ${line}`),
    });
    await rehearse(python, step, cleanUp);
    console.log(
      `rehearsal: ${count} steps passed in ${Math.round((performance.now() - startedAt) / 1000)} s`,
    );
  } catch (error) {
    if (error instanceof Skipped) return console.log(`rehearsal: skipped, ${error.message}`);
    process.exitCode = 1;
    if (signal.aborted) return console.log('rehearsal: interrupted');
    console.error(error instanceof assert.AssertionError ? error.message : (error.stack ?? error));
    for (const work of explanations) await work();
    console.error(`\nrehearsal: failed after ${count} steps`);
  } finally {
    for (const work of cleanups.reverse()) work();
    await children.stopAll();
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

function seconds(since) {
  return ((performance.now() - since) / 1000).toFixed(1);
}

for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(name, () => {
    interruption.abort(new Error(`interrupted by ${name}`));
    void children.stopAll();
  });
}
await main();
