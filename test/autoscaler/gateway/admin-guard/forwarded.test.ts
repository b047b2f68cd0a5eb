import type { IncomingHttpHeaders } from 'node:http';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { guardAdminRoutes } from '../../../../autoscaler/gateway/admin-guard/admin-guard.ts';
import { FORWARDED_HEADER, forwardToLeader } from '../../../../autoscaler/gateway/forwarding.ts';
import { systemClock } from '../../../../models/base/clock.ts';
import { BodyBudget } from '../../../../packager/server/http/body.ts';
import { createHttpServer } from '../../../../packager/server/http/http-server.ts';
import { type RawAnswer, rawRequest } from '../../../support/raw-request.ts';

const logger = pino({ level: 'silent' });

interface Replica {
  readonly url: string;
  /** Headers of the requests that came as far as its routes. */
  readonly answered: IncomingHttpHeaders[];
}

/** A gateway's HTTP server as far as this goes. */
async function replica(hostNames: readonly string[] | undefined, leaderUrl?: string): Promise<Replica> {
  const app = createHttpServer({
    maxBodyBytes: 1 << 20,
    budget: new BodyBudget(1 << 26),
    logger,
    isClosing: () => false,
  });
  const answered: IncomingHttpHeaders[] = [];
  guardAdminRoutes(app, { hostNames });
  forwardToLeader(app, { leaderUrl: () => leaderUrl, clock: systemClock, logger });
  app.route({
    method: ['GET', 'POST'],
    url: '/api/functions',
    handler: async ({ headers }) => {
      answered.push(headers);
      return { by: leaderUrl === undefined ? 'leader' : 'follower' };
    },
  });
  app.post('/function/:name', async ({ headers }) => {
    answered.push(headers);
    return {};
  });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  onTestFinished(() => {
    app.server.closeAllConnections();
    return app.close();
  });
  return { url, answered };
}

async function pair(): Promise<{ leader: Replica; follower: Replica }> {
  const leader = await replica([]);
  return { leader, follower: await replica(['gateway.example'], leader.url) };
}

function ask({ url }: Replica, lines: readonly string[], body = ''): Promise<RawAnswer> {
  const method = body === '' ? 'GET' : 'POST';
  return rawRequest(url, [`${method} /api/functions HTTP/1.1`, ...lines], body);
}

const JSON_LINE = 'Content-Type: application/json';

describe('a request that is passed on to the leader', () => {
  it('was judged by the names of the gateway that was asked, which the leader need not know', async () => {
    const { leader, follower } = await pair();
    const page = ['Host: gateway.example', 'Origin: http://gateway.example', 'Sec-Fetch-Site: same-origin'];
    expect(JSON.parse((await ask(follower, page)).body)).toEqual({ by: 'leader' });
    expect(JSON.parse((await ask(follower, [...page, JSON_LINE], '{}')).body)).toEqual({ by: 'leader' });
    expect(leader.answered[0]).toMatchObject({ host: new URL(leader.url).host, [FORWARDED_HEADER]: '1' });
    expect(leader.answered[0]).not.toHaveProperty('origin');
    expect((await ask(leader, page)).status).toBe(421);
  });

  it('would be refused by the leader, and is so by whoever is asked', async () => {
    const { leader, follower } = await pair();
    const own = `Host: ${new URL(follower.url).host}`;
    expect((await ask(follower, [own, 'Origin: http://other.example', JSON_LINE], '{}')).status).toBe(403);
    expect((await ask(follower, [own, 'Sec-Fetch-Site: cross-site'])).status).toBe(403);
    expect((await ask(follower, ['Host: other.example'])).status).toBe(421);
    expect((await ask(follower, [own, 'Content-Type: text/plain'], '{}')).status).toBe(415);
    expect(leader.answered).toEqual([]);
  });

  it('is not trusted for saying so: pages can say it, too', async () => {
    const { leader, follower } = await pair();
    for (const gateway of [leader, follower]) {
      const passedOn = `${FORWARDED_HEADER}: 1`;
      expect((await ask(gateway, ['Host: other.example', passedOn])).status).toBe(421);
      const foreign = [`Host: ${new URL(gateway.url).host}`, 'Origin: http://other.example', passedOn];
      expect((await ask(gateway, foreign)).status).toBe(403);
    }
  });

  it('comes from gateways that pass on more, as those of an older version do', async () => {
    const leader = await replica(undefined); // there is a login
    const passedOn = [`${FORWARDED_HEADER}: 1`, 'Host: gateway.infless:8080'];
    expect((await ask(leader, passedOn)).status).toBe(200);
    expect((await ask(leader, [...passedOn, 'Origin: http://gateway.infless:8080'])).status).toBe(200);
    expect((await ask(leader, [...passedOn, 'Origin: http://other.example'])).status).toBe(403);
  });

  it('is passed on under the very path that was judged', async () => {
    const { leader, follower } = await pair();
    for (const path of [
      '/function/../api/functions',
      '/function/%2e%2e/api/functions',
      '/function/..\\api/functions',
    ]) {
      const answer = await rawRequest(follower.url, [`GET ${path} HTTP/1.1`, 'Host: other.example']);
      expect(answer.status, path).toBe(404);
    }
    expect(leader.answered).toEqual([]);
  });

  it('is any, where it calls a function', async () => {
    const { leader, follower } = await pair();
    const lines = ['POST /function/f HTTP/1.1', 'Host: other.example', 'Origin: http://other.example'];
    expect((await rawRequest(follower.url, lines, 'x')).status).toBe(200);
    expect(leader.answered).toHaveLength(1);
  });
});
