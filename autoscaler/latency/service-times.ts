import { vectorOf } from '../../models/base/resources.ts';
import { type Config, configKey } from '../../profiles/config.ts';
import { type ProfileView, viewOf } from '../../profiles/lookup.ts';
import type { ProfileTable } from '../../profiles/table.ts';
import { type InstanceLimits, isWithin, timesBeyond } from '../cluster/resources.ts';
import type { Candidate } from './candidate.ts';

/** What running says about a config, against what its table says. */
export interface Observation {
  /** Measured over tabulated execution time. */
  readonly slowdown: number;
  /** Decoding and encoding one row; by default the table's. */
  readonly codecMsPerRequest?: number;
  /**
   * From the gateway's dispatch to its reply, without the instance's own work and what the table says of its
   * rows' way, per batch.
   */
  readonly transportMs: number;
}

/** Gateway to instance and back on one machine, before anything was measured. */
export const DEFAULT_TRANSPORT_MS = 2;

const NO_LIMITS: InstanceLimits = {};

/** What one row takes beside running, by the table. */
export interface RequestCost {
  /** Decoding and encoding its JSON. */
  readonly codecMs: number;
  /** Its way over HTTP. */
  readonly transferMs: number;
}

/** Of no config in particular. */
export const NO_COST: RequestCost = { codecMs: 0, transferMs: 0 };

export function tabulatedRequestCost(view: ProfileView, config: Config): RequestCost {
  const { decode, encode } = view.codecMs(config);
  return { codecMs: decode + encode, transferMs: view.transferMs(config) };
}

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
    return this.#around(config, rows, this.view.executionMs(config, rows, quantile));
  }

  /** Mean time of a full batch. */
  meanMs(config: Config): number {
    const meanMs = this.view.cell(config)?.latencyMs.mean ?? this.view.executionMs(config, config.batch, 0.5);
    return this.#around(config, config.batch, meanMs);
  }

  /** Mean execution time of `rows` rows by the table alone: what measured batches are compared with. */
  tabulatedMs(config: Config, rows: number): number {
    const latencyMs = this.view.cell(config)?.latencyMs;
    const meanOverMedian = latencyMs === undefined ? 1 : latencyMs.mean / latencyMs.p50;
    return this.view.executionMs(config, rows, 0.5) * meanOverMedian;
  }

  /** The configs a function may use, with what each can be counted on for. */
  candidates({ maxBatch, percentile, limits = NO_LIMITS, alone = false }: Choice): Candidate[] {
    const configs = alone ? this.#loneConfigs() : this.view.configs();
    return configs
      .filter((config) => config.batch <= maxBatch && isWithin(config, limits))
      .map((config) => {
        const meanMs = this.meanMs(config);
        return {
          config,
          meanMs,
          tailMs: Math.max(meanMs, this.batchMs(config, config.batch, percentile / 100)),
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

  #around(config: Config, rows: number, executionMs: number): number {
    const seen = this.#observe(config);
    const tabulated = tabulatedRequestCost(this.view, config);
    const msPerRow = (seen?.codecMsPerRequest ?? tabulated.codecMs) + tabulated.transferMs;
    const transportMs = seen?.transportMs ?? DEFAULT_TRANSPORT_MS;
    return executionMs * (seen?.slowdown ?? 1) + rows * msPerRow + transportMs;
  }
}
