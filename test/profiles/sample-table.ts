import { SERVING_PATH } from '../../profiles/conditions/due.ts';
import type { Host } from '../../profiles/host-schema.ts';
import { type Cell, PROFILE_SCHEMA, type ProfileTable } from '../../profiles/table.ts';

export const HOST: Host = {
  cpuModel: 'Imaginary CPU',
  cpuCores: 8,
  cpuFlags: ['avx2', 'fma'],
  memoryBytes: 16e9,
  platform: 'linux',
  arch: 'x64',
  kernel: '6.1.0',
  node: 'v20.20.2',
  gpus: [],
  fingerprint: 'sha256:elsewhere',
};

/** A cell whose percentiles lie at 1, 1.2 and 1.5 times `p50`. */
export function cell(batch: number, cpuMillicores: number, p50: number, change: Partial<Cell> = {}): Cell {
  return {
    batch,
    cpuMillicores,
    gpuPercent: 0,
    threads: Math.ceil(cpuMillicores / 1000),
    spinning: false,
    latencyMs: {
      mean: p50 * 1.05,
      p50,
      p95: p50 * 1.2,
      p99: p50 * 1.5,
      min: p50 * 0.9,
      max: p50 * 2,
      standardDeviation: p50 * 0.1,
      meanInterval: [p50, p50 * 1.1],
    },
    samples: 200,
    warmupRuns: 5,
    converged: true,
    throughputPerSecond: (1000 * batch) / (p50 * 1.05),
    cpuMs: p50,
    codecMs: { decode: 0.5, encode: 0.25 },
    peakMemoryBytes: 100e6 + batch * 1e6,
    loadMs: 120,
    firstAnswerMs: 300 + batch,
    throttling: null,
    ...change,
  };
}

export function table(cells: readonly Cell[], change: Partial<ProfileTable> = {}): ProfileTable {
  return {
    schema: PROFILE_SCHEMA,
    createdAt: '2026-11-23T08:00:00.000Z',
    tool: 'infless-profile 0.1.0',
    model: {
      name: 'sample',
      format: 'onnx',
      digest: `sha256:${'ab'.repeat(32)}`,
      sizeBytes: 1_234_567,
      inputs: [{ name: 'x', dtype: 'float32', shape: [null, 3], batchAxis: 0 }],
      outputs: [{ name: 'y', dtype: 'float32', shape: [null, 2], batchAxis: 0 }],
      batching: { state: 'proven', reason: 'it was tried' },
    },
    host: HOST,
    engine: 'onnxruntime-node 1.30.0',
    servingPath: SERVING_PATH,
    quota: { mechanism: 'cgroup-v1', periodMicros: 10_000 },
    confidence: { level: 0.95, relativeError: 0.03 },
    cells: [...cells],
    ...change,
  };
}
