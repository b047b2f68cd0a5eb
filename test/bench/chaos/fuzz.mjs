import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Load } from './load.mjs';
import { Autoscaler, body } from './world.mjs';

const FULL_LENGTH_MS = 300_000;
const MOST_RSS_BYTES = (1 << 30) + (300 << 20);

const pick = (...choices) => choices[Math.floor(Math.random() * choices.length)];

/** A request, or what looks like one: methods, paths, headers, lengths, encodings, shapes and rows at random. */
function hostileRequest() {
  const content = pick(
    () => body(),
    () => body().slice(0, Math.floor(Math.random() * 200)),
    () => JSON.stringify({ instances: Array(pick(1, 50, 5_000)).fill(pick([], [[[0]]], null, 'x')) }),
    () => '['.repeat(pick(10, 10_000)),
    () => randomBytes(pick(0, 1, 100, 10_000)).toString('latin1'),
    () => '{"inputs": {"input": 1e999}}',
  )();
  const method = pick('POST', 'POST', 'POST', 'GET', 'PUT', 'DELETE', 'BREW');
  const name = pick('digits', 'digits', 'digits', 'nobody', '..%2f..', '%00', 'a'.repeat(300));
  const path = pick(
    `/function/${name}`,
    `/v1/models/${name}:predict`,
    `/v2/models/${name}/infer`,
    `/${name}`,
  );
  const length = pick(Buffer.byteLength(content), Buffer.byteLength(content), 0, 10, 1e12, -1);
  const headers = [
    `Host: ${pick('localhost', 'localhost', '', 'evil.example')}`,
    pick(`Content-Length: ${length}`, `Content-Length: ${length}`, 'Transfer-Encoding: chunked'),
    `Content-Type: ${pick('application/json', 'text/plain', '', 'application/octet-stream')}`,
    ...pick([], [], ['Content-Encoding: gzip'], ['Content-Encoding: br'], ['Expect: 100-continue']),
    ...pick([], [], [`X-Callback-Url: ${pick('http://169.254.169.254/', 'gopher://x', '')}`]),
  ];
  return `${method} ${path} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n${content}`;
}

/** Sends it in one piece or in many, waits a moment for whatever comes back, and hangs up. */
function attack({ hostname, port }) {
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    const end = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve();
    };
    const timer = setTimeout(end, 300);
    socket.on('error', end).on('close', end).on('data', end);
    const text = Buffer.from(hostileRequest(), 'latin1');
    const pieceBytes = pick(text.length, text.length, 1000, 10);
    for (let at = 0; at < Math.min(text.length, 50 * pieceBytes); at += pieceBytes)
      socket.write(text.subarray(at, at + pieceBytes));
  });
}

/** Hostile requests, 200 a second, beside good ones. */
export async function fuzz(scale) {
  const autoscaler = await Autoscaler.start();
  try {
    await autoscaler.declare();
    await autoscaler.ready();
    const before = new Set(await autoscaler.pids());
    const load = new Load(() => autoscaler.url);
    const target = new URL(autoscaler.url);
    const endAtMs = performance.now() + Math.max(10_000, FULL_LENGTH_MS * scale);
    let attacks = 0;
    let mostRssBytes = 0;
    const running = new Set();
    while (performance.now() < endAtMs) {
      for (let each = 0; each < 10; each += 1) {
        attacks += 1;
        const one = attack(target).finally(() => running.delete(one));
        running.add(one);
      }
      if (attacks % 500 === 0) mostRssBytes = Math.max(mostRssBytes, await rssOf(autoscaler.pid));
      await sleep(50);
    }
    await Promise.all(running);
    const outcome = await load.end();
    const died = [...before].length - (await autoscaler.pids()).filter((pid) => before.has(pid)).length;
    const defects = autoscaler.stderr.split('"msg":"request failed"').length - 1;
    const held = outcome.failed === 0 && died === 0 && defects === 0 && mostRssBytes <= MOST_RSS_BYTES;
    const what = `${attacks} hostile requests, ${died} instances died, ${defects} defects, ${mostRssBytes >> 20} MiB; ${load.failureText}`;
    return { ...outcome, recoveredMs: null, held, what };
  } finally {
    await autoscaler.stop();
  }
}

async function rssOf(pid) {
  const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return 1024 * Number(/^VmRSS:\s+(\d+)/m.exec(text)?.[1] ?? 0);
}
