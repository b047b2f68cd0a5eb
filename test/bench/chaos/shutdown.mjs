import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Load } from './load.mjs';
import { Autoscaler, body } from './world.mjs';

const GRACE_MS = 30_000;
const EACH = 10;

const CONTENT = body();
const HEAD = `POST /function/digits HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`;
const WHOLE = `${HEAD}Content-Length: ${Buffer.byteLength(CONTENT)}\r\n\r\n${CONTENT}`;

/** What connections do when the end comes; the last two are to be answered. */
const CLIENTS = {
  silent: '',
  'half a header': HEAD.slice(0, 40),
  'half a body': WHOLE.slice(0, -200),
  idle: 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n',
  waiting: WHOLE,
  'not reading': WHOLE,
};

/** SIGTERM under load, with many connections that do nothing, or half of something. */
export async function shutdown() {
  const autoscaler = await Autoscaler.start();
  try {
    await autoscaler.declare();
    await autoscaler.ready();
    const load = new Load(() => autoscaler.url, { perSecond: 20 });
    await sleep(2_000);
    await load.end();
    const { hostname, port } = new URL(autoscaler.url);
    const waiting = [];
    for (const [kind, sent] of Object.entries(CLIENTS)) {
      for (let number = 0; number < EACH; number += 1) {
        const socket = connect(Number(port), hostname).on('error', () => {});
        await once(socket, 'connect');
        if (kind === 'not reading') socket.pause();
        if (sent !== '') socket.write(sent);
        if (kind === 'waiting') waiting.push(answerTo(socket));
      }
    }
    await sleep(200); // they have arrived
    const startMs = performance.now();
    autoscaler.signal('SIGTERM');
    const code = await Promise.race([autoscaler.exited, sleep(2 * GRACE_MS, 'nothing')]);
    const recoveredMs = performance.now() - startMs;
    const answered = (await Promise.all(waiting)).filter(Boolean).length;
    const held = code === 0 && recoveredMs <= GRACE_MS && answered === EACH;
    const outcome = { sent: EACH, inTime: answered, late: 0, failed: EACH - answered };
    return { ...outcome, recoveredMs, held, what: `exit ${code}` };
  } finally {
    await autoscaler.stop();
  }
}

/** Whether it gets a whole answer before the connection is closed. */
async function answerTo(socket) {
  let text = '';
  try {
    for await (const chunk of socket) {
      text += chunk;
      if (/^HTTP\/1\.1 200/.test(text) && text.includes('predictions')) return true;
    }
  } catch {
    // it was cut off
  }
  return false;
}
