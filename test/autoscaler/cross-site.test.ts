import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type RawAnswer, rawRequest } from '../support/raw-request.ts';
import { JSON_TYPE, measuredCache, RunningService, type ServiceOptions } from './running-service.ts';

const MNIST = { name: 'digits', model: 'mnist', slo: '500ms' };
/** What a browser says of a request that a page of another site makes. */
const FOREIGN = ['Origin: http://other.example', 'Sec-Fetch-Site: cross-site'];
const JSON_LINE = 'Content-Type: application/json';

let cache: string;
let running: RunningService;
beforeAll(async () => {
  cache = await measuredCache();
  running = await RunningService.start();
  const declared = await running.declare(MNIST);
  expect(declared.status, declared.text).toBe(201);
  await running.untilReady('digits');
}, 60_000);
afterAll(async () => {
  await running.stop();
  await rm(cache, { recursive: true, force: true });
});

async function start(options: ServiceOptions): Promise<RunningService> {
  const service = await RunningService.start(options);
  onTestFinished(() => service.stop());
  return service;
}

function hostLine(url = running.url): string {
  return `Host: ${new URL(url).host}`;
}

/** With the right `Host`. */
function ask(method: string, path: string, lines: readonly string[] = [], body = ''): Promise<RawAnswer> {
  return rawRequest(running.url, [`${method} ${path} HTTP/1.1`, hostLine(), ...lines], body);
}

/** With another `Host`. */
function askAs(host: string, path = '/api/functions', url = running.url): Promise<RawAnswer> {
  return rawRequest(url, [`GET ${path} HTTP/1.1`, `Host: ${host}`]);
}

async function names(): Promise<string[]> {
  const { functions } = (await running.request('GET', '/api/functions')).json<{
    functions: { name: string }[];
  }>();
  return functions.map(({ name }) => name);
}

const ADMIN_ROUTES: readonly (readonly [string, string])[] = [
  ['GET', '/api/functions'],
  ['HEAD', '/api/functions'],
  ['POST', '/api/functions'],
  ['GET', '/api/functions/digits'],
  ['PUT', '/api/functions/digits'],
  ['DELETE', '/api/functions/digits'],
  ['GET', '/api/functions/digits/explanation'],
  ['GET', '/%61pi/functions'],
  ['GET', '/api'],
  ['GET', '/api/what-is-not-there?yet'],
  ['GET', '/system/info'],
  ['GET', '/system/namespaces'],
  ['POST', '/system/namespace/other'],
  ['GET', '/system/functions'],
  ['POST', '/system/functions'],
  ['PUT', '/system/functions'],
  ['DELETE', '/system/functions'],
  ['GET', '/system/function/digits'],
  ['POST', '/system/scale-function/digits'],
  ['GET', '/system/secrets'],
  ['POST', '/system/secrets'],
  ['PUT', '/system/secrets'],
  ['DELETE', '/system/secrets'],
  ['GET', '/system/logs?name=digits'],
];

describe('a page of another site', () => {
  it.each(ADMIN_ROUTES)('may not %s %s', async (method, path) => {
    expect((await ask(method, path, FOREIGN)).status).toBe(403);
    expect((await ask(method, path, ['Sec-Fetch-Site: cross-site'])).status).toBe(403);
    expect((await ask(method, path, ['Origin: null'])).status).toBe(403);
    expect(await names()).toEqual(['digits']);
  });

  it('may not whatever the body is called, and not declare anything', async () => {
    const attack = JSON.stringify({ ...MNIST, name: 'attack' });
    const deployment = JSON.stringify({ service: 'attack', image: 'mnist' });
    for (const type of [[], [JSON_LINE], ['Content-Type: text/plain;charset=UTF-8']]) {
      expect((await ask('POST', '/api/functions', [...FOREIGN, ...type], attack)).status).toBe(403);
      expect((await ask('POST', '/system/functions', [...FOREIGN, ...type], deployment)).status).toBe(403);
    }
    expect(await names()).toEqual(['digits']);
  });

  it('is told so in JSON below /api, in plain text below /system', async () => {
    const sentence =
      'This request comes from a web page of another origin (http://other.example), which may not administer functions. Send it from a program, such as curl or faas-cli.';
    const api = await ask('GET', '/api/functions', FOREIGN);
    expect(api.headers.get('content-type')).toMatch(/^application\/json/);
    expect(JSON.parse(api.body)).toEqual({ error: sentence });
    const system = await ask('GET', '/system/functions', FOREIGN);
    expect(system.headers.get('content-type')).toMatch(/^text\/plain/);
    expect(system.body).toBe(`${sentence}\n`);
  });

  it.each(['/api/functions', '/system/functions', '/system/namespace/x'])(
    'has no permission to send more to %s',
    async (path) => {
      for (const origin of ['http://other.example', running.url]) {
        const wish = ['Access-Control-Request-Method: POST', 'Access-Control-Request-Headers: content-type'];
        const preflight = await ask('OPTIONS', path, [`Origin: ${origin}`, ...wish]);
        expect(preflight.status).toBeGreaterThanOrEqual(400);
        expect([...preflight.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
      }
    },
  );

  it('of another port of this machine may not either', async () => {
    const neighbour = ['Origin: http://127.0.0.1:3000', 'Sec-Fetch-Site: same-site'];
    expect((await ask('GET', '/api/functions', neighbour)).status).toBe(403);
  });

  it('may still call functions, and see that it is up', async () => {
    const body = JSON.stringify({
      instances: [Array.from({ length: 28 }, () => Array.from({ length: 28 }, () => [0.5]))],
    });
    for (const path of ['/function/digits', '/v1/models/digits:predict']) {
      const answer = await ask('POST', path, [...FOREIGN, 'Content-Type: text/plain'], body);
      expect(answer.status, answer.body).toBe(200);
    }
    const later = await ask('POST', '/async-function/digits', [...FOREIGN, 'Content-Type: text/plain'], body);
    expect(later.status).toBe(202);
    for (const path of ['/healthz', '/metrics']) expect((await ask('GET', path, FOREIGN)).status).toBe(200);
  });
});

describe('the name that a gateway is asked by', () => {
  it.each(['localhost', 'LOCALHOST.:1', 'x.localhost:8080', '127.0.0.1', '127.8.8.8:80', '[::1]:8080'])(
    'may be %s',
    async (host) => {
      for (const path of ['/api/functions', '/system/functions'])
        expect((await askAs(host, path)).status).toBe(200);
    },
  );

  it.each(['other.example', '10.1.2.3:8080', 'localhost.other.example', '0.0.0.0:8080', '[2001:db8::1]'])(
    'may not be %s',
    async (host) => {
      for (const path of ['/api/functions', '/api/functions/digits', '/system/functions', '/system/info'])
        expect((await askAs(host, path)).status).toBe(421);
    },
  );

  it('that is refused is told with what helps, in JSON below /api, in plain text below /system', async () => {
    const api = await askAs('other.example');
    expect(JSON.parse(api.body)).toEqual({
      error: expect.stringMatching(/--host, .*--allow-host other\.example.*--basic-auth-dir/),
    });
    const system = await askAs('other.example', '/system/functions');
    expect(system.headers.get('content-type')).toMatch(/^text\/plain/);
    expect(system.body).toMatch(/^"other\.example" is no name .*--allow-host other\.example/);
  });

  it('is that of the target, where that has one', async () => {
    const foreign = [`GET http://other.example/api/functions HTTP/1.1`, hostLine()];
    expect((await rawRequest(running.url, foreign)).status).toBe(421);
    const own = [`GET ${running.url}/api/functions HTTP/1.1`, 'Host: other.example'];
    expect((await rawRequest(running.url, own)).status).toBe(200);
  });

  it('may be missing where HTTP lets it be', async () => {
    expect((await rawRequest(running.url, ['GET /api/functions HTTP/1.0'])).status).toBe(200);
    expect((await rawRequest(running.url, ['GET /api/functions HTTP/1.0', ...FOREIGN])).status).toBe(403);
    expect((await rawRequest(running.url, ['GET /api/functions HTTP/1.1'])).status).toBe(400);
    const two = ['GET /api/functions HTTP/1.1', hostLine(), 'Host: other.example'];
    expect((await rawRequest(running.url, two)).status).not.toBe(200);
  });

  it('makes no difference to functions, health and metrics', async () => {
    for (const path of ['/healthz', '/metrics', '/function/digits/v1/models/digits', '/v1/models/digits'])
      expect((await askAs('other.example', path)).status).toBe(200);
  });

  it('may be one that was allowed, and no other', async () => {
    const { url } = await start({ allowHosts: ['gateway.example'] });
    expect((await askAs('Gateway.Example:9', '/api/functions', url)).status).toBe(200);
    expect((await askAs('localhost', '/api/functions', url)).status).toBe(200);
    expect((await askAs('other.example', '/api/functions', url)).status).toBe(421);
    expect((await askAs('x.gateway.example', '/api/functions', url)).status).toBe(421);
  });

  it('may be any where there is a login, which is asked for', async () => {
    const { url } = await start({ credentials: { user: 'admin', password: 'secret' } });
    expect((await askAs('gateway.infless', '/api/functions', url)).status).toBe(401);
    const login = `Authorization: Basic ${btoa('admin:secret')}`;
    const lines = ['GET /api/functions HTTP/1.1', 'Host: gateway.infless', login];
    expect((await rawRequest(url, lines)).status).toBe(200);
    expect((await rawRequest(url, [...lines, ...FOREIGN])).status).toBe(403);
    const text = 'Content-Type: text/plain';
    const post = ['POST /api/functions HTTP/1.1', 'Host: gateway.infless', login, text];
    expect((await rawRequest(url, post, JSON.stringify(MNIST))).status).toBe(415);
  });
});

describe('a body that administers', () => {
  const PLAIN = [
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=b',
    'image/png',
  ];
  const scaling = JSON.stringify({ replicas: 0 });

  it.each([...PLAIN, 'json', undefined])('of type %s is refused below /api', async (type) => {
    const lines = type === undefined ? [] : [`Content-Type: ${type}`];
    const answer = await ask('PUT', '/api/functions/digits', lines, JSON.stringify(MNIST));
    expect([answer.status, JSON.parse(answer.body)]).toEqual([
      415,
      { error: expect.stringContaining('Content-Type: application/json') },
    ]);
  });

  it.each([...PLAIN, 'json'])('of type %s is refused below /system', async (type) => {
    const answer = await ask('POST', '/system/scale-function/digits', [`Content-Type: ${type}`], scaling);
    expect(answer.status).toBe(415);
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain/);
    expect(answer.body).toContain('Content-Type: application/json');
  });

  it('is taken as JSON, and below /system without a type', async () => {
    for (const type of [[], [JSON_LINE], ['Content-Type: Application/Json; charset=utf-8']])
      expect((await ask('POST', '/system/scale-function/digits', type, scaling)).status).toBe(202);
    const replaced = await running.request('PUT', '/api/functions/digits', JSON.stringify(MNIST), JSON_TYPE);
    expect(replaced.status, replaced.text).toBe(200);
    const same = ['Content-Type: application/json; charset=utf-8', `Origin: ${running.url}`];
    const own = await ask(
      'PUT',
      '/api/functions/digits',
      [...same, 'Sec-Fetch-Site: same-origin'],
      JSON.stringify(MNIST),
    );
    expect(own.status, own.body).toBe(200);
  });

  it('that comes in pieces is one, too', async () => {
    const lines = ['Transfer-Encoding: chunked', 'Content-Type: text/plain'];
    const chunked = [
      `PUT /api/functions/digits HTTP/1.1`,
      hostLine(),
      ...lines,
      'Connection: close',
      '',
      '0',
    ];
    expect((await rawRequest(running.url, chunked)).status).toBe(415);
  });
});
