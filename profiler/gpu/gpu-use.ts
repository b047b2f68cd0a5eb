import { readGpus } from '../../profiles/gpu/nvidia-smi.ts';
import type { SmiGpu } from '../../profiles/gpu/smi-xml.ts';
import type { Cell } from '../../profiles/table.ts';

/** Each reading starts a program: often enough for a cell of seconds, seldom enough not to disturb it. */
const INTERVAL_MS = 500;

/** What a GPU does while a cell is measured on it. */
export class GpuUse {
  readonly #read: () => Promise<SmiGpu | undefined>;
  readonly #before: SmiGpu | undefined;
  readonly #readings: SmiGpu[] = [];
  #timer: NodeJS.Timeout | undefined;
  #reading: Promise<void> = Promise.resolve();

  private constructor(read: () => Promise<SmiGpu | undefined>, before: SmiGpu | undefined) {
    this.#read = read;
    this.#before = before;
  }

  /** Looks at the GPU before the cell's process has started: what is used by then is not the cell's. */
  static async before(read: () => Promise<SmiGpu | undefined>): Promise<GpuUse> {
    return new GpuUse(read, await read());
  }

  /** From now on the cell is measured. */
  start(): void {
    const sample = async (): Promise<void> => {
      const reading = await this.#read();
      if (reading !== undefined) this.#readings.push(reading);
    };
    this.#reading = sample();
    this.#timer = setInterval(() => {
      this.#reading = this.#reading.then(sample);
    }, INTERVAL_MS);
  }

  /** Ends the measurement; once more does nothing more. Undefined where the driver told nothing of memory. */
  async stop(): Promise<Cell['gpu']> {
    clearInterval(this.#timer);
    await this.#reading;
    const used = known(this.#readings, 'usedMemoryBytes');
    if (used.length === 0) return undefined;
    return {
      memoryBytes: Math.max(0, Math.max(...used) - (this.#before?.usedMemoryBytes ?? 0)),
      powerWatts: mean(known(this.#readings, 'powerWatts')),
      utilizationPercent: mean(known(this.#readings, 'utilizationPercent')),
    };
  }
}

/** Reads one GPU of this machine; undefined while the driver does not answer. */
export function gpuReader(uuid: string): () => Promise<SmiGpu | undefined> {
  return async () => {
    const inventory = await readGpus();
    return 'absence' in inventory ? undefined : inventory.report.gpus.find((gpu) => gpu.uuid === uuid);
  };
}

function known(
  readings: readonly SmiGpu[],
  what: 'usedMemoryBytes' | 'powerWatts' | 'utilizationPercent',
): number[] {
  return readings.map((reading) => reading[what]).filter((value) => value !== null);
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}
