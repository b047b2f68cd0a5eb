import { parse } from 'yaml';
import { InflessError, messageOf } from '../../../models/base/errors.ts';
import { parseWith } from '../../../models/base/schema.ts';
import { clusterSchema } from '../cluster/cluster-schema.ts';
import { artifactClusterSchema, isArtifactCluster } from './artifact-schema.ts';
import type { Cluster } from './cluster.ts';
import { readInputFile } from './input-file.ts';

/**
 * Reads a cluster from YAML or JSON: our own description, or that of the published INFless artifact, told apart by their
 * shape.
 *
 * @throws InflessError INVALID_INPUT: which field, and why
 */
export async function readCluster(file: string): Promise<Cluster> {
  const what = `Cluster file ${file}`;
  return parseCluster(await readInputFile(file, what), what);
}

export function parseCluster(text: string, what: string): Cluster {
  const data = parseYaml(text, what);
  if (isArtifactCluster(data)) return uniquelyNamed(parseWith(artifactClusterSchema, data, { what }), what);
  return uniquelyNamed(
    parseWith(clusterSchema, data, {
      what,
      remedy:
        'A cluster is a list of nodes, e.g. nodes: [{count: 4, cpu: 16, memory: 64GB, gpus: {count: 1}}].',
    }),
    what,
  );
}

function parseYaml(text: string, what: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    const [line] = messageOf(error).split('\n');
    throw new InflessError('INVALID_INPUT', `${what} is not valid YAML: ${line}`, { cause: error });
  }
}

function uniquelyNamed(cluster: Cluster, what: string): Cluster {
  const names = cluster.nodes.map(({ name }) => name);
  const duplicate = names.find((name, index) => names.indexOf(name) !== index);
  if (duplicate === undefined) return cluster;
  throw new InflessError('INVALID_INPUT', `${what} names two nodes "${duplicate}"`, {
    remedy: 'Give each node a name of its own.',
  });
}
