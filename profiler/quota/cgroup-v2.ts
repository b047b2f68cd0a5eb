import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, systemCode } from '../../models/base/errors.ts';
import { cfsLimits } from './cfs-limits.ts';
import {
  ancestors,
  attachToGroup,
  groupDirectory,
  groupProcesses,
  kernelRefused,
  listGroups,
  makeGroup,
  parseFlatKeyed,
  readGroupFile,
  removeGroup,
  safeName,
  visible,
  writeGroupFile,
} from './cgroup-directory.ts';
import type { CgroupPlaces } from './cgroup-places.ts';
import type { Quota, Quotas, Throttling } from './quota-interface.ts';

/**
 * Where our own processes go when they are in the way; not named like a quota, so that `list` passes it by.
 */
const OWN_LEAF = 'infless.self';

/** Quotas through `cpu.max`. */
export class CgroupV2Quotas implements Quotas {
  readonly mechanism = 'cgroup-v2';
  readonly weaknessReason = undefined;
  readonly #parent: string;
  readonly #periodMicros: number;

  private constructor(parent: string, periodMicros: number) {
    this.#parent = parent;
    this.#periodMicros = periodMicros;
  }

  /**
   * Looks for a cgroup whose children can have quotas: our own or, as the kernel wants no processes beside
   * such children, the nearest one above it that we may write. Where none is visible, as in a container, our
   * own processes are moved into a leaf to make room.
   *
   * @param probe tells whether quotas really work below a directory; throws why not.
   * @throws when there is no such cgroup.
   */
  static async open(
    places: CgroupPlaces,
    periodMicros: number,
    probe: (quotas: Quotas) => Promise<void>,
  ): Promise<CgroupV2Quotas> {
    if (places.v2 === undefined) throw new Error('cgroup v2 is not mounted');
    const { own, mountPoint } = places.v2;
    await requireCpuController(mountPoint);
    const reasons: string[] = [];
    const attempt = async (parent: string): Promise<CgroupV2Quotas | undefined> => {
      try {
        await enableCpuController(parent);
        const quotas = new CgroupV2Quotas(parent, periodMicros);
        await probe(quotas);
        return quotas;
      } catch (error) {
        reasons.push(messageOf(error));
        return undefined;
      }
    };
    for (const parent of ancestors(own, mountPoint)) {
      const quotas = await attempt(parent);
      if (quotas !== undefined) return quotas;
    }
    if (own === mountPoint && (await isBelowRealRoot(own))) {
      await moveProcessesToLeaf(own);
      const quotas = await attempt(own);
      if (quotas !== undefined) return quotas;
    }
    throw new Error(reasons[0]);
  }

  async create(name: string, cpuMillicores: number): Promise<Quota> {
    const { quotaMicros, periodMicros } = cfsLimits(cpuMillicores, this.#periodMicros);
    const directory = groupDirectory(this.#parent, name);
    await makeGroup(directory);
    try {
      await writeGroupFile(directory, 'cpu.max', `${quotaMicros} ${periodMicros}`);
    } catch (error) {
      await removeGroup(directory);
      throw kernelRefused(cpuMillicores, error);
    }
    return new CgroupV2Quota(safeName(name), directory, periodMicros);
  }

  async adopt(name: string): Promise<Quota | undefined> {
    const directory = groupDirectory(this.#parent, name);
    const limits = await readGroupFile(directory, 'cpu.max');
    if (limits === undefined) return undefined;
    return new CgroupV2Quota(safeName(name), directory, Number(limits.split(' ')[1]));
  }

  list(): Promise<string[]> {
    return listGroups(this.#parent);
  }
}

class CgroupV2Quota implements Quota {
  readonly mechanism = 'cgroup-v2';
  readonly name: string;
  readonly periodMicros: number;
  readonly #directory: string;

  constructor(name: string, directory: string, periodMicros: number) {
    this.name = name;
    this.periodMicros = periodMicros;
    this.#directory = directory;
  }

  attach(pid: number): Promise<void> {
    return attachToGroup(this.#directory, pid);
  }

  async stat(): Promise<Throttling | null> {
    const text = await readGroupFile(this.#directory, 'cpu.stat');
    if (text === undefined) return null;
    const counts = parseFlatKeyed(text);
    return {
      periods: counts.get('nr_periods') ?? 0,
      throttledPeriods: counts.get('nr_throttled') ?? 0,
      throttledMs: (counts.get('throttled_usec') ?? 0) / 1e3,
      cpuMs: (counts.get('usage_usec') ?? 0) / 1e3,
    };
  }

  async processes(): Promise<number[]> {
    return visible(await groupProcesses(this.#directory));
  }

  remove(): Promise<void> {
    return removeGroup(this.#directory);
  }
}

/**
 * The kernel lets `cpu` be enabled in a cgroup that has processes, but then makes it a threaded one, whose
 * children take no processes; so that is looked at first.
 */
async function enableCpuController(directory: string): Promise<void> {
  await requireCpuController(directory);
  if ((await isBelowRealRoot(directory)) && (await groupProcesses(directory)).length > 0) {
    throw new Error(`${directory} has processes of its own`);
  }
  if (await lists(directory, 'cgroup.subtree_control', 'cpu')) return;
  await writeGroupFile(directory, 'cgroup.subtree_control', '+cpu');
}

/** On hosts that mount both versions, the controllers are usually with v1. */
async function requireCpuController(directory: string): Promise<void> {
  if (await lists(directory, 'cgroup.controllers', 'cpu')) return;
  throw new Error(`${directory} has no cpu controller`);
}

async function lists(directory: string, file: string, controller: string): Promise<boolean> {
  return ((await readGroupFile(directory, file)) ?? '').trim().split(' ').includes(controller);
}

/**
 * What a container sees as the top is an ordinary cgroup; only the host's has no type, and needs no room
 * made.
 */
async function isBelowRealRoot(directory: string): Promise<boolean> {
  return (await readGroupFile(directory, 'cgroup.type')) !== undefined;
}

async function moveProcessesToLeaf(directory: string): Promise<void> {
  const leaf = join(directory, OWN_LEAF);
  await mkdir(leaf).catch((error: unknown) => {
    if (systemCode(error) !== 'EEXIST') throw error;
  });
  const pids = visible(await groupProcesses(directory));
  for (const pid of pids) {
    // ended in between: the next look at the directory will tell
    await attachToGroup(leaf, pid).catch(() => {});
  }
}
