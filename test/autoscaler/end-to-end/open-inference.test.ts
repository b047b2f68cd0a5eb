import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { profileModel } from '../../../profiler/sweep/profile-model.ts';
import { echoGraph, needsTritonClient, tritonClient } from '../../support/open-inference.ts';
import { ProgramRun } from '../../support/program-run.ts';
import { ModelFolder } from '../../support/tiny-models.ts';
import { measuredCache, RunningService } from './running-service.ts';

let cache: string;
let folder: ModelFolder;
let running: RunningService;
beforeAll(async () => {
  cache = await measuredCache();
  folder = await ModelFolder.create();
  const model = await folder.write('echo.onnx', echoGraph());
  await profileModel(model, { quick: true, batches: [1, 4], cpuMillicores: [500, 1000], cellTimeMs: 100 });
  running = await RunningService.start();
  await running.declare({ name: 'digits', model: 'mnist', slo: '500ms' });
  expect((await running.declare({ name: 'echo', model, slo: '500ms' })).status).toBe(201);
}, 120_000);
afterAll(async () => {
  await running.stop();
  await folder.remove();
  await rm(cache, { recursive: true, force: true });
});

const PICTURE = {
  inputs: [{ name: 'inputs', shape: [1, 28, 28, 1], datatype: 'FP32', data: Array<number>(784).fill(0.5) }],
};

describe('the Open Inference Protocol at the gateway', () => {
  it('tells of the server and of all functions without waking any', async () => {
    const json = async (method: string, path: string) =>
      (await running.request(method, path)).json<unknown>();
    expect(await json('GET', '/v2')).toMatchObject({ name: 'infless' });
    expect(await json('GET', '/v2/health/live')).toEqual({ live: true });
    expect(await json('GET', '/v2/health/ready')).toEqual({ ready: true });
    expect(await json('POST', '/v2/repository/index')).toMatchObject([{ name: 'digits' }, { name: 'echo' }]);
    expect(await json('GET', '/v2/models/digits')).toMatchObject({
      name: 'digits',
      inputs: [{ name: 'inputs', datatype: 'FP32', shape: [-1, 28, 28, 1] }],
    });
    expect(await json('POST', '/function/digits/v2/repository/index')).toMatchObject([{ name: 'digits' }]);
  });

  it('runs inferences, below the function and at the top', async () => {
    for (const path of ['/v2/models/digits/infer', '/function/digits/v2/models/digits/versions/1/infer']) {
      const answer = await running.request('POST', path, JSON.stringify(PICTURE));
      expect(answer.status, answer.text).toBe(200);
      expect(answer.json()).toMatchObject({
        model_name: 'digits',
        outputs: [{ name: 'predictions', datatype: 'FP32', shape: [1, 10] }],
      });
      expect(answer.headers.get('x-call-id')).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  it.each([
    ['POST', '/v2/models/nobody/infer', 404, 'There is no function "nobody"'],
    ['POST', '/function/digits/v2/models/echo/infer', 404, 'Model "echo" is not served here'],
    ['GET', '/v2/models/digits/config', 404, 'Configurations are not offered here'],
    ['GET', '/v2/models/digits/infer', 405, 'takes POST, not GET'],
    ['POST', '/async-function/digits/v2/repository/index', 404, 'There is nothing at POST'],
    ['POST', '/v2/models/digits/infer', 400, 'The request has no "inputs"'],
  ])('%s %s is %i', async (method, path, status, sentence) => {
    const answer = await running.request(method, path, method === 'POST' ? '{}' : undefined);
    const said = answer.text.replaceAll('\\"', '"');
    expect([answer.status, said]).toEqual([status, expect.stringContaining(sentence)]);
  });

  it("takes what Triton's own client sends", async (context) => {
    needsTritonClient(context);
    const { host } = new URL(running.url);
    await tritonClient(host, 'echo');
    await tritonClient(`${host}/function/echo`, 'echo');
  });

  it.each([['/v2/models/digits'], ['/function/echo', '--protocol', 'open-inference']])(
    'is loaded by infless-load at %s',
    async (path, ...options) => {
      const file = join(folder.path, 'report.json');
      const load = new ProgramRun('profiler/load/bin', [
        ...[running.url + path, ...options],
        ...['--rate', '20', '--duration', '1s', '--arrivals', 'constant', '--json', file],
      ]);
      expect(await load.exited(), load.stderr).toBe(0);
      expect(load.stdout).toMatch(/answered ok +│ 20,/);
      expect(load.stdout).toContain('/infer');
    },
  );
});
