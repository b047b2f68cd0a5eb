import { InflessError } from '../../models/base/errors.ts';
import { formatDuration } from '../../models/base/units.ts';
import { bestConfig, fastestConfig, tightestSloMs } from '../../profiles/best-config.ts';
import { CLUSTER_PERIOD_MICROS, underPeriod } from '../../profiles/conditions/period.ts';
import { MEMORY_HEADROOM, memoryLimitFor, servingMemoryBytes } from '../../profiles/lookup.ts';
import type { Cell, ProfileTable } from '../../profiles/table.ts';

/** Platforms for which a deployment file can be written. */
export const DIALECT_NAMES = ['kubernetes', 'openfaas', 'infless', 'compose'] as const;
export type Dialect = (typeof DIALECT_NAMES)[number];

/** What a deployment file says, whatever its dialect. */
export interface Deployment {
  /** A DNS label. */
  readonly name: string;
  readonly image: string;
  readonly modelDigest: string;
  /** The command that starts Node.js in the image. */
  readonly node: readonly string[];
  readonly sloMs: number;
  readonly maxBatch: number;
  readonly cpuMillicores: number;
  readonly memoryBytes: number;
  /** What of this was asked for, and not chosen. */
  readonly wishes: ResourceWishes;
  /** The image's registry speaks plain HTTP. */
  readonly insecure: boolean;
  /** It computes on a GPU of its own. */
  readonly hasGpu?: boolean;
}

/** What the person who deploys asks for; the rest is chosen. */
export interface ResourceWishes {
  readonly sloMs?: number | undefined;
  readonly maxBatch?: number | undefined;
  readonly cpuMillicores?: number | undefined;
  /** What it has of a GPU; default: nothing. */
  readonly gpuPercent?: number | undefined;
}

export type Resources = Pick<Deployment, 'sloMs' | 'maxBatch' | 'cpuMillicores' | 'memoryBytes'>;

/** As the serving process has it. */
const DEFAULT_SLO_MS = 200;
const DEFAULT_BATCH = 8;
const DEFAULT_MILLICORES = 1000;

/** What a process needs beside the model: Node.js with its HTTP server, bodies on their way. */
const PROCESS_BYTES = 256 * 2 ** 20;
/** The weights in the file and, while they are loaded or repacked for the processor, once more. */
const COPIES_OF_WEIGHTS = 2;
/**
 * Chooses batch, CPU and memory: by the profile table the config that carries most per core within the SLO,
 * under the CPU quotas of clusters, without a table one core and what the weights suggest.
 *
 * @throws InflessError SLO_INFEASIBLE where no measured config keeps the SLO asked for
 */
export function chooseResources(
  table: ProfileTable | undefined,
  weightBytes: number,
  wishes: ResourceWishes,
): Resources {
  const sloMs = wishes.sloMs ?? DEFAULT_SLO_MS;
  const there = table === undefined ? undefined : underPeriod(table, CLUSTER_PERIOD_MICROS);
  const cell = there === undefined ? undefined : chooseCell(there, sloMs, wishes);
  // What is not known from serving is no less than a bare process.
  const least = cell?.serving === undefined ? PROCESS_BYTES : 0;
  const guessed = (PROCESS_BYTES + COPIES_OF_WEIGHTS * weightBytes) / MEMORY_HEADROOM;
  const bytes = cell === undefined ? guessed : Math.max(least, servingMemoryBytes(cell));
  return {
    sloMs,
    maxBatch: cell?.batch ?? wishes.maxBatch ?? DEFAULT_BATCH,
    cpuMillicores: cell?.cpuMillicores ?? wishes.cpuMillicores ?? DEFAULT_MILLICORES,
    memoryBytes: memoryLimitFor(bytes),
  };
}

function chooseCell(table: ProfileTable, sloMs: number, wishes: ResourceWishes): Cell | undefined {
  const { maxBatch = Number.POSITIVE_INFINITY, cpuMillicores, gpuPercent = 0 } = wishes;
  const cells = table.cells.filter(
    (cell) =>
      cell.gpuPercent === gpuPercent &&
      cell.batch <= maxBatch &&
      (cpuMillicores === undefined || cell.cpuMillicores === cpuMillicores),
  );
  const best = bestConfig(table, { sloMs, percentile: 99 }, cells);
  const fastest = fastestConfig(table, 99, cells);
  if (best !== undefined || fastest === undefined || wishes.sloMs === undefined) return best ?? fastest;
  const nearestSloMs = tightestSloMs(table, fastest, 99);
  throw new InflessError(
    'SLO_INFEASIBLE',
    `No measured config of ${table.model.name} that fits keeps p99 ≤ ${formatDuration(sloMs)}`,
    { remedy: `The nearest feasible SLO is ${formatDuration(nearestSloMs)}.`, details: { nearestSloMs } },
  );
}

/** A model's name as Kubernetes, OpenFaaS and Compose take it. */
export function dnsLabel(name: string): string {
  const label = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 63)
    .replace(/^-+|-+$/g, '');
  return label === '' ? 'model' : label;
}
