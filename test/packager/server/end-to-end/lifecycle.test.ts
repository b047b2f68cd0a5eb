import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { programFile } from '../../../../models/base/package.ts';
import { slowEcho } from '../server-models.ts';
import { type ServerProcess, spawnServer, startServer, until } from '../server-process.ts';

const ONE_ROW = JSON.stringify({ instances: [[1]] });

function isDraining(server: ServerProcess): boolean {
  return server.logged('draining').length > 0;
}

describe('start', () => {
  test('while the model loads: alive, not ready, no predictions', async () => {
    const server = spawnServer({ model: 'mnist' });
    await server.listening();
    const [health, ready, prediction] = await Promise.all([
      fetch(`${server.url}/_/health`),
      fetch(`${server.url}/_/ready`),
      server.post('/v1/models/mnist:predict', '{}'),
    ]);
    expect([health.status, ready.status, prediction.status]).toEqual([200, 503, 503]);
    expect(prediction.headers.get('retry-after')).toBe('1');
    expect(await prediction.json()).toEqual({ error: 'The model is still being loaded.' });
    await server.ready();
  });

  test('a stop while the model loads is heeded', async () => {
    const server = spawnServer({ model: 'mnist' });
    await server.listening();
    server.child.kill('SIGTERM');
    expect(await server.exited()).toBe(0);
  });

  test('a port that is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void other.close());
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const server = spawnServer({ model: 'mnist', port });
    expect(await server.exited()).toBe(3);
    expect(server.stderr).toBe(
      `error: Port ${port} on 127.0.0.1 is taken. ` +
        'Stop the program that uses it, or set INFLESS_PORT to another one (0 picks a free one).\n',
    );
  });

  test.each([
    [{}, 2, /INFLESS_MODEL is missing/],
    [{ model: 'mnist', port: 'http' }, 2, /INFLESS_PORT "http" is not a whole number/],
    [{ model: './no-such-file.onnx' }, 2, /no-such-file\.onnx/],
    [{ model: 'mnits' }, 2, /mnits/],
    [{ model: 'mnist', host: '203.0.113.7' }, 2, /Cannot listen on 203\.0\.113\.7:0 \(EADDRNOTAVAIL\)/],
    [{ model: 'mnist', profile: './no-such-table.json' }, 2, /no-such-table\.json does not exist/],
  ])('%o ends it with code %i and one sentence', async (variables, code, sentence) => {
    const server = spawnServer(variables);
    expect(await server.exited()).toBe(code);
    const last = server.stderr.trimEnd().split('\n').at(-1)!;
    expect(last).toMatch(/^error: /);
    expect(last).toMatch(sentence);
    expect(server.stderr).not.toMatch(/\n\s+at /);
  });

  test('a file that is no model', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'infless-server-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    const model = join(directory, 'broken.onnx');
    await writeFile(model, 'not a model at all');
    const server = spawnServer({ model });
    expect(await server.exited()).toBe(2);
    expect(server.stderr).toMatch(/\nerror: .*broken\.onnx.*\n$/);
  });
});

describe('stop', () => {
  test('what was taken in is answered, what comes later is told to go elsewhere', async () => {
    const server = await startServer({ model: await slowEcho(10), maxBatch: 2, sloMs: 10_000 });
    const half = connect(server.port, '127.0.0.1');
    half.write(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${ONE_ROW.length}\r\n\r\n{`);
    // the others wait behind it
    const long = server.post('/', JSON.stringify({ instances: Array(40).fill([1]) }));
    await until(async () => (await server.metric('infless_server_queue_seconds_count')) === 1);
    const accepted = [long, ...Array.from({ length: 11 }, () => server.post('/', ONE_ROW))];
    await until(async () => (await server.metric('infless_server_in_flight')) === 13);

    server.child.kill('SIGTERM');
    await until(() => isDraining(server));
    const late = await server.post('/', ONE_ROW);
    expect(late.status).toBe(503);
    expect(late.headers.get('retry-after')).toBe('1');
    expect(late.headers.get('connection')).toBe('close');
    expect(await late.json()).toEqual({ error: 'The server is shutting down.' });
    expect((await fetch(`${server.url}/_/ready`)).status).toBe(503);
    expect((await fetch(`${server.url}/_/health`)).status).toBe(200);

    half.write(ONE_ROW.slice(1));
    const answer = await text(half.setEncoding('utf8'));
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer).toMatch(/connection: close\r\n/i);
    expect((await Promise.all(accepted)).map(({ status }) => status)).toEqual(Array(12).fill(200));
    expect(await server.exited()).toBe(0);
    expect(server.logged('stopped')).toHaveLength(1);
  });

  test('a batch that outlasts drainMs is given up; what waits behind it is told', async () => {
    const server = await startServer({
      model: await slowEcho(20),
      maxBatch: 1,
      sloMs: 60_000,
      maxWaitMs: 60_000,
      drainMs: 100,
    });
    const long = server.post('/', JSON.stringify({ instances: Array(60).fill([1]) })).catch(() => 'cut off');
    await until(async () => (await server.metric('infless_server_queue_seconds_count')) === 1);
    const waiting = server.post('/', ONE_ROW);
    await until(async () => (await server.metric('infless_server_queue_depth')) === 1);
    server.child.kill('SIGTERM');
    expect((await waiting).status).toBe(503);
    expect(await long).toBe('cut off');
    expect(await server.exited()).toBe('SIGKILL');
    expect(server.logged('giving up what is still in flight')).toHaveLength(1);
  });

  test('a second signal ends it at once', async () => {
    const server = await startServer({ model: await slowEcho(20), maxBatch: 1, sloMs: 60_000 });
    const long = server.post('/', JSON.stringify({ instances: Array(60).fill([1]) })).catch(() => 'cut off');
    await until(async () => (await server.metric('infless_server_queue_seconds_count')) === 1);
    server.child.kill('SIGTERM');
    await until(() => isDraining(server));
    server.child.kill('SIGINT');
    expect(await server.exited()).toBe('SIGINT');
    expect(await long).toBe('cut off');
  });

  test('idle connections do not keep it', async () => {
    const server = await startServer({ model: 'mnist' });
    const idle = connect(server.port, '127.0.0.1');
    await once(idle, 'connect');
    server.child.kill('SIGTERM');
    expect(await server.exited()).toBe(0);
  });
});

test('an inference thread that breaks takes the process along, with a sentence', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'infless-server-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const saboteur = join(directory, 'saboteur.cjs');
  await writeFile(
    saboteur,
    `const { isMainThread } = require('node:worker_threads');
     if (!isMainThread) setTimeout(() => { throw new Error('a bolt came loose'); }, 1500);`,
  );
  const server = spawnServer({ model: 'mnist' }, `--require ${saboteur}`);
  expect(await server.exited()).toBe(1);
  expect(server.stderr).toMatch(/\nerror: The inference thread broke \(a bolt came loose\)\.\n$/);
});

describe('an owner', () => {
  test('who is gone for orphanMs is not coming back: it stops', async () => {
    const server = await startServer({ model: 'mnist', orphanMs: 1500 });
    for (let asked = 0; asked < 10; asked += 1) {
      await sleep(200);
      await server.ready();
    }
    expect(await server.exited()).toBe(0); // no one asks any more
    expect(server.logged('draining')).toMatchObject([{ reason: 'no readiness check came for 1500 ms' }]);
  });

  test('whose process dies does not take it along', async () => {
    const owner = `
      const child = require('node:child_process').fork(process.argv[1], {
        stdio: ['ignore', 'inherit', 'pipe', 'ipc'], detached: true });
      child.once('message', ({ port }) => {
        process.stdout.write(JSON.stringify({ port, pid: child.pid }), () => process.kill(process.pid, 'SIGKILL'));
      });`;
    const run = promisify(execFile)(process.execPath, ['-e', owner, programFile('packager/server/bin')], {
      env: { ...process.env, INFLESS_MODEL: 'mnist', INFLESS_PORT: '0' },
    });
    run.child.unref();
    const stdout = await new Promise<string>((resolve) => run.child.stdout!.once('data', resolve));
    run.catch(() => {}); // it was killed
    const { port, pid } = JSON.parse(stdout) as { port: number; pid: number };
    onTestFinished(() => void process.kill(pid, 'SIGKILL'));
    const url = `http://127.0.0.1:${port}/_/ready`;
    await until(async () => (await fetch(url)).status === 200); // logs "ready" into a pipe that no one reads
    expect((await fetch(url)).status).toBe(200);
  });
});
