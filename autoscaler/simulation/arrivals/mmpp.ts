import { randomExponential } from 'd3-random';
import { randomOf, type Seed } from '../../../models/base/random.ts';

/** A state of the chain: so many requests per second while it lasts, and how long it lasts on average. */
export interface MmppState {
  readonly ratePerSecond: number;
  readonly meanStayMs: number;
}

/**
 * A Markov-modulated Poisson process: load that jumps between levels at random. From each state the chain
 * goes to any other with equal probability. It begins in a state drawn in proportion to the time spent there,
 * so that the process looks as if it had been running for ever. Arrival times in ms, ascending, without end.
 */
export function* mmpp(states: readonly MmppState[], seed: Seed): Generator<number, void, undefined> {
  const random = randomOf(seed);
  const exponential = randomExponential.source(random)(1);
  let state = drawInitial(states, random());
  let nowMs = 0;
  let leavesAtMs = exponential() * states[state]!.meanStayMs;
  for (;;) {
    const { ratePerSecond } = states[state]!;
    const nextMs = ratePerSecond > 0 ? nowMs + (exponential() * 1000) / ratePerSecond : Infinity;
    if (nextMs < leavesAtMs) {
      nowMs = nextMs;
      yield nowMs;
      continue;
    }
    // Poisson arrivals remember nothing: the one that was drawn beyond the change is drawn anew at the new
    // rate.
    nowMs = leavesAtMs;
    if (states.length > 1) {
      const step = 1 + Math.floor(random() * (states.length - 1));
      state = (state + step) % states.length;
    }
    leavesAtMs = nowMs + exponential() * states[state]!.meanStayMs;
  }
}

/** Long-run mean rate, in requests per second. */
export function meanRateOf(states: readonly MmppState[]): number {
  const total = states.reduce((sum, { meanStayMs }) => sum + meanStayMs, 0);
  return states.reduce((sum, { ratePerSecond, meanStayMs }) => sum + ratePerSecond * meanStayMs, 0) / total;
}

/** Every state is left for every other equally often, so that time spent is in proportion to the stay. */
function drawInitial(states: readonly MmppState[], uniform: number): number {
  const total = states.reduce((sum, { meanStayMs }) => sum + meanStayMs, 0);
  let left = uniform * total;
  const index = states.findIndex(({ meanStayMs }) => {
    left -= meanStayMs;
    return left < 0;
  });
  return index < 0 ? states.length - 1 : index;
}
