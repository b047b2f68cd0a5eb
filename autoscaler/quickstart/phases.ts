import { availableParallelism } from 'node:os';
import { formatDuration } from '../../models/base/units.ts';
import { type HostTimes, hostTimes, loadBetween } from '../../profiler/cell/host-load.ts';
import type { Config } from '../../profiles/config.ts';
import { viewOf } from '../../profiles/lookup.ts';
import { quantile } from '../../profiles/statistics.ts';
import type { ProfileTable } from '../../profiles/table.ts';
import type { DispatchedBatch } from '../dispatch/dispatcher.ts';

/** Of all cores, what others must take before it is worth a word. */
const MUCH_BUSY = 0.1;

/** How long batches took to run, against what was promised. */
export class BatchRecord {
  readonly #tables: ReadonlyMap<string, ProfileTable>;
  /** By function and config: measured over promised, in ms. */
  readonly #times = new Map<string, { readonly measuredMs: number[]; readonly promisedMs: number[] }>();

  /** @param tables by function */
  constructor(tables: ReadonlyMap<string, ProfileTable>) {
    this.#tables = tables;
  }

  note(
    functionName: string,
    { instanceId, size, executeMs }: Pick<DispatchedBatch, 'instanceId' | 'size' | 'executeMs'>,
    instances: readonly { readonly id: string; readonly config: Config }[],
  ): void {
    const table = this.#tables.get(functionName);
    const config = instances.find(({ id }) => id === instanceId)?.config;
    if (table === undefined || config === undefined) return;
    const times = this.#times.get(functionName) ?? { measuredMs: [], promisedMs: [] };
    times.measuredMs.push(executeMs);
    times.promisedMs.push(viewOf(table).executionMs(config, size, 0.99));
    this.#times.set(functionName, times);
  }

  /** What was promised at p99 for these batches, and what was measured. */
  executionText(functionName: string): string {
    const times = this.#times.get(functionName);
    if (times === undefined) return 'no batch ran';
    const at99 = (values: readonly number[]): number =>
      quantile(
        values.toSorted((a, b) => a - b),
        0.99,
      );
    const slower = times.measuredMs.filter(
      (measuredMs, index) => measuredMs > times.promisedMs[index]!,
    ).length;
    const share = Math.round((100 * slower) / times.measuredMs.length);
    return `promised ${formatDuration(at99(times.promisedMs))} at p99, measured ${formatDuration(at99(times.measuredMs))}; ${share} % of the batches took longer than promised`;
  }
}

/** What others did on this machine while the load ran. */
export class HostWatch {
  readonly #before: HostTimes | undefined;

  private constructor(before: HostTimes | undefined) {
    this.#before = before;
  }

  static async start(): Promise<HostWatch> {
    return new HostWatch(await hostTimes());
  }

  /**
   * A sentence where that was much.
   *
   * @param instancesMs CPU time of our instances meanwhile
   */
  async text(instancesMs: number): Promise<string | undefined> {
    const after = await hostTimes();
    if (this.#before === undefined || after === undefined) return undefined;
    const cores = availableParallelism();
    const { user, system } = process.cpuUsage();
    const ownMs = instancesMs + (user + system) / 1000;
    const load = loadBetween(this.#before, after, ownMs, cores);
    if (load === undefined || load.foreignCores < MUCH_BUSY * cores) return undefined;
    return `The machine was busy: beside instances and gateway, ${load.foreignCores.toFixed(1)} of ${cores} cores were taken, the load generator's among them.`;
  }
}
