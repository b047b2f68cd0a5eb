import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { profileModel } from '../../profiler/profile-model.ts';
import { denseNet, type KnownNet, writeTfjsModel } from '../support/tfjs-models.ts';
import { ModelFolder } from '../support/tiny-models.ts';
import { measuredCache, RunningService } from './running-service.ts';

let folder: ModelFolder;
let cache: string;
let running: RunningService;
let net: KnownNet;
beforeAll(async () => {
  folder = await ModelFolder.create();
  cache = await measuredCache();
  running = await RunningService.start();
  net = await denseNet();
}, 60_000);
afterAll(async () => {
  await running.stop();
  await folder.remove();
  await rm(cache, { recursive: true, force: true });
});

it('a TF.js model is deployed by its table and answers what arithmetic says', async () => {
  const model = await writeTfjsModel(folder.path, net.init, { shardBytes: 64 });
  await profileModel(model, { quick: true, batches: [1, 4], cpuMillicores: [1000], cellTimeMs: 100 });
  const declared = await running.declare({ name: 'net', model, slo: '1s' });
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
