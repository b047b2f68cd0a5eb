import { describe, expect, it } from 'vitest';
import { parseFunctionSpec } from '../../../../autoscaler/functions/spec.ts';
import type { SimulationResult } from '../../../../autoscaler/simulation/result.ts';
import { simulate } from '../../../../autoscaler/simulation/simulate.ts';
import { arrivalStream } from '../../../../autoscaler/simulation/streams.ts';
import { SYSTEMS, systemByName } from '../../../../autoscaler/simulation/systems/systems.ts';
import { arrivals } from '../../../../profiler/load/arrivals/arrivals.ts';
import { constantRate } from '../../../../profiler/load/arrivals/rates.ts';
import { importInflessText } from '../../../../profiles/import/infless-text.ts';
import type { ProfileTable } from '../../../../profiles/table.ts';
import { nodeCapacity } from '../../../support/resources.ts';

/** As in the paper's tables: CPU is cheap, and a GPU does what CPU cannot; for the one function more. */
function tableOf(gpuHelps: number): ProfileTable {
  const lines = [1, 2, 4].flatMap((cores) =>
    [0, 20, 40].flatMap((gpu) =>
      [1, 2, 4, 8].map((batch) => {
        const latencyMs = (20 + 10 * batch) / (cores ** 0.6 * (1 + (gpu * gpuHelps) / 10));
        return `net ${cores} ${gpu} ${batch} ${latencyMs}`;
      }),
    ),
  );
  return importInflessText(lines.join('\n'), { startupMs: 500, memoryBytes: 1e9 })[0]!.table;
}

const TABLES = { a: tableOf(1), b: tableOf(0.5) } as const;

/** What comes in the time that counts. */
const REQUESTS = 1_998;

interface Given {
  readonly rate?: number;
  readonly cores?: number;
  readonly times?: readonly number[];
  readonly durationMs?: number;
}

function run(
  policy: string,
  { rate = 40, cores = 16, times, durationMs = 40_000 }: Given = {},
): Promise<SimulationResult> {
  const curve = constantRate(rate, durationMs);
  return simulate(
    {
      nodes: [
        nodeCapacity({
          name: 'one',
          cpuMillicores: cores * 1000,
          gpuPercents: [100, 100],
          memoryBytes: 64e9,
        }),
      ],
      durationMs,
      warmUpMs: 15_000,
      functions: (['a', 'b'] as const).map((name) => ({
        spec: parseFunctionSpec({ name, model: 'net', slo: '250ms', scale: { idle: '30s' } }, 'The function'),
        table: TABLES[name],
        arrivals: times ?? arrivals(curve, { type: 'poisson' }, arrivalStream(1, name)),
      })),
    },
    systemByName(policy),
  );
}

describe('policies where CPU is full', () => {
  it.each([
    ['batch', 400],
    ['openfaas', 90],
    ['knative', 90],
  ])('%s goes on to GPUs', async (policy, rate) => {
    const plenty = await run(policy, { rate: 30, cores: 64 });
    const short = await run(policy, { rate, cores: 6, durationMs: 90_000 });
    expect(plenty.inTimeShare).toBeGreaterThan(0.8);
    expect(plenty.meanGpuPercent).toBe(0);
    expect(short.meanGpuPercent).toBeGreaterThan(0);
    expect(short.inTimeShare).toBeGreaterThan(0.3);
  });
});

describe('a variation', () => {
  it.each([
    'default+no-queue',
    'default+no-market',
    'default+no-percentiles',
    'default+uniform',
    'default+no-batching',
    'default+fixed',
    'infless+fixed',
    'infless+no-batching',
    'batch+lsth',
    'openfaas+batching+lsth',
    'knative+batching',
  ])('%s serves the same requests', async (policy) => {
    const result = await run(policy);
    expect(result.policy).toBe(policy);
    expect(result.requests).toBe(REQUESTS); // arrivals are the same for all
    expect(result.inTimeShare).toBeGreaterThan(0.5);
    if (policy.includes('no-queue')) expect(await run(policy)).toEqual(result);
  });

  it('does something else than what it varies', async () => {
    for (const policy of ['no-queue', 'no-percentiles', 'uniform', 'no-batching']) {
      const [varied, plain] = [
        await run(`default+${policy}`, { rate: 150 }),
        await run('default', { rate: 150 }),
      ];
      expect(varied.functions, policy).not.toEqual(plain.functions);
    }
    const [alone, market] = [
      await run('default+no-market', { cores: 6, rate: 400 }),
      await run('default', { cores: 6, rate: 400 }),
    ];
    expect(alone.functions).not.toEqual(market.functions);
  });

  it('of keep-alive decides how long what is idle stays', async () => {
    // ten seconds of load, then none
    const times = Array.from({ length: 200 }, (_, index) => 20_000 + index * 50);
    const held = async (policy: string): Promise<number> =>
      (await run(policy, { times, durationMs: 200_000 })).meanCpuMillicores;
    expect(await held('batch')).toBeGreaterThan(2 * (await held('batch+fixed'))); // 10 min, 30 s
    expect(await held('infless+fixed')).toBeLessThan(await held('infless+lsth'));
    expect(await held('openfaas')).toBeGreaterThan(await held('openfaas+fixed'));
    expect(await held('knative+fixed')).toBeGreaterThan(0);
  });

  it('must be one, of the policy it varies', () => {
    const sentence = (given: string): string => {
      try {
        systemByName(given);
      } catch (error) {
        return `${(error as { sentence: string }).sentence}`;
      }
      return 'none';
    };
    expect(sentence('openfaas+no-queue')).toMatch(
      /^Policy "openfaas" has no variation "no-queue"\. .*It has: fixed, hybrid, lsth, break-even, tournament, batching\.$/,
    );
    expect(sentence('infless+fixed+lsth')).toMatch(/is to keep instances alive by fixed and by lsth/);
    expect(SYSTEMS.map(({ name }) => systemByName(name))).toEqual(SYSTEMS);
  });
});
