import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { costOf, isLimitless, requireSelectable } from '../../../../autoscaler/what-if/inputs/cluster.ts';
import { parseCluster, readCluster } from '../../../../autoscaler/what-if/inputs/cluster-file.ts';

const parse = (text: string) => parseCluster(text, 'Cluster file c.yaml');

describe('a cluster file', () => {
  it('describes nodes by groups, start-up and prices', () => {
    const cluster = parse(`
nodes:
  - {name: gpu, count: 2, cpu: 60, memory: 256GB, gpus: {count: 3, memory: 11GB}}
  - {cpu: 1500m, memory: 4Gi}
startup: 5s
prices: {currency: EUR, cpu: 0.03, gpu: 0.6}
`);
    expect(cluster.nodes.map(({ name }) => name)).toEqual(['gpu-1-1', 'gpu-1-2', 'node-2-1']);
    expect(cluster.nodes[0]).toMatchObject({
      shared: { cpuMillicores: 60_000, memoryBytes: 256e9 },
      devices: Array(3).fill({ gpuPercent: 100, gpuMemoryBytes: 11e9 }),
    });
    expect(cluster.nodes[2]).toMatchObject({
      shared: { cpuMillicores: 1500, memoryBytes: 4 * 2 ** 30 },
      devices: [],
    });
    expect(cluster.startupMs).toBe(5_000);
    expect(cluster.prices).toEqual({
      currency: 'EUR',
      perCoreHour: 0.03,
      perGpuHour: 0.6,
      perGigabyteHour: 0,
    });
  });

  it('may be JSON, and as little as one node', () => {
    const { nodes, startupMs, prices } = parse('{"nodes": [{"cpu": 2, "memory": "8GB"}]}');
    expect(nodes).toMatchObject([{ name: 'node-1', shared: { cpuMillicores: 2_000 } }]);
    expect([startupMs, prices]).toEqual([undefined, undefined]);
  });

  it.each([
    ['nodes: []', 'Cluster file c.yaml is not valid at "nodes": must name one node or more'],
    ['', /Cluster file c\.yaml is not valid/],
    ['nodes: [', /Cluster file c\.yaml is not valid YAML: /],
    ['nodes: [{cpu: lots, memory: 1GB}]', /at "nodes\[0\]\.cpu": CPU "lots" is not an amount of CPU/],
    ['nodes: [{cpu: 1, memory: 64}]', /at "nodes\[0\]\.memory": memory "64" is not an amount of memory/],
    ['nodes: [{cpu: 1, memory: 1GB, gpu: 2}]', /at "nodes\[0\]": Unrecognized key: "gpu"/],
    ['nodes: [{cpu: 1, memory: 1GB}]\nstartup: 5', /at "startup": start-up "5" is not a duration/],
    [
      'nodes: [{name: a, cpu: 1, memory: 1GB}, {name: a, cpu: 1, memory: 1GB}]',
      /at "nodes\[1\]\.name": "a" is the name of other nodes already/,
    ],
    [
      'nodes: [{cpu: lots, memory: 64}]\nstartup: 5',
      /at "nodes\[0\]\.cpu": .*; at "nodes\[0\]\.memory": .*; at "startup": /,
    ],
  ])('%j is refused in one sentence', (text, message) => {
    expect(() => parse(text)).toThrow(message);
  });

  it('tells nodes apart by labels, types of GPUs and speed', () => {
    const cluster = parse(`
nodes:
  - {name: fast, cpu: 8, memory: 8GB, labels: {zone: a}, gpus: {count: 1, type: NVIDIA-A100}}
  - {name: slow, count: 2, cpu: 8, memory: 8GB, speed: 0.5}
`);
    expect(cluster.nodes[0]!.labels).toEqual({ zone: 'a', 'nvidia.com/gpu.product': 'NVIDIA-A100' });
    expect([...cluster.speeds!]).toEqual([
      ['slow-2-1', 0.5],
      ['slow-2-2', 0.5],
    ]);
    const planned = (nodeSelector: Record<string, string>) => [{ spec: { name: 'f', nodeSelector } }];
    expect(() => requireSelectable(cluster, planned({ zone: 'a' }))).not.toThrow();
    expect(() => requireSelectable(cluster, planned({ zone: 'b' }))).toThrow(
      expect.objectContaining({
        sentence:
          'Function "f" may only run on nodes with zone=b, and the cluster has none. Its nodes have: nvidia.com/gpu.product=NVIDIA-A100, zone=a.',
      }),
    );
  });

  it('has to exist', async () => {
    await expect(readCluster('no-such.yaml')).rejects.toThrow('Cluster file no-such.yaml does not exist');
  });
});

/**
 * A node in the shape of the published artifact's description: sockets of cores, a GPU each, and device −1
 * for "none".
 */
function artifactNode(name: string, change: Record<string, unknown> = {}): Record<string, unknown> {
  const core = (index: number) => ({
    'cpu-core-index': index,
    'total-func-instance': 0,
    'total-cpu-core-usage-rate': 0,
  });
  const gpu = (device: number, used: number) => ({
    'cuda-device': device,
    'gpu-memory': 11_019,
    'total-func-instance': 0,
    'total-gpu-memory-usage-rate': 0,
    'total-gpu-core-usage-rate': used,
  });
  return {
    'node-label': `kubernetes.io/hostname=${name}`,
    'hyper-thread-offset': 8,
    'cpu-thread-oversell': 0,
    'gpu-core-oversell-percentage': 0,
    'gpu-memory-oversell-rate': -0.1,
    'gpu-capacity': [gpu(-1, 1), gpu(0, 0), gpu(1, 0)],
    'cpu-capacity': [
      { 'cpu-socket': 1, 'socket-core': [0, 1, 2, 3].map(core) },
      { 'cpu-socket': 2, 'socket-core': [4, 5, 6, 7].map(core) },
    ],
    ...change,
  };
}

describe('the artifact’s cluster file', () => {
  const artifact = (...nodes: unknown[]): string => stringify({ version: 1.0, 'cluster-capacity': nodes });

  it('is known by its shape: two threads a core, GPUs, no limit of memory', () => {
    const { nodes } = parse(artifact(artifactNode('one'), artifactNode('two')));
    expect(nodes.map(({ name }) => name)).toEqual(['one', 'two']);
    expect(nodes[0]).toMatchObject({
      shared: { cpuMillicores: 16_000 },
      devices: [{ gpuPercent: 100 }, { gpuPercent: 100 }],
    });
    expect(isLimitless(nodes[0]!.shared.memoryBytes)).toBe(true);
    expect(nodes[0]!.devices[0]!.gpuMemoryBytes).toBeCloseTo(11_019e6 * 0.9, 0);
  });

  it('tells of what is in use and over-sold', () => {
    const busyCore = { 'cpu-core-index': 0, 'total-func-instance': 1 };
    const idleCore = { 'cpu-core-index': 1, 'total-func-instance': 0 };
    const { nodes } = parse(
      artifact(
        artifactNode('one', {
          'cpu-thread-oversell': 3,
          'gpu-core-oversell-percentage': 10,
          'gpu-capacity': [{ 'cuda-device': 0, 'gpu-memory': 1, 'total-gpu-core-usage-rate': 0.25 }],
          'cpu-capacity': [{ 'socket-core': [busyCore, idleCore] }],
        }),
      ),
    );
    expect(nodes[0]).toMatchObject({ shared: { cpuMillicores: 5_000 }, devices: [{ gpuPercent: 85 }] });
  });

  it('is refused without nodes, with two of one name, or without sockets', () => {
    expect(() => parse(artifact())).toThrow('at "cluster-capacity": must name one node or more');
    expect(() => parse(artifact(artifactNode('one'), artifactNode('one')))).toThrow('names two nodes "one"');
    expect(() => parse(artifact({ 'node-label': 'x' }))).toThrow('at "cluster-capacity[0].cpu-capacity"');
  });
});

it('holding resources costs by the hour', () => {
  const held = {
    cpuMillicoreMs: 2_000 * 3_600_000,
    gpuPercentMs: 50 * 3_600_000,
    memoryByteMs: 4e9 * 3_600_000,
  };
  const prices = { currency: 'EUR', perCoreHour: 0.03, perGpuHour: 0.6, perGigabyteHour: 0.01 };
  expect(costOf(held, prices)).toBeCloseTo(0.06 + 0.3 + 0.04, 12);
});
