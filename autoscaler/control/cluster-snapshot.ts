import type { ClusterSnapshot, PlannedInstance } from '../plan/model.ts';
import type { Instance, NodeCapacity } from '../platforms/platform.ts';
import type { ManagedFunction } from './managed-function.ts';

/** A config that no table has: what an instance of an older deployment counts as, so that it is replaced. */
const OUTDATED_BATCH = Number.MAX_SAFE_INTEGER;

/**
 * The platform's instances as the planner sees them. Instances of an older deployment still hold their resources but
 * promise no capacity: the planner starts their successors first and then lets them go.
 */
export function snapshotCluster(
  nodes: readonly NodeCapacity[],
  instances: readonly Instance[],
  functions: ReadonlyMap<string, ManagedFunction>,
): ClusterSnapshot {
  const serving: PlannedInstance[] = [];
  const leaving: ClusterSnapshot['leaving'][number][] = [];
  for (const { id, functionName, config, node, phase, version } of instances) {
    const managed = functions.get(functionName);
    if (phase === 'draining' || managed === undefined) {
      leaving.push({ node, config, memoryBytes: managed?.times.view.memoryBytes(config) ?? 0 });
      continue;
    }
    const outdated = version !== managed.deployment.workload.version;
    serving.push({
      id,
      functionName,
      config: outdated ? { ...config, batch: OUTDATED_BATCH } : config,
      node,
      ready: phase === 'ready',
    });
  }
  return { nodes, instances: serving, leaving };
}
