import { execFile } from 'node:child_process';

/** A process that computes on a card, as the driver tells. */
export interface ComputeApp {
  readonly gpuUuid: string;
  readonly pid: number;
  readonly name: string;
  /** Null where it is not told, as in most containers. */
  readonly usedMemoryBytes: number | null;
}

const TIMEOUT_MS = 4_000;
const BYTES_PER_MIB = 2 ** 20;

/** Undefined where the driver does not answer. */
export function readComputeApps(): Promise<readonly ComputeApp[] | undefined> {
  const query = '--query-compute-apps=gpu_uuid,pid,used_memory,process_name';
  return new Promise((resolve) => {
    execFile(
      'nvidia-smi',
      [query, '--format=csv,noheader,nounits'],
      { timeout: TIMEOUT_MS },
      (error, stdout) => resolve(error === null ? parseComputeApps(stdout) : undefined),
    );
  });
}

export function parseComputeApps(text: string): readonly ComputeApp[] {
  return text.split('\n').flatMap((line) => {
    const [gpuUuid = '', pid = '', memory = '', ...name] = line.split(',').map((value) => value.trim());
    if (!/^\d+$/.test(pid)) return [];
    const usedMemoryBytes = /^\d+$/.test(memory) ? Number(memory) * BYTES_PER_MIB : null;
    return [{ gpuUuid, pid: Number(pid), name: name.join(','), usedMemoryBytes }];
  });
}
