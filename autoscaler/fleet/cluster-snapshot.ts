import {
  addTo,
  amountsOf,
  needsDevice,
  type Resources,
  type Vector,
  vectorOf,
  ZERO,
} from '../../models/base/resources.ts';
import type { Config } from '../../profiles/config.ts';
import type { Instance } from '../cluster/instance.ts';
import type { NodeCapacity } from '../cluster/node.ts';
import type { ClusterSnapshot, PlacedInstance, TerminatingInstance } from '../cluster/snapshot.ts';
import type { Workload } from '../functions/deployment.ts';

/** What the fleet needs to know of a function to start and to count its instances. */
export interface FleetFunction {
  readonly name: string;
  readonly workload: Workload;
  /** What an instance of this config holds. */
  resources(config: Config): Resources;
}

/**
 * The platform's instances as the planner sees them. Instances of an older deployment still hold their
 * resources but promise no capacity: the planner starts their successors first and then lets them go.
 *
 * @param needsOf what an instance holds, where its function is not there any more to say
 */
export function snapshotCluster(
  nodes: readonly NodeCapacity[],
  instances: Iterable<Instance>,
  functions: ReadonlyMap<string, FleetFunction>,
  needsOf: (instance: Instance) => Vector,
): ClusterSnapshot {
  const serving: PlacedInstance[] = [];
  const leaving: TerminatingInstance[] = [];
  for (const instance of instances) {
    const { id, functionName, config, node, gpu, phase, version } = instance;
    const owner = functions.get(functionName);
    const needs = owner === undefined ? needsOf(instance) : vectorOf(owner.resources(config));
    const held = { config, node, needs, ...(gpu === undefined ? {} : { gpu }) };
    if (owner === undefined) leaving.push(held);
    else if (phase === 'draining') leaving.push({ ...held, functionName });
    else {
      const outdated = version !== owner.workload.version;
      serving.push({ ...held, id, functionName, ready: phase === 'ready', outdated });
    }
  }
  return { nodes, instances: serving, leaving };
}

/** No function has this name. */
const NOBODY = '';

/** Room that is held on a node, by how many does not matter. */
export interface HeldResources {
  readonly instances: readonly PlacedInstance[];
  readonly leaving: readonly TerminatingInstance[];
}

interface Sum {
  readonly node: string;
  readonly gpu: number | undefined;
  readonly isLeaving: boolean;
  readonly needs: number[];
}

/**
 * Puts together what instances hold of each node and GPU: to a plan that leaves them as they are one large
 * instance is the same as many small ones, and much less to look at.
 *
 * @param isLeaving whether an instance is on its way out
 */
export function sumHeldByNode(
  held: readonly Instance[],
  isLeaving: (instance: Instance) => boolean,
  needsOf: (instance: Instance) => Vector,
): HeldResources {
  const sums: Sum[] = [];
  for (const instance of held) {
    addTo(sumFor(sums, instance, isLeaving(instance)).needs, needsOf(instance));
  }
  return {
    instances: sums.flatMap((sum, index) =>
      sum.isLeaving
        ? []
        : [
            {
              ...placementOf(sum),
              id: `${sum.node}/${index}`,
              functionName: NOBODY,
              ready: true,
              outdated: false,
            },
          ],
    ),
    leaving: sums.flatMap((sum) => (sum.isLeaving ? [placementOf(sum)] : [])),
  };
}

function sumFor(sums: Sum[], { node, gpu, config }: Instance, isLeaving: boolean): Sum {
  // Shares of a GPU that its platform does not tell are not put together: they may be of several.
  const isSomewhere = gpu === undefined && config.gpuPercent > 0;
  const known = isSomewhere
    ? undefined
    : sums.find(
        (sum) =>
          sum.node === node &&
          sum.gpu === gpu &&
          sum.isLeaving === isLeaving &&
          (gpu !== undefined || !needsDevice(sum.needs)),
      );
  if (known !== undefined) return known;
  const sum = { node, gpu, isLeaving, needs: [...ZERO] };
  sums.push(sum);
  return sum;
}

function placementOf({ node, gpu, needs }: Sum): TerminatingInstance {
  const { cpuMillicores, gpuPercent } = amountsOf(needs);
  const config: Config = { batch: 1, cpuMillicores, gpuPercent };
  return { config, node, needs, ...(gpu === undefined ? {} : { gpu }) };
}
