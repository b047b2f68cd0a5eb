import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { ServiceTimes } from '../../../autoscaler/latency/service-times.ts';
import { constantRate } from '../../../profiler/load/arrivals/rates.ts';
import { cell, table } from '../../profiles/sample-table.ts';
import { oneByOneMs, REASON, runningAlone } from '../../support/lone-requests.ts';
import { declared, PROFILE } from '../../support/simulated-functions.ts';
import { attainment, SimulatedWorld } from '../../support/simulated-world.ts';
import { settle } from '../../support/virtual-time.ts';

const SLO_MS = 200;

let world: SimulatedWorld;

async function open(): Promise<SimulatedWorld> {
  world = await SimulatedWorld.open({ executionMs: oneByOneMs, transport: runningAlone });
  world.controller.run();
  return world;
}

afterEach(async () => {
  await world.close();
  expect(world.errors).toEqual([]);
});

const batchesOf = (name: string): number[] => [
  ...new Set(world.instancesOf(name).map(({ config }) => config.batch)),
];
const plannedBatches = (name: string): number[] => [
  ...new Set(
    world.controller
      .find(name)!
      .candidates()
      .map(({ config }) => config.batch),
  ),
];

/** Measured with batches of four only, so that every instance is one that may be given several. */
const FOURS = table(
  [500, 1000, 2000].map((cpuMillicores) =>
    cell(4, cpuMillicores, (34 * 1000) / cpuMillicores, { firstAnswerMs: 800 }),
  ),
);

/** Two requests that find an instance of `name` together. */
async function pair(name: string): Promise<void> {
  await Promise.all([world.send(name), world.send(name), world.advance(1_000)]);
}

describe('a model whose requests turn out to share no runs', () => {
  it('is planned with batches of one from then on, and keeps its SLO', async () => {
    await open();
    world.controller.deploy(declared('f'));
    await world.advance(3_000);
    const sent = world.load('f', constantRate(150, 240_000));
    await world.advance(60_000);
    const firstAlone = world.batches.findIndex(({ ranAlone }) => ranAlone !== undefined);
    expect(world.batches[firstAlone]!.size).toBeGreaterThan(1);
    expect(world.batches.slice(firstAlone + 10).every(({ size }) => size === 1)).toBe(true);
    expect(plannedBatches('f')).toEqual([1]);
    expect(batchesOf('f')).toEqual([1]);

    const settledMs = world.clock.nowMs();
    await world.advance(180_000);
    const settled = sent.filter(({ arrivalMs }) => arrivalMs > settledMs);
    expect(settled.length).toBeGreaterThan(10_000);
    expect(attainment(settled, SLO_MS)).toBeGreaterThan(0.99);
    expect(sent.filter(({ error }) => error !== undefined)).toEqual([]);
    expect(world.movesSince(settledMs).length).toBeLessThanOrEqual(4);
  });

  it('is told of once: in the log, and in the warnings of every function that has it', async () => {
    await open();
    for (const name of ['f', 'g']) world.controller.deploy(declared(name, {}, { profile: FOURS }));
    await world.advance(3_000);
    expect(world.controller.find('g')!.warnings).toEqual([]);
    await pair('f');
    await pair('g');
    const warnings = world.log.filter(({ level }) => level === pino.levels.values.warn);
    expect(warnings).toMatchObject([{ function: 'f', model: FOURS.model.digest, reason: REASON }]);
    for (const name of ['f', 'g']) {
      expect(world.controller.find(name)!.warnings).toEqual([expect.stringContaining(REASON)]);
      expect(plannedBatches(name)).toEqual([1]);
    }
    expect(world.batches.filter(({ ranAlone }) => ranAlone !== undefined)).toHaveLength(1);
  });

  it('is known when it is declared again, until the autoscaler starts anew', async () => {
    await open();
    world.controller.deploy(declared('f', {}, { profile: FOURS }));
    await world.advance(3_000);
    await pair('f');
    world.controller.deploy(declared('f', { slo: '300ms' }, { profile: FOURS }));
    expect(plannedBatches('f')).toEqual([1]);
    world.controller.deploy(declared('g', {}, { profile: FOURS }));
    expect(plannedBatches('g')).toEqual([1]);

    await world.restart();
    world.controller.deploy(declared('f', {}, { profile: FOURS }));
    expect(plannedBatches('f')).toEqual([4]);
  });

  it('is not taken for the one that replaces it', async () => {
    await open();
    world.controller.deploy(declared('f', {}, { profile: FOURS }));
    await world.advance(3_000);
    const profile = { ...FOURS, model: { ...FOURS.model, digest: `sha256:${'cd'.repeat(32)}` } };
    world.controller.deploy(declared('f', {}, { version: 'v2', profile }));
    const sent = [world.send('f'), world.send('f')]; // answered by an instance of the first model
    await settle();
    await world.advance(500);
    await Promise.all(sent);
    expect(world.batches.some(({ ranAlone }) => ranAlone !== undefined)).toBe(true);
    expect(plannedBatches('f')).toEqual([4]);
    expect(world.controller.find('f')!.warnings).toEqual([]);
  });
});

describe('the configs of requests that run alone', () => {
  it('are those of one request, also where the table has only batches', () => {
    const times = new ServiceTimes(table([cell(4, 500, 50), cell(4, 1000, 20), cell(8, 1000, 30)]));
    const lone = times.candidates({ maxBatch: 8, percentile: 99, alone: true });
    expect(lone.map(({ config }) => config)).toEqual([
      { batch: 1, cpuMillicores: 500, gpuPercent: 0 },
      { batch: 1, cpuMillicores: 1000, gpuPercent: 0 },
    ]);
    const batched = times.candidates({ maxBatch: 4, percentile: 99 });
    for (const [index, { meanMs, tailMs }] of lone.entries()) {
      expect(meanMs).toBeLessThanOrEqual(batched[index]!.meanMs);
      expect(tailMs).toBeGreaterThanOrEqual(meanMs);
    }
  });

  it('are within the limits of the function', () => {
    const times = new ServiceTimes(PROFILE);
    const lone = times.candidates({ maxBatch: 8, percentile: 99, alone: true, limits: { cpu: 1 } });
    expect(lone.map(({ config }) => config.cpuMillicores)).toEqual([500, 1000]);
  });
});
