#!/usr/bin/env node
// The deploy rehearsal: what `serverless deploy` would put into an account goes into an emulated one, an image is
// pushed there, and each promise on its way to Slack is looked at. README.md says where the emulator is not AWS.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { CommandFailed, childProcesses } from './children.mjs';
import { startEmulator } from './emulator.mjs';
import { lint } from './lint.mjs';
import {
  account,
  deliveredPush,
  findingChanged,
  imageAction,
  imageManifest,
  region,
  repository,
  scope,
  unusableAction,
} from './messages.mjs';
import { pythonEnvironment, Skipped } from './python.mjs';
import { functionNames, serverlessFramework } from './serverless.mjs';
import { startSlackStub } from './slack-stub.mjs';
import { deployedStack } from './stack.mjs';
import { stepRunner } from './steps.mjs';
import { until } from './until.mjs';

// Node 20 is supported for as long as the SDK's releases of today are; the README says until when.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../..');
const packageFolder = join(root, '.serverless');
const template = join(packageFolder, 'cloudformation-template-update-stack.json');
const slackToken = 'xoxb-rehearsal';

const interruption = new AbortController();
const { signal } = interruption;
const children = childProcesses();
const folder = mkdtempSync(join(tmpdir(), 'ecr-warden-rehearsal-'));

async function rehearse({ python, step, atTheEnd, onFailure }) {
  await step('package', async () => {
    await children.run(process.execPath, ['build.mjs', '--package'], { cwd: root });
    const resources = Object.values(JSON.parse(readFileSync(template, 'utf8')).Resources);
    const functions = resources.filter(({ Type }) => Type === 'AWS::Lambda::Function');
    return { says: `${functions.length} functions, ${resources.length} resources` };
  });

  await step('lint', async () => {
    const known = await lint([template, join(root, 'member.yaml')], { ...python, run: children.run, root });
    return { says: `hub and member template: no error, ${known} known warnings` };
  });

  const slack = await startSlackStub();
  atTheEnd(() => slack.stop());
  const emulator = await step('emulator', async () => {
    const value = await startEmulator({ ...python, folder, account, region, children, signal });
    return { value, says: `ministack answers on ${value.url}, IAM is on` };
  });
  const serverless = serverlessFramework({ root, folder, emulator, run: children.run });
  onFailure(() => explain(emulator, serverless));
  const warden = deployedStack({ ...emulator, region });
  atTheEnd(() => warden.close());
  // The one difference to any other deployment.
  const deploy = () => serverless('deploy', '--param', `slackApiUrl=${slack.url}`);

  await step('deploy', async () => {
    await deploy();
    await warden.storeSlackToken(slackToken);
    return { says: 'into an empty account' };
  });

  const record = await step('push', async () => {
    await warden.createRepository(repository);
    const digest = await warden.putImage(repository, 'latest', imageManifest);
    const id = await warden.putEvent(imageAction('PUSH', digest));
    const [first] = await until('a record of the push', 30, signal, async () => {
      const records = await recordsOfTag(warden);
      return records.length > 0 && records;
    });
    assert.equal(first.record, 'tag#latest#000000000001');
    assert.deepEqual(
      first.triggers.map((one) => [one.kind, one.id, one.digest]),
      [['push', id, digest]],
    );
    assert.equal(first.holder.digest, digest);
    await assertChained([first]);
    return { value: first, says: `${first.record} is in the audit trail, its hash is right` };
  });
  const { digest } = record.holder;

  const finding = await step('finding', async () => {
    const key = 'finding#tag#latest#tag-format';
    const value = await until('the finding in state', 30, signal, () => warden.finding(scope, key));
    assert.deepEqual([value.status, value.severity, value.sequence], ['open', 'high', 1]);
    return { value, says: `${value.rule} is ${value.status}: ${value.message}` };
  });

  await step('slack', async () => {
    const post = await until('the post in Slack', 30, signal, () => told(slack, 'chat.postMessage'));
    assert.equal(post.text, `High: ${repository}:latest: ${finding.message} (tag-format)`);
    assert.equal(post.channel, 'payments-registry');
    assert.equal(post.token, `Bearer ${slackToken}`);
    return { says: post.text };
  });

  await step('again', async () => {
    const count = async () => ({
      records: (await warden.records(scope)).length,
      posts: slack.calls.length,
    });
    await quiet(warden);
    const before = await count();
    // EventBridge delivers at least once: what was pushed, and what was published of it.
    await warden.send('ecr-warden-reconcile', deliveredPush({ ...record, digest }));
    await warden.putEvent(findingChanged(finding));
    await quiet(warden);
    assert.deepEqual(await count(), before);
    return { says: `both events once more: still ${before.records} records and ${before.posts} posts` };
  });

  await step('delete', async () => {
    await warden.deleteTag(repository, 'latest');
    await warden.putEvent(imageAction('DELETE', digest));
    const edit = await until('the edit in Slack', 30, signal, () => told(slack, 'chat.update'));
    assert.equal(edit.text, `Resolved: ${repository}:latest (tag-format)`);
    assert.equal((await warden.finding(scope, finding.key)).status, 'resolved');
    const records = await recordsOfTag(warden);
    assert.equal(records.length, 2);
    await assertChained(records);
    return { says: 'a second record follows the first by its hash, the post was edited' };
  });

  await step('poison', async () => {
    const event = unusableAction(digest);
    await warden.putEvent(event);
    const [rejected] = await until('the rejected message', 30, signal, async () => {
      const messages = await warden.receive('ecr-warden-rejected');
      return messages.length > 0 && messages;
    });
    assert.match(rejected.reason, /detail\.repository-name/);
    assert.deepEqual(JSON.parse(rejected.body).detail, event.detail);
    return { says: `rejected: ${rejected.reason}` };
  });

  await step('nothing lost', async () => {
    await quiet(warden);
    const queues = ['reconcile-dead-letters', 'notify-dead-letters', 'rule-dead-letters', 'publish-failures'];
    for (const queue of queues) assert.equal(await warden.depth(`ecr-warden-${queue}`), 0, queue);
    const results = (await warden.records(scope)).flatMap((one) => one.results ?? []);
    // What a role may not do becomes a result that says so.
    assert.deepEqual(
      results.filter(({ status }) => status === 'error'),
      [],
    );
    return { says: 'no dead letter, and no rule that could not see' };
  });

  await step('deploy again', async () => {
    assert.match(await deploy(), /No changes to deploy/);
    return { says: 'no changes' };
  });

  await step('remove', async () => {
    await serverless('remove');
    assert.equal((await recordsOfTag(warden)).length, 2);
    return { says: 'the stack is gone, the audit trail stays' };
  });

  await step('stop', async () => {
    const asked = await emulator.stop();
    return { says: asked ? 'ministack ended when asked' : 'ministack did not end when asked and was killed' };
  });
}

function told(slack, method) {
  return slack.calls.find((call) => call.method === method && call.text.includes(`${repository}:latest`));
}

async function recordsOfTag(warden) {
  return (await warden.records(scope)).filter(({ record }) => record.startsWith('tag#latest#'));
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

/** Each record's hash is that of what stands in the table, by the code that wrote it, and the next one carries it on. */
async function assertChained(records) {
  const outfile = join(folder, 'record.cjs');
  await build({
    entryPoints: [join(root, 'shared/audit/record.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
  });
  const { hashOf, firstPreviousHash } = createRequire(import.meta.url)(outfile);
  const hex = (bytes) => Buffer.from(bytes).toString('hex');
  let previous = firstPreviousHash;
  for (const record of records) {
    assert.equal(hex(record.hash), hex(hashOf(record)), `the hash of ${record.record}`);
    assert.equal(hex(record.previousHash), hex(previous), `what ${record.record} follows`);
    previous = record.hash;
  }
}

/** What a person needs to see when a step failed: the functions' last lines and the emulator's. */
async function explain(emulator, serverless) {
  for (const name of functionNames(packageFolder)) {
    const printed = await serverless('logs', '--function', name, '--startTime', '10m').catch(
      (error) => error.message,
    );
    printLast(`the function ${name}`, printed);
  }
  printLast('ministack', emulator.log());
}

function printLast(title, text) {
  console.error(`\n--- the last lines of ${title}`);
  for (const line of text.trimEnd().split('\n').slice(-25)) console.error(line.slice(0, 1_000));
}

async function main() {
  const { step, closingLine } = stepRunner(signal);
  const endings = [];
  const explanations = [];
  try {
    const python = await pythonEnvironment({
      folder: join(root, '.venv-rehearsal'),
      requirements: join(here, 'requirements.txt'),
      run: children.run,
      log: (line) => console.log(`rehearsal: ${line}`),
    });
    await rehearse({
      python,
      step,
      atTheEnd: (work) => endings.push(work),
      onFailure: (work) => explanations.push(work),
    });
    console.log(closingLine());
  } catch (error) {
    if (error instanceof Skipped && !signal.aborted)
      return console.log(`rehearsal: skipped, ${error.message}`);
    process.exitCode = 1;
    if (!signal.aborted) {
      console.error(error instanceof CommandFailed ? error.message : error);
      for (const work of explanations) await work();
    }
    console.error(closingLine(signal.aborted ? ', then it was interrupted,' : ', then one failed,'));
  } finally {
    for (const work of endings.reverse()) work();
    await children.stopAll();
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(name, () => {
    interruption.abort();
    void children.stopAll();
  });
}
await main();
