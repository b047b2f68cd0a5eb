import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InflessError, messageOf, systemCode } from '../../models/base/errors.ts';
import { isProcessAlive } from '../../models/base/process-alive.ts';

const CONTROL = 'nvidia-cuda-mps-control';
/** The daemon answers at once, and ends once its servers have; one that hangs must not hang us. */
const TIMEOUT_MS = 15_000;
/** The process in the name tells later ones whether the daemon is still wanted. */
const DIRECTORY = /^infless-mps-(\d+)-/;

/**
 * NVIDIA's Multi-Process Service: processes share a GPU at the same time, each on no more than its percentage of the SMs.
 * A daemon that already serves here is used and left running; else one of our own is started, with folders of its own, and ended
 * with us; what of that a process that was killed could not do, the next one does. The card's settings, its compute mode among them,
 * stay as they are.
 */
export class Mps {
  readonly #environment: NodeJS.ProcessEnv;
  /** Of our own daemon, gone with it. */
  readonly #directory: string | undefined;

  private constructor(environment: NodeJS.ProcessEnv, directory: string | undefined) {
    this.#environment = environment;
    this.#directory = directory;
  }

  /**
   * @param gpuUuid the one GPU that is shared; by its UUID, so that no position can be taken for another
   * @throws InflessError PLATFORM_FAILED where there is no MPS, or it does not start
   */
  static async open(gpuUuid: string): Promise<Mps> {
    await endStale();
    const devices = { CUDA_VISIBLE_DEVICES: gpuUuid };
    if (await isServing()) return new Mps(devices, undefined);
    const directory = await mkdtemp(join(tmpdir(), `infless-mps-${process.pid}-`));
    const environment = { ...devices, ...foldersIn(directory) };
    try {
      await mkdir(environment.CUDA_MPS_PIPE_DIRECTORY);
      await mkdir(environment.CUDA_MPS_LOG_DIRECTORY);
      await control(['-d'], '', environment);
    } catch (error) {
      await rm(directory, { recursive: true, force: true });
      throw cannotStart(error);
    }
    return new Mps(environment, directory);
  }

  /** What a process needs to run on a share of the GPU. */
  environmentFor(gpuPercent: number): NodeJS.ProcessEnv {
    return { ...this.#environment, CUDA_MPS_ACTIVE_THREAD_PERCENTAGE: String(gpuPercent) };
  }

  /** Ends the daemon if it is ours; its processes have to be gone. */
  async close(): Promise<void> {
    if (this.#directory === undefined) return;
    try {
      await control([], 'quit\n', this.#environment);
    } finally {
      await rm(this.#directory, { recursive: true, force: true });
    }
  }
}

function foldersIn(directory: string) {
  return {
    CUDA_MPS_PIPE_DIRECTORY: join(directory, 'pipe'),
    CUDA_MPS_LOG_DIRECTORY: join(directory, 'log'),
  };
}

/** Ends the daemons of processes that were killed. */
async function endStale(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = DIRECTORY.exec(name)?.[1];
    if (pid === undefined || isProcessAlive(Number(pid))) continue;
    const directory = join(tmpdir(), name);
    await control([], 'quit\n', foldersIn(directory)).catch(() => undefined); // it may be gone with its machine's last run
    await rm(directory, { recursive: true, force: true }).catch(() => undefined); // or another user's
  }
}

/** Whether a daemon answers where this process's environment says, or at the usual place. */
async function isServing(): Promise<boolean> {
  try {
    await control([], 'get_server_list\n', {});
    return true;
  } catch {
    return false;
  }
}

/** Runs the control program: with `-d` it becomes the daemon, else it passes commands on to it. */
function control(args: readonly string[], commands: string, environment: NodeJS.ProcessEnv): Promise<void> {
  return new Promise((resolve, reject) => {
    // The daemon keeps what it inherits open; were its output a pipe, we would wait for it for ever.
    const child = spawn(CONTROL, [...args], {
      env: { ...process.env, ...environment },
      stdio: ['pipe', 'ignore', 'ignore'],
      timeout: TIMEOUT_MS,
    });
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${CONTROL} ended with ${signal ?? `code ${code}`}`));
    });
    child.stdin.on('error', () => undefined); // it ended without reading; its exit code tells
    child.stdin.end(commands);
  });
}

function cannotStart(error: unknown): InflessError {
  const reason = systemCode(error) === 'ENOENT' ? `${CONTROL} is not installed` : messageOf(error);
  return new InflessError('PLATFORM_FAILED', `The GPU cannot be shared by MPS here (${reason})`, {
    remedy: 'Install the MPS programs of the NVIDIA driver, or measure the whole GPU with --gpu 0,100.',
    cause: error,
  });
}
