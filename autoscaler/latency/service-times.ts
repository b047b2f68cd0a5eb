import { vectorOf } from '../../models/base/resources.ts';
import { busyMs, fullBatch, type Observation } from '../../profiles/capacity/batch-time.ts';
import { type Config, configKey } from '../../profiles/config.ts';
import { type ProfileView, viewOf } from '../../profiles/lookup.ts';
import type { ProfileTable } from '../../profiles/table.ts';
import { type InstanceLimits, isWithin, timesBeyond } from '../cluster/resources.ts';
import type { Candidate } from './candidate.ts';

const NO_LIMITS: InstanceLimits = {};

/** What a function may use of its table. */
export interface Choice {
  readonly maxBatch: number;
  /** Of its SLO. */
  readonly percentile: number;
  readonly limits?: InstanceLimits;
  /** Requests run one by one, whatever batches the table has. */
  readonly alone?: boolean;
}

/**
 * How long a batch keeps an instance busy: the table's execution time, plus bringing each row over HTTP and
 * reading and writing its JSON, which take CPU also where a GPU does the rest, plus the way there and back.
 * Measured batches correct all three.
 */
export class ServiceTimes {
  readonly view: ProfileView;
  readonly #observe: (config: Config) => Observation | undefined;

  constructor(table: ProfileTable, observe: (config: Config) => Observation | undefined = () => undefined) {
    this.view = viewOf(table);
    this.#observe = observe;
  }

  /** @param quantile in 0.5…0.999; the mean is asked for with {@link meanMs} */
  batchMs(config: Config, rows: number, quantile: number): number {
    const executionMs = this.view.executionMs(config, rows, quantile);
    return busyMs(this.view, config, rows, { executionMs, isTail: quantile > 0.5 }, this.#observe(config));
  }

  /** Mean time of a full batch. */
  meanMs(config: Config): number {
    return fullBatch(this.view, config, 50, this.#observe(config)).meanMs;
  }

  /** Mean execution time of `rows` rows by the table alone: what measured batches are compared with. */
  tabulatedMs(config: Config, rows: number): number {
    return this.view.meanMs(config, rows);
  }

  /** The configs a function may use, with what each can be counted on for. */
  candidates({ maxBatch, percentile, limits = NO_LIMITS, alone = false }: Choice): Candidate[] {
    const configs = alone ? this.#loneConfigs() : this.view.configs();
    return configs
      .filter((config) => config.batch <= maxBatch && isWithin(config, limits))
      .map((config) => {
        const { meanMs, tailMs } = fullBatch(this.view, config, percentile, this.#observe(config));
        return {
          config,
          meanMs,
          tailMs,
          needs: vectorOf(this.view.resources(config)),
          ...this.#sharingOf(config),
          startupMs: this.view.startupMs(config),
        };
      });
  }

  /** The whole of a GPU is the same, however others would share it. */
  #sharingOf({ gpuPercent }: Config): Pick<Candidate, 'sharing'> {
    const { gpuSharing } = this.view.table.quota;
    const isPart = gpuPercent > 0 && gpuPercent < 100;
    return isPart && gpuSharing !== undefined ? { sharing: gpuSharing } : {};
  }

  /** The configs that its limits rule out, and how many times the limit each is beyond. */
  excluded({
    maxBatch,
    limits = NO_LIMITS,
    alone = false,
  }: Choice): { config: Config; timesLimit: number }[] {
    const configs = alone ? this.#loneConfigs() : this.view.configs();
    return configs.flatMap((config) => {
      const timesLimit = Math.max(config.batch / maxBatch, timesBeyond(config, limits));
      return timesLimit > 1 ? { config, timesLimit } : [];
    });
  }

  /** A batch of one for every quota, even where the table has only larger ones: they bound its time. */
  #loneConfigs(): readonly Config[] {
    const lone = this.view.configs().map((config) => ({ ...config, batch: 1 }));
    return [...new Map(lone.map((config) => [configKey(config), config])).values()];
  }
}
