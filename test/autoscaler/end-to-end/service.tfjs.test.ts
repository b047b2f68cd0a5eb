import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { profileModel } from '../../../profiler/sweep/profile-model.ts';
import { denseNet, type KnownNet, writeTfjsModel } from '../../support/tfjs-models.ts';
import { ModelFolder } from '../../support/tiny-models.ts';
import { RunningService } from './running-service.ts';

let folder: ModelFolder;
let running: RunningService;
let net: KnownNet;
beforeAll(async () => {
  folder = await ModelFolder.create();
  process.env.INFLESS_CACHE_DIR = join(folder.path, 'cache');
  running = await RunningService.start();
  net = await denseNet();
}, 60_000);
afterAll(async () => {
  await running.stop();
  await folder.remove();
});

it('a TF.js model is deployed by its table and answers what arithmetic says', async () => {
  const model = await writeTfjsModel(join(folder.path, 'net'), net.init, { shardBytes: 64 });
  await profileModel(model, { quick: true, batches: [1, 4], cpuMillicores: [1000], cellTimeMs: 100 });
  const declared = await running.declare({ name: 'net', model, slo: '5s' });
  expect(declared.status, declared.text).toBe(201);
  const rows = [
    [1, 2, 3, 4, 5, 6],
    [0, 0.5, 0, -0.5, 0, 1],
  ];
  const answer = await running.request('POST', '/function/net', JSON.stringify({ instances: rows }));
  expect(answer.status, answer.text).toBe(200);
  const { predictions } = answer.json<{ predictions: number[][] }>();
  for (const [index, value] of net.expected(rows.flat()).entries()) {
    expect(predictions.flat()[index]).toBeCloseTo(value, 4);
  }
});
