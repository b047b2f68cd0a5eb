import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PlanScope } from '../../../autoscaler/control/scaling-step.ts';
import { parseFunctionSpec } from '../../../autoscaler/functions/spec.ts';
import type { SimulationResult } from '../../../autoscaler/simulation/result.ts';
import type { Scenario } from '../../../autoscaler/simulation/scenario.ts';
import { simulate } from '../../../autoscaler/simulation/simulate.ts';
import { defaultSystem } from '../../../autoscaler/simulation/systems/default-system.ts';
import { arrivals } from '../../../profiler/load/arrivals/arrivals.ts';
import { steppedRate } from '../../../profiler/load/arrivals/rates.ts';
import { importInflessText } from '../../../profiles/import/infless-text.ts';
import { nodeCapacity } from '../../support/resources.ts';

const STEP_MS = 20_000;

interface Asked {
  /** Milliseconds that a batch takes on one core, and each of its rows. */
  readonly batchMs: number;
  readonly rowMs: number;
  readonly startupMs: number;
  readonly idle: string;
  readonly min: number;
  /** Requests per second, for one step each. */
  readonly rates: readonly number[];
}

const seldom = fc.oneof(
  { weight: 1, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: fc.double({ min: 0.01, max: 2, noNaN: true }) },
);
const often = fc.oneof(seldom, fc.double({ min: 2, max: 120, noNaN: true }));

function asked(rate: fc.Arbitrary<number>): fc.Arbitrary<Asked> {
  return fc.record({
    batchMs: fc.integer({ min: 2, max: 60 }),
    rowMs: fc.integer({ min: 1, max: 20 }),
    startupMs: fc.constantFrom(300, 1_000, 4_000),
    idle: fc.constantFrom('15s', '60s', '10m'),
    min: fc.constantFrom(0, 0, 0, 2),
    rates: fc.array(rate, { minLength: 8, maxLength: 8 }),
  });
}

function scenarioOf(functions: readonly Asked[], seed: number): Scenario {
  return {
    nodes: ['one', 'two', 'three'].map((name, index) =>
      nodeCapacity({
        name,
        cpuMillicores: 100_000,
        memoryBytes: 1e12,
        gpuPercents: index === 0 ? [100, 100] : [],
      }),
    ),
    durationMs: functions[0]!.rates.length * STEP_MS,
    functions: functions.map(({ batchMs, rowMs, startupMs, idle, min, rates }, index) => {
      const name = `f${index}`;
      const lines = [1, 2, 4].flatMap((threads) =>
        [0, 20].flatMap((gpu) =>
          [1, 4, 8].map(
            (batch) =>
              `${name} ${threads} ${gpu} ${batch} ${(batchMs + rowMs * batch) / (threads ** 0.6 * (1 + gpu / 8))}`,
          ),
        ),
      );
      const slo = `${8 * (batchMs + rowMs)}ms`;
      return {
        spec: parseFunctionSpec({ name, model: name, slo, scale: { idle, min } }, `function ${name}`),
        table: importInflessText(lines.join('\n'), { startupMs, memoryBytes: 1e9 })[0]!.table,
        arrivals: arrivals(steppedRate(rates, STEP_MS), { type: 'poisson' }, seed * 100 + index),
      };
    }),
    seed,
  };
}

async function bothWays(
  functions: readonly Asked[],
  seed: number,
): Promise<{ needed: SimulationResult; all: SimulationResult }> {
  const run = (scope: PlanScope) => simulate(scenarioOf(functions, seed), defaultSystem({ scope }));
  return { needed: await run('needed'), all: await run('all') };
}

describe('planning only functions that need it', () => {
  it('decides what planning all of them does where an instance carries what is asked for', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(asked(seldom), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 1000 }),
        async (functions, seed) => {
          const { needed, all } = await bothWays(functions, seed);
          expect(needed).toEqual(all);
        },
      ),
      { numRuns: 15 },
    );
  });

  // Planners may replace a set at one rate and not at those around it: then it comes to when they are asked.
  it('does no worse where several instances come and go', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(asked(often), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 1000 }),
        async (functions, seed) => {
          const { needed, all } = await bothWays(functions, seed);
          expect(needed.inTimeShare).toBeGreaterThan(all.inTimeShare - 0.02);
          expect(needed.meanPrice).toBeLessThan(all.meanPrice * 1.05);
        },
      ),
      { numRuns: 6 },
    );
  });
});
