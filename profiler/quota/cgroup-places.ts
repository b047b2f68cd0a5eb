import { readFile } from 'node:fs/promises';
import { posix } from 'node:path';

/** One mounted cgroup hierarchy, as far as this process sees it. */
export interface CgroupPlace {
  readonly mountPoint: string;
  /** The directory of our own cgroup below the mount point. */
  readonly own: string;
}

export interface CgroupPlaces {
  readonly v2: CgroupPlace | undefined;
  /** By controller. Two controllers of one hierarchy (`cpu,cpuacct`) have the same place. */
  readonly v1: ReadonlyMap<string, CgroupPlace>;
}

interface CgroupMount {
  /** The directory of the hierarchy that is mounted: not `/` for a bind mount into a container. */
  readonly root: string;
  readonly mountPoint: string;
  readonly type: 'cgroup' | 'cgroup2';
  /** Of a v1 hierarchy; a named one without controllers is `name=…`. */
  readonly controllers: readonly string[];
}

interface Membership {
  /** Empty for v2. */
  readonly controllers: readonly string[];
  readonly path: string;
}

/**
 * Finds our own cgroup in every hierarchy from `/proc/self/mountinfo` and `/proc/self/cgroup`. Distributions
 * and containers mount them in different places, so nothing under `/sys/fs/cgroup` is taken for granted.
 */
export function locateCgroups(mountinfo: string, selfCgroup: string): CgroupPlaces {
  const mounts = parseMounts(mountinfo);
  const memberships = parseMemberships(selfCgroup);
  const v1 = new Map<string, CgroupPlace>();
  for (const { controllers, path } of memberships) {
    for (const controller of controllers) {
      const candidates = mounts.filter((it) => it.type === 'cgroup' && it.controllers.includes(controller));
      const place = placeOf(candidates, path);
      if (place !== undefined) v1.set(controller, place);
    }
  }
  const unified = memberships.find(({ controllers }) => controllers.length === 0);
  const v2 =
    unified &&
    placeOf(
      mounts.filter(({ type }) => type === 'cgroup2'),
      unified.path,
    );
  return { v2, v1 };
}

function placeOf(mounts: readonly CgroupMount[], path: string): CgroupPlace | undefined {
  const showing = mounts.find(({ root }) => isWithin(path, root));
  if (showing !== undefined) {
    const { mountPoint, root } = showing;
    return { mountPoint, own: posix.join(mountPoint, posix.relative(root, path)) };
  }
  // Within a cgroup namespace the two files may be told from different roots; what is mounted is then ours.
  const mount = mounts[0];
  return mount && { mountPoint: mount.mountPoint, own: mount.mountPoint };
}

function isWithin(path: string, root: string): boolean {
  return !path.startsWith('/..') && (root === '/' || path === root || path.startsWith(`${root}/`));
}

/** Lines like `33 31 0:30 /root /mount/point rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct`. */
function parseMounts(mountinfo: string): CgroupMount[] {
  return mountinfo.split('\n').flatMap((line): CgroupMount[] => {
    const fields = line.split(' ');
    const separator = fields.indexOf('-');
    const type = fields[separator + 1];
    if (separator < 0 || (type !== 'cgroup' && type !== 'cgroup2')) return [];
    return [
      {
        root: decodeOctal(fields[3] ?? '/'),
        mountPoint: decodeOctal(fields[4] ?? ''),
        type,
        controllers: (fields[separator + 3] ?? '').split(','),
      },
    ];
  });
}

/** Lines like `4:cpu,cpuacct:/docker/1f`, or `0::/user.slice` for v2. */
function parseMemberships(selfCgroup: string): Membership[] {
  return selfCgroup.split('\n').flatMap((line): Membership[] => {
    const match = /^\d+:([^:]*):(.*)$/.exec(line);
    if (match === null) return [];
    return [{ controllers: match[1] === '' ? [] : match[1]!.split(','), path: match[2]! }];
  });
}

/** The kernel writes blanks and the like in paths as `\040`. */
function decodeOctal(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** @throws where the system has no cgroups. */
export async function ourCgroups(): Promise<CgroupPlaces> {
  if (process.platform !== 'linux') throw new Error(`there are no cgroups on ${process.platform}`);
  const [mountinfo, selfCgroup] = await Promise.all([
    readFile('/proc/self/mountinfo', 'utf8'),
    readFile('/proc/self/cgroup', 'utf8'),
  ]);
  return locateCgroups(mountinfo, selfCgroup);
}
