import { afterEach, describe, expect, it } from 'vitest';
import { paperRateModel } from '../../../autoscaler/planning/capacity/paper-rates.ts';
import { percentileRateModel } from '../../../autoscaler/planning/capacity/percentile-rates.ts';
import type { RateModel } from '../../../autoscaler/planning/capacity/rate-model.ts';
import { constantRate } from '../../../profiler/load/arrivals/rates.ts';
import { type Config, configKey } from '../../../profiles/config.ts';
import { nodeCapacity } from '../../support/resources.ts';
import { declared, drawnMs } from '../../support/simulated-functions.ts';
import { type Sent, SimulatedWorld } from '../../support/simulated-world.ts';

const SLO_MS = 200;
const STARTUP_MS = 1_000;
const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
/** Two cores would be quick enough even in the spell, but there are less. */
const SMALL = [nodeCapacity({ name: 'small', cpuMillicores: 1_800, memoryBytes: 8e9, gpuPercents: [] })];
const CONFIG: Config = { batch: 1, cpuMillicores: 1_000, gpuPercent: 0 };

let world: SimulatedWorld;
/** How much slower than its table the host is at present. */
let slowness = 1;

async function open(rates: RateModel = percentileRateModel): Promise<void> {
  slowness = 1;
  world = await SimulatedWorld.open({
    nodes: SMALL,
    rates,
    executionMs: (config, rows, random) => slowness * drawnMs(config, rows, random),
  });
  world.controller.run();
}

function idle(late: 'serve' | 'reject') {
  return { late, scale: { policy: 'fixed', idle: '3s' } } as const;
}

/** Serves for a while on a host that is much slower than its table, in bursts, and is then scaled to zero. */
async function slowSpell(late: 'serve' | 'reject', slo = `${SLO_MS}ms`): Promise<void> {
  world.controller.deploy(declared('f', { ...idle(late), slo }));
  await world.advance(2 * SECOND_MS);
  slowness = 20;
  world.load('f', constantRate(15, 30 * SECOND_MS), { process: { type: 'gamma', cv: 3 } });
  await world.advance(90 * SECOND_MS);
  expect(world.instancesOf('f')).toEqual([]);
}

/** A request every so often; returns those that ended by now. */
async function callEvery(periodMs: number, times: number): Promise<Sent[]> {
  const sent: Sent[] = [];
  for (let count = 0; count < times; count += 1) {
    void world.send('f').then((each) => sent.push(each));
    await world.advance(periodMs);
  }
  return sent;
}

/** What a full batch is counted on to take, over what its table says. */
function believedSlowness(): number {
  const { times } = world.controller.find('f')!;
  return times.meanMs(CONFIG) / times.tabulatedMs(CONFIG, CONFIG.batch);
}

afterEach(() => world.close());

describe.each([percentileRateModel, paperRateModel])(
  'after a slow spell and scale to zero, by $name',
  (rates) => {
    it('a function is served when it is called again', async () => {
      await open(rates);
      await slowSpell('serve');
      slowness = 1;
      const { error, latencyMs } = (await Promise.all([world.send('f'), world.advance(40 * SECOND_MS)]))[0];
      expect(error).toBeUndefined();
      expect(latencyMs).toBeLessThan(STARTUP_MS + SLO_MS);
    });

    it('it is served as well as can be where the host is slow still', async () => {
      await open(rates);
      await slowSpell('serve');
      const { error, latencyMs } = (await Promise.all([world.send('f'), world.advance(40 * SECOND_MS)]))[0];
      expect(error).toBeUndefined();
      expect(latencyMs).toBeLessThan(STARTUP_MS + 20 * SLO_MS);
    });

    it('one that may not be late gets an instance, learns that the spell is over, and serves again', async () => {
      await open(rates);
      await slowSpell('reject');
      slowness = 1;
      const sent = await callEvery(500, 300);
      // an instance takes longer to start than it may wait
      expect(sent[0]!.error).toMatchObject({ code: 'UNAVAILABLE' });
      const late = sent.slice(-100);
      expect(late).toHaveLength(100);
      expect(late.filter(({ error, latencyMs }) => error !== undefined || latencyMs > SLO_MS)).toEqual([]);
    });

    it('one that may not be late refuses on a slow host, but for what shows whether it is still slow', async () => {
      await open(rates);
      await slowSpell('reject');
      const sent = (await callEvery(100, 600)).filter(
        ({ arrivalMs }) => arrivalMs > world.clock.nowMs() - 40_000,
      );
      const answered = sent.filter(({ error }) => error === undefined);
      expect(world.instancesOf('f', 'ready').length).toBeGreaterThan(0);
      expect(answered.length).toBeGreaterThan(10);
      expect(answered.length).toBeLessThanOrEqual(40);
      expect(believedSlowness()).toBeGreaterThan(8);
    });
  },
);

describe('what a slow spell has taught', () => {
  it('is forgotten by and by while nothing runs', async () => {
    await open();
    await slowSpell('serve');
    const managed = world.controller.find('f')!;
    const at = async (minutes: number): Promise<number> => {
      await world.advance(minutes * MINUTE_MS);
      const { decision } = await world.controller.consider('f');
      const { meanMs } = decision.seen.candidates.find(
        ({ config }) => configKey(config) === configKey(CONFIG),
      )!;
      return meanMs / managed.times.tabulatedMs(CONFIG, CONFIG.batch);
    };
    const spell = await at(0);
    expect(world.controller.looserSloMsOf('f')).toBeDefined();
    expect(spell).toBeGreaterThan(10);
    const tenMinutes = await at(10);
    expect(tenMinutes).toBeLessThan(0.6 * spell);
    expect(tenMinutes).toBeGreaterThan(0.4 * spell);
    const { arrivalCv } = managed.seenAt(world.clock.nowMs());
    expect(arrivalCv).toBeGreaterThan(1);
    expect(await at(110)).toBeLessThan(1.3); // what codec and transport add to the table's execution time
    expect(managed.seenAt(world.clock.nowMs()).arrivalCv).toBe(1);
    expect(world.controller.looserSloMsOf('f')).toBeUndefined();
  });

  it('lasts while an instance runs, and is as slow, however seldom it is called', async () => {
    await open();
    world.controller.deploy(declared('f', { scale: { min: 1 }, limits: { cpu: 1 } }));
    await world.advance(2 * SECOND_MS);
    slowness = 5;
    await callEvery(MINUTE_MS, 60);
    const before = believedSlowness();
    expect(before).toBeGreaterThan(4);
    await world.advance(60 * MINUTE_MS);
    await callEvery(MINUTE_MS, 60);
    expect(believedSlowness()).toBeCloseTo(before, 0);
  });

  it('does not keep the function from being deployed anew', async () => {
    await open();
    await slowSpell('serve', '150ms'); // which not even two cores would keep
    const again = declared('f', { ...idle('serve'), slo: '150ms', maxWait: '20s' });
    expect(() => world.controller.deploy(again)).not.toThrow();
  });

  it('is told while it lasts: in the log once, and when it is over', async () => {
    await open();
    world.controller.deploy(declared('f', { scale: { min: 1 } }));
    await world.advance(2 * SECOND_MS);
    world.load('f', constantRate(2, 300 * SECOND_MS));
    slowness = 20;
    await world.advance(60 * SECOND_MS);
    const told = () =>
      world.log.filter(({ msg }) => msg.includes('its SLO')).map(({ msg, reason }) => ({ msg, reason }));
    expect(told()).toEqual([
      {
        msg: 'a function cannot keep its SLO',
        reason: expect.stringMatching(
          /^No config that a node can hold answers within 200 ms at p99 now: it is planned for .*\. Requests are served as well as can be\.$/,
        ),
      },
    ]);
    slowness = 1;
    await world.advance(200 * SECOND_MS);
    expect(told().at(-1)).toEqual({ msg: 'a function can keep its SLO again', reason: undefined });
    expect(told()).toHaveLength(2);
  });
});
