import { request } from 'undici';
import { InflessError, messageOf, systemCode } from '../../models/base/errors.ts';

/** Sums since the serving process began, from its `/metrics`. */
export interface InstanceMetrics {
  /** Batches that ran, and how long they took: bodies to tensors, through the model, tensors to answers. */
  readonly batches: number;
  readonly decodeMs: number;
  readonly executeMs: number;
  readonly encodeMs: number;
  /** Of all threads. */
  readonly cpuMs: number;
  readonly memoryBytes: number;
}

/** @throws InflessError PLATFORM_FAILED when it does not answer */
export async function readInstanceMetrics(instance: URL, timeoutMs: number): Promise<InstanceMetrics> {
  const url = new URL('/metrics', instance);
  try {
    const { body } = await request(url, { headersTimeout: timeoutMs, bodyTimeout: timeoutMs });
    return parseInstanceMetrics(await body.text());
  } catch (error) {
    throw new InflessError(
      'PLATFORM_FAILED',
      `${url.href} does not answer (${systemCode(error) ?? messageOf(error)})`,
      { remedy: 'Check that the serving process still runs.', cause: error },
    );
  }
}

/** Reads Prometheus' text format; what is missing counts 0. */
export function parseInstanceMetrics(text: string): InstanceMetrics {
  const values = new Map(
    [...text.matchAll(/^(\w+) (\S+)$/gm)].map(([, name, value]) => [name!, Number(value)] as const),
  );
  const sum = (name: string): number => values.get(name) ?? 0;
  const milliseconds = (part: string): number => sum(`infless_server_${part}_seconds_sum`) * 1000;
  return {
    batches: sum('infless_server_execute_seconds_count'),
    decodeMs: milliseconds('decode'),
    executeMs: milliseconds('execute'),
    encodeMs: milliseconds('encode'),
    cpuMs: sum('process_cpu_seconds_total') * 1000,
    memoryBytes: sum('process_resident_memory_bytes'),
  };
}
