import type { Clock } from '../../../models/base/clock.ts';
import { InflessError } from '../../../models/base/errors.ts';
import { formatBytes } from '../../../models/base/units.ts';
import { gpuEnvironment, tryEngines } from '../../../models/engines/index.ts';
import { DEFAULT_GPU_PROVIDER, type Provider } from '../../../models/engines/provider.ts';
import { Mps } from '../../../profiler/gpu/mps.ts';
import { isMpsInstalled } from '../../../profiler/gpu/mps-control.ts';
import { percentOfSlice } from '../../../profiler/gpu/shares.ts';
import { SmiStream } from '../../../profiler/gpu/smi-stream.ts';
import { type GpuInventory, readGpus, readMigSlices } from '../../../profiles/gpu/nvidia-smi.ts';
import type { SmiGpu } from '../../../profiles/gpu/smi-xml.ts';
import type { DeviceCapacity } from '../../cluster/node.ts';
import type { GpuReading } from '../platform.ts';

/** What instances can have a share of: a whole card, or a slice of a partitioned one. */
export interface GpuSlot {
  /** By which CUDA finds it: `GPU-…` or `MIG-…`. */
  readonly uuid: string;
  /** Of the card. */
  readonly percent: number;
  /** Null where the driver does not tell. */
  readonly memoryBytes: number | null;
  /** Whether one process at a time may compute on it, as Exclusive_Process says. */
  readonly isExclusive: boolean;
  /** One process has all of it, as a slice. */
  readonly isSlice: boolean;
}

/** What an instance gets of a slot. */
export interface GpuShare {
  readonly slot: GpuSlot;
  readonly percent: number;
  /** What it is planned to need, where that is known. */
  readonly memoryBytes: number | undefined;
}

/** What cards do is told as often as it is scraped, at most. */
const READ_INTERVAL_MS = 5_000;
/** Of a card that is lost the last word stays the last. */
const STALE_MS = 3 * READ_INTERVAL_MS;

/** A driver that lost a card takes its time to answer. */
const LOOK_INTERVAL_MS = 30_000;
/** A table's memory is that of the cell: batches in production differ, and cuDNN's workspace with them. */
const MEMORY_FACTOR = 1.5;
const MEMORY_EXTRA_BYTES = 512 * 2 ** 20;

export interface LocalGpusParts {
  readonly clock: Clock;
  /** Hears of what keeps GPUs from being used. */
  readonly note: (text: string) => void;
  /** Whether the engine can compute on a card, in a process with this environment; default: it is tried. */
  readonly tryEngine?: (environment: NodeJS.ProcessEnv) => Promise<Provider | undefined>;
}

/** The GPUs of this machine as instances share them. */
export class LocalGpus {
  readonly #slots: readonly GpuSlot[];
  readonly #parts: LocalGpusParts;
  /** Cards that the driver does not list any more. */
  #lost: ReadonlySet<string> = new Set();
  #lookAtMs: number;
  /** One program of the driver's for all cards, from when somebody first asks for as long as we run. */
  #stream: SmiStream | undefined;
  #isClosed = false;
  #mps: Promise<Mps | undefined> | undefined;
  /** Whether processes on one card take turns, since there is no MPS. */
  #takesTurns = !isMpsInstalled();

  private constructor(slots: readonly GpuSlot[], parts: LocalGpusParts) {
    this.#slots = slots;
    this.#parts = parts;
    this.#lookAtMs = parts.clock.nowMs() + LOOK_INTERVAL_MS;
  }

  /**
   * Finds the cards that the engine can compute on. Without one, or where the engine cannot use them, there
   * are none, and `note` hears why.
   */
  static async detect(parts: LocalGpusParts): Promise<LocalGpus> {
    const inventory = await readGpus();
    if ('absence' in inventory) return new LocalGpus([], parts); // most machines have none: nothing to tell
    const slots = await slotsOf(inventory.report.gpus);
    if (slots.length === 0) {
      parts.note('No GPU of this machine lets processes compute on it.');
      return new LocalGpus([], parts);
    }
    const { tryEngine = tryCuda } = parts;
    const state = await tryEngine({ CUDA_VISIBLE_DEVICES: slots[0]!.uuid });
    if (state?.unusable === undefined) return new LocalGpus(slots, parts);
    parts.note(`The GPUs of this machine are not used: ${state.unusable.what}. ${state.unusable.remedy}`);
    return new LocalGpus([], parts);
  }

  /**
   * What each slot has, and how parts of it are had; nothing of one that is lost, so that the others keep
   * their places.
   */
  async devices(): Promise<readonly DeviceCapacity[]> {
    if (this.#slots.length > 0 && this.#parts.clock.nowMs() >= this.#lookAtMs) await this.#look();
    const ofCards = this.#takesTurns ? 'time-slicing' : 'mps';
    return this.#slots.map(({ uuid, percent, memoryBytes, isSlice }) => ({
      ...(this.#lost.has(uuid)
        ? { gpuPercent: 0, gpuMemoryBytes: 0 }
        : { gpuPercent: percent, gpuMemoryBytes: memoryBytes ?? Infinity }),
      sharing: isSlice ? 'mig' : ofCards,
    }));
  }

  /** What each card does, as its driver has last said; nothing yet where no one has asked before. */
  readings(): readonly Omit<GpuReading, 'node'>[] {
    if (!this.#isClosed && this.#slots.length > 0 && this.#stream?.isRunning !== true)
      this.#stream = SmiStream.startForAll(READ_INTERVAL_MS);
    const sinceMs = Date.now() - STALE_MS;
    return [...(this.#stream?.latest ?? [])].flatMap(([uuid, sample]) => {
      const { atMs, utilizationPercent, usedMemoryBytes, powerWatts } = sample;
      return atMs < sinceMs ? [] : [{ uuid, utilizationPercent, usedMemoryBytes, powerWatts }];
    });
  }

  /** @throws InflessError PLATFORM_FAILED for a place where there is none */
  slotAt(index: number): GpuSlot {
    const slot = this.#slots[index];
    if (slot !== undefined && !this.#lost.has(slot.uuid)) return slot;
    throw new InflessError('PLATFORM_FAILED', `There is no GPU ${index} here`, {
      remedy: 'Look at nvidia-smi: a card may have been lost.',
    });
  }

  indexOf(uuid: string): number | undefined {
    const index = this.#slots.findIndex((slot) => slot.uuid === uuid);
    return index < 0 ? undefined : index;
  }

  /**
   * What a process needs in its environment before it starts.
   *
   * @param others what other instances have of the same slot
   * @throws InflessError PLATFORM_FAILED where the share cannot be had
   */
  async environmentFor(share: GpuShare, others: readonly GpuShare[]): Promise<NodeJS.ProcessEnv> {
    const { slot, percent, memoryBytes } = share;
    refuseBeyondMemory(share, others);
    const visible = { ...gpuEnvironment(), CUDA_VISIBLE_DEVICES: slot.uuid };
    if (slot.isSlice) return visible;
    const mps = percent === 100 && others.length === 0 ? undefined : await this.#openMps();
    if (mps !== undefined) {
      const memoryLimitBytes = limitOf(memoryBytes, slot);
      return { ...visible, ...mps.environmentFor({ gpuUuid: slot.uuid, percent, memoryLimitBytes }) };
    }
    if (slot.isExclusive && others.length > 0) {
      throw new InflessError(
        'PLATFORM_FAILED',
        'The GPU takes one process at a time (its compute mode is Exclusive_Process)',
        { remedy: 'Install the MPS programs of the NVIDIA driver, or set the compute mode to Default.' },
      );
    }
    return visible; // in turns with the others
  }

  /** A process uses its share also when we are gone. */
  async hold(pid: number): Promise<void> {
    const mps = await this.#mps?.catch(() => undefined);
    await mps?.hold(pid);
  }

  /** An instance from an earlier life has a part of a card: it has a daemon, which is to stay. */
  async adopt(share: GpuShare): Promise<void> {
    if (!share.slot.isSlice && share.percent < 100) await this.#openMps();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stream?.close();
    this.#stream = undefined;
    const mps = await this.#mps?.catch(() => undefined);
    this.#mps = undefined;
    await mps?.close();
  }

  #openMps(): Promise<Mps | undefined> {
    this.#mps ??= this.#startMps();
    return this.#mps;
  }

  /** Undefined where there is none: then processes take turns, and nothing holds them to their shares. */
  async #startMps(): Promise<Mps | undefined> {
    try {
      return await Mps.open(this.#slots.filter(({ isSlice }) => !isSlice).map(({ uuid }) => uuid));
    } catch (error) {
      if (!(error instanceof InflessError)) throw error;
      this.#parts.note(
        `${error.message}: instances on one GPU take turns, and nothing holds them to their shares.`,
      );
      this.#takesTurns = true;
      return undefined;
    }
  }

  async #look(): Promise<void> {
    this.#lookAtMs = this.#parts.clock.nowMs() + LOOK_INTERVAL_MS;
    const known = await uuidsOf(await readGpus());
    const lost = new Set(this.#slots.map(({ uuid }) => uuid).filter((uuid) => !known.has(uuid)));
    for (const uuid of lost)
      if (!this.#lost.has(uuid)) this.#parts.note(`${uuid} is lost: nothing is started on it.`);
    for (const uuid of this.#lost) if (!lost.has(uuid)) this.#parts.note(`${uuid} is back.`);
    this.#lost = lost;
  }
}

const tryCuda = (environment: NodeJS.ProcessEnv): Promise<Provider> =>
  tryEngines(DEFAULT_GPU_PROVIDER, environment);

async function uuidsOf(inventory: GpuInventory): Promise<ReadonlySet<string>> {
  if ('absence' in inventory) return new Set();
  return new Set((await slotsOf(inventory.report.gpus)).map(({ uuid }) => uuid));
}

async function slotsOf(gpus: readonly SmiGpu[]): Promise<readonly GpuSlot[]> {
  const isPartitioned = gpus.some(({ migEnabled }) => migEnabled === true);
  const slices = isPartitioned ? await readMigSlices().catch(() => []) : [];
  return gpus.flatMap((gpu, index) => {
    if (gpu.migEnabled !== true) return wholeSlot(gpu);
    return slices
      .filter((slice) => slice.gpu === index)
      .flatMap(({ uuid, profile, index: position }): GpuSlot[] => {
        const percent = percentOfSlice(profile, gpu.model);
        const memoryBytes = gpu.migDevices.find((device) => device.index === position)?.memoryBytes ?? null;
        return percent === undefined
          ? []
          : [{ uuid, percent, memoryBytes, isExclusive: false, isSlice: true }];
      });
  });
}

function wholeSlot({ uuid, computeMode, memoryBytes }: SmiGpu): GpuSlot[] {
  if (uuid === null || computeMode === 'Prohibited') return [];
  return [
    { uuid, percent: 100, memoryBytes, isExclusive: computeMode === 'Exclusive_Process', isSlice: false },
  ];
}

function refuseBeyondMemory({ slot, memoryBytes = 0 }: GpuShare, others: readonly GpuShare[]): void {
  if (slot.memoryBytes === null) return;
  const taken = others.reduce((sum, other) => sum + (other.memoryBytes ?? 0), 0);
  if (taken + memoryBytes <= slot.memoryBytes) return;
  throw new InflessError(
    'PLATFORM_FAILED',
    `The GPU has too little memory: ${formatBytes(memoryBytes)} are needed, and of its ${formatBytes(slot.memoryBytes)} others need ${formatBytes(taken)}`,
    { remedy: "Lower the functions' limits.gpu, or let fewer of them use this GPU." },
  );
}

function limitOf(memoryBytes: number | undefined, slot: GpuSlot): number | undefined {
  if (memoryBytes === undefined) return undefined;
  const limit = MEMORY_FACTOR * memoryBytes + MEMORY_EXTRA_BYTES;
  return Math.min(limit, slot.memoryBytes ?? limit);
}
