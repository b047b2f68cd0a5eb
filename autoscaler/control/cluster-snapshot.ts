import type { ClusterSnapshot, LeavingInstance, PlannedInstance } from '../plan/model.ts';
import type { Instance, NodeCapacity } from '../platforms/platform.ts';
import type { ManagedFunction } from './managed-function.ts';

/**
 * The platform's instances as the planner sees them. Instances of an older deployment still hold their resources but
 * promise no capacity: the planner starts their successors first and then lets them go.
 *
 * @param memoryOf what an instance holds, where its function is not there any more to say
 */
export function snapshotCluster(
  nodes: readonly NodeCapacity[],
  instances: Iterable<Instance>,
  functions: ReadonlyMap<string, ManagedFunction>,
  memoryOf: (id: string) => number,
): ClusterSnapshot {
  const serving: PlannedInstance[] = [];
  const leaving: LeavingInstance[] = [];
  for (const { id, functionName, config, node, gpu, phase, version } of instances) {
    const managed = functions.get(functionName);
    const memoryBytes = managed?.times.view.memoryBytes(config) ?? memoryOf(id);
    const held = { config, node, memoryBytes, ...(gpu === undefined ? {} : { gpu }) };
    if (managed === undefined) leaving.push(held);
    else if (phase === 'draining') leaving.push({ ...held, functionName });
    else {
      const outdated = version !== managed.deployment.workload.version;
      serving.push({ ...held, id, functionName, ready: phase === 'ready', outdated });
    }
  }
  return { nodes, instances: serving, leaving };
}
