import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import lockfile from 'proper-lockfile';
import { InflessError, messageOf, systemCode } from '../../models/base/errors.ts';
import { isProcessAlive, processStat } from '../../models/base/process-stat.ts';
import { control, MPS_CONTROL } from './mps-control.ts';

/** What a client may take of the GPU. */
export interface MpsShare {
  /** The card, by its UUID, so that no position can be taken for another. */
  readonly gpuUuid: string;
  /** Of its SMs. */
  readonly percent: number;
  /** Beyond it, CUDA says that it is out of memory; default: all that is free. */
  readonly memoryLimitBytes?: number | undefined;
}

/**
 * NVIDIA's Multi-Process Service: processes share a GPU at the same time, each on no more than its percentage
 * of the SMs.
 *
 * A daemon that the system runs is used and left running. Else there is one of ours for each user, in a
 * folder of its own, for all cards of the machine: whoever needs it starts it or finds it, is written down as
 * a holder, and the last one that lets go ends it. Holders that are no more are struck off by the next one,
 * who ends a daemon that no one holds and starts another. The card's settings, its compute mode among them,
 * stay as they are.
 */
export class Mps {
  /** Of our own daemon; undefined where it is the system's. */
  readonly #folder: MpsFolder | undefined;

  private constructor(folder: MpsFolder | undefined) {
    this.#folder = folder;
  }

  /** Whether the system runs it, so that it was there before and stays. */
  get isSystems(): boolean {
    return this.#folder === undefined;
  }

  /**
   * @param gpuUuids all cards that may be shared
   * @throws InflessError PLATFORM_FAILED where there is no MPS, or it does not start
   */
  static async open(gpuUuids: readonly string[]): Promise<Mps> {
    if (await isServing({})) return new Mps(undefined);
    const folder = new MpsFolder(join(tmpdir(), `infless-mps-${userInfo().uid}`));
    try {
      await folder.locked(async () => {
        const isHeld = (await folder.holders()).length > 0;
        const serves = await isServing(folder.environment);
        if (serves && !isHeld) await folder.end();
        if (!serves || !isHeld) await folder.start(gpuUuids);
        await folder.hold(process.pid);
      });
    } catch (error) {
      throw cannotStart(error);
    }
    return new Mps(folder);
  }

  /** What a process needs in its environment before it starts. */
  environmentFor({ gpuUuid, percent, memoryLimitBytes }: MpsShare): NodeJS.ProcessEnv {
    return {
      ...this.#folder?.environment,
      CUDA_VISIBLE_DEVICES: gpuUuid,
      CUDA_MPS_ACTIVE_THREAD_PERCENTAGE: String(percent),
      ...(memoryLimitBytes === undefined
        ? {}
        : { CUDA_MPS_PINNED_DEVICE_MEM_LIMIT: `0=${Math.ceil(memoryLimitBytes / 2 ** 20)}M` }),
    };
  }

  /** Another process needs the daemon as long as it lives, also when we are gone. */
  async hold(pid: number): Promise<void> {
    await this.#folder?.locked(() => this.#folder!.hold(pid));
  }

  /** Lets go of the daemon: it ends if it is ours and no other process needs it. */
  async close(): Promise<void> {
    const folder = this.#folder;
    await folder?.locked(async () => {
      await folder.release(process.pid);
      if ((await folder.holders()).length === 0) await folder.end();
    });
  }
}

/** The folder of our daemon, with its pipes, its logs, and a file for each process that needs it. */
class MpsFolder {
  readonly environment: { readonly CUDA_MPS_PIPE_DIRECTORY: string; readonly CUDA_MPS_LOG_DIRECTORY: string };
  readonly #path: string;
  readonly #holders: string;

  constructor(path: string) {
    this.#path = path;
    this.#holders = join(path, 'holders');
    this.environment = {
      CUDA_MPS_PIPE_DIRECTORY: join(path, 'pipe'),
      CUDA_MPS_LOG_DIRECTORY: join(path, 'log'),
    };
  }

  /** Looking and changing are one step. The lock lies beside: the folder goes with its daemon. */
  async locked<T>(action: () => Promise<T>): Promise<T> {
    const release = await lockfile.lock(this.#path, {
      realpath: false,
      lockfilePath: `${this.#path}.lock`,
      stale: 30_000,
      retries: { retries: 350, factor: 1, minTimeout: 100 },
    });
    try {
      return await action();
    } finally {
      await release();
    }
  }

  /** Processes that live and need the daemon; others are struck off. */
  async holders(): Promise<readonly number[]> {
    const names = await readdir(this.#holders).catch(() => []);
    const living: number[] = [];
    for (const name of names) {
      const pid = Number(name);
      if (await this.#isThatProcess(pid)) living.push(pid);
      else await this.release(pid);
    }
    return living;
  }

  async hold(pid: number): Promise<void> {
    await mkdir(this.#holders, { recursive: true, mode: 0o700 });
    await writeFile(this.#file(pid), String((await processStat(pid))?.startTicks ?? ''));
  }

  async release(pid: number): Promise<void> {
    await rm(this.#file(pid), { force: true });
  }

  async start(gpuUuids: readonly string[]): Promise<void> {
    try {
      for (const folder of Object.values(this.environment)) {
        await mkdir(folder, { recursive: true, mode: 0o700 });
      }
      await control(['-d'], '', { ...this.environment, CUDA_VISIBLE_DEVICES: gpuUuids.join(',') });
    } catch (error) {
      await rm(this.#path, { recursive: true, force: true });
      throw error;
    }
  }

  /** Its clients have to be gone. One that does not obey is killed. */
  async end(): Promise<void> {
    try {
      await control([], 'quit\n', this.environment);
    } catch {
      await this.#kill();
    } finally {
      await rm(this.#path, { recursive: true, force: true });
    }
  }

  async #kill(): Promise<void> {
    const file = join(this.environment.CUDA_MPS_PIPE_DIRECTORY, `${MPS_CONTROL}.pid`);
    const pid = Number(await readFile(file, 'utf8').catch(() => ''));
    const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
    if (pid > 0 && MPS_CONTROL.startsWith(name.trim()) && name.trim() !== '') process.kill(pid, 'SIGKILL');
  }

  async #isThatProcess(pid: number): Promise<boolean> {
    if (!isProcessAlive(pid)) return false;
    const then = await readFile(this.#file(pid), 'utf8').catch(() => '');
    const now = (await processStat(pid))?.startTicks;
    return then === '' || now === undefined || String(now) === then;
  }

  #file(pid: number): string {
    return join(this.#holders, String(pid));
  }
}

/**
 * Whether a daemon answers there; without a folder, where this process's environment says or at the usual
 * place.
 */
async function isServing(environment: NodeJS.ProcessEnv): Promise<boolean> {
  try {
    await control([], 'get_server_list\n', environment);
    return true;
  } catch {
    return false;
  }
}

function cannotStart(error: unknown): InflessError {
  const reason = systemCode(error) === 'ENOENT' ? `${MPS_CONTROL} is not installed` : messageOf(error);
  return new InflessError('PLATFORM_FAILED', `The GPU cannot be shared by MPS here (${reason})`, {
    remedy: 'Install the MPS programs of the NVIDIA driver, or measure the whole GPU with --gpu 0,100.',
    cause: error,
  });
}
