import { describe, expect, it } from 'vitest';
import {
  constantRate,
  importInflessText,
  meanInterval,
  node,
  simulate,
  simulatedFunction,
  systemByName,
} from '../../../autoscaler/what-if/simulate.ts';

const [{ table }] = importInflessText('net 1 0 1 20\nnet 1 0 4 50\nnet 2 0 4 30', { startupMs: 500 }) as [
  ReturnType<typeof importInflessText>[number],
];

describe('infless/simulate', () => {
  it('runs a policy on nodes and functions that are written down in a few lines', async () => {
    const run = (policy: string, seed: number) =>
      simulate(
        {
          nodes: [node({ name: 'one', cores: 8 })],
          durationMs: 20_000,
          warmUpMs: 5_000,
          functions: [
            simulatedFunction(
              { name: 'net', model: 'net', slo: '200ms' },
              table,
              { rate: constantRate(40, 20_000) },
              seed,
            ),
          ],
          seed,
        },
        systemByName(policy),
      );
    const shares: number[] = [];
    for (const seed of [1, 2, 3]) {
      const result = await run('default', seed);
      shares.push(result.inTimeShare);
      expect((await run('openfaas', seed)).requests).toBe(result.requests);
    }
    expect(meanInterval(shares).mean).toBeGreaterThan(0.98);
  });

  it('takes recorded times as they are', async () => {
    const times = [1_000, 1_500, 1_700];
    const { requests } = await simulate(
      {
        nodes: [node({ name: 'one', cores: 2, gpuPercents: [100] })],
        durationMs: 5_000,
        functions: [simulatedFunction({ name: 'net', model: 'net', slo: '1s' }, table, times)],
      },
      systemByName('knative'),
    );
    expect(requests).toBe(3);
    expect(() => simulatedFunction({ name: 'net', model: 'net', slo: 'soon' }, table, times)).toThrow(
      '"slo"',
    );
  });
});
