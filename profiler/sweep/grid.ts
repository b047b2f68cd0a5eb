import { createHash } from 'node:crypto';
import { InflessError } from '../../models/base/errors.ts';
import { seededRandom } from '../../models/base/random.ts';
import { formatCores, parseCpuMillicores } from '../../models/base/units.ts';
import type { Config } from '../../profiles/config.ts';

/** The batch sizes, CPU quotas and GPU shares a sweep measures, every one with every other. */
export interface Grid {
  readonly batches: readonly number[];
  readonly cpuMillicores: readonly number[];
  /** 0 is without a GPU. */
  readonly gpuPercents: readonly number[];
}

const LARGEST_DEFAULT_BATCH = 32;
const LARGEST_QUICK_BATCH = 16;

/**
 * Steps below and above one core. Beyond, an instance grows by about a half: no one packs finer than that.
 */
const CPU_STEPS = [250, 500, 1000, 1500, 2000, 3000, 4000, 6000, 8000, 12_000, 16_000, 24_000, 32_000];
const QUICK_CPU_STEPS = [500, 1000, 2000, 4000, 8000, 16_000, 32_000];

/**
 * What is measured when the user names no grid: powers of two up to 32 (`quick`: 16) by CPU quotas up to all
 * that this process can have, without a GPU. A model that cannot batch has the one batch size 1.
 */
export function defaultGrid(host: {
  readonly cpuMillicores: number;
  readonly batching: boolean;
  readonly quick: boolean;
}): Grid {
  const largest = host.quick ? LARGEST_QUICK_BATCH : LARGEST_DEFAULT_BATCH;
  const batches = [1];
  while (host.batching && batches.at(-1)! < largest) batches.push(batches.at(-1)! * 2);
  const steps = (host.quick ? QUICK_CPU_STEPS : CPU_STEPS).filter((step) => step < host.cpuMillicores);
  return { batches, cpuMillicores: [...steps, host.cpuMillicores], gpuPercents: [0] };
}

/** Reads `1,2,4,8`: distinct, ascending. */
export function parseBatches(text: string, option = '--batches'): number[] {
  return distinct(
    splitList(text, option).map((item) => {
      const batch = /^\d+$/.test(item) ? Number(item) : Number.NaN;
      if (!(batch >= 1 && batch <= 65_536)) {
        throw new InflessError('INVALID_INPUT', `${option} "${text}": "${item}" is not a batch size`, {
          remedy: 'Write whole numbers from 1 up, like 1,2,4,8.',
        });
      }
      return batch;
    }),
  );
}

/** Reads `0.5,1,2` or `500m,1,2` as millicores: distinct, ascending. */
export function parseCpus(text: string): number[] {
  return distinct(splitList(text, '--cpus').map((item) => parseCpuMillicores(item, '--cpus')));
}

/** Reads `0,25,50`: percent of one GPU's SMs, distinct, ascending. */
export function parseGpuPercents(text: string): number[] {
  return distinct(
    splitList(text, '--gpu').map((item) => {
      const percent = /^\d+%?$/.test(item) ? Number.parseInt(item, 10) : Number.NaN;
      if (!(percent <= 100)) {
        throw new InflessError('INVALID_INPUT', `--gpu "${text}": "${item}" is not a share of a GPU`, {
          remedy: 'Write whole percentages from 0, which is without a GPU, to 100, like 0,25,50,100.',
        });
      }
      return percent;
    }),
  );
}

/**
 * @throws InflessError INVALID_INPUT for a quota beyond what we can have here: it would measure something
 * else.
 */
export function checkCpus(cpuMillicores: readonly number[], available: number): void {
  const tooMuch = cpuMillicores.find((quota) => quota > available);
  if (tooMuch === undefined) return;
  throw new InflessError(
    'INVALID_INPUT',
    `A CPU quota of ${formatCores(tooMuch)} cores cannot be measured where ${formatCores(available)} are available`,
    { remedy: `Ask for at most ${formatCores(available)}, or profile on a larger host.` },
  );
}

/**
 * Every cell of the grid in the order it is measured: first the easiest (no GPU, smallest batch, most CPU),
 * so that a model that cannot run at all is told within a second; then the rest shuffled, so that a host that
 * slowly heats up or gets busier adds noise and not a slope along batch or quota, an interrupted sweep has
 * covered the whole grid evenly, and the mean cost of the finished cells is an unbiased guess at the rest.
 *
 * @param seed the same seed gives the same order, so that a resumed sweep goes on where it was
 */
export function cellsOf(grid: Grid, seed: string): Config[] {
  const cells = grid.gpuPercents.flatMap((gpuPercent) =>
    grid.batches.flatMap((batch) =>
      grid.cpuMillicores.map((cpuMillicores): Config => ({ batch, cpuMillicores, gpuPercent })),
    ),
  );
  const easiest = cells.reduce((best, cell) => (isEasier(cell, best) ? cell : best));
  const rest = cells.filter((cell) => cell !== easiest);
  const random = seededRandom(createHash('sha256').update(seed).digest().readInt32LE(0));
  for (let i = rest.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    [rest[i], rest[j]] = [rest[j]!, rest[i]!];
  }
  return [easiest, ...rest];
}

function isEasier(a: Config, b: Config): boolean {
  if (a.gpuPercent !== b.gpuPercent) return a.gpuPercent < b.gpuPercent;
  return a.batch < b.batch || (a.batch === b.batch && a.cpuMillicores > b.cpuMillicores);
}

function splitList(text: string, option: string): string[] {
  const items = text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
  if (items.length > 0) return items;
  throw new InflessError('INVALID_INPUT', `${option} "${text}" lists nothing`, {
    remedy: 'Write numbers with commas between, like 1,2,4.',
  });
}

function distinct(numbers: readonly number[]): number[] {
  return [...new Set(numbers)].sort((a, b) => a - b);
}
