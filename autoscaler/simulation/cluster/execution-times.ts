import { randomNormal } from 'd3-random';
import type { Random } from '../../../models/base/random.ts';
import type { Config } from '../../../profiles/config.ts';
import type { ProfileView } from '../../../profiles/lookup.ts';
import type { Cell } from '../../../profiles/table.ts';
import { distributionOf, type Quantiles } from '../time-distribution.ts';

/** Cells of one quota, smallest batch first, each with what it takes. */
type Measured = readonly { readonly batch: number; readonly at: Quantiles }[];

/** Of one table there may be thousands of functions: its distributions are made once. */
const quotasOf = new WeakMap<ProfileView, Map<number, Measured>>();

/**
 * How long one function's batches really take in a simulation: drawn from its table's distributions (see
 * {@link distributionOf}), times noise. Between measured batch sizes quantiles are interpolated; a cell that
 * was predicted takes what was predicted, not the upper end that planners count with.
 */
export class ExecutionTimes {
  readonly #view: ProfileView;
  readonly #random: Random;
  readonly #noise: () => number;
  readonly #quotas: Map<number, Measured>;

  /** @param noiseCv coefficient of variation of a log-normal factor of mean 1 */
  constructor(view: ProfileView, random: Random, noiseCv: number) {
    this.#view = view;
    this.#quotas = quotasOf.get(view) ?? new Map();
    quotasOf.set(view, this.#quotas);
    this.#random = random;
    const variance = Math.log1p(noiseCv ** 2);
    const normal = randomNormal.source(random)(-variance / 2, Math.sqrt(variance));
    this.#noise = noiseCv === 0 ? () => 1 : () => Math.exp(normal());
  }

  drawMs(config: Config, rows: number): number {
    return this.#quantileMs(config, rows, this.#random()) * this.#noise();
  }

  #quantileMs(config: Config, rows: number, quantile: number): number {
    const measured = this.#measuredWith(config);
    const upper = measured.findIndex(({ batch }) => batch >= rows);
    if (upper === 0) return measured[0]!.at(quantile);
    if (upper > 0) {
      const [from, to] = [measured[upper - 1]!, measured[upper]!];
      const share = (rows - from.batch) / (to.batch - from.batch);
      const toMs = to.at(quantile);
      return share === 1 ? toMs : from.at(quantile) * (1 - share) + toMs * share;
    }
    const last = measured.at(-1);
    if (last !== undefined) return (last.at(quantile) * rows) / last.batch;
    // A quota that was not measured takes what bounds it.
    return this.#view.executionMs(config, rows, Math.max(0.5, quantile));
  }

  #measuredWith({ cpuMillicores, gpuPercent }: Config): Measured {
    const key = cpuMillicores * 128 + gpuPercent;
    let measured = this.#quotas.get(key);
    if (measured === undefined) {
      const isOfQuota = (cell: Cell): boolean =>
        cell.cpuMillicores === cpuMillicores && cell.gpuPercent === gpuPercent;
      measured = this.#view
        .configs()
        .flatMap((config) => this.#view.cell(config) ?? [])
        .filter(isOfQuota)
        .sort((a, b) => a.batch - b.batch)
        .map(({ batch, latencyMs }) => ({ batch, at: distributionOf(latencyMs) }));
      this.#quotas.set(key, measured);
    }
    return measured;
  }
}
