import { type VirtualClock, virtualClock } from '../../local/clock';
import { type Copy, createEcr, type Ecr, type EcrEvent, type Place } from '../../local/ecr';
import { createEventBridge } from '../../local/eventbridge';
import { createSqs, type Sqs } from '../../local/sqs';
import { ecrClients, ecrReader } from '../../shared/aws/registries';
import type { Message } from '../../shared/evaluation/reconcile-messages';
import { reconcileMessages } from '../../shared/evaluation/reconcile-messages';
import { recheckMessage } from '../../shared/events/recheck';
import type { Policy } from '../../shared/policy/effective-policy';
import { type FakeTrail, fakeTrail } from '../fakes/trail';
import { inProcess } from '../local/sdk';

export const account = '111122223333';
export const hub = 'eu-central-1';
export const member = 'eu-west-1';
const queue = `arn:aws:sqs:${hub}:${account}:reconcile`;

export interface Pipeline {
  readonly clock: VirtualClock;
  readonly ecr: Ecr;
  readonly sqs: Sqs;
  readonly trail: FakeTrail;
  /** Reasons of rejected messages. */
  readonly rejected: string[];
  call(operation: string, input: Record<string, unknown>, region?: string): Promise<object>;
  /** Moves time on and lets the pipeline react to everything that falls due, in order. */
  run(milliseconds: number): Promise<void>;
}

/**
 * The functions composed in one process: the embedded ECR of two Regions, EventBridge and SQS on a virtual clock, the
 * real SDK clients and adapters for ECR, the real reconcile, and a trail in memory.
 */
export async function pipeline(options: {
  readonly policy: Policy;
  replicationDelay?(copy: Copy): number | 'fail';
  /** Events that never arrive, as ECR's best effort allows. */
  loses?(event: EcrEvent, place: Place): boolean;
  readonly start?: string;
}): Promise<Pipeline> {
  const clock = virtualClock(Date.parse(options.start ?? '2026-11-20T00:00:00Z'));
  let ids = 0;
  const newId = () => `00000000-0000-4000-8000-${String(++ids).padStart(12, '0')}`;
  const sqs = createSqs({ clock, newId, endpoint: () => 'http://127.0.0.1' });
  await sqs.call({
    operation: 'CreateQueue',
    input: { QueueName: 'reconcile', Attributes: { VisibilityTimeout: '360' } },
    account,
    region: hub,
  });
  const bridge = createEventBridge({
    clock,
    newId,
    deliver: async (_, payload) => void sqs.send(queue, payload),
  });
  for (const region of [hub, member]) {
    const call = (operation: string, input: Record<string, unknown>) =>
      bridge.call({ operation, input, account, region });
    await call('PutRule', { Name: 'ecr', EventPattern: JSON.stringify({ source: ['aws.ecr'] }) });
    await call('PutTargets', { Rule: 'ecr', Targets: [{ Id: 'queue', Arn: queue }] });
  }
  const ecr = createEcr({
    clock,
    newId,
    account,
    regions: [hub, member],
    emit(event, place) {
      if (options.loses?.(event, place)) return;
      void bridge.publish(event, place);
    },
    ...(options.replicationDelay && { replicationDelay: options.replicationDelay }),
  });
  const trail = fakeTrail();
  const rejected: string[] = [];
  const dependencies = {
    policy: options.policy,
    trail,
    ecr: ecrReader(
      ecrClients((registry) => ({
        credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
        requestHandler: inProcess([ecr], registry),
        maxAttempts: 1,
      })),
    ),
    findings: { tagsNaming: async () => [] },
    rechecks: {
      async schedule(resource: Parameters<typeof recheckMessage>[0], until: string) {
        const seconds = Math.min(900, Math.max(0, Math.ceil((Date.parse(until) - clock.now()) / 1000)));
        sqs.send(queue, JSON.stringify(recheckMessage(resource, until)), { delaySeconds: seconds });
      },
    },
    inbox: {
      reject: async (_: Message, reason: string) => void rejected.push(reason),
      comeAgain: async ({ receipt }: Message, seconds: number) =>
        void sqs.changeVisibility(queue, receipt, seconds),
    },
    evaluatedRepositories: new Set<string>(),
    now: () => clock.now(),
  };

  async function react(): Promise<void> {
    for (;;) {
      const received = await sqs.receive(queue, { max: 10, waitMilliseconds: 0 });
      if (received.length === 0) return;
      const fates = await reconcileMessages(
        received.map(({ messageId, body, receiptHandle, attributes }) => ({
          id: messageId,
          body,
          receipt: receiptHandle,
          receiveCount: Number(attributes.ApproximateReceiveCount),
        })),
        dependencies,
      );
      for (const { message, end } of fates) if (end !== 'again') sqs.remove(queue, message.receipt);
    }
  }

  return {
    clock,
    ecr,
    sqs,
    trail,
    rejected,
    call: (operation, input, region = hub) => ecr.call({ operation, input, account, region }),
    async run(milliseconds) {
      const end = clock.now() + milliseconds;
      await clock.advance(0);
      await react();
      while (clock.now() < end) {
        // In small steps, since what is delayed in a queue falls due without a task on the clock.
        await clock.advance(Math.min(end - clock.now(), 5_000));
        await react();
      }
    },
  };
}
