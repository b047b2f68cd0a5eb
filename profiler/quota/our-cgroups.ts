import { readFile } from 'node:fs/promises';
import { type CgroupPlaces, locateCgroups } from './cgroup-places.ts';

/** @throws where the system has no cgroups. */
export async function ourCgroups(): Promise<CgroupPlaces> {
  if (process.platform !== 'linux') throw new Error(`there are no cgroups on ${process.platform}`);
  const [mountinfo, selfCgroup] = await Promise.all([
    readFile('/proc/self/mountinfo', 'utf8'),
    readFile('/proc/self/cgroup', 'utf8'),
  ]);
  return locateCgroups(mountinfo, selfCgroup);
}
