/**
 * Simulations in a program of yours: `import { simulate, … } from 'infless/simulate'`. What is exported here
 * changes by the rules of semver; what is imported from elsewhere may change with every version.
 */
import type { Seed } from '../../models/base/random.ts';
import { type ArrivalProcess, arrivals } from '../../profiler/load/arrivals/arrivals.ts';
import type { RateCurve } from '../../profiler/load/arrivals/rates.ts';
import type { ProfileTable } from '../../profiles/table.ts';
import type { NodeCapacity } from '../cluster/node.ts';
import { type FunctionDeclaration, parseFunctionSpec } from '../functions/spec.ts';
import type { SimulatedFunction } from '../simulation/scenario.ts';
import { arrivalStream } from '../simulation/streams.ts';

export { namedRandom, type Random } from '../../models/base/random.ts';
export type { ArrivalProcess } from '../../profiler/load/arrivals/arrivals.ts';
export {
  constantRate,
  type RateCurve,
  rampedRate,
  steppedRate,
} from '../../profiler/load/arrivals/rates.ts';
export { importInflessText } from '../../profiles/import/infless-text.ts';
export { readTable } from '../../profiles/store.ts';
export type { ProfileTable } from '../../profiles/table.ts';
export type { NodeCapacity } from '../cluster/node.ts';
export type { FunctionDeclaration } from '../functions/spec.ts';
export { type MeanInterval, meanInterval } from '../simulation/intervals.ts';
export type { FunctionResult, SimulationResult } from '../simulation/result.ts';
export type { Scenario, SimulatedFunction } from '../simulation/scenario.ts';
export { type SimulateOptions, simulate } from '../simulation/simulate.ts';
export { arrivalStream } from '../simulation/streams.ts';
export { type DefaultSystemOptions, defaultSystem } from '../simulation/systems/default-system.ts';
export type { ServingParts, ServingSystem, System } from '../simulation/systems/serving-system.ts';
export { systemByName } from '../simulation/systems/systems.ts';
export { readCluster } from './inputs/cluster-file.ts';
export { type PlannedFunction, readPlannedFunctions } from './inputs/functions.ts';

/** A node as it is easily written down. */
export interface NodeDescription {
  readonly name: string;
  readonly cores: number;
  /** Default: so much that it limits nothing. */
  readonly memoryBytes?: number;
  /** SM percent of each GPU; 100 for a whole one. Default: none. */
  readonly gpuPercents?: readonly number[];
  readonly labels?: Readonly<Record<string, string>>;
}

const MUCH_MEMORY_BYTES = 1e15;

/** A node of a scenario. */
export function node({
  name,
  cores,
  memoryBytes = MUCH_MEMORY_BYTES,
  gpuPercents = [],
  labels,
}: NodeDescription): NodeCapacity {
  return {
    name,
    ...(labels === undefined ? {} : { labels }),
    shared: { cpuMillicores: Math.round(cores * 1000), memoryBytes },
    devices: gpuPercents.map((gpuPercent) => ({ gpuPercent, gpuMemoryBytes: Infinity })),
  };
}

/** Who calls a function: a rate over time and how arrivals spread around it, or times in ms, ascending. */
export type Calls = { readonly rate: RateCurve; readonly process?: ArrivalProcess } | Iterable<number>;

/**
 * A function of a scenario. Its arrivals are drawn from the stream of its name, so that every policy meets
 * the same at a seed. They can be read once: make a new one for each run.
 *
 * @param declaration as in a functions file, e.g. `{ name: 'net', model: 'net', slo: '200ms' }`
 * @throws InflessError INVALID_INPUT naming the field that is wrong
 */
export function simulatedFunction(
  declaration: FunctionDeclaration,
  table: ProfileTable,
  calls: Calls,
  seed = 1,
): SimulatedFunction {
  const spec = parseFunctionSpec(declaration, `Function "${declaration.name}"`);
  if (!('rate' in calls)) return { spec, table, arrivals: calls };
  const stream: Seed = arrivalStream(seed, spec.name);
  return { spec, table, arrivals: arrivals(calls.rate, calls.process ?? { type: 'poisson' }, stream) };
}
