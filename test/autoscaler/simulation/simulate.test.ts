import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Action } from '../../../autoscaler/cluster/actions.ts';
import type { NodeCapacity } from '../../../autoscaler/cluster/node.ts';
import { parseFunctionSpec } from '../../../autoscaler/functions/spec.ts';
import type { Planner } from '../../../autoscaler/planning/decision.ts';
import { planCluster } from '../../../autoscaler/planning/planner.ts';
import type { RequestRecord } from '../../../autoscaler/simulation/request-log.ts';
import type { Scenario } from '../../../autoscaler/simulation/scenario.ts';
import { simulate } from '../../../autoscaler/simulation/simulate.ts';
import { defaultSystem } from '../../../autoscaler/simulation/systems/default-system.ts';
import { SYSTEMS, systemByName } from '../../../autoscaler/simulation/systems/systems.ts';
import { arrivals } from '../../../profiler/load/arrivals/arrivals.ts';
import { steppedRate } from '../../../profiler/load/arrivals/rates.ts';
import { importInflessText } from '../../../profiles/import/infless-text.ts';
import type { ProfileTable } from '../../../profiles/table.ts';
import { nodeCapacity } from '../../support/resources.ts';

/** Batches are cheaper than their requests one by one, CPU helps, a GPU helps more. */
function tableOf(name: string, startupMs: number): ProfileTable {
  const lines = [1, 2, 4].flatMap((cores) =>
    [0, 10, 20].flatMap((gpu) =>
      [1, 2, 4, 8].map(
        (batch) => `${name} ${cores} ${gpu} ${batch} ${(20 + 10 * batch) / (cores ** 0.6 * (1 + gpu / 10))}`,
      ),
    ),
  );
  return importInflessText(lines.join('\n'), { startupMs, memoryBytes: 1e9 })[0]!.table;
}

const NODES: readonly NodeCapacity[] = [
  nodeCapacity({ name: 'one', cpuMillicores: 16_000, memoryBytes: 64e9, gpuPercents: [100, 100] }),
  nodeCapacity({ name: 'two', cpuMillicores: 16_000, memoryBytes: 64e9, gpuPercents: [] }),
];

interface Change extends Partial<Scenario> {
  readonly rates?: readonly number[];
  readonly startupMs?: number;
  readonly sloMs?: number;
}

function scenario({ rates = [60], startupMs = 1000, sloMs = 250, ...change }: Change = {}): Scenario {
  const seed = change.seed ?? 1;
  const warmUpMs = change.warmUpMs ?? 20_000;
  const secondMs = 1000;
  const seconds = [
    ...Array.from({ length: warmUpMs / secondMs }, () => rates[0]!),
    ...rates.flatMap((rate) => Array.from({ length: 30 }, () => rate)),
  ];
  return {
    nodes: NODES,
    warmUpMs,
    durationMs: seconds.length * secondMs,
    functions: ['a', 'b'].map((name, index) => ({
      spec: parseFunctionSpec({ name, model: name, slo: `${sloMs}ms` }, `function ${name}`),
      table: tableOf(name, startupMs),
      arrivals: arrivals(steppedRate(seconds, secondMs), { type: 'poisson' }, seed * 10 + index),
    })),
    ...change,
  };
}

describe('simulate', () => {
  it('lets the default policy keep the SLO at a steady load', async () => {
    const result = await simulate(scenario(), defaultSystem());
    expect(result.requests).toBeGreaterThan(3_300);
    expect(result.requests).toBeLessThan(3_900);
    expect(result.inTimeShare).toBeGreaterThan(0.99);
    expect(result.coldStartShare).toBe(0);
    expect(result.timeline).toHaveLength(30);
    const arrived = result.timeline.flatMap(({ functions }) => functions.map((each) => each.arrivals));
    expect(arrived.reduce((sum, count) => sum + count, 0)).toBe(result.requests);
    const inTime = result.timeline.flatMap(({ functions }) => functions.map((each) => each.inTime));
    expect(inTime.reduce((sum, count) => sum + count, 0)).toBe(result.requests * result.inTimeShare);
    const meanPrice = result.timeline.reduce((sum, { price }) => sum + price, 0) / 30;
    expect(result.meanPrice).toBeCloseTo(meanPrice, 6);
  });

  it.each(SYSTEMS.map(({ name }) => [name] as const))('gives the same result again: %s', async (name) => {
    const run = () =>
      simulate(
        scenario({ rates: [30, 60], executionNoiseCv: 0.2, meanTimeToFailureMs: 60_000 }),
        systemByName(name),
      );
    const first = await run();
    expect(await run()).toEqual(first);
    expect(first.inTimeShare).toBeGreaterThan(0);
  });

  it('gives the same figures however often the timeline looks', async () => {
    const often = await simulate(scenario(), defaultSystem());
    const seldom = await simulate(scenario({ sampleMs: 10_000 }), defaultSystem());
    expect(seldom.timeline).toHaveLength(3);
    expect(seldom.functions).toEqual(often.functions);
    expect(seldom.meanPrice).toBe(often.meanPrice);
    expect(seldom.scalingEfficiency).toBeCloseTo(often.scalingEfficiency, 1);
  });

  it('depends on the seed', async () => {
    const [one, two] = [
      await simulate(scenario({ seed: 1 }), defaultSystem()),
      await simulate(scenario({ seed: 2 }), defaultSystem()),
    ];
    expect(one.functions).not.toEqual(two.functions);
  });

  it('counts requests that come before any instance is ready as cold', async () => {
    const result = await simulate(scenario({ warmUpMs: 0, startupMs: 3000 }), defaultSystem());
    expect(result.coldStartShare).toBeGreaterThan(0.07); // three of 30 seconds
    expect(result.coldStartShare).toBeLessThan(0.15);
    expect(result.violationShare).toBeGreaterThanOrEqual(result.coldStartShare * 0.8);
  });

  it('loses no request when instances crash', async () => {
    const result = await simulate(scenario({ meanTimeToFailureMs: 12_000 }), defaultSystem());
    expect(result.crashes).toBeGreaterThan(3);
    for (const each of result.functions) expect(each.failed).toBe(0);
    expect(result.inTimeShare).toBeGreaterThan(0.8);
    expect(result.inTimeShare).toBeLessThan(1);
  });

  it('is harder where batches take longer at times', async () => {
    const exact = await simulate(scenario({ rates: [100] }), defaultSystem());
    const noisy = await simulate(scenario({ rates: [100], executionNoiseCv: 0.6 }), defaultSystem());
    const p99 = (result: typeof exact): number => Math.max(...result.functions.map(({ p99Ms }) => p99Ms));
    expect(p99(noisy)).toBeGreaterThan(p99(exact));
  });

  it('runs batches as fast as their node is', async () => {
    const nodeSpeeds = new Map(NODES.map(({ name }) => [name, 0.5]));
    const slow = await simulate(scenario({ nodeSpeeds, rates: [10] }), systemByName('openfaas'));
    const usual = await simulate(scenario({ rates: [10] }), systemByName('openfaas'));
    const p50 = ({ functions }: typeof slow): number => functions[0]!.p50Ms;
    expect(p50(slow)).toBeGreaterThan(1.8 * p50(usual));
    await expect(simulate(scenario({ nodes: [NODES[0]!, NODES[0]!] }), defaultSystem())).rejects.toThrow(
      'Two nodes are named "one"',
    );
  });

  it.each([['default'], ['openfaas']])('tells of every request by itself: %s', async (policy) => {
    const records: RequestRecord[] = [];
    const result = await simulate(scenario({ rates: [20] }), systemByName(policy), {
      onRequest: (record) => records.push(record),
    });
    expect(records).toHaveLength(result.requests);
    const count = (outcome: RequestRecord['outcome']): number =>
      records.filter((each) => each.outcome === outcome).length;
    expect(count('in-time')).toBe(result.functions.reduce((sum, { inTime }) => sum + inTime, 0));
    expect(count('failed')).toBe(result.functions.reduce((sum, { failed }) => sum + failed, 0));
    for (const { arrivalMs, startMs, endMs, instance, batch, outcome } of records) {
      if (outcome === 'failed') continue;
      expect(startMs).toBeGreaterThanOrEqual(arrivalMs);
      expect(endMs).toBeGreaterThan(startMs!);
      expect(batch).toBeGreaterThanOrEqual(1);
      expect(instance).toMatch(/./);
    }
  });

  it('lets another planner decide', async () => {
    let asked = 0;
    const planner: Planner = (input) => {
      asked += 1;
      const decision = planCluster(input);
      const isKept = (action: Action) => action.type === 'stop' || action.functionName === 'a';
      return { ...decision, actions: decision.actions.filter(isKept) };
    };
    const result = await simulate(scenario(), defaultSystem({ planner }));
    expect(asked).toBeGreaterThan(50);
    const [a, b] = result.functions;
    expect(a!.inTimeShare).toBeGreaterThan(0.99);
    expect(b!.inTime).toBe(0);
  });

  it('never lets a policy over-allocate a node, whatever it is asked for', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...SYSTEMS),
        fc.array(fc.integer({ min: 0, max: 900 }), { minLength: 1, maxLength: 2 }),
        async (policy, rates) => {
          const { refusedStarts, timeline } = await simulate(scenario({ rates, warmUpMs: 2000 }), policy);
          expect(refusedStarts).toBe(0);
          if (Math.max(...rates) > 100)
            expect(Math.max(...timeline.map(({ price }) => price))).toBeGreaterThan(0);
        },
      ),
      { numRuns: 8 },
    );
  });

  it('names the policies there are', () => {
    expect(() => systemByName('magic')).toThrow(
      expect.objectContaining({
        sentence: 'There is no policy "magic". There are: default, infless, batch, openfaas, knative.',
      }),
    );
  });
});
