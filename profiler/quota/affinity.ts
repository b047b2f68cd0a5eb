import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { InflessError, messageOf, systemCode } from '../../models/base/errors.ts';
import { safeName } from './cgroup-directory.ts';
import type { Quota, Quotas } from './quota-interface.ts';

const run = promisify(execFile);

/**
 * Whole cores through `taskset`: a quota of 1500 millicores is held to two cores, which is an upper bound and
 * no more. Cores are given out evenly, so that two quotas share one only when there are more quotas than
 * cores.
 */
export class AffinityQuotas implements Quotas {
  readonly mechanism = 'affinity';
  readonly weaknessReason: string | undefined;
  readonly #usersOfCore: Map<number, number>;

  private constructor(cores: readonly number[], weaknessReason: string | undefined) {
    this.#usersOfCore = new Map(cores.map((core) => [core, 0]));
    this.weaknessReason = weaknessReason;
  }

  /** @throws when there is no `taskset`. */
  static async open(weaknessReason?: string): Promise<AffinityQuotas> {
    try {
      const { stdout } = await run('taskset', ['-cp', String(process.pid)]);
      return new AffinityQuotas(parseCoreList(stdout.slice(stdout.lastIndexOf(':') + 1)), weaknessReason);
    } catch (error) {
      const missing = systemCode(error) === 'ENOENT';
      throw new Error(missing ? 'the program taskset (util-linux) is not installed' : messageOf(error));
    }
  }

  async create(name: string, cpuMillicores: number): Promise<Quota> {
    const cores = this.#take(Math.ceil(cpuMillicores / 1000));
    let held = true;
    return {
      name: safeName(name),
      mechanism: this.mechanism,
      periodMicros: null,
      attach: async (pid) => pin(pid, cores),
      stat: async () => null,
      processes: async () => [],
      remove: async () => {
        if (held) for (const core of cores) this.#addUser(core, -1);
        held = false;
      },
    };
  }

  /** Affinity lives in the process alone; nothing of it is left to find. */
  async adopt(): Promise<undefined> {
    return undefined;
  }

  async list(): Promise<string[]> {
    return [];
  }

  #take(count: number): number[] {
    const byUse = [...this.#usersOfCore].sort(([, a], [, b]) => a - b).map(([core]) => core);
    const cores = byUse.slice(0, count);
    for (const core of cores) this.#addUser(core, 1);
    return cores;
  }

  #addUser(core: number, change: number): void {
    this.#usersOfCore.set(core, (this.#usersOfCore.get(core) ?? 0) + change);
  }
}

async function pin(pid: number, cores: readonly number[]): Promise<void> {
  try {
    await run('taskset', ['-acp', cores.join(','), String(pid)]);
  } catch (error) {
    throw new InflessError('PLATFORM_FAILED', `Process ${pid} cannot be pinned to cores ${cores.join(',')}`, {
      remedy: messageOf(error),
      cause: error,
    });
  }
}

/** `0-2,5` → 0, 1, 2, 5. */
export function parseCoreList(text: string): number[] {
  return text
    .trim()
    .split(',')
    .flatMap((range) => {
      const [first = Number.NaN, last = first] = range.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
}
