import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { engineFor } from '../../../models/engines/index.ts';
import { generateInputs } from '../../../models/manifest/inputs.ts';
import type { ModelFile } from '../../../models/manifest/manifest.ts';
import { predictBody } from '../../../models/protocols/tensorflow-serving.ts';
import { resolveModel } from '../../../models/resolve/resolve-model.ts';
import {
  JSON_TYPE,
  measuredCache,
  RunningService,
  type ServiceOptions,
} from '../end-to-end/running-service.ts';

const MNIST = { name: 'digits', model: 'mnist', slo: '500ms' };

let cache: string;
let model: ModelFile;
beforeAll(async () => {
  cache = await measuredCache();
  model = await resolveModel('mnist');
}, 60_000);
afterAll(() => rm(cache, { recursive: true, force: true }));

async function start(options?: ServiceOptions, stateDirectory?: string): Promise<RunningService> {
  const running = await RunningService.start(options, stateDirectory);
  onTestFinished(() => running.stop());
  return running;
}

function body(rows = 1): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(predictBody(generateInputs(model.manifest, { batch: rows, seed: 3 }), 'row'));
}

async function expected(rows = 1): Promise<number[][]> {
  const session = await engineFor('onnx').open(model, { cpuMillicores: 1000, gpuPercent: 0 });
  const { predictions } = await session.run(generateInputs(model.manifest, { batch: rows, seed: 3 }));
  await session.close();
  const data = predictions!.data as Float32Array;
  return Array.from({ length: rows }, (_, row) => [...data.subarray(row * 10, row * 10 + 10)]);
}

describe('a function', () => {
  it('answers what the engine itself answers, at each of its addresses', async () => {
    const running = await start();
    expect((await running.declare(MNIST)).status).toBe(201);
    const wanted = await expected(2);
    for (const path of [
      '/function/digits',
      '/function/digits/v1/models/digits:predict',
      '/function/digits/v1/models/digits/versions/1:predict',
      '/v1/models/digits:predict',
    ]) {
      const answer = await running.request('POST', path, body(2));
      expect(answer.status, `${path}: ${answer.text}`).toBe(200);
      const { predictions } = answer.json<{ predictions: number[][] }>();
      predictions.flat().forEach((value, index) => {
        expect(value).toBeCloseTo(wanted.flat()[index]!, 5);
      });
      expect(answer.headers.get('x-call-id')).toMatch(/^[0-9a-f-]{36}$/);
      expect(Number(answer.headers.get('x-duration-seconds'))).toBeGreaterThan(0);
    }
  });

  it("answers the request that INFless' own client sends: named inputs and a signature", async () => {
    const running = await start();
    await running.declare(MNIST);
    const { instances } = JSON.parse(Buffer.from(body()).toString()) as { instances: unknown[] };
    const request = { signature_name: 'serving_default', instances: instances.map((inputs) => ({ inputs })) };
    const answer = await running.request('POST', '/function/digits', JSON.stringify(request));
    expect(answer.json<{ predictions: number[][] }>().predictions).toMatchObject([{ length: 10 }]);
  });

  it('takes a body in gzip, and refuses another coding by its name', async () => {
    const running = await start({ maxBodyBytes: 100_000 });
    await running.declare(MNIST);
    const post = (sent: Uint8Array, coding: string) =>
      running.request('POST', '/function/digits', Uint8Array.from(sent), { 'content-encoding': coding });
    const plain = await running.request('POST', '/function/digits', body(2));
    expect((await post(gzipSync(body(2)), 'gzip')).text).toBe(plain.text);
    expect((await post(body(2), 'br')).text).toContain('content encoding \\"br\\" are not taken');
    expect((await post(gzipSync(Buffer.alloc(10_000_000)), 'gzip')).status).toBe(413);
  });

  it('tells its status and signature without waking an instance', async () => {
    const running = await start();
    await running.declare({ ...MNIST, scale: { idle: '1ms' } });
    const status = await running.request('GET', '/function/digits/v1/models/digits');
    expect(status.json()).toMatchObject({ model_version_status: [{ state: 'AVAILABLE' }] });
    const metadata = await running.request('GET', '/v1/models/digits/metadata');
    expect(metadata.text).toContain('"DT_FLOAT"');
    expect((await running.request('GET', '/function/digits/v1/models')).json()).toEqual({
      models: ['digits'],
    });
    expect((await running.request('GET', '/function/digits')).json()).toEqual({ status: 'alive' });
  });

  it('is listed with the others, and none is called where none is named', async () => {
    const running = await start();
    await running.declare(MNIST);
    await running.declare({ ...MNIST, name: 'more' });
    expect((await running.request('GET', '/v1/models')).json()).toEqual({ models: ['digits', 'more'] });
    expect((await running.request('GET', '/')).json()).toEqual({ status: 'alive' });
    const nowhere = await running.request('POST', '/', body());
    expect(nowhere.status).toBe(404);
    expect(nowhere.text).toContain('There is nothing at POST /; predictions go to POST /function/NAME or');
  });

  it('is stopped after its idle time, and woken by a request that waits for it', async () => {
    const running = await start();
    await running.declare({ ...MNIST, scale: { idle: '600ms' } });
    await running.untilReady('digits');
    await running.until('digits', ({ instances }) => instances.length === 0);
    const answer = await running.request('POST', '/function/digits', body());
    expect(answer.status, answer.text).toBe(200);
    expect((await running.status('digits')).latest).toMatchObject({ requests: 1 });
  });

  it('starts nothing for a body that its headers tell against', async () => {
    const running = await start({ maxBodyBytes: 100_000 });
    await running.declare({ ...MNIST, scale: { idle: '600ms' } });
    await running.untilReady('digits');
    await running.until('digits', ({ instances }) => instances.length === 0);
    const large = await running.request('POST', '/function/digits', 'x'.repeat(200_000));
    const coded = await running.request('POST', '/function/digits', 'x', { 'content-encoding': 'br' });
    expect([large.status, coded.status]).toEqual([413, 415]);
    await sleep(500);
    expect(await running.status('digits')).toMatchObject({ instances: [], ratePerSecond: 0, phase: 'idle' });
    const { text } = await running.request('GET', '/metrics');
    expect(text).toContain('function_name="digits.openfaas-fn",code="413"} 1');
  });

  it('shows up in the metrics under the names OpenFaaS dashboards know', async () => {
    const running = await start();
    await running.declare(MNIST);
    await running.request('POST', '/function/digits', body());
    const { text } = await running.request('GET', '/metrics');
    expect(text).toContain(
      'gateway_function_invocation_total{function_name="digits.openfaas-fn",code="200"} 1',
    );
    expect(text).toContain('gateway_function_invocation_started{function_name="digits.openfaas-fn"} 1');
    expect(text).toContain('gateway_service_count{function_name="digits.openfaas-fn"} 1');
  });

  it('has broken no promise where requests were wrong by themselves', async () => {
    const running = await start({ maxBodyBytes: 100_000 });
    await running.declare({ ...MNIST, slo: '30s' });
    const answers = [body(), '{', '{"instances":[[1,2]]}', '{"instances":[1e39]}', 'x'.repeat(200_000)];
    const statuses: number[] = [];
    for (const sent of answers)
      statuses.push((await running.request('POST', '/function/digits', sent)).status);
    expect(statuses).toEqual([200, 400, 400, 400, 413]);
    expect((await running.status('digits')).latest).toMatchObject({ requests: 1, attainment: 1 });
    const { text } = await running.request('GET', '/metrics');
    expect(text).not.toMatch(/^infless_slo_violations_total\{.*\} [1-9]/m);
    expect(text).toContain('code="400"} 3');
  });

  it('is not planned for requests that were wrong by themselves', async () => {
    const running = await start();
    await running.declare(MNIST);
    await running.untilReady('digits');
    for (let sent = 0; sent < 50; sent += 1) await running.request('POST', '/function/digits', '{');
    expect((await running.status('digits')).ratePerSecond).toBe(0);
    await running.request('POST', '/function/digits', body());
    expect((await running.status('digits')).ratePerSecond).toBeGreaterThan(0);
  });

  it('is replaced by a declaration of its name, and deleted', async () => {
    const running = await start();
    await running.declare(MNIST);
    const before = await running.untilReady('digits');
    const replaced = await running.request(
      'PUT',
      '/api/functions/digits',
      JSON.stringify({ model: 'mnist', slo: '300ms', environment: { COLOUR: 'blue' } }),
      JSON_TYPE,
    );
    expect(replaced.json()).toMatchObject({ sloMs: 300 });
    const old = new Set(before.instances.map(({ id }) => id));
    await running.until(
      'digits',
      ({ instances, phase }) => phase === 'ready' && !instances.some(({ id }) => old.has(id)),
    );
    expect((await running.request('POST', '/function/digits', body())).status).toBe(200);

    expect((await running.request('DELETE', '/api/functions/digits')).status).toBe(204);
    expect((await running.request('POST', '/function/digits', body())).status).toBe(404);
    expect((await running.request('DELETE', '/api/functions/digits')).status).toBe(404);
  });
});

describe('losing a serving process under load', () => {
  it('fails no request, and the process is replaced', async () => {
    const running = await start();
    await running.declare({ ...MNIST, scale: { min: 2 } });
    const { instances } = await running.until(
      'digits',
      (status) => status.instances.length >= 2 && status.instances.every(({ phase }) => phase === 'ready'),
    );
    const victim = instances[0]!;
    const record = join(running.stateDirectory, 'instances', `${victim.id}.json`);
    const { pid } = (JSON.parse(await readFile(record, 'utf8')) as { process: { pid: number } }).process;

    const statuses: number[] = [];
    const sender = async (): Promise<void> => {
      for (let sent = 0; sent < 60; sent += 1) {
        if (statuses.length === 40) process.kill(pid, 'SIGKILL');
        statuses.push((await running.request('POST', '/function/digits', body())).status);
      }
    };
    await Promise.all([sender(), sender(), sender(), sender()]);
    expect(statuses).toHaveLength(240);
    expect(statuses.filter((status) => status !== 200)).toEqual([]);
    const after = await running.until('digits', (status) => {
      const ready = status.instances.filter(({ phase }) => phase === 'ready');
      return ready.length >= 2 && ready.every(({ id }) => id !== victim.id);
    });
    expect(after.instances.some(({ id }) => id === victim.id)).toBe(false);
  });
});

describe('a restart of the autoscaler', () => {
  it('keeps declared functions and adopts the instances that run', async () => {
    const first = await RunningService.start();
    await first.declare(MNIST);
    const before = await first.untilReady('digits');
    await first.service.close('leave');

    const second = await start({}, first.stateDirectory);
    const after = await second.status('digits');
    expect(after.phase).toBe('ready');
    expect(after.declaration).toEqual(MNIST);
    expect(after.instances.map(({ id }) => id)).toEqual(before.instances.map(({ id }) => id));
    expect((await second.request('POST', '/function/digits', body())).status).toBe(200);
  });

  it('keeps a function whose model has gone, says why it cannot run, and serves the others', async () => {
    const first = await RunningService.start();
    const copy = join(first.stateDirectory, 'copy.onnx');
    await writeFile(copy, await readFile(model.path));
    await first.declare(MNIST);
    await first.declare({ ...MNIST, name: 'copy', model: copy });
    await first.service.close('leave');
    await rm(copy);

    const second = await start({}, first.stateDirectory);
    expect(await second.status('copy')).toMatchObject({
      phase: 'broken',
      reason: expect.stringContaining('copy.onnx'),
    });
    const refused = await second.request('POST', '/function/copy', body());
    expect({ status: refused.status, body: refused.text }).toEqual({
      status: 503,
      body: expect.stringMatching(/Function \\"copy\\" cannot run: .*copy\.onnx/),
    });
    expect((await second.request('POST', '/function/digits', body())).status).toBe(200);
    const third = JSON.parse(await readFile(join(first.stateDirectory, 'functions.json'), 'utf8')) as {
      functions: unknown[];
    };
    expect(third.functions).toHaveLength(2);
  });

  it('keeps a function whose environment may not be any more, says why it cannot run, and serves the others', async () => {
    const first = await RunningService.start();
    await first.declare(MNIST);
    await first.service.close('stop');
    const file = join(first.stateDirectory, 'functions.json');
    const state = JSON.parse(await readFile(file, 'utf8')) as { functions: object[] };
    const marker = join(first.stateDirectory, 'marker');
    const script = `import("node:fs").then((fs) => fs.writeFileSync(${JSON.stringify(marker)}, "ran"))`;
    const environment = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(script)}` };
    const declaration = { ...MNIST, name: 'old', scale: { min: 1 }, environment };
    await writeFile(
      file,
      JSON.stringify({ ...state, functions: [{ origin: 'rest', declaration }, ...state.functions] }),
    );

    const second = await start({}, first.stateDirectory);
    const reason = expect.stringContaining('"environment.NODE_OPTIONS": may not be set by a function');
    expect(await second.status('old')).toMatchObject({ phase: 'broken', reason, declaration, instances: [] });
    expect((await second.request('GET', '/system/function/old')).json()).toMatchObject({
      availableReplicas: 0,
      annotations: { 'infless.io/reason': reason },
    });
    expect((await second.request('POST', '/function/old', body())).status).toBe(503);
    expect((await second.request('POST', '/function/digits', body())).status).toBe(200);
    await expect(readFile(marker)).rejects.toThrow('ENOENT');
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({
      functions: expect.arrayContaining([expect.objectContaining({ declaration })]),
    });

    const { environment: _, ...mended } = declaration;
    const replaced = await second.request('PUT', '/api/functions/old', JSON.stringify(mended), JSON_TYPE);
    expect(replaced.status, replaced.text).toBe(200);
  });

  it('makes the functions of the file be those of the file, and leaves those declared by REST', async () => {
    const first = await RunningService.start();
    await first.declare({ ...MNIST, name: 'by-rest' });
    await first.service.close('stop');
    const file = join(first.stateDirectory, 'functions.yaml');

    await writeFile(
      file,
      'functions:\n  - {name: one, model: mnist, slo: 400ms}\n  - {name: two, model: mnist, slo: 1s}\n',
    );
    const second = await RunningService.start({ functionsFile: file }, first.stateDirectory);
    expect(await names(second)).toEqual(['by-rest', 'one', 'two']);
    await second.service.close('stop');

    await writeFile(file, 'functions:\n  - {name: two, model: mnist, slo: 900ms}\n');
    const third = await start({ functionsFile: file }, first.stateDirectory);
    expect(await names(third)).toEqual(['by-rest', 'two']);
    expect(await third.status('two')).toMatchObject({ sloMs: 900 });
  });

  async function names(running: RunningService): Promise<string[]> {
    const { functions } = (await running.request('GET', '/api/functions')).json<{
      functions: { name: string }[];
    }>();
    return functions.map(({ name }) => name).sort();
  }
});
