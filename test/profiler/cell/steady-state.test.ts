import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WarmUp } from '../../../profiler/cell/steady-state.ts';

/** Feeds latencies until the warm-up is over. */
function warm(warmUp: WarmUp, latencyMs: (run: number) => number): WarmUp {
  for (let run = 0; !warmUp.finished; run += 1) warmUp.add(latencyMs(run));
  return warmUp;
}

describe('WarmUp', () => {
  it('ends after two windows that agree, leaving out the first run', () => {
    const result = warm(new WarmUp({ windowMs: 0, budgetMs: 10_000 }), (run) => (run === 0 ? 500 : 10));
    expect(result.runs).toBe(1 + 3 + 3);
    expect(result.warmth).toBe('steady');
  });

  it('goes on while latencies still fall', () => {
    const result = warm(new WarmUp({ windowMs: 0, budgetMs: 10_000 }), (run) => 10 + 100 * 0.9 ** run);
    expect(result.warmth).toBe('steady');
    expect(result.runs).toBeGreaterThan(30);
  });

  it('makes a window as long as asked, so that it sees several periods of the quota', () => {
    // Every tenth run is stalled: windows of three runs would see the stall or not.
    const result = warm(new WarmUp({ windowMs: 100, budgetMs: 10_000 }), (run) => (run % 10 === 0 ? 11 : 1));
    expect(result.warmth).toBe('steady');
    expect(result.runs).toBeGreaterThanOrEqual(100);
  });

  it('gives up at the end of its time and says so', () => {
    const result = warm(new WarmUp({ windowMs: 0, budgetMs: 1000 }), (run) =>
      Math.floor((run - 1) / 3) % 2 ? 10 : 20,
    );
    expect(result.warmth).toBe('unsteady');
  });

  it('is content with two runs of a model slower than its time', () => {
    const result = warm(new WarmUp({ windowMs: 50, budgetMs: 1000 }), () => 5000);
    expect(result.runs).toBe(2);
    expect(result.warmth).toBe('too-slow');
  });

  it('exceeds its time by one run at most, where two runs fit into it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.01, max: 500, noNaN: true }), { minLength: 1 }),
        (latencies) => {
          const warmUp = new WarmUp({ windowMs: 50, budgetMs: 1000 });
          let elapsedMs = 0;
          let lastMs = 0;
          for (let run = 0; !warmUp.finished; run += 1) {
            lastMs = latencies[run % latencies.length]!;
            elapsedMs += lastMs;
            warmUp.add(lastMs);
          }
          expect(elapsedMs - lastMs).toBeLessThan(1000);
          expect(warmUp.runs).toBeGreaterThan(0);
        },
      ),
    );
  });
});
