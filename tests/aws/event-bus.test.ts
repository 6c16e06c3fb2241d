import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import type { Service } from '../../local/service';
import { AwsError } from '../../local/service';
import { eventBus } from '../../shared/aws/event-bus';
import { Unavailable } from '../../shared/domain/errors';
import type { OwnEvent } from '../../shared/events/own-event';
import { account, region } from '../builders/resources';
import { inProcess } from '../local/sdk';

/** A bus that keeps what it is given, and fails the entries that it is told to. */
function bus(failure: (entry: number) => string | undefined = () => undefined) {
  const requests: Record<string, unknown>[][] = [];
  const service: Service = {
    target: 'AWSEvents',
    jsonVersion: '1.1',
    async call({ operation, input }) {
      if (operation !== 'PutEvents') throw new AwsError('UnknownOperationException', operation);
      const entries = input.Entries as Record<string, unknown>[];
      requests.push(entries);
      const Entries = entries.map((_, index) => {
        const ErrorCode = failure(index);
        return ErrorCode ? { ErrorCode, ErrorMessage: 'no' } : { EventId: String(index) };
      });
      return { FailedEntryCount: Entries.filter((one) => 'ErrorCode' in one).length, Entries };
    },
  };
  return { requests, bus: eventBus(clientOf(service), 'ecr-warden') };
}

function clientOf(service: Service): EventBridgeClient {
  return new EventBridgeClient({
    region,
    maxAttempts: 1,
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    requestHandler: inProcess([service], { account, region }),
  });
}

const events = (count: number): OwnEvent[] =>
  Array.from({ length: count }, (_, index) => ({
    detailType: 'Finding Changed',
    detail: { id: `id-${index}` },
  }));

test('events carry our source, their type and their detail as JSON', async () => {
  const { requests, bus: one } = bus();
  await one.put([{ detailType: 'Sweep Wanted', detail: { id: '1', scope: 'policy', reason: 'new policy' } }]);
  expect(requests).toEqual([
    [
      {
        EventBusName: 'ecr-warden',
        Source: 'ecr-warden',
        DetailType: 'Sweep Wanted',
        Detail: '{"id":"1","scope":"policy","reason":"new policy"}',
      },
    ],
  ]);
});

test('at most ten go at once', async () => {
  const { requests, bus: one } = bus();
  await one.put(events(21));
  expect(requests.map((entries) => entries.length)).toEqual([10, 10, 1]);
});

test('an answer of success with failed entries is no success', async () => {
  const { bus: one } = bus((entry) => (entry === 1 ? 'ThrottlingException' : undefined));
  const failed = one.put(events(3));
  await expect(failed).rejects.toBeInstanceOf(Unavailable);
  await expect(failed).rejects.toThrow(
    'the bus "ecr-warden" did not take 1 of 3 events: ThrottlingException',
  );
});

test('a throttled request is unavailable, a denied one is not', async () => {
  const failing = (code: string) =>
    eventBus(
      clientOf({
        target: 'AWSEvents',
        jsonVersion: '1.1',
        call: () => Promise.reject(new AwsError(code, 'no')),
      }),
      'b',
    ).put(events(1));
  await expect(failing('ThrottlingException')).rejects.toBeInstanceOf(Unavailable);
  await expect(failing('AccessDeniedException')).rejects.not.toBeInstanceOf(Unavailable);
});
