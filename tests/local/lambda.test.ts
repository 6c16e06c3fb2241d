import { wallClock } from '../../local/clock';
import {
  createLambdaFunction,
  type FunctionSettings,
  type LambdaFunction,
  type LogLine,
} from '../../local/lambda';
import { root } from '../packaged';

const started: LambdaFunction[] = [];
afterEach(async () => {
  for (const one of started.splice(0)) await one.close();
});

function lambda(behaviour: string, over: Partial<FunctionSettings> = {}, onLog?: (line: LogLine) => void) {
  let ids = 0;
  const one = createLambdaFunction(
    {
      name: 'under-test',
      arn: 'arn:aws:lambda:eu-west-1:111122223333:function:under-test',
      root,
      handler: `tests/fixtures/functions/behaviours.${behaviour}`,
      timeoutSeconds: 5,
      memorySize: 128,
      environment: { TABLE: 'audit' },
      ...over,
    },
    { clock: wallClock, newId: () => `request-${++ids}`, ...(onLog && { onLog }) },
  );
  started.push(one);
  return one;
}

test('a function gets its event, its context, and an environment of its own alone', async () => {
  const { answer } = (await lambda('echo').invoke({ hello: 'world' })) as { answer: Record<string, unknown> };
  expect(answer.event).toEqual({ hello: 'world' });
  expect(answer.environment).toEqual({ TABLE: 'audit' });
  expect(answer.requestId).toBe('request-1');
  expect(answer.remaining).toBeGreaterThan(1000);
});

test('a container is kept for the next event, and another is started for one meanwhile', async () => {
  const counting = lambda('count');
  expect(await counting.invoke({})).toEqual({ answer: 1 });
  expect(await counting.invoke({})).toEqual({ answer: 2 });
  const atOnce = await Promise.all([counting.invoke({}), counting.invoke({})]);
  expect(atOnce).toEqual([{ answer: 3 }, { answer: 1 }]);
});

test('what a function throws is told with its name, and its container lives on', async () => {
  const failing = lambda('throws');
  const failure = { error: { name: 'TypeError', message: 'no such thing' } };
  expect(await failing.invoke({})).toEqual(failure);
  expect(await failing.invoke({})).toEqual(failure);
});

test.each([
  ['exits', { name: 'Runtime.ExitError', message: 'the container ended with exit code 3' }],
  ['rejectsLater', { name: 'Error', message: 'nobody catches this' }],
  ['missing', { name: 'Error', message: 'tests/fixtures/functions/behaviours.missing is no function' }],
])('a container that dies (%s) is a failed invocation', async (behaviour, error) => {
  const dying = lambda(behaviour);
  expect(await dying.invoke({})).toEqual({ error });
  expect(await dying.invoke({})).toEqual({ error });
});

test.each(['hangs', 'spins'])('a function that %s is killed when its time is over', async (behaviour) => {
  const slow = lambda(behaviour, { timeoutSeconds: 0.3 });
  expect(await slow.invoke({})).toEqual({
    error: { name: 'Sandbox.Timedout', message: 'Task timed out after 0.30 seconds' },
  });
});

test('both outputs come as lines', async () => {
  const lines: LogLine[] = [];
  const logging = lambda('logs', {}, (line) => lines.push(line));
  await logging.invoke({});
  await logging.close();
  expect(lines.map(({ line }) => line).toSorted()).toEqual(['one', 'three', 'two']);
  expect(lines[0]?.functionName).toBe('under-test');
});

describe('closing', () => {
  test('fails what is under way', async () => {
    const hanging = lambda('hangs');
    const invocation = hanging.invoke({});
    await hanging.close();
    expect(await invocation).toEqual({
      error: { name: 'Runtime.ExitError', message: 'the embedded cloud was stopped' },
    });
  });
});
