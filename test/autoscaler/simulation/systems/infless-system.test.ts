import { describe, expect, it } from 'vitest';
import { efficiency, paperGreedy } from '../../../bench/support/paper-greedy.mjs';
import { candidate, demand, node } from '../../../support/planning.ts';

describe("the paper's greedy, as the benchmark has it", () => {
  it('weighs what a config carries per price against what it leaves of the node', () => {
    expect(efficiency(80, 1548, 14_840)).toBeCloseTo(80 / 1548 / (1.001 - 1548 / 14_840), 12);
  });

  it('takes the largest batch with r_low within the residual rate, then smaller ones, on the node it fills best', () => {
    // r_up = 160, 80, 50; r_low = ⌈1/0.15⌉·8 = 56, ⌈1/0.15⌉·4 = 28, 0
    const candidates = [candidate(8, 4000, 50), candidate(4, 2000, 50), candidate(1, 1000, 20)];
    const start = paperGreedy(
      [demand('net', 230, { sloMs: 200, candidates })],
      [node('large', 16), node('small', 4)],
    );
    expect(start.map(({ config, node: where }) => [config.batch, where])).toEqual([
      [8, 'small'],
      [8, 'large'],
    ]);
    const more = paperGreedy([demand('net', 190, { sloMs: 200, candidates })], [node('large', 16)]);
    expect(more.map(({ config }) => config.batch)).toEqual([8, 4]);
    const rest = paperGreedy([demand('net', 10, { sloMs: 200, candidates })], [node('large', 16)]);
    expect(rest.map(({ config }) => config.batch)).toEqual([1]);
  });

  it('over-books no node and no GPU, and stops when nothing fits', () => {
    const candidates = [candidate(1, 1000, 20, { gpuPercent: 60 })];
    const nodes = [node('one', 16, { gpuPercents: [100, 100] })];
    const start = paperGreedy([demand('net', 1e6, { candidates })], nodes);
    expect(start.map(({ gpu }) => gpu)).toEqual([0, 1]);
  });
});
