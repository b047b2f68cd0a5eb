import { copyFile, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { OpenFaasStatus } from '../../../autoscaler/gateway/openfaas/function-status.ts';
import { fetchExplanation } from '../../../autoscaler/what-if/commands/live-explanation.ts';
import { packageVersion } from '../../../models/base/package.ts';
import { resolveModel } from '../../../models/resolve/resolve-model.ts';
import { CREDENTIALS, FaasCliRequests, PICTURE } from './faas-cli-requests.ts';
import { JSON_TYPE, measuredCache, RunningService } from './running-service.ts';

const DIGITS = {
  service: 'digits',
  image: 'mnist:latest',
  labels: { 'com.openfaas.scale.min': '1', team: 'vision' },
  annotations: { 'infless.io/slo-ms': '500', note: 'mine' },
};

interface LogMessage {
  readonly name: string;
  readonly namespace: string;
  readonly instance: string;
  readonly timestamp: string;
  readonly text: string;
}

let cache: string;
let service: RunningService;
let cli: FaasCliRequests;
const startedAtMs = Date.now();
beforeAll(async () => {
  cache = await measuredCache();
  service = await RunningService.start({ credentials: CREDENTIALS });
  cli = new FaasCliRequests(service);
}, 60_000);
afterAll(async () => {
  await service.stop();
  await rm(cache, { recursive: true, force: true });
});
afterEach(async () => {
  for (const { name } of await list())
    await cli.system('DELETE', '/system/functions', { functionName: name });
});

async function list(): Promise<readonly OpenFaasStatus[]> {
  return (await cli.system('GET', '/system/functions')).json<OpenFaasStatus[]>();
}

async function describeFunction(name: string): Promise<OpenFaasStatus> {
  return (await cli.system('GET', `/system/function/${name}?usage=1`)).json<OpenFaasStatus>();
}

async function until(name: string, wanted: (status: OpenFaasStatus) => boolean): Promise<OpenFaasStatus> {
  const giveUpAt = Date.now() + 40_000;
  for (;;) {
    const status = await describeFunction(name);
    if (wanted(status)) return status;
    if (Date.now() > giveUpAt) throw new Error(`never as wanted: ${JSON.stringify(status)}`);
    await sleep(50);
  }
}

function untilAvailable(name: string): Promise<OpenFaasStatus> {
  return until(name, ({ availableReplicas, usage }) => availableReplicas > 0 && usage !== undefined);
}

describe('faas-cli login', () => {
  it('is refused with a challenge, or let in', async () => {
    for (const wrong of [
      { user: 'admin', password: 'pass' },
      { user: 'other', password: 'pass:word' },
    ]) {
      const answer = await new FaasCliRequests(service, wrong).system('GET', '/system/functions');
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toBe('Basic realm="Restricted"');
      expect(answer.headers.get('content-type')).toMatch(/^text\/plain/);
    }
    expect((await cli.system('GET', '/system/functions')).status).toBe(200);
  });

  it.each([
    ['GET', '/system/info'],
    ['GET', '/system/functions'],
    ['POST', '/system/functions'],
    ['PUT', '/system/functions'],
    ['DELETE', '/system/functions'],
    ['GET', '/system/function/digits'],
    ['POST', '/system/scale-function/digits'],
    ['GET', '/system/secrets'],
    ['POST', '/system/secrets'],
    ['GET', '/system/namespaces'],
    ['GET', '/system/logs?name=digits'],
    ['GET', '/api/functions'],
    ['POST', '/api/functions'],
    ['DELETE', '/api/functions/digits'],
    ['GET', '/api/functions/digits/explanation'],
  ])('is what %s %s asks for', async (method, path) => {
    expect((await service.request(method, path)).status).toBe(401);
  });

  it('is what `explain` takes in its address, and does not repeat', async () => {
    await cli.deploy(DIGITS);
    const address = (password: string): string => service.url.replace('//', `//admin:${password}@`);
    expect(await fetchExplanation(address('pass%3Aword'), 'digits')).toMatchObject({ name: 'digits' });
    await expect(fetchExplanation(address('wrong'), 'digits')).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.not.stringContaining('wrong'),
    });
  });

  it('is not what functions, health and metrics ask for', async () => {
    expect((await service.request('GET', '/healthz')).status).toBe(200);
    expect((await service.request('GET', '/metrics')).status).toBe(200);
    expect((await cli.invoke('digits', PICTURE)).status).toBe(404);
    expect((await cli.invokeAsync('digits', PICTURE)).status).toBe(404);
  });
});

describe('faas-cli version and namespaces', () => {
  it('find all that they print', async () => {
    expect((await cli.system('GET', '/system/info')).json()).toEqual({
      arch: expect.any(String),
      provider: {
        provider: 'infless',
        orchestration: 'local',
        version: { sha: expect.any(String), release: packageVersion },
      },
      version: { sha: expect.any(String), release: packageVersion },
    });
    expect((await cli.system('GET', '/system/namespaces')).json()).toEqual(['openfaas-fn']);
    const making = await cli.system('POST', '/system/namespace/other', {});
    expect([making.status, making.text]).toEqual([501, expect.stringContaining('"openfaas-fn"')]);
  });
});

describe('faas-cli deploy', () => {
  it('creates, updates, and finds what it has deployed', async () => {
    expect(await cli.deploy(DIGITS)).toEqual([404, 202]);
    const deployed = await untilAvailable('digits');
    expect(deployed).toEqual({
      name: 'digits',
      namespace: 'openfaas-fn',
      image: 'mnist',
      labels: DIGITS.labels,
      annotations: DIGITS.annotations,
      invocationCount: 0,
      replicas: expect.any(Number),
      availableReplicas: expect.any(Number),
      createdAt: expect.any(String),
      usage: { cpu: expect.any(Number), totalMemoryBytes: expect.any(Number) },
    });
    expect(deployed.usage!.totalMemoryBytes).toBeGreaterThan(10 << 20);
    const createdAtMs = Date.parse(deployed.createdAt!);
    expect(createdAtMs).toBeGreaterThanOrEqual(startedAtMs);
    expect(createdAtMs).toBeLessThanOrEqual(Date.now());

    const faster = { ...DIGITS, annotations: { 'infless.io/slo-ms': '450' }, envVars: { A: 'b' } };
    expect(await cli.deploy(faster)).toEqual([202]);
    expect(await list()).toMatchObject([
      { name: 'digits', annotations: { 'infless.io/slo-ms': '450' }, envVars: { A: 'b' } },
    ]);
    expect((await describeFunction('digits')).createdAt).toBe(deployed.createdAt);
    expect((await cli.system('POST', '/system/functions', DIGITS)).status).toBe(409);
  });

  it.each([
    ['an image that nobody has', { image: 'oci:/nowhere/at-all' }, 404, '/nowhere/at-all'],
    ['a name that is none', { service: 'Digits' }, 400, '"name"'],
    ['a label that says nothing', { labels: { 'com.openfaas.scale.min': 'x' } }, 400, 'scale.min is "x"'],
    ['a secret that is not there', { secrets: ['nothing'] }, 400, 'no secret "nothing"'],
    ['an environment that runs code', { envVars: { LD_PRELOAD: '/x.so' } }, 400, '"environment.LD_PRELOAD"'],
    ['another namespace', { namespace: 'other' }, 400, 'no namespace "other"'],
    ['an SLO that nothing meets', { annotations: { 'infless.io/slo-ms': '0.01' } }, 422, 'SLO'],
  ])('is told in a sentence of %s', async (_what, change, status, sentence) => {
    const answer = await cli.system('POST', '/system/functions', { ...DIGITS, ...change });
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain/);
    expect([answer.status, answer.text]).toEqual([status, expect.stringContaining(sentence)]);
    expect(await list()).toEqual([]);
  });

  it('is told so when it sends no JSON', async () => {
    const authorization = `Basic ${btoa('admin:pass:word')}`;
    const answer = await service.request('POST', '/system/functions', '{', { authorization, ...JSON_TYPE });
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining('is not JSON')]);
  });
});

describe('faas-cli describe and remove', () => {
  it('tell why a function is not ready', async () => {
    const copy = join(service.stateDirectory, 'copy.onnx');
    await copyFile((await resolveModel('mnist')).path, copy);
    await cli.deploy({ ...DIGITS, image: copy });
    await rm(copy);
    await until('digits', ({ annotations }) => annotations['infless.io/reason']?.includes(copy) === true);
  });

  it('are told of what is not there', async () => {
    expect((await cli.system('GET', '/system/function/nothing?usage=1')).status).toBe(404);
    const removal = await cli.system('DELETE', '/system/functions', { functionName: 'nothing' });
    expect(removal.status).toBe(404);
    expect((await cli.system('GET', '/system/functions?namespace=other')).status).toBe(400);
  });

  it('remove what is there', async () => {
    await cli.deploy(DIGITS);
    const removal = await cli.system('DELETE', '/system/functions', { functionName: 'digits' });
    expect([removal.status, removal.text]).toEqual([202, '']);
    expect(await list()).toEqual([]);
    expect((await cli.invoke('digits', PICTURE)).status).toBe(404);
  });
});

describe('faas-cli invoke', () => {
  it('is answered at the name with and without its namespace, and counted', async () => {
    await cli.deploy(DIGITS);
    for (const address of ['digits', 'digits.openfaas-fn', 'digits.openfaas-fn/', 'digits?a=b']) {
      const answer = await cli.invoke(address, PICTURE);
      expect(answer.status, `${address}: ${answer.text}`).toBe(200);
      expect(answer.json<{ predictions: number[][] }>().predictions[0]).toHaveLength(10);
      expect(answer.headers.get('x-call-id')).toMatch(/^[0-9a-f-]{36}$/);
      expect(Number(answer.headers.get('x-start-time')) / 1e6).toBeCloseTo(Date.now(), -5);
      expect(Number(answer.headers.get('x-duration-seconds'))).toBeGreaterThan(0);
    }
    expect((await cli.invoke('digits', PICTURE, { 'x-call-id': 'mine' })).headers.get('x-call-id')).toBe(
      'mine',
    );
    expect((await describeFunction('digits')).invocationCount).toBe(5);
    expect((await cli.invoke('digits.other', PICTURE)).status).toBe(404);
    expect((await service.request('PUT', '/function/digits', PICTURE)).status).toBe(405);
    const { text } = await service.request('GET', '/metrics');
    expect(text).toContain(
      'gateway_function_invocation_total{function_name="digits.openfaas-fn",code="200"} 5',
    );
    expect(text).toMatch(/^gateway_service_count\{function_name="digits.openfaas-fn"\} [1-9]/m);
  });
});

describe('faas-cli scale', () => {
  it('pins how many instances there are at least', async () => {
    await cli.deploy(DIGITS);
    const scaling = await cli.system('POST', '/system/scale-function/digits', {
      serviceName: 'digits',
      replicas: 2,
    });
    expect([scaling.status, scaling.text]).toEqual([202, '']);
    const status = await until('digits', ({ replicas }) => replicas >= 2);
    expect(status.labels).toMatchObject({ 'com.openfaas.scale.min': '2', team: 'vision' });
    const tooMany = { serviceName: 'digits', replicas: 1000 };
    expect((await cli.system('POST', '/system/scale-function/digits', tooMany)).status).toBe(400);
    expect((await cli.system('POST', '/system/scale-function/nothing', tooMany)).status).toBe(404);
  });
});

describe('faas-cli secret', () => {
  it('creates, lists, updates and removes, and never tells what it holds', async () => {
    const secret = { name: 'token', value: 's3cret' };
    expect((await cli.system('GET', '/system/secrets')).json()).toEqual([]);
    expect((await cli.system('POST', '/system/secrets', secret)).status).toBe(202);
    expect((await cli.system('POST', '/system/secrets', secret)).status).toBe(409);
    expect((await cli.system('GET', '/system/secrets?namespace=openfaas-fn')).json()).toEqual([
      { name: 'token', namespace: 'openfaas-fn' },
    ]);
    const bytes = { name: 'token', rawValue: Buffer.of(0, 255).toString('base64') };
    expect((await cli.system('PUT', '/system/secrets', bytes)).status).toBe(202);
    const file = join(service.stateDirectory, 'secrets', 'token.secret');
    expect(await readFile(file)).toEqual(Buffer.of(0, 255));

    expect(await cli.deploy({ ...DIGITS, secrets: ['token'] })).toEqual([404, 202]);
    expect((await untilAvailable('digits')).secrets).toEqual(['token']);

    expect((await cli.system('DELETE', '/system/secrets', { name: 'token' })).status).toBe(202);
    expect((await cli.system('DELETE', '/system/secrets', { name: 'token' })).status).toBe(404);
    expect((await cli.system('PUT', '/system/secrets', secret)).status).toBe(404);
    expect((await cli.system('POST', '/system/secrets', { ...secret, name: '../x' })).status).toBe(400);
    expect((await cli.system('POST', '/system/secrets', { name: 'x', rawValue: '?' })).status).toBe(400);
  });
});

describe('faas-cli logs', () => {
  async function logs(query: string): Promise<LogMessage[]> {
    const answer = await cli.system('GET', `/system/logs?${query}`);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/x-ndjson']);
    return answer.text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as LogMessage);
  }

  it('shows what instances have printed: all, the newest, since a moment, of one instance', async () => {
    await cli.deploy(DIGITS);
    await untilAvailable('digits');
    const all = await logs('follow=false&name=digits&tail=-1');
    expect(all.length).toBeGreaterThan(1);
    expect(all[0]).toMatchObject({ name: 'digits', namespace: 'openfaas-fn' });
    expect(all.map(({ text }) => text).join('\n')).toContain('"msg":"ready"');
    expect(new Date(all[0]!.timestamp).getTime()).toBeGreaterThan(startedAtMs);
    const { instance } = all[0]!;
    const own = await logs(`name=digits&instance=${instance}`);
    expect(new Set(own.map((line) => line.instance))).toEqual(new Set([instance]));
    expect(await logs(`name=digits&instance=${instance}&tail=1`)).toHaveLength(1);
    expect(await logs(`name=digits&instance=other`)).toEqual([]);
    const future = new Date(Date.now() + 60_000).toISOString().replace('.000Z', 'Z');
    expect(await logs(`name=digits&since=${future}`)).toEqual([]);

    expect((await cli.system('GET', '/system/logs?name=nothing')).status).toBe(404);
    expect((await cli.system('GET', '/system/logs?name=digits&since=yesterday')).status).toBe(400);
    expect((await cli.system('GET', '/system/logs?name=digits&tail=many')).status).toBe(400);
  });

  it('follows, instances to come included, until its client goes', async () => {
    await cli.deploy({ ...DIGITS, labels: {} });
    const leaving = new AbortController();
    const response = await fetch(`${service.url}/system/logs?follow=true&name=digits&tail=-1`, {
      headers: { authorization: `Basic ${btoa('admin:pass:word')}` },
      signal: leaving.signal,
    });
    let seen = '';
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      seen += chunk;
      if (seen.includes('\\"msg\\":\\"ready\\"')) break;
    }
    leaving.abort();
    expect(seen).toContain('"name":"digits"');
  });

  it('that are followed hold up no end', async () => {
    const other = await RunningService.start({ credentials: CREDENTIALS });
    const client = new FaasCliRequests(other);
    await client.deploy({ ...DIGITS, labels: {} });
    const following = client.system('GET', '/system/logs?follow=true&name=digits');
    await other.untilReady('digits');
    await other.stop();
    expect((await following).status).toBe(200);
  });
});
