import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { profileModel } from '../../../profiler/sweep/profile-model.ts';
import { BEST_BOXES, imageWithBoxes, TWICE_IF_LOUD } from '../../support/counting-models.ts';
import { ModelFolder } from '../../support/tiny-models.ts';
import { RunningService } from './running-service.ts';

const ONE_CORE = { quick: true, cpuMillicores: [1000], cellTimeMs: 200 };

let cache: string;
let folder: ModelFolder;
let boxes: string;
let loud: string;
beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), 'infless-cache-'));
  process.env.INFLESS_CACHE_DIR = cache;
  folder = await ModelFolder.create();
  boxes = await folder.write('boxes.onnx', BEST_BOXES);
  loud = await folder.write('loud.onnx', TWICE_IF_LOUD);
  await profileModel(boxes, ONE_CORE);
  // so every instance takes batches
  await profileModel(loud, { ...ONE_CORE, batches: [4], batching: 'trust' });
}, 120_000);
afterAll(async () => {
  await folder.remove();
  await rm(cache, { recursive: true, force: true });
});

async function start(): Promise<RunningService> {
  const running = await RunningService.start();
  onTestFinished(() => running.stop());
  return running;
}

async function predictions(running: RunningService, name: string, instance: unknown): Promise<unknown> {
  const answer = await running.request(
    'POST',
    `/function/${name}`,
    JSON.stringify({ instances: [instance] }),
  );
  expect(answer.status, answer.text).toBe(200);
  return answer.json<{ predictions: unknown }>().predictions;
}

/** Those of its batches: others are of how busy the machine was that measured. */
async function warningsOf(running: RunningService, name: string): Promise<string[]> {
  const { warnings } = await running.status(name);
  return warnings.filter((warning) => warning.includes('one by one'));
}

describe('a function whose model keeps the best box of an image', () => {
  it('gives each of seven clients at once its own', async () => {
    const running = await start();
    await running.declare({ name: 'boxes', model: boxes, slo: '2s' });
    const clients = [[0.9], [0.1], [0, 0.8], [], [0, 0, 0.7], [0.2, 0.6], [0.3]];
    for (let round = 0; round < 3; round += 1) {
      const found = await Promise.all(
        clients.map((scores) => predictions(running, 'boxes', imageWithBoxes(...scores))),
      );
      expect(found).toEqual(
        clients.map((scores) => {
          const best = scores.findIndex((score) => score > 0.5);
          return best < 0
            ? []
            : [imageWithBoxes(...scores).boxes[best]!.map((value) => expect.closeTo(value))];
        }),
      );
    }
    const { instances } = await running.status('boxes');
    expect(instances.map(({ config }) => config.batch)).toEqual(instances.map(() => 1));
    expect(await warningsOf(running, 'boxes')).toEqual([]);
  });
});

describe('a function whose model only running shows to mix rows', () => {
  it('answers right, says so, and is planned with batches of one from then on', async () => {
    const running = await start();
    await running.declare({ name: 'loud', model: loud, slo: '2s', batching: 'trust' });
    const before = await running.untilReady('loud');
    expect(before.instances.map(({ config }) => config.batch)).toEqual([4]);

    const values = [1, 9, 2, 3, 7, 4, 5];
    const round = async (): Promise<void> => {
      const all = await Promise.all(values.map((value) => predictions(running, 'loud', [value, value])));
      const row = (value: number) => [value, value];
      expect(all).toEqual(values.map((value) => (value > 5 ? [row(value), row(value)] : [row(value)])));
    };
    const unbatched = async (): Promise<number> => {
      const { text } = await running.request('GET', '/metrics');
      return Number(
        /^infless_unbatched_total\{function_name="loud.openfaas-fn"\} (\d+)$/m.exec(text)?.[1] ?? 0,
      );
    };
    for (let tries = 0; tries < 20 && (await unbatched()) === 0; tries += 1) await round();
    expect(await unbatched()).toBeGreaterThan(0);
    const reason =
      /^Requests run one by one, although the model was taken to batch: output "y" has shape \[\d+,2\] for \d rows?\.$/;
    expect(await warningsOf(running, 'loud')).toEqual([expect.stringMatching(reason)]);

    await running.until('loud', ({ instances }) =>
      instances.every(({ config, phase }) => config.batch === 1 && phase === 'ready'),
    );
    await round(); // the new instance is shown it, too
    const counted = await unbatched();
    for (let again = 0; again < 3; again += 1) await round();
    expect(await unbatched()).toBe(counted);
  });
});
