import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemCode } from '../../models/base/errors.ts';
import { processCpuMs } from '../../models/base/process-stat.ts';
import { cfsLimits } from './cfs-limits.ts';
import {
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
 * Quotas through `cpu.cfs_quota_us`. Many hosts mount the controller that counts CPU time (`cpuacct`) as a
 * hierarchy of its own; the group is then made there too, so that the count covers processes that have ended.
 */
export class CgroupV1Quotas implements Quotas {
  readonly mechanism = 'cgroup-v1';
  readonly weaknessReason = undefined;
  readonly #parent: string;
  readonly #accountingParent: string | undefined;
  readonly #periodMicros: number;

  /** @throws when the host has no v1 `cpu` controller. */
  constructor(places: CgroupPlaces, periodMicros: number) {
    const cpu = places.v1.get('cpu');
    if (cpu === undefined) throw new Error('the kernel has no cgroup v1 cpu controller mounted');
    this.#parent = cpu.own;
    this.#accountingParent = places.v1.get('cpuacct')?.own;
    this.#periodMicros = periodMicros;
  }

  async create(name: string, cpuMillicores: number): Promise<Quota> {
    const { quotaMicros, periodMicros } = cfsLimits(cpuMillicores, this.#periodMicros);
    const directory = groupDirectory(this.#parent, name);
    await makeGroup(directory);
    try {
      // In this order: the kernel checks every intermediate pair, and "no quota" fits any period.
      await writeGroupFile(directory, 'cpu.cfs_quota_us', -1);
      await writeGroupFile(directory, 'cpu.cfs_period_us', periodMicros);
      await writeGroupFile(directory, 'cpu.cfs_quota_us', quotaMicros);
    } catch (error) {
      await removeGroup(directory);
      throw kernelRefused(cpuMillicores, error);
    }
    return new CgroupV1Quota(safeName(name), directory, await this.#makeAccounting(name), periodMicros);
  }

  async adopt(name: string): Promise<Quota | undefined> {
    const directory = groupDirectory(this.#parent, name);
    const period = await readGroupFile(directory, 'cpu.cfs_period_us');
    if (period === undefined) return undefined;
    const accounting = this.#accountingDirectory(name);
    const counted = accounting && (await readGroupFile(accounting, 'cpuacct.usage')) !== undefined;
    return new CgroupV1Quota(safeName(name), directory, counted ? accounting : undefined, Number(period));
  }

  list(): Promise<string[]> {
    return listGroups(this.#parent);
  }

  #accountingDirectory(name: string): string | undefined {
    return this.#accountingParent && groupDirectory(this.#accountingParent, name);
  }

  /** Counting is worth having, not worth failing for: without it the running processes are asked. */
  async #makeAccounting(name: string): Promise<string | undefined> {
    const directory = this.#accountingDirectory(name);
    if (directory === undefined || dirname(directory) === this.#parent) return directory;
    try {
      await mkdir(directory);
      return directory;
    } catch (error) {
      return systemCode(error) === 'EEXIST' ? directory : undefined;
    }
  }
}

class CgroupV1Quota implements Quota {
  readonly mechanism = 'cgroup-v1';
  readonly name: string;
  readonly periodMicros: number;
  readonly #directory: string;
  readonly #accounting: string | undefined;

  constructor(name: string, directory: string, accounting: string | undefined, periodMicros: number) {
    this.name = name;
    this.periodMicros = periodMicros;
    this.#directory = directory;
    this.#accounting = accounting;
  }

  async attach(pid: number): Promise<void> {
    if (this.#isAccountedApart) await attachToGroup(this.#accounting!, pid);
    await attachToGroup(this.#directory, pid);
  }

  async stat(): Promise<Throttling | null> {
    const text = await readGroupFile(this.#directory, 'cpu.stat');
    if (text === undefined) return null;
    const counts = parseFlatKeyed(text);
    return {
      periods: counts.get('nr_periods') ?? 0,
      throttledPeriods: counts.get('nr_throttled') ?? 0,
      throttledMs: (counts.get('throttled_time') ?? 0) / 1e6,
      cpuMs: await this.#cpuMs(),
    };
  }

  async processes(): Promise<number[]> {
    return visible(await groupProcesses(this.#directory));
  }

  async remove(): Promise<void> {
    await removeGroup(this.#directory);
    if (this.#isAccountedApart) await removeGroup(this.#accounting!);
  }

  get #isAccountedApart(): boolean {
    return this.#accounting !== undefined && this.#accounting !== this.#directory;
  }

  async #cpuMs(): Promise<number> {
    const usage = this.#accounting && (await readGroupFile(this.#accounting, 'cpuacct.usage'));
    if (usage !== undefined) return Number(usage) / 1e6;
    const running = await Promise.all((await groupProcesses(this.#directory)).map(processCpuMs));
    return running.reduce<number>((sum, cpuMs) => sum + (cpuMs ?? 0), 0);
  }
}
