import type { Resources } from '../models/base/resources.ts';
import { type Threading, threadRule } from '../models/engines/engine.ts';
import type { Config } from './config.ts';
import type { Cell, ProfileTable, ThreadChoice } from './table.ts';

/** The measured batches of one `(cpuMillicores, gpuPercent)`, smallest batch first. */
interface QuotaCells {
  readonly cpuMillicores: number;
  readonly gpuPercent: number;
  readonly cells: Cell[];
  /** By quantile: execution time of 1, 2, … rows at index 0, 1, … */
  readonly curves: Map<number, Float64Array>;
}

/**
 * A profile table as planners ask it. Pure and total: every config and number of rows has an answer, never a
 * non-finite one; cells without a usable latency are left out.
 *
 * A config that is not in the table is answered by what bounds it from above: the next smaller quota, or
 * below the smallest measured one that quota's time scaled by the ratio.
 */
export class ProfileView {
  readonly table: ProfileTable;
  readonly #quotas = new Map<number, QuotaCells>();
  readonly #all: readonly QuotaCells[];

  constructor(table: ProfileTable) {
    this.table = table;
    for (const cell of table.cells) if (isUsable(cell)) this.#add(cell);
    this.#all = [...this.#quotas.values()];
    for (const { cells } of this.#all) cells.sort((a, b) => a.batch - b.batch);
    if (this.#all.length === 0) throw new RangeError('A profile view needs at least one usable cell.');
  }

  /** Every config of the table, measured or predicted, in its order. */
  configs(): readonly Config[] {
    return this.table.cells
      .filter((cell) => isUsable(cell))
      .map(({ batch, cpuMillicores, gpuPercent }) => ({ batch, cpuMillicores, gpuPercent }));
  }

  /** The cell of exactly this config. */
  cell(config: Config): Cell | undefined {
    return this.#quotas.get(quotaKey(config))?.cells.find((cell) => cell.batch === config.batch);
  }

  /**
   * How long `rows` rows take under the config's quota, never less for more rows or a higher quantile.
   *
   * Between measured batches: linear, over the running maximum of the smaller ones. Between the measured
   * percentiles, and past p99: linear in −ln(1−q), where an exponential tail is a straight line. Below p50:
   * p50. Rows beyond the largest measured batch take that batch's time per row. A cell that was predicted
   * counts as slow as it may be: with the upper end of its interval; so does p99 where the table tells one.
   *
   * @param quantile in 0.5…0.999
   */
  executionMs(config: Config, rows: number, quantile: number): number {
    const quota = this.#quotaOf(config);
    const curve = curveOf(quota, quantile);
    const slowdown = Math.max(1, quota.cpuMillicores / config.cpuMillicores);
    const last = curve.length - 1;
    if (rows > curve.length) return (slowdown * curve[last]! * rows) / curve.length;
    return slowdown * curve[Math.max(0, Math.ceil(rows) - 1)]!;
  }

  /**
   * Mean time of `rows` rows, by the same curve: between the median and it there is the factor of the
   * config's own cell.
   */
  meanMs(config: Config, rows: number = config.batch): number {
    const latencyMs = this.cell(config)?.latencyMs;
    const meanOverMedian = latencyMs === undefined ? 1 : latencyMs.mean / latencyMs.p50;
    return this.executionMs(config, rows, 0.5) * meanOverMedian;
  }

  /** Starting the process to its first answer. */
  startupMs(config: Config): number {
    return this.#closest(config).firstAnswerMs;
  }

  /** The most memory an instance holds. */
  memoryBytes(config: Config): number {
    return servingMemoryBytes(this.#closest(config));
  }

  /**
   * Memory of the GPU that is surely enough; undefined where no cell says. That of a cell of the same share
   * with as many rows; else the most that any share took with the next larger batch, else the most of all in
   * proportion to the rows. A predicted cell says nothing of it.
   */
  gpuMemoryBytes({ batch, cpuMillicores, gpuPercent }: Config): number | undefined {
    if (gpuPercent === 0) return undefined;
    const told = this.table.cells.flatMap((cell) =>
      cell.gpu === undefined ? [] : [{ ...cell, bytes: cell.gpu.memoryBytes }],
    );
    if (told.length === 0) return undefined;
    const own = told.filter(
      (cell) => cell.cpuMillicores === cpuMillicores && cell.gpuPercent === gpuPercent && cell.batch >= batch,
    );
    const enough = own.length > 0 ? own : told.filter((cell) => cell.batch >= batch);
    const next = Math.min(...enough.map((cell) => cell.batch));
    const most = (cells: typeof told): number => Math.max(...cells.map(({ bytes }) => bytes));
    if (enough.length > 0) return most(enough.filter((cell) => cell.batch === next));
    return Math.round((most(told) * batch) / Math.max(...told.map((cell) => cell.batch)));
  }

  /** All that an instance needs of its node; no memory of a GPU where no cell says how much. */
  resources(config: Config): Resources {
    const { cpuMillicores, gpuPercent } = config;
    const gpuMemoryBytes = this.gpuMemoryBytes(config) ?? 0;
    return { cpuMillicores, gpuPercent, memoryBytes: this.memoryBytes(config), gpuMemoryBytes };
  }

  /** Decoding one row's JSON, and encoding one row's answer, in ms. */
  codecMs(config: Config): Cell['codecMs'] {
    return this.#closest(config).codecMs;
  }

  /**
   * Bringing one row over HTTP, in ms; 0 where the table does not tell. Whatever the batch, it is the same:
   * of the cells under the quota the middle one counts, so that nothing that came between counts.
   */
  transferMs(config: Config): number {
    const { cells } = this.#quotaOf(config);
    const told = cells.flatMap(({ transferMs }) => transferMs ?? []).sort((a, b) => a - b);
    return told[Math.floor((told.length - 1) / 2)] ?? 0;
  }

  #add(cell: Cell): void {
    const key = quotaKey(cell);
    const quota = this.#quotas.get(key);
    if (quota !== undefined) {
      quota.cells.push(cell);
      return;
    }
    const { cpuMillicores, gpuPercent } = cell;
    this.#quotas.set(key, { cpuMillicores, gpuPercent, cells: [cell], curves: new Map() });
  }

  #quotaOf(config: Config): QuotaCells {
    return this.#quotas.get(quotaKey(config)) ?? this.#boundingQuota(config);
  }

  #boundingQuota(config: Config): QuotaCells {
    const fits = (quota: QuotaCells): number =>
      Number(quota.gpuPercent <= config.gpuPercent) * 2 + Number(quota.cpuMillicores <= config.cpuMillicores);
    return this.#all.reduce((best, quota) => {
      if (fits(quota) !== fits(best)) return fits(quota) > fits(best) ? quota : best;
      return distance(quota, config) < distance(best, config) ? quota : best;
    });
  }

  /** The cell of this config, else of the next larger batch under its quota, else of the largest. */
  #closest(config: Config): Cell {
    const { cells } = this.#quotaOf(config);
    return cells.find((cell) => cell.batch >= config.batch) ?? cells[cells.length - 1]!;
  }
}

/**
 * Above what was measured: a limit that is met kills, and it has to hold sockets, tables of pages and files
 * that are read as well.
 */
export const MEMORY_HEADROOM = 1.25;
const MEMORY_STEP_BYTES = 16 * 2 ** 20;

/**
 * Most memory of an instance with this config: of a serving process with its HTTP and the bodies of full
 * batches where that was measured, else of the process that measured the cell, which has neither.
 */
export function servingMemoryBytes({ serving, peakMemoryBytes }: Cell): number {
  return Math.max(serving?.peakMemoryBytes ?? 0, peakMemoryBytes);
}

/** The memory limit for a process that takes so much: with headroom, in steps of 16 MiB. */
export function memoryLimitFor(bytes: number): number {
  return Math.ceil((bytes * MEMORY_HEADROOM) / MEMORY_STEP_BYTES) * MEMORY_STEP_BYTES;
}

/** Of one model there may be thousands of functions: what is made of its table is made once. */
const views = new WeakMap<ProfileTable, ProfileView>();

/** The view of a table, the same each time. */
export function viewOf(table: ProfileTable): ProfileView {
  let view = views.get(table);
  if (view === undefined) {
    view = new ProfileView(table);
    views.set(table, view);
  }
  return view;
}

/** A number, not a string, because the batch former asks for every request. GPU shares end at 100 %. */
function quotaKey({ cpuMillicores, gpuPercent }: Pick<Config, 'cpuMillicores' | 'gpuPercent'>): number {
  return cpuMillicores * 128 + gpuPercent;
}

function distance(quota: QuotaCells, config: Config): number {
  return (
    Math.abs(quota.gpuPercent - config.gpuPercent) / 100 +
    Math.abs(Math.log(quota.cpuMillicores / config.cpuMillicores))
  );
}

function isUsable({ latencyMs }: Cell): boolean {
  return [latencyMs.p50, latencyMs.p95, latencyMs.p99].every((value) => Number.isFinite(value) && value > 0);
}

function curveOf(quota: QuotaCells, quantile: number): Float64Array {
  let curve = quota.curves.get(quantile);
  if (curve === undefined) {
    curve = makeCurve(quota.cells, quantile);
    quota.curves.set(quantile, curve);
  }
  return curve;
}

function makeCurve(cells: readonly Cell[], quantile: number): Float64Array {
  const curve = new Float64Array(cells[cells.length - 1]!.batch);
  let fromBatch = 0;
  let fromMs = 0;
  for (const cell of cells) {
    const toMs = Math.max(fromMs, latencyAt(cell, quantile));
    for (let rows = fromBatch + 1; rows <= cell.batch; rows += 1) {
      const share = fromBatch === 0 ? 1 : (rows - fromBatch) / (cell.batch - fromBatch);
      curve[rows - 1] = fromMs + (toMs - fromMs) * share;
    }
    fromBatch = cell.batch;
    fromMs = toMs;
  }
  return curve;
}

function latencyAt({ latencyMs, predicted }: Cell, quantile: number): number {
  const guard = predicted === true ? latencyMs.meanInterval[1] / latencyMs.mean : 1;
  const p50 = guard * latencyMs.p50;
  const p95 = Math.max(p50, guard * latencyMs.p95);
  const p99 = Math.max(p95, guard * (latencyMs.p99Interval?.[1] ?? latencyMs.p99));
  if (quantile <= 0.95) return between(0.5, p50, 0.95, p95, Math.max(quantile, 0.5));
  return between(0.95, p95, 0.99, p99, Math.min(quantile, 0.999));
}

function between(fromQ: number, fromMs: number, toQ: number, toMs: number, q: number): number {
  const tail = (quantile: number): number => -Math.log1p(-quantile);
  return fromMs + ((toMs - fromMs) * (tail(q) - tail(fromQ))) / (tail(toQ) - tail(fromQ));
}

/**
 * The threading of every quota: as tried; else as the nearest one tried of its sort (whole or not) has it,
 * relative to the default.
 */
export function threadingOf(cpuMillicores: number, choices: readonly ThreadChoice[]): Threading {
  const usual = threadRule(cpuMillicores);
  if (cpuMillicores <= 1000) return usual;
  const alike = choices.filter((choice) => isWhole(choice.cpuMillicores) === isWhole(cpuMillicores));
  if (alike.length === 0) return usual;
  const distance = (choice: ThreadChoice): number => Math.abs(Math.log(choice.cpuMillicores / cpuMillicores));
  const nearest = alike.reduce((a, b) => (distance(b) < distance(a) ? b : a));
  const fewer = threadRule(nearest.cpuMillicores).threads - nearest.threads;
  return { threads: Math.max(1, usual.threads - fewer), spinning: nearest.spinning };
}

/** Whether a quota is of whole cores. */
export function isWhole(cpuMillicores: number): boolean {
  return cpuMillicores % 1000 === 0;
}
