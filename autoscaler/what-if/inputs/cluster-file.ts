import { z } from 'zod';
import { InflessError, messageOf } from '../../../models/base/errors.ts';
import { parseWith } from '../../../models/base/schema.ts';
import { parseBytes, parseCpuMillicores, parseDurationMs } from '../../../models/base/units.ts';
import { parseYaml } from '../../../models/base/yaml.ts';
import type { NodeCapacity } from '../../cluster/node.ts';
import { artifactClusterSchema, isArtifactCluster } from './artifact-schema.ts';
import type { Cluster } from './cluster.ts';
import { readInputFile } from './input-file.ts';

/**
 * Reads a cluster from YAML or JSON: our own description, or that of the published INFless artifact, told
 * apart by their shape.
 *
 * @throws InflessError INVALID_INPUT: which field, and why
 */
export async function readCluster(file: string): Promise<Cluster> {
  const what = `Cluster file ${file}`;
  return parseCluster(await readInputFile(file, what), what);
}

export function parseCluster(text: string, what: string): Cluster {
  const data = parseYaml(text, { what });
  if (isArtifactCluster(data))
    return uniquelyNamed(parseWith(artifactClusterSchema, data, { what, everyProblem: true }), what);
  return uniquelyNamed(
    parseWith(clusterSchema, data, {
      what,
      everyProblem: true,
      remedy:
        'A cluster is a list of nodes, e.g. nodes: [{count: 4, cpu: 16, memory: 64GB, gpus: {count: 1}}].',
    }),
    what,
  );
}

function uniquelyNamed(cluster: Cluster, what: string): Cluster {
  const names = cluster.nodes.map(({ name }) => name);
  const duplicate = names.find((name, index) => names.indexOf(name) !== index);
  if (duplicate === undefined) return cluster;
  throw new InflessError('INVALID_INPUT', `${what} names two nodes "${duplicate}"`, {
    remedy: 'Give each node a name of its own.',
  });
}

/** Text that one of our parsers of units reads; its sentence is the schema's. */
function read<T>(parse: (text: string) => T) {
  return z.union([z.string(), z.number()]).transform((value, context) => {
    try {
      return parse(String(value));
    } catch (error) {
      context.addIssue({ code: 'custom', message: messageOf(error) });
      return z.NEVER;
    }
  });
}

/** As NVIDIA's GPU feature discovery labels nodes of Kubernetes. */
const GPU_TYPE_LABEL = 'nvidia.com/gpu.product';

const bytes = read((text) => parseBytes(text, 'memory'));
const price = z.number().min(0).default(0);

const nodeSchema = z.strictObject({
  name: z.string().min(1).optional(),
  /** What a function's `nodeSelector` is matched with. */
  labels: z.record(z.string().min(1), z.string()).default({}),
  /** How fast batches run here, relative to the tables: at 0.5 they take twice as long. */
  speed: z.number().positive().max(100).default(1),
  /** So many nodes like this. */
  count: z.number().int().min(1).default(1),
  /** Cores, or millicores as `500m`. */
  cpu: read((text) => parseCpuMillicores(text, 'CPU')),
  memory: bytes,
  gpus: z
    .strictObject({
      count: z.number().int().min(0),
      /** Of each. */
      memory: bytes.optional(),
      /** Becomes the label `nvidia.com/gpu.product`. */
      type: z.string().min(1).optional(),
    })
    .optional(),
});

/** Our own description of a cluster. */
export const clusterSchema = z
  .strictObject({
    nodes: z.array(nodeSchema).min(1, 'must name one node or more').superRefine(namesOnce),
    startup: read((text) => parseDurationMs(text, 'start-up')).optional(),
    /** Per hour. */
    prices: z
      .strictObject({
        currency: z.string().min(1).default('USD'),
        /** Of a core. */
        cpu: price,
        /** Of a whole GPU. */
        gpu: price,
        /** Of a gigabyte (10⁹ bytes). */
        memory: price,
      })
      .optional(),
  })
  .transform(({ nodes, startup, prices }): Cluster => {
    const groups = nodes.map((node, index) => nodesOf(node, nodes.length === 1 ? '' : `${index + 1}-`));
    const speeds = nodes.flatMap(({ speed }, index) =>
      speed === 1 ? [] : groups[index]!.map(({ name }) => [name, speed] as const),
    );
    return {
      nodes: groups.flat(),
      ...(speeds.length === 0 ? {} : { speeds: new Map(speeds) }),
      ...(startup === undefined ? {} : { startupMs: startup }),
      ...(prices === undefined
        ? {}
        : {
            prices: {
              currency: prices.currency,
              perCoreHour: prices.cpu,
              perGpuHour: prices.gpu,
              perGigabyteHour: prices.memory,
            },
          }),
    };
  });

/** Two groups may have no name; the same one is a mistake. */
function namesOnce(nodes: readonly { readonly name?: string | undefined }[], context: z.RefinementCtx): void {
  for (const [index, { name }] of nodes.entries()) {
    const isTwice = name !== undefined && nodes.findIndex((each) => each.name === name) < index;
    if (!isTwice) continue;
    context.addIssue({
      code: 'custom',
      path: [index, 'name'],
      message: `"${name}" is the name of other nodes already`,
    });
  }
}

/** Names are made unique by numbers. */
function nodesOf(described: z.output<typeof nodeSchema>, group: string): NodeCapacity[] {
  const { name = 'node', count, cpu, memory, gpus = { count: 0 } } = described;
  const labels = {
    ...(gpus.type === undefined ? {} : { [GPU_TYPE_LABEL]: gpus.type }),
    ...described.labels,
  };
  return Array.from({ length: count }, (_, index) => ({
    name: `${name}-${group}${index + 1}`,
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
    shared: { cpuMillicores: cpu, memoryBytes: memory },
    devices: Array.from({ length: gpus.count }, () => ({
      gpuPercent: 100,
      gpuMemoryBytes: gpus.memory ?? Infinity,
    })),
  }));
}
