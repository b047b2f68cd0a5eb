import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const TIMEOUT_MS = 5_000;

/** The NVIDIA driver of this machine, as far as it tells. */
export interface Driver {
  /** `580.159.04` */
  readonly version: string | undefined;
  /** `9.0`, of the first card. */
  readonly computeCapability: string | undefined;
}

/** Undefined where there is no driver. Asked only to explain a failure. */
export async function readDriver(): Promise<Driver | undefined> {
  const [version, computeCapability] = await query('driver_version,compute_cap');
  if (version !== undefined) return { version, computeCapability };
  const [alone] = await query('driver_version'); // drivers before 510 do not know of compute_cap
  const loaded = alone ?? (await moduleVersion());
  return loaded === undefined ? undefined : { version: loaded, computeCapability: undefined };
}

async function query(fields: string): Promise<readonly (string | undefined)[]> {
  try {
    const { stdout } = await run('nvidia-smi', [`--query-gpu=${fields}`, '--format=csv,noheader'], {
      timeout: TIMEOUT_MS,
    });
    const values = stdout.split('\n', 1)[0]!.split(',');
    return values.map((value) => /^\d+(\.\d+)+$/.exec(value.trim())?.[0]);
  } catch {
    return []; // not installed, an older driver, or one that does not answer
  }
}

/** Of the kernel's module, which is there also where nvidia-smi is not. */
async function moduleVersion(): Promise<string | undefined> {
  const text = await readFile('/proc/driver/nvidia/version', 'utf8').catch(() => '');
  return /^NVRM version:.*?\s(\d+\.\d+(?:\.\d+)?)\s/m.exec(text)?.[1];
}

/**
 * The oldest driver that runs programs of each CUDA version, by NVIDIA's release notes (minor version
 * compatibility).
 */
const OLDEST_DRIVER: readonly (readonly [cuda: number, driver: number])[] = [
  [13, 580],
  [12, 525],
  [11, 450],
];

export function oldestDriverFor(cudaMajor: number): number | undefined {
  return OLDEST_DRIVER.find(([cuda]) => cuda === cudaMajor)?.[1];
}

/** The newest CUDA version that a driver runs programs of. */
export function newestCudaOf(driverVersion: string): number | undefined {
  const driver = Number.parseInt(driverVersion, 10);
  return OLDEST_DRIVER.find(([, oldest]) => driver >= oldest)?.[0];
}
