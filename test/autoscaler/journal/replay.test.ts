import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import {
  JournalReader,
  JournalWriter,
  type RecordedDecision,
} from '../../../autoscaler/journal/journal-line.ts';
import { replay } from '../../../autoscaler/journal/replay.ts';
import { percentileRateModel } from '../../../autoscaler/planning/capacity/percentile-rates.ts';
import type { PlanInput, ScalingDecision } from '../../../autoscaler/planning/decision.ts';
import { planCluster } from '../../../autoscaler/planning/planner.ts';
import { constantRate } from '../../../profiler/load/arrivals/rates.ts';
import { declared } from '../../support/simulated-functions.ts';
import { SimulatedWorld } from '../../support/simulated-world.ts';
import { demandFor, nodesOf } from './recorded-inputs.ts';

/** As it comes back from disk. */
function recorded(input: PlanInput, decision: ScalingDecision = planCluster(input)): RecordedDecision {
  const reader = new JournalReader();
  const lines = new JournalWriter().linesOf('id', input, decision, 0);
  return lines.map((line) => reader.read(line)).find((each) => each !== undefined)!;
}

function inputOf(rates: readonly number[], nodes = 2): PlanInput {
  return {
    demands: rates.map((rate, index) => demandFor(`f${index}`, rate)),
    cluster: { nodes: nodesOf(nodes), instances: [], leaving: [] },
    rates: percentileRateModel,
  };
}

it('a decision is made again as it was, whatever it was', () => {
  const rates = fc.array(fc.double({ min: 0.01, max: 400, noNaN: true }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(rates, fc.integer({ min: 1, max: 4 }), (given, nodes) => {
      expect(replay(recorded(inputOf(given, nodes)))).toMatchObject({ isSame: true, differing: [] });
    }),
    { numRuns: 40 },
  );
});

describe('another question gets another answer', () => {
  const decision = recorded(inputOf([200, 20]));

  it.each([
    ['a looser SLO', { sloMs: () => 2_000 }, ['f0', 'f1']],
    ['of one function', { sloMs: (name: string) => (name === 'f0' ? 2_000 : undefined) }, ['f0']],
    ['fewer instances', { maxInstances: (name: string) => (name === 'f0' ? 1 : undefined) }, ['f0']],
    ['more requests', { rateFactor: 3 }, ['f0', 'f1']],
    ['the other rate model', { rates: 'infless' }, ['f0', 'f1']],
  ])('%s', (_, change, differing) => {
    const { isSame, differing: found, outcomes } = replay(decision, change);
    expect(isSame).toBe(false);
    for (const name of found) expect(differing).toContain(name);
    expect(found.length).toBeGreaterThan(0);
    expect(outcomes).toHaveLength(2);
  });

  it('smaller instances', () => {
    const [big] = replay(decision, { mostCpuMillicores: 500 }).outcomes;
    for (const { config } of big!.target) expect(config.cpuMillicores).toBeLessThanOrEqual(500);
  });
});

describe('what a control loop decided', () => {
  let world: SimulatedWorld;
  afterEach(() => world.close());

  it('is decided again from what it took down', async () => {
    const writer = new JournalWriter();
    const lines: string[] = [];
    world = await SimulatedWorld.open({
      nodes: nodesOf(2),
      onDecision: (input, decision, atMs) =>
        void lines.push(...writer.linesOf(`d${lines.length}`, input, decision, atMs)),
    });
    world.controller.run();
    for (const name of ['a', 'b', 'c']) world.controller.deploy(declared(name));
    world.load('a', constantRate(300, 40_000), { seed: 1 });
    world.load('b', constantRate(150, 60_000), { seed: 2 });
    world.load('c', constantRate(40, 20_000), { seed: 3 });
    await world.advance(60_000);
    const reader = new JournalReader();
    const decisions = lines.flatMap((line) => reader.read(line) ?? []);
    expect(reader.unreadable).toBe(0);
    expect(decisions.length).toBeGreaterThan(10);
    expect(decisions.filter((each) => !replay(each).isSame)).toEqual([]);
    const started = decisions.flatMap(({ actions }) => actions).filter(({ type }) => type === 'start');
    expect(started.length).toBe(world.moves.filter(({ what }) => what === 'start').length);
  });
});
