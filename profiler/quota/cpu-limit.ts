import { availableParallelism } from 'node:os';
import { ancestors, readGroupFile } from './cgroup-directory.ts';
import { type CgroupPlace, type CgroupPlaces, ourCgroups } from './cgroup-places.ts';

/**
 * The CPU that this process and what it starts can have at most: the cores it may run on, or less where the
 * container or unit around it has a quota itself.
 */
export async function availableCpuMillicores(): Promise<number> {
  const coresMillicores = availableParallelism() * 1000;
  if (process.platform !== 'linux') return coresMillicores;
  return Math.min(coresMillicores, await cgroupLimitMillicores(await ourCgroups()));
}

/** The tightest limit on the way from our own cgroup to the top; infinite where there is none. */
export async function cgroupLimitMillicores({ v1, v2 }: CgroupPlaces): Promise<number> {
  const limits = await Promise.all([
    tightest(v2, async (directory) => parseCpuMax(await readGroupFile(directory, 'cpu.max'))),
    tightest(v1.get('cpu'), async (directory) => {
      const [quota, period] = await Promise.all([
        readGroupFile(directory, 'cpu.cfs_quota_us'),
        readGroupFile(directory, 'cpu.cfs_period_us'),
      ]);
      return toMillicores(Number(quota), Number(period));
    }),
  ]);
  return Math.min(...limits);
}

async function tightest(
  place: CgroupPlace | undefined,
  limitOf: (directory: string) => Promise<number>,
): Promise<number> {
  if (place === undefined) return Number.POSITIVE_INFINITY;
  return Math.min(...(await Promise.all(ancestors(place.own, place.mountPoint).map(limitOf))));
}

/** `150000 100000`, or `max 100000` for none; the topmost cgroup has no such file. */
function parseCpuMax(text: string | undefined): number {
  const [quota = 'max', period = ''] = (text ?? '').trim().split(' ');
  return toMillicores(Number(quota), Number(period));
}

function toMillicores(quotaMicros: number, periodMicros: number): number {
  const isLimited = quotaMicros > 0 && periodMicros > 0; // v1 says -1 where there is no limit
  return isLimited ? Math.floor((1000 * quotaMicros) / periodMicros) : Number.POSITIVE_INFINITY;
}
