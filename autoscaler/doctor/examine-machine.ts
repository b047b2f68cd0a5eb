import { constants, existsSync } from 'node:fs';
import { access, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../models/base/errors.ts';
import { cacheDirectory, stateDirectory } from '../../models/base/files.ts';
import { formatBytes, formatCores } from '../../models/base/units.ts';
import { hostTimes } from '../../profiler/cell/host-load.ts';
import { availableCpuMillicores } from '../../profiler/quota/cpu-limit.ts';
import { openQuotas } from '../../profiler/quota/quota.ts';
import { readGpus } from '../../profiles/gpu/nvidia-smi.ts';
import { readHost } from '../../profiles/host.ts';

/**
 * What was found of one part of this machine.
 *
 * - `good`: as it should be.
 * - `note`: it works, with less than there could be.
 * - `bad`: something will not work.
 */
export interface Finding {
  readonly about: string;
  readonly verdict: 'good' | 'note' | 'bad';
  /** What there is. */
  readonly text: string;
  /** What that means for tables and instances, where that is not plain. */
  readonly meaning?: string;
  /** How to get more: a sentence that tells what to do. */
  readonly remedy?: string;
}

/** As package.json has it. */
const LEAST_NODE = [20, 19] as const;
/** How long the load is watched. */
const WATCHED_MS = 1_000;
/** Shares of the CPU time beyond which measurements suffer. */
const MUCH_STOLEN = 0.02;
const MUCH_BUSY = 0.2;
/** Room that a few models, their tables and images take. */
const LITTLE_ROOM_BYTES = 2 ** 30;
const LEAST_MEMORY_BYTES = 2 ** 30;
/** Of instruction sets, those that engines are much quicker with. */
const VECTOR_FLAGS = ['avx2', 'avx512f', 'avx512_vnni', 'avx_vnni', 'amx_int8', 'asimd', 'sve'];

/** What this machine gives, part by part. */
export async function examineMachine(): Promise<readonly Finding[]> {
  const quota = await quotaFinding(); // alone: it starts a process
  return [node(), await cpu(), quota, await load(), await memory(), await gpu(), ...(await folders())];
}

export function node(version: string = process.versions.node): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [leastMajor, leastMinor] = LEAST_NODE;
  const isOld = major < leastMajor || (major === leastMajor && minor < leastMinor);
  if (!isOld) return { about: 'Node.js', verdict: 'good', text: version };
  return {
    ...{ about: 'Node.js', verdict: 'bad', text: `${version} is older than ${LEAST_NODE.join('.')}` },
    remedy: 'Install a newer one.',
  };
}

async function cpu(): Promise<Finding> {
  const { cpuModel, cpuCores, cpuFlags } = await readHost();
  const available = await availableCpuMillicores();
  const sets = VECTOR_FLAGS.filter((flag) => cpuFlags.includes(flag));
  const text = `${cpuModel}, ${cpuCores} cores${sets.length === 0 ? '' : `, ${sets.join(' ')}`}`;
  if (available >= cpuCores * 1000) return { about: 'CPU', verdict: 'good', text };
  return {
    ...{ about: 'CPU', verdict: 'note', text: `${text}; ${formatCores(available)} cores may be used` },
    meaning:
      'A container or unit around this process limits it: larger quotas are neither measured nor given.',
  };
}

async function quotaFinding(): Promise<Finding> {
  const { mechanism, weaknessReason: weakness } = await openQuotas();
  if (mechanism.startsWith('cgroup'))
    return { about: 'CPU quotas', verdict: 'good', text: `hold, by ${mechanism}` };
  const isLinux = process.platform === 'linux';
  return {
    ...{ about: 'CPU quotas', verdict: 'note', text: `do not hold; instead: ${mechanism}` },
    meaning:
      'Tables and promises hold only as far as nothing else runs: an instance may take more than its share, and quotas below a core are not kept.' +
      (weakness === undefined ? '' : ` ${weakness}`),
    remedy: isLinux
      ? 'Run as root, or as a user unit of systemd with Delegate=yes.'
      : 'Run on Linux, or in a container of it, to have quotas.',
  };
}

async function load(): Promise<Finding> {
  const before = await hostTimes();
  if (before === undefined) return { about: 'Load', verdict: 'note', text: 'not known on this system' };
  await sleep(WATCHED_MS);
  const after = (await hostTimes())!;
  const totalMs = after.totalMs - before.totalMs;
  const stolen = (after.stolenMs - before.stolenMs) / totalMs;
  const busy = (after.busyMs - before.busyMs) / totalMs;
  const percent = (share: number): string => `${Math.round(share * 100)} %`;
  const text = `${percent(busy)} of all cores busy, ${percent(stolen)} stolen by the hypervisor, in one second`;
  if (busy < MUCH_BUSY && stolen < MUCH_STOLEN) return { about: 'Load', verdict: 'good', text };
  return {
    ...{ about: 'Load', verdict: 'note', text },
    meaning: 'Cells that are measured now will be noisy; they say so.',
    remedy: 'Profile while nothing else runs.',
  };
}

async function memory(): Promise<Finding> {
  const { memoryBytes } = await readHost();
  const text = formatBytes(memoryBytes);
  if (memoryBytes >= LEAST_MEMORY_BYTES) return { about: 'Memory', verdict: 'good', text };
  return {
    about: 'Memory',
    verdict: 'note',
    text,
    meaning: 'An instance takes a hundred megabytes and its model.',
  };
}

async function gpu(): Promise<Finding> {
  const { gpus } = await readHost();
  if (gpus.length > 0) {
    const cards = gpus.map(({ model, memoryBytes }) => `${model} (${formatBytes(memoryBytes)})`);
    return {
      ...{ about: 'GPU', verdict: 'good', text: cards.join(', ') },
      meaning: 'Whether engines can use it, infless profile MODEL --gpu 0,100 finds out.',
    };
  }
  const inventory = await readGpus();
  const why = 'absence' in inventory ? ` (${inventory.absence})` : '';
  return { about: 'GPU', verdict: 'good', text: `none${why}`, meaning: 'Models run on the CPU.' };
}

async function folders(): Promise<readonly Finding[]> {
  return Promise.all([
    folder('Cache', cacheDirectory(), 'INFLESS_CACHE_DIR'),
    folder('State', stateDirectory(), 'INFLESS_STATE_DIR'),
  ]);
}

async function folder(about: string, path: string, variable: string): Promise<Finding> {
  try {
    let there = path; // it is made when it is first needed
    while (!existsSync(there)) there = dirname(there);
    await access(there, constants.W_OK);
    const { bavail, bsize } = await statfs(there);
    const freeBytes = bavail * bsize;
    const text = `${path}, ${formatBytes(freeBytes)} free`;
    if (freeBytes >= LITTLE_ROOM_BYTES) return { about, verdict: 'good', text };
    return { about, verdict: 'note', text, remedy: `Make room, or set ${variable} to another folder.` };
  } catch (error) {
    return {
      ...{ about, verdict: 'bad', text: `${path} cannot be written (${messageOf(error)})` },
      remedy: `Set ${variable} to a folder of yours.`,
    };
  }
}
