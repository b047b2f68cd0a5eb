import { readGpus } from '../../profiles/gpu/nvidia-smi.ts';
import type { Cell } from '../../profiles/table.ts';
import { type ComputeApp, readComputeApps } from './compute-apps.ts';
import type { GpuSample, SmiStream } from './smi-stream.ts';

/** For a sample of the moment that is over to come in. */
const PATIENCE_MS = 400;
/** Of an idle card a sample is as good as another. */
const RECENT_MS = 10_000;

/** NVML's reasons for a clock that is lower than it could be, but for being idle. */
const THROTTLE_REASONS: readonly (readonly [bit: number, name: string])[] = [
  [0x2, 'applications_clocks_setting'],
  [0x4, 'sw_power_cap'],
  [0x8, 'hw_slowdown'],
  [0x10, 'sync_boost'],
  [0x20, 'sw_thermal_slowdown'],
  [0x40, 'hw_thermal_slowdown'],
  [0x80, 'hw_power_brake_slowdown'],
  [0x100, 'display_clock_setting'],
];

const MPS_SERVER = /nvidia-cuda-mps-server/;

/** Where what a card does comes from. */
export interface GpuSource {
  readonly uuid: string;
  readonly stream: Pick<SmiStream, 'between'>;
  /** Default: nvidia-smi is asked. */
  readonly apps?: () => Promise<readonly ComputeApp[] | undefined>;
  /** One look, where the stream tells nothing; default: nvidia-smi is asked. */
  readonly look?: () => Promise<GpuSample | undefined>;
}

/** What a GPU does while a cell is measured on it. */
export class GpuUse {
  readonly #source: GpuSource;
  readonly #beforeBytes: number | null;
  readonly #createdMs = Date.now();
  #startedMs: number | undefined;

  private constructor(source: GpuSource, beforeBytes: number | null) {
    this.#source = source;
    this.#beforeBytes = beforeBytes;
  }

  /** Before the cell's process starts: what is used by then is not the cell's. */
  static async before(source: GpuSource): Promise<GpuUse> {
    const now = Date.now();
    const latest = source.stream.between(now - RECENT_MS, now).at(-1) ?? (await lookAt(source));
    return new GpuUse(source, latest?.usedMemoryBytes ?? null);
  }

  /** From now on the cell is measured. */
  start(): void {
    this.#startedMs = Date.now();
  }

  /**
   * Ends the measurement. The cell's process has to be there still, and idle: it keeps what memory it has
   * needed at most.
   *
   * @returns undefined where the driver tells nothing of memory
   */
  async stop(pid: number | undefined): Promise<Cell['gpu']> {
    const endMs = Date.now();
    const apps = await (this.#source.apps ?? readComputeApps)();
    const streamed = await this.#samplesUntil(endMs);
    const samples = streamed.length > 0 ? streamed : await this.#lookOnce();
    const memoryBytes = this.#ownMemory(apps, pid) ?? this.#grownMemory(samples, endMs);
    if (memoryBytes === undefined) return undefined;
    return {
      memoryBytes,
      powerWatts: mean(samples, 'powerWatts'),
      utilizationPercent: mean(samples, 'utilizationPercent'),
      smClockMhz: mean(samples, 'smClockMhz'),
      memoryClockMhz: mean(samples, 'memoryClockMhz'),
      powerLimitWatts: mean(samples, 'powerLimitWatts'),
      throttleReasons: reasonsOf(samples),
      otherProcesses: apps === undefined ? null : this.#others(apps, pid).length,
    };
  }

  async #samplesUntil(endMs: number): Promise<readonly GpuSample[]> {
    const fromMs = this.#startedMs ?? this.#createdMs;
    for (let waitedMs = 0; waitedMs < PATIENCE_MS; waitedMs += 50) {
      if (this.#source.stream.between(endMs, Number.POSITIVE_INFINITY).length > 0) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return this.#source.stream.between(fromMs, endMs);
  }

  /** A driver that does not go on telling, or whose words come late. */
  async #lookOnce(): Promise<readonly GpuSample[]> {
    const sample = await lookAt(this.#source);
    return sample === undefined ? [] : [sample];
  }

  /** As the driver counts it for the process: with its context, which every process has. */
  #ownMemory(apps: readonly ComputeApp[] | undefined, pid: number | undefined): number | undefined {
    const own = this.#onCard(apps ?? []).filter((app) => app.pid === pid && app.usedMemoryBytes !== null);
    return own.length === 0 ? undefined : own.reduce((sum, { usedMemoryBytes }) => sum + usedMemoryBytes!, 0);
  }

  /** What more of the card's is used than before, where processes are not told apart. */
  #grownMemory(samples: readonly GpuSample[], endMs: number): number | undefined {
    const early = this.#source.stream.between(this.#createdMs, endMs + PATIENCE_MS);
    const used = [...early, ...samples].flatMap(({ usedMemoryBytes }) => usedMemoryBytes ?? []);
    return used.length === 0 ? undefined : Math.max(0, Math.max(...used) - (this.#beforeBytes ?? 0));
  }

  /** Without the server of MPS, which computes for the cell. */
  #others(apps: readonly ComputeApp[], pid: number | undefined): readonly ComputeApp[] {
    const onCard = this.#onCard(apps);
    const isSeen = onCard.some((app) => app.pid === pid);
    const others = onCard.filter((app) => app.pid !== pid && !MPS_SERVER.test(app.name));
    // In a container processes have other numbers: one of them is the cell's.
    return isSeen ? others : others.slice(1);
  }

  #onCard(apps: readonly ComputeApp[]): readonly ComputeApp[] {
    return apps.filter(({ gpuUuid }) => gpuUuid === this.#source.uuid || gpuUuid.startsWith('MIG-'));
  }
}

async function lookAt({ uuid, look }: GpuSource): Promise<GpuSample | undefined> {
  if (look !== undefined) return look();
  const inventory = await readGpus();
  if ('absence' in inventory) return undefined;
  const gpu = inventory.report.gpus.find((each) => each.uuid === uuid);
  if (gpu === undefined) return undefined;
  const { usedMemoryBytes, powerWatts, powerLimitWatts, utilizationPercent } = gpu;
  const unknown = { smClockMhz: null, memoryClockMhz: null, throttleBits: null };
  return { atMs: Date.now(), usedMemoryBytes, powerWatts, powerLimitWatts, utilizationPercent, ...unknown };
}

function reasonsOf(samples: readonly GpuSample[]): string[] {
  const bits = samples.reduce((all, { throttleBits }) => all | (throttleBits ?? 0), 0);
  return THROTTLE_REASONS.flatMap(([bit, name]) => ((bits & bit) === 0 ? [] : [name]));
}

function mean(samples: readonly GpuSample[], what: Exclude<keyof GpuSample, 'atMs'>): number | null {
  const values = samples.flatMap((sample) => sample[what] ?? []);
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}
