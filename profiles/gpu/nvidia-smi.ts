import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { messageOf, systemCode } from '../../models/base/errors.ts';
import { parseSmiXml, type SmiReport } from './smi-xml.ts';

const run = promisify(execFile);

/** A driver that hangs must not hang us. */
const TIMEOUT_MS = 10_000;
/** A kilobyte a card for what matters, thirty for the clocks that it supports. */
const MOST_OUTPUT_BYTES = 16 << 20;

/** The GPUs of this machine, or why there are none, as a clause. */
export type GpuInventory = { readonly report: SmiReport } | { readonly absence: string };

/**
 * Asks the driver, which knows the cards that can compute; lists of the PCI bus have display adapters as
 * well.
 */
export async function readGpus(): Promise<GpuInventory> {
  try {
    const { stdout } = await smi('-q', '-x');
    const report = parseSmiXml(stdout);
    return report.gpus.length === 0 ? { absence: 'nvidia-smi lists none' } : { report };
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return { absence: 'nvidia-smi is not installed' };
    return { absence: `nvidia-smi failed: ${lastWords(error)}` };
  }
}

/** A slice of a partitioned GPU, as the CUDA runtime is asked for it. */
export interface MigSlice {
  /** Position of its GPU in the inventory. */
  readonly gpu: number;
  /** Position on its GPU, as in `migDevices`. */
  readonly index: number;
  /** `3g.20gb`: sevenths of the compute, and memory. */
  readonly profile: string;
  /** `MIG-…`. */
  readonly uuid: string;
}

/** The slices with their names, which the XML of most drivers leaves out. */
export async function readMigSlices(): Promise<readonly MigSlice[]> {
  const { stdout } = await smi('-L');
  return parseMigSlices(stdout);
}

/** Reads `nvidia-smi -L`: a line a GPU, and behind it one for each of its slices. */
export function parseMigSlices(list: string): readonly MigSlice[] {
  let gpu = -1;
  return list.split(/\r?\n/).flatMap((line) => {
    const card = /^GPU (\d+):/.exec(line);
    if (card !== null) gpu = Number(card[1]);
    const slice = /^\s+MIG (\S+)\s+Device\s+(\d+): \(UUID: (MIG-[^)]+)\)/.exec(line);
    if (slice === null) return [];
    return [{ gpu, index: Number(slice[2]), profile: slice[1]!, uuid: slice[3]! }];
  });
}

function smi(...args: readonly string[]): Promise<{ readonly stdout: string }> {
  return run('nvidia-smi', [...args], { timeout: TIMEOUT_MS, maxBuffer: MOST_OUTPUT_BYTES });
}

/** The tool explains itself on standard output. */
function lastWords(error: unknown): string {
  const { stdout, stderr } = error as { stdout?: string; stderr?: string };
  const said = [stderr, stdout].map((text) => text?.trim() ?? '').find((text) => text !== '');
  return (said ?? messageOf(error)).split('\n')[0]!.replace(/\.$/, '');
}
