import fc from 'fast-check';
import type { NodeCapacity } from '../../autoscaler/cluster/node.ts';
import type { Candidate } from '../../autoscaler/latency/candidate.ts';
import type { FunctionDemand } from '../../autoscaler/planning/decision.ts';
import { candidate, demand, node } from './planning.ts';

/**
 * Tables with a shape: a fixed time for each batch and one for each row, less of it with more CPU or a GPU.
 */
export const tables: fc.Arbitrary<readonly Candidate[]> = fc
  .record({
    baseMs: fc.integer({ min: 1, max: 60 }),
    perRowMs: fc.integer({ min: 1, max: 40 }),
    tail: fc.double({ min: 1, max: 2, noNaN: true }),
    batches: fc.subarray([1, 2, 4, 8, 16], { minLength: 1 }),
    quotas: fc.subarray([250, 500, 1000, 2000, 4000], { minLength: 1 }),
    gpuPercents: fc.subarray([0, 10, 30, 100], { minLength: 1, maxLength: 2 }),
    memoryBytes: fc.integer({ min: 1e8, max: 4e9 }),
    gpuMemoryBytes: fc.constantFrom(0, 1e9, 3e9, 9e9),
  })
  .map(({ baseMs, perRowMs, tail, batches, quotas, gpuPercents, ...memory }) =>
    gpuPercents.flatMap((gpuPercent) =>
      quotas.flatMap((cpuMillicores) =>
        batches.map((batch) => {
          const speed = cpuMillicores / 1000 + gpuPercent / 5;
          const meanMs = (baseMs + perRowMs * batch) / speed;
          return candidate(batch, cpuMillicores, meanMs, { gpuPercent, tailMs: meanMs * tail, ...memory });
        }),
      ),
    ),
  );

export const rates = fc.oneof(fc.constant(0), fc.double({ min: 0.1, max: 2_000, noNaN: true }));

export const functions: fc.Arbitrary<FunctionDemand[]> = fc
  .array(
    fc.record({
      ratePerSecond: rates,
      sloMs: fc.integer({ min: 30, max: 2_000 }),
      percentile: fc.constantFrom(95, 99),
      arrivalCv: fc.constantFrom(1, 1.5, 2),
      minInstances: fc.integer({ min: 0, max: 3 }),
      extraInstances: fc.integer({ min: 0, max: 40 }),
      warmInstances: fc.integer({ min: 0, max: 1 }),
      candidates: tables,
    }),
    { minLength: 1, maxLength: 4 },
  )
  .map((all) =>
    all.map(({ extraInstances, ...each }, index) =>
      demand(`f${index}`, each.ratePerSecond, {
        ...each,
        maxInstances: Math.max(1, each.minInstances + extraInstances),
      }),
    ),
  );

export const nodes: fc.Arbitrary<NodeCapacity[]> = fc
  .array(
    fc.record({
      cores: fc.integer({ min: 1, max: 32 }),
      memoryBytes: fc.integer({ min: 1e9, max: 64e9 }),
      gpuPercents: fc.array(fc.constant(100), { maxLength: 3 }),
      gpuMemoryBytes: fc.constantFrom(Infinity, 8e9, 16e9),
    }),
    { minLength: 1, maxLength: 4 },
  )
  .map((all) => all.map(({ cores, ...rest }, index) => node(`n${index}`, cores, rest)));

/** Another rate for each function, and whether one was redeployed meanwhile. */
export const changes = fc.array(
  fc.record({
    rates: fc.array(rates, { minLength: 4, maxLength: 4 }),
    outdated: fc.integer({ min: 0, max: 20 }),
  }),
  { minLength: 1, maxLength: 6 },
);

export function withRates(demands: readonly FunctionDemand[], some: readonly number[]): FunctionDemand[] {
  return demands.map((each, index) => {
    const ratePerSecond = some[index]!;
    return { ...each, ratePerSecond, recentRatePerSecond: Math.max(ratePerSecond, each.ratePerSecond) };
  });
}
