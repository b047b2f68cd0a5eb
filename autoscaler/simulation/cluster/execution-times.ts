import { randomNormal } from 'd3-random';
import type { Random } from '../../../models/base/random.ts';
import type { Config } from '../../../profiles/config.ts';
import type { ProfileView } from '../../../profiles/lookup.ts';

/** A few levels stand for the distribution: the table knows its upper half by p50, p95 and p99 only. */
const QUANTILE_STEPS = 40;
const HIGHEST_QUANTILE = 0.995;

/** How long batches really take in a simulation: drawn from the table's distribution, times noise. */
export class ExecutionTimes {
  readonly #random: Random;
  readonly #noise: () => number;

  /** @param noiseCv coefficient of variation of a log-normal factor of mean 1 */
  constructor(random: Random, noiseCv: number) {
    this.#random = random;
    const variance = Math.log1p(noiseCv ** 2);
    const normal = randomNormal.source(random)(-variance / 2, Math.sqrt(variance));
    this.#noise = noiseCv === 0 ? () => 1 : () => Math.exp(normal());
  }

  drawMs(view: ProfileView, config: Config, rows: number): number {
    const level = (Math.floor(this.#random() * QUANTILE_STEPS) + 0.5) / QUANTILE_STEPS;
    const quantile = Math.min(HIGHEST_QUANTILE, Math.max(0.5, level));
    return view.executionMs(config, rows, quantile) * this.#noise();
  }
}
