import {
  carriedBy,
  type Efficiency,
  frontierOf,
  perCore,
  perGpuPercent,
  SLO_PERCENTILES,
  type Slo,
  type SloPercentile,
} from '../../../profiles/best-config.ts';
import { compareConfigs, formatConfig } from '../../../profiles/config.ts';
import { servingMemoryBytes } from '../../../profiles/lookup.ts';
import { relativeError } from '../../../profiles/statistics.ts';
import type { Cell, ProfileTable } from '../../../profiles/table.ts';
import { hasIntervals } from '../caveats.ts';

/** What the page's charts are drawn from. */
export interface PageData {
  /** In reading order. */
  readonly cells: readonly PageCell[];
  /** Whether the means' intervals are known. */
  readonly hasIntervals: boolean;
  /** What throughput is counted by. */
  readonly resources: readonly PageResource[];
  readonly frontiers: readonly PageFrontier[];
  readonly slo: Slo | null;
}

export type ResourceKey = 'core' | 'gpuPercent';

export interface PageResource {
  readonly key: ResourceKey;
  /** `rows/s per core`. */
  readonly unit: string;
  /** The same of what is carried within an SLO. */
  readonly carriedUnit: string;
}

export interface PageCell {
  /** `b4 c0.5`. */
  readonly config: string;
  readonly batch: number;
  readonly cores: number;
  readonly gpuPercent: number;
  readonly latencyMs: Readonly<Record<'mean' | 'low' | 'high' | 'p50' | 'p95' | 'p99', number>>;
  readonly rowsPerSecond: number;
  /** Rows per second of each unit held; null where the config holds none. */
  readonly rowsPer: Readonly<Record<ResourceKey, number | null>>;
  readonly cpuMsPerRow: number;
  readonly memoryBytes: number;
  /** Half the mean's interval over the mean; null where it is not known. */
  readonly relativeError: number | null;
}

export interface PageFrontier {
  readonly percentile: SloPercentile;
  readonly resource: ResourceKey;
  /**
   * Ascending by SLO; `cell` is the index of the config that is best there, `value` what it gives of the
   * resource, and `carried` what an instance of it carries, in requests per second.
   */
  readonly points: readonly {
    readonly sloMs: number;
    readonly cell: number;
    readonly value: number;
    readonly carried: number;
  }[];
}

const RESOURCES: readonly (PageResource & { readonly efficiency: Efficiency })[] = [
  { key: 'core', unit: 'rows/s per core', carriedUnit: 'requests/s per core', efficiency: perCore },
  {
    key: 'gpuPercent',
    unit: 'rows/s per GPU percent',
    carriedUnit: 'requests/s per GPU percent',
    efficiency: perGpuPercent,
  },
];

export function pageData(table: ProfileTable, slo: Slo | undefined): PageData {
  const cells = table.cells.toSorted(compareConfigs);
  const known = hasIntervals(table);
  const resources = RESOURCES.filter(({ efficiency }) =>
    cells.some((cell) => efficiency(cell, 1) !== undefined),
  );
  return {
    cells: cells.map((cell) => pageCell(cell, known)),
    hasIntervals: known,
    resources: resources.map(({ key, unit, carriedUnit }) => ({ key, unit, carriedUnit })),
    frontiers: resources.flatMap(({ key, efficiency }) =>
      SLO_PERCENTILES.map((percentile) => ({
        percentile,
        resource: key,
        points: frontierOf(table, percentile, efficiency).map(({ sloMs, cell, value }) => ({
          sloMs,
          cell: cells.indexOf(cell),
          value,
          carried: carriedBy(table, cell, { sloMs, percentile }),
        })),
      })),
    ),
    slo: slo ?? null,
  };
}

function pageCell(cell: Cell, known: boolean): PageCell {
  const { mean, p50, p95, p99, meanInterval } = cell.latencyMs;
  const [low, high] = meanInterval;
  return {
    config: formatConfig(cell),
    batch: cell.batch,
    cores: cell.cpuMillicores / 1000,
    gpuPercent: cell.gpuPercent,
    latencyMs: { mean, low, high, p50, p95, p99 },
    rowsPerSecond: cell.throughputPerSecond,
    rowsPer: {
      core: perCore(cell, cell.throughputPerSecond) ?? null,
      gpuPercent: perGpuPercent(cell, cell.throughputPerSecond) ?? null,
    },
    cpuMsPerRow: cell.cpuMs / cell.batch,
    memoryBytes: servingMemoryBytes(cell),
    relativeError: known ? relativeError(cell.latencyMs) : null,
  };
}
