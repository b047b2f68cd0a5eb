import type { NodeCapacity } from '../../cluster/node.ts';
import type { Placement } from '../../cluster/snapshot.ts';
import type { Candidate } from '../../latency/candidate.ts';

export type Resource = 'cpu' | 'gpu' | 'memory';

/** How many instances of a config nodes have room for, and what there is too little of for one more. */
export interface Room {
  readonly instances: number;
  readonly limitedBy: Resource;
}

/** Room on nodes that are empty, or of which only what is free is given. */
export function roomFor({ config, memoryBytes }: Candidate, nodes: readonly NodeCapacity[]): Room {
  let instances = 0;
  const alone = { cpu: 0, gpu: 0, memory: 0 };
  for (const node of nodes) {
    const here = {
      cpu: timesIn(node.cpuMillicores, config.cpuMillicores),
      gpu:
        config.gpuPercent === 0
          ? Infinity
          : node.gpuPercents.reduce((sum, free) => sum + timesIn(free, config.gpuPercent), 0),
      memory: timesIn(node.memoryBytes, memoryBytes),
    };
    instances += Math.min(here.cpu, here.gpu, here.memory);
    alone.cpu += here.cpu;
    alone.gpu += here.gpu;
    alone.memory += here.memory;
  }
  const limitedBy = (['cpu', 'gpu', 'memory'] as const).reduce((a, b) => (alone[b] < alone[a] ? b : a));
  return { instances, limitedBy };
}

/** What is left of nodes when others hold so much of them. */
export function without(nodes: readonly NodeCapacity[], held: readonly Placement[]): NodeCapacity[] {
  const byNode = new Map<string, Placement[]>();
  for (const each of held) {
    const group = byNode.get(each.node);
    if (group === undefined) byNode.set(each.node, [each]);
    else group.push(each);
  }
  return nodes.map((node) => {
    let { cpuMillicores, memoryBytes } = node;
    const gpuPercents = [...node.gpuPercents];
    for (const each of byNode.get(node.name) ?? []) {
      cpuMillicores -= each.config.cpuMillicores;
      memoryBytes -= each.memoryBytes;
      if (each.gpu !== undefined) gpuPercents[each.gpu]! -= each.config.gpuPercent;
    }
    return { ...node, cpuMillicores, memoryBytes, gpuPercents };
  });
}

function timesIn(free: number, needed: number): number {
  return needed === 0 ? Infinity : Math.max(0, Math.floor(free / needed));
}
