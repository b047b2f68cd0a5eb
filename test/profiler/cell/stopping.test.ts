import { randomNormal } from 'd3-random';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../models/base/random.ts';
import { Samples, type StoppingRule } from '../../../profiler/cell/stopping.ts';

const RULE: StoppingRule = { level: 0.95, relativeError: 0.03, budgetMs: 60_000, periodMs: 10 };

function sample(rule: StoppingRule, next: () => number): Samples {
  const samples = new Samples(rule);
  while (!samples.enough) samples.add(next());
  return samples;
}

describe('Samples', () => {
  it('stops at 100 samples when they are precise by then', () => {
    const samples = sample(RULE, normal(20, 1));
    expect(samples.count).toBeGreaterThanOrEqual(100);
    expect(samples.count).toBeLessThan(130);
    expect(samples.result().converged).toBe(true);
  });

  it('takes more of a noisy model, until its mean is known', () => {
    const samples = sample(RULE, normal(20, 12));
    expect(samples.count).toBeGreaterThan(300);
    const { latencyMs, converged } = samples.result();
    expect(converged).toBe(true);
    expect(latencyMs.meanInterval[1] - latencyMs.meanInterval[0]).toBeLessThanOrEqual(
      2 * 0.03 * latencyMs.mean,
    );
  });

  it('sees 40 periods of the quota even where a hundred samples take less', () => {
    expect(sample(RULE, normal(0.5, 0.01)).elapsedMs).toBeGreaterThanOrEqual(400);
  });

  it('stops at the end of the budget, and says that the mean is not precise', () => {
    const samples = sample({ ...RULE, budgetMs: 1000 }, normal(100, 60));
    expect(samples.elapsedMs).toBeGreaterThanOrEqual(1000);
    expect(samples.result().converged).toBe(false);
  });

  it('takes three samples of a model slower than the budget', () => {
    expect(sample({ ...RULE, budgetMs: 1000 }, () => 7000).count).toBe(3);
  });

  it('never cuts a sample short: the last one counts, however long', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.1, max: 2000, noNaN: true }), { minLength: 1 }),
        (latencies) => {
          let run = 0;
          let sum = 0;
          const samples = sample({ ...RULE, budgetMs: 1000 }, () => {
            const latencyMs = latencies[run++ % latencies.length]!;
            sum += latencyMs;
            return latencyMs;
          });
          expect(samples.result().latencyMs.mean).toBeCloseTo(sum / run, 6);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('covers the true mean about as often as it says, although it looks more than once', () => {
    let covered = 0;
    const sweeps = 200;
    for (let seed = 0; seed < sweeps; seed += 1) {
      const { meanInterval } = sample(RULE, normal(20, 6, seed)).result().latencyMs;
      if (meanInterval[0] <= 20 && 20 <= meanInterval[1]) covered += 1;
    }
    expect(covered / sweeps).toBeGreaterThan(0.88);
  });
});

/** Seeded normal latencies, cut off just above zero. */
function normal(meanMs: number, deviationMs: number, seed = 1): () => number {
  const draw = randomNormal.source(seededRandom(seed))(meanMs, deviationMs);
  return () => Math.max(0.01, draw());
}
