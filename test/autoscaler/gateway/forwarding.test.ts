import { once } from 'node:events';
import {
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FORWARDED_HEADER, forwardToLeader } from '../../../autoscaler/gateway/forwarding.ts';
import { type Clock, systemClock } from '../../../models/base/clock.ts';
import { VirtualClock } from '../../../models/base/virtual-clock.ts';
import { BodyBudget } from '../../../packager/server/http/body.ts';
import { asBuffer, bodyBytes, createHttpServer } from '../../../packager/server/http/http-server.ts';
import { freePorts } from '../../support/kubernetes/free-ports.ts';

const logger = pino({ level: 'silent' });

interface Replica {
  readonly url: string;
  /** Headers of the requests that it answered by itself. */
  readonly answered: IncomingHttpHeaders[];
  leaderUrl: string | undefined;
}

/** A gateway's HTTP server, with routes that answer who they are. */
async function replica(
  name: string,
  routes: (app: FastifyInstance) => void = () => {},
  clock: Clock = systemClock,
  peerSecret?: string,
): Promise<Replica> {
  const app = createHttpServer({
    maxBodyBytes: 1 << 20,
    budget: new BodyBudget(1 << 26),
    logger,
    isClosing: () => false,
  });
  const answered: IncomingHttpHeaders[] = [];
  const self: { leaderUrl: string | undefined } = { leaderUrl: undefined };
  const secret = peerSecret === undefined ? {} : { peerSecret };
  forwardToLeader(app, { leaderUrl: () => self.leaderUrl, clock, logger, ...secret });
  routes(app);
  app.all('/*', async (request, reply) => {
    answered.push(request.headers);
    reply
      .header('x-answered-by', name)
      .header('connection', 'keep-alive, x-private')
      .header('x-private', '1');
    return reply.code(request.method === 'POST' ? 201 : 200).send(asBuffer(bodyBytes(request)));
  });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  onTestFinished(() => {
    app.server.closeAllConnections();
    return app.close();
  });
  return Object.assign(self, { url, answered });
}

async function plainServer(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function pair(
  routes?: (app: FastifyInstance) => void,
): Promise<{ leader: Replica; follower: Replica }> {
  const leader = await replica('leader', routes);
  const follower = await replica('follower');
  follower.leaderUrl = leader.url;
  return { leader, follower };
}

function answeredBy(response: Response): string | null {
  return response.headers.get('x-answered-by');
}

describe('a gateway that does not lead', () => {
  it('takes no word but that of a peer that a request has been passed on', async () => {
    const [leader, follower, deposed] = await Promise.all(
      ['leader', 'follower', 'deposed'].map((name) => replica(name, undefined, systemClock, 'shared')),
    );
    follower!.leaderUrl = leader!.url;
    const forged = await fetch(`${follower!.url}/function/f`, { headers: { [FORWARDED_HEADER]: '1' } });
    expect(answeredBy(forged)).toBe('leader');
    deposed!.leaderUrl = leader!.url;
    follower!.leaderUrl = deposed!.url; // as it believes for a moment
    expect(answeredBy(await fetch(`${follower!.url}/function/f`))).toBe('deposed');
  });

  it('passes requests on as they are, and the answers back', async () => {
    const { leader, follower } = await pair();
    const response = await fetch(`${follower.url}/function/f/deep?x=1&y=%20`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain', 'x-call-id': 'abc', authorization: 'Basic Zm9v' },
      body: 'hello',
    });
    expect(response.status).toBe(201);
    expect(answeredBy(response)).toBe('leader');
    expect(await response.text()).toBe('hello');
    expect(follower.answered).toEqual([]);
    expect(leader.answered[0]).toMatchObject({
      'content-type': 'text/plain',
      'content-length': '5',
      'x-call-id': 'abc',
      authorization: 'Basic Zm9v',
      [FORWARDED_HEADER]: '1',
    });
    expect(response.headers.has('x-private')).toBe(false);
  });

  it.each([
    '/function/f',
    '/v1/models/f',
    '/v1/models',
    '/v2/models/f/infer',
    '/v2/health/live',
    '/async-function/f',
    '/system/functions',
    '/api/functions?x',
  ])('passes on %s', async (path) => {
    const { follower } = await pair();
    for (const method of ['GET', 'POST', 'PUT', 'DELETE'])
      expect(answeredBy(await fetch(follower.url + path, { method })), method).toBe('leader');
  });

  it.each(['/healthz', '/metrics', '/functional', '/v1/modelling', '/'])(
    'answers %s by itself',
    async (path) => {
      const { follower } = await pair();
      expect(answeredBy(await fetch(follower.url + path))).toBe('follower');
    },
  );

  it('answers by itself what was passed on to it: two that take each other for the leader make no circle', async () => {
    const { leader, follower } = await pair();
    leader.leaderUrl = follower.url;
    expect(answeredBy(await fetch(`${follower.url}/function/f`))).toBe('leader');
    expect(answeredBy(await fetch(`${leader.url}/function/f`))).toBe('follower');
  });

  it('streams both ways', async () => {
    const follower = await replica('follower');
    follower.leaderUrl = await plainServer((request, response) => void request.pipe(response));
    const { hostname, port } = new URL(follower.url);
    const outgoing = httpRequest({ hostname, port, method: 'POST', path: '/function/echo' });
    outgoing.write('one');
    const [incoming] = await once(outgoing, 'response');
    // an answer though the request has not ended
    expect(String((await once(incoming, 'data'))[0])).toBe('one');
    outgoing.end('two');
    expect(await text(incoming)).toBe('two');
  });

  it('drops headers that are of a connection, those that it names included', async () => {
    const { leader, follower } = await pair();
    const { hostname, port } = new URL(follower.url);
    const headers = { connection: 'x-secret, close', 'x-secret': '1', te: 'trailers', 'x-kept': '1' };
    const outgoing = httpRequest({ hostname, port, path: '/function/f', headers }).end();
    const [incoming] = await once(outgoing, 'response');
    await text(incoming);
    expect(leader.answered[0]).toMatchObject({ 'x-kept': '1' });
    expect(leader.answered[0]).not.toHaveProperty('x-secret');
    expect(leader.answered[0]).not.toHaveProperty('te');
  });

  it('asks for a body that waits to be asked for', async () => {
    const { follower } = await pair();
    const { hostname, port } = new URL(follower.url);
    const headers = { expect: '100-continue', 'content-length': 5 };
    const outgoing = httpRequest({ hostname, port, method: 'POST', path: '/function/f', headers });
    outgoing.flushHeaders();
    await once(outgoing, 'continue');
    outgoing.end('hello');
    const [incoming] = await once(outgoing, 'response');
    expect(await text(incoming)).toBe('hello');
  });

  it('hangs up when its client does', async () => {
    let arrived = (): void => {};
    const arrival = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    let closed = (): void => {};
    const closing = new Promise<void>((resolve) => {
      closed = resolve;
    });
    const { follower } = await pair((app) => {
      app.post('/function/slow', (_request, reply) => {
        reply.raw.once('close', closed);
        arrived();
        return new Promise(() => {}); // it never answers
      });
    });
    const abort = new AbortController();
    const answer = fetch(`${follower.url}/function/slow`, {
      method: 'POST',
      body: 'x',
      signal: abort.signal,
    });
    await arrival;
    abort.abort();
    await expect(answer).rejects.toThrow();
    await closing;
  });

  it('answers by itself, whole bodies included, where nobody listens', async () => {
    const { follower } = await pair();
    const [port] = await freePorts(1);
    follower.leaderUrl = `http://127.0.0.1:${port}`;
    const body = 'x'.repeat(500_000);
    const response = await fetch(`${follower.url}/function/f`, { method: 'POST', body });
    expect(answeredBy(response)).toBe('follower');
    expect(await response.text()).toBe(body);
    expect(answeredBy(await fetch(`${follower.url}/function/f`))).toBe('follower');
  });

  it('says that a request with a body was lost with its leader, and answers one without by itself', async () => {
    const { follower } = await pair();
    follower.leaderUrl = await plainServer((request) => {
      if (request.method === 'GET') request.socket.destroy();
      else request.once('data', () => request.socket.destroy());
    });
    expect(answeredBy(await fetch(`${follower.url}/function/f`))).toBe('follower');
    follower.leaderUrl = follower.leaderUrl.replace('127.0.0.1', 'localhost'); // not shunned yet
    const lost = await fetch(`${follower.url}/function/f`, { method: 'POST', body: 'x' });
    expect(lost.status).toBe(503);
    expect(lost.headers.get('retry-after')).toBe('1');
    expect(await lost.json()).toMatchObject({ error: expect.stringContaining('lost') });
    expect(answeredBy(await fetch(`${follower.url}/function/f`, { method: 'POST', body: 'x' }))).toBe(
      'follower',
    );
  });

  it('does not wait for ever for a leader that is none any more, and waits for one that is', async () => {
    const clock = new VirtualClock();
    const held: ServerResponse[] = [];
    const frozen = await plainServer((request, response) => {
      if (request.method === 'GET') held.push(response);
      else request.once('data', () => held.push(response)); // from then on no one else can read it whole
    });
    const follower = await replica('follower', undefined, clock);
    follower.leaderUrl = frozen;
    const url = `${follower.url}/function/f`;
    const patient = fetch(url, { method: 'POST', body: 'x' });
    await expect.poll(() => held.length, { timeout: 20_000 }).toBe(1);
    clock.runUntil(clock.nowMs() + 60_000);
    held[0]!.end('late');
    expect(await (await patient).text()).toBe('late');

    const [lost, repeated] = [fetch(url, { method: 'POST', body: 'x' }), fetch(url)];
    await expect.poll(() => held.length, { timeout: 20_000 }).toBe(3);
    follower.leaderUrl = undefined;
    clock.runUntil(clock.nowMs() + 15_000);
    expect((await lost).status).toBe(503);
    expect(answeredBy(await repeated)).toBe('follower');
  });

  it("passes on the leader's refusals", async () => {
    const { follower } = await pair();
    const response = await fetch(`${follower.url}/function/f`, {
      method: 'POST',
      body: 'x'.repeat((1 << 20) + 1),
    });
    expect(response.status).toBe(413);
    await response.text();
  });
});
