// One container of an embedded Lambda function: a worker thread that loads the bundle once and handles one event after
// another. Plain JavaScript, because the command line's bundle and the tests start the same file.

const { resolve } = require('node:path');
const { parentPort, workerData } = require('node:worker_threads');

const { root, handler, functionName, functionArn, memorySize } = workerData;

const dot = handler.lastIndexOf('.');
const handle = require(`${resolve(root, handler.slice(0, dot))}.js`)[handler.slice(dot + 1)];
if (typeof handle !== 'function') throw new Error(`${handler} is no function`);

parentPort.on('message', async ({ requestId, event, deadline }) => {
  const context = {
    awsRequestId: requestId,
    callbackWaitsForEmptyEventLoop: true,
    functionName,
    functionVersion: '$LATEST',
    invokedFunctionArn: functionArn,
    logGroupName: `/aws/lambda/${functionName}`,
    logStreamName: 'embedded',
    memoryLimitInMB: String(memorySize),
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  };
  try {
    // As text, like Lambda: what is no JSON does not come through.
    const answer = JSON.stringify(await handle(JSON.parse(event), context));
    parentPort.postMessage({ requestId, answer: answer ?? 'null' });
  } catch (error) {
    const { name = 'Error', message = String(error), stack } = error instanceof Error ? error : {};
    parentPort.postMessage({ requestId, error: { name, message, stack } });
  }
});

parentPort.postMessage({ ready: true });
