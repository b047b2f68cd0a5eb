import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { resolveDeployment } from '../../../autoscaler/functions/deployment.ts';
import { likeEnvironment } from '../../../autoscaler/functions/request-like.ts';
import { parseFunctionSpec } from '../../../autoscaler/functions/spec.ts';
import { packageRoot } from '../../../models/base/package.ts';
import { resolveModel } from '../../../models/resolve/resolve-model.ts';
import { saveTable } from '../../../profiles/store.ts';
import { readTable } from '../../../profiles/table-file.ts';
import { ModelFolder, tensorInfo } from '../../support/tiny-models.ts';

let folder: ModelFolder;
let model: string;
beforeAll(async () => {
  folder = await ModelFolder.create();
  vi.stubEnv('INFLESS_CACHE_DIR', join(folder.path, 'cache'));
  model = await folder.write('net.onnx', {
    inputs: [tensorInfo('x', 'float32', ['batch', 'length'])],
    outputs: [tensorInfo('y', 'float32', ['batch', 'length'])],
    nodes: [{ opType: 'Neg', input: ['x'], output: ['y'] }],
  });
  const { manifest } = await resolveModel(model);
  await saveTable({
    ...(await readTable(join(packageRoot, 'profiles/mobilenet-epyc.json'))),
    model: manifest,
  });
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await folder.remove();
});

const parse = (declared: object) => parseFunctionSpec({ name: 'f', model, slo: '1s', ...declared }, 'f');
const deploy = (declared: object) => resolveDeployment(parse(declared));

describe('what requests to a function look like', () => {
  it('is told its instances, which are others when it changes', async () => {
    const plain = await deploy({});
    const shaped = await deploy({ shapes: { x: [1, 7] } });
    expect(shaped.model.manifest.inputs[0]!.example).toEqual({ shape: [1, 7], shapeFrom: 'given' });
    expect(shaped.workload.environment).toMatchObject({ INFLESS_SHAPES: '{"x":[1,7]}' });
    expect(shaped.workload.version).not.toBe(plain.workload.version);
    const request = { instances: [[1, 2, 3]] };
    const sampled = await deploy({ sample: request });
    expect(sampled.model.manifest.inputs[0]!.example).toMatchObject({ shape: [3], shapeFrom: 'sample' });
    expect(sampled.workload.environment).toMatchObject({ INFLESS_SAMPLE: JSON.stringify(request) });
    const file = await folder.write('request.json', Buffer.from(JSON.stringify(request)));
    const named = await deploy({ sample: file });
    expect(named.model.manifest.inputs).toEqual(sampled.model.manifest.inputs);
    expect(likeEnvironment(parse({ sample: file }))).toEqual({ INFLESS_SAMPLE: file });
  });

  it('makes other instances when a sample of the same name has other content', async () => {
    const write = (row: number[]) =>
      folder.write('changing.json', Buffer.from(JSON.stringify({ instances: [row] })));
    const sample = await write([1, 2, 3]);
    const before = await deploy({ sample });
    expect((await deploy({ sample })).workload).toEqual(before.workload);
    await write([4, 5, 6]); // of the same shape: nothing but the values tells
    const after = await deploy({ sample });
    expect(after.workload).toEqual({ ...before.workload, version: after.workload.version });
    expect(after.workload.version).not.toBe(before.workload.version);
  });

  it('tells where their rows lie', async () => {
    const axis = await deploy({ batchAxis: 1 });
    expect(axis.model.manifest.inputs[0]).toMatchObject({ batchAxis: 1 });
    expect(axis.workload.environment).toMatchObject({ INFLESS_BATCH_AXIS: '1' });
    const named = await deploy({ batchAxis: { x: 0 } });
    expect(named.model.manifest.inputs[0]).toMatchObject({ batchAxis: 0 });
    expect(named.workload.environment).toMatchObject({ INFLESS_BATCH_AXIS: '{"x":0}' });
    await expect(deploy({ batchAxis: { x: 2 } })).rejects.toThrow('Input "x" has no axis 2');
  });

  it.each([
    [{ sample: { instances: [[1], [2]] } }, /The sample of function "f" has 2 instances/],
    [{ sample: { instances: [['a']] } }, /The sample of function "f" cannot be used: /],
    [{ sample: '/none/at/all.json' }, /Sample \/none\/at\/all\.json does not exist/],
    [{ shapes: { x: [1, 2, 3] } }, /Shape \[1,2,3\] does not fit input "x", which is \[N,\?\]/],
    [{ shapes: { z: [1, 2] } }, /has no input "z"/],
  ])('is refused where the model does not take it: %j', async (declared, sentence) => {
    await expect(deploy(declared)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringMatching(sentence),
    });
  });

  it.each([
    [{ sample: 7 }, /sample.*must be the name of a file, or a request/],
    [{ sample: { instances: ['x'.repeat(70_000)] } }, /sample.*at most 65536 characters/],
    [{ shapes: { x: [0] } }, /shapes/],
    [{ shapes: { x: [1] }, sample: { instances: [[1]] } }, /shapes.*must be left out beside "sample"/],
  ])('is declared in one way: %j', (declared, sentence) => {
    expect(() => parse(declared)).toThrow(sentence);
  });
});
