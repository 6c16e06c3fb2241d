import { once } from 'node:events';
import { createServer } from 'node:http';

/** Slack's chat.postMessage and chat.update as far as their answers go; what was asked of them is kept. */
export async function startSlackStub() {
  const calls = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const method = request.url.split('/').at(-1);
    const {
      channel,
      ts = `1700000000.${String(calls.length + 1).padStart(6, '0')}`,
      text,
      blocks,
    } = form(body);
    calls.push({ method, token: request.headers.authorization, channel, ts, text, blocks });
    response.setHeader('content-type', 'application/json');
    // Slack answers with the channel's id, whatever name it was called by.
    response.end(JSON.stringify({ ok: true, channel: 'C0REHEARSAL', ts }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}/api/`,
    calls,
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function form(body) {
  return Object.fromEntries(new URLSearchParams(body));
}
