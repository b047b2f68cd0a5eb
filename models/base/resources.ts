/**
 * What an instance needs of a node. A new dimension is a row here, beside who measures it and who enforces
 * it, and what each platform says a node has of it.
 *
 * `perDevice`: a node has it once for each of its GPUs, and an instance takes all of its amount from one of
 * them.
 */
export const DIMENSIONS = {
  cpuMillicores: { label: 'cpu', title: 'CPU', perDevice: false },
  /** Of the SMs of one GPU: 100 is a whole GPU. */
  gpuPercent: { label: 'gpu', title: 'GPU', perDevice: true },
  memoryBytes: { label: 'memory', title: 'memory', perDevice: false },
  gpuMemoryBytes: { label: 'gpu-memory', title: 'GPU memory', perDevice: true },
} as const;

type Traits = typeof DIMENSIONS;
export type Dimension = keyof Traits;
/** As people and programs read it: `cpu`. */
export type DimensionLabel = Traits[Dimension]['label'];
export type DeviceDimension = {
  [D in Dimension]: Traits[D]['perDevice'] extends true ? D : never;
}[Dimension];
export type SharedDimension = Exclude<Dimension, DeviceDimension>;

/** An amount of each dimension. */
export type Resources = Readonly<Record<Dimension, number>>;
/** What all instances on a node share. */
export type SharedResources = Pick<Resources, SharedDimension>;
/** What there is of one device. */
export type DeviceResources = Pick<Resources, DeviceDimension>;

/** The same in the order of {@link DIMENSIONS}, for inner loops: amounts, or the price of a unit of each. */
export type Vector = readonly number[];

const ORDER = Object.keys(DIMENSIONS) as readonly Dimension[];
const INDEX = Object.fromEntries(ORDER.map((dimension, index) => [dimension, index])) as Record<
  Dimension,
  number
>;

/** Where each dimension stands in a vector. */
export const CPU = INDEX.cpuMillicores;
export const GPU = INDEX.gpuPercent;
export const SHARED_INDICES: readonly number[] = indicesOf(false);
export const DEVICE_INDICES: readonly number[] = indicesOf(true);

function indicesOf(perDevice: boolean): readonly number[] {
  return ORDER.flatMap((dimension, index) => (DIMENSIONS[dimension].perDevice === perDevice ? [index] : []));
}

/** Nothing of anything; as prices: nothing is scarce. */
export const ZERO: Vector = ORDER.map(() => 0);

/** @param amounts what is not named is 0 */
export function vectorOf(amounts: Partial<Resources>): Vector {
  return ORDER.map((dimension) => amounts[dimension] ?? 0);
}

export function amountsOf(vector: Vector): Resources {
  return Object.fromEntries(ORDER.map((dimension, index) => [dimension, vector[index]!])) as Record<
    Dimension,
    number
  >;
}

export function amountIn(vector: Vector, dimension: Dimension): number {
  return vector[INDEX[dimension]]!;
}

/** The dimension at a place of a vector. */
export function dimensionAt(index: number): Dimension {
  return ORDER[index]!;
}

export function isPerDevice(index: number): boolean {
  return DEVICE_INDICES.includes(index);
}

/** Adds in place, `times` times: asked for all the time, and so makes nothing new. */
export function addTo(total: number[], amounts: Vector, times = 1): void {
  for (let index = 0; index < total.length; index += 1) total[index]! += times * amounts[index]!;
}

export function scale(amounts: Vector, factor: number): Vector {
  return amounts.map((amount) => amount * factor);
}

/** Of each dimension the larger of the two. */
export function larger(a: Vector, b: Vector): Vector {
  return a.map((amount, index) => Math.max(amount, b[index]!));
}

/** What amounts cost at these prices. */
export function dot(amounts: Vector, prices: Vector): number {
  let sum = 0;
  for (let index = 0; index < amounts.length; index += 1) sum += amounts[index]! * prices[index]!;
  return sum;
}

export function isZero(amounts: Vector): boolean {
  return amounts.every((amount) => amount === 0);
}

/** Whether there is no less of anything. */
export function isAtMost(needed: Vector, available: Vector): boolean {
  for (let index = 0; index < needed.length; index += 1) {
    if (needed[index]! > available[index]!) return false;
  }
  return true;
}

/** Whether some of a device is needed. */
export function needsDevice(needed: Vector): boolean {
  return needed[GPU]! > 0;
}

/**
 * Whether what is free suffices, in the dimensions at these places of a vector.
 *
 * @param from where in `free` the vector begins
 */
export function fits(needed: Vector, free: Vector, indices: readonly number[], from = 0): boolean {
  for (let place = 0; place < indices.length; place += 1) {
    const index = indices[place]!;
    if (needed[index]! > free[from + index]!) return false;
  }
  return true;
}

/** How many times it fits, in the same. */
export function timesIn(needed: Vector, free: Vector, indices: readonly number[], from = 0): number {
  let least = Infinity;
  for (const index of indices) {
    if (needed[index]! > 0)
      least = Math.min(least, Math.floor(Math.max(0, free[from + index]!) / needed[index]!));
  }
  return least;
}
