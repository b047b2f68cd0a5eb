import type { Config } from '../../profiles/config.ts';
import type { Instance } from '../cluster/instance.ts';
import type { NodeCapacity } from '../cluster/node.ts';
import type { ClusterSnapshot, LeavingInstance, PlannedInstance } from '../cluster/snapshot.ts';
import type { Workload } from '../functions/workload.ts';

/** What the fleet needs to know of a function to start and to count its instances. */
export interface FleetFunction {
  readonly name: string;
  readonly workload: Workload;
  /** What an instance of this config holds. */
  memoryBytes(config: Config): number;
  /** What it holds of its GPU's memory, where its table tells. */
  gpuMemoryBytes(config: Config): number | undefined;
}

/**
 * The platform's instances as the planner sees them. Instances of an older deployment still hold their resources but
 * promise no capacity: the planner starts their successors first and then lets them go.
 *
 * @param memoryOf what an instance holds, where its function is not there any more to say
 */
export function snapshotCluster(
  nodes: readonly NodeCapacity[],
  instances: Iterable<Instance>,
  functions: ReadonlyMap<string, FleetFunction>,
  memoryOf: (id: string) => number,
): ClusterSnapshot {
  const serving: PlannedInstance[] = [];
  const leaving: LeavingInstance[] = [];
  for (const { id, functionName, config, node, gpu, phase, version } of instances) {
    const owner = functions.get(functionName);
    const memoryBytes = owner?.memoryBytes(config) ?? memoryOf(id);
    const held = { config, node, memoryBytes, ...(gpu === undefined ? {} : { gpu }) };
    if (owner === undefined) leaving.push(held);
    else if (phase === 'draining') leaving.push({ ...held, functionName });
    else {
      const outdated = version !== owner.workload.version;
      serving.push({ ...held, id, functionName, ready: phase === 'ready', outdated });
    }
  }
  return { nodes, instances: serving, leaving };
}
