import { describe, expect, it } from 'vitest';
import { locateCgroups } from '../../../profiler/quota/cgroup-places.ts';

/** Only the lines that matter, as the kernel wrote them; others around show that they are passed by. */
const UNRELATED = `22 28 0:20 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw
23 28 0:21 / /proc rw,nosuid - proc proc rw
`;

describe('locateCgroups', () => {
  it('finds v2 of a systemd host', () => {
    const places = locateCgroups(
      `${UNRELATED}30 22 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n`,
      '0::/user.slice/user-1000.slice/user@1000.service/app.slice/infless.service\n',
    );
    expect(places.v2).toEqual({
      mountPoint: '/sys/fs/cgroup',
      own: '/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice/infless.service',
    });
    expect(places.v1.size).toBe(0);
  });

  it('finds v1 with co-mounted controllers', () => {
    const places = locateCgroups(
      `${UNRELATED}34 25 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:16 - cgroup cgroup rw,cpu,cpuacct
35 25 0:30 / /sys/fs/cgroup/systemd rw,nosuid shared:10 - cgroup cgroup rw,xattr,name=systemd
`,
      '3:cpu,cpuacct:/user.slice\n1:name=systemd:/user.slice/user-0.slice/session-1.scope\n',
    );
    const shared = { mountPoint: '/sys/fs/cgroup/cpu,cpuacct', own: '/sys/fs/cgroup/cpu,cpuacct/user.slice' };
    expect(places.v1.get('cpu')).toEqual(shared);
    expect(places.v1.get('cpuacct')).toEqual(shared);
    expect(places.v2).toBeUndefined();
  });

  it('finds both on a hybrid host that mounts every controller apart', () => {
    const places = locateCgroups(
      `31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
33 31 0:30 / /sys/fs/cgroup/cpuacct rw,relatime - cgroup cgroup rw,cpuacct
34 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
`,
      '9:name=systemd:/\n3:cpuset:/\n2:cpuacct:/\n1:cpu:/\n0::/\n',
    );
    expect(places.v1.get('cpu')?.own).toBe('/sys/fs/cgroup/cpu');
    expect(places.v1.get('cpuacct')?.own).toBe('/sys/fs/cgroup/cpuacct');
    expect(places.v2?.own).toBe('/sys/fs/cgroup/unified');
  });

  it('sees through the bind mount of a v1 container', () => {
    const id = '5b2f3cc9e0a1';
    const places = locateCgroups(
      `746 744 0:29 /docker/${id} /sys/fs/cgroup/cpu,cpuacct ro,nosuid master:16 - cgroup cgroup rw,cpu,cpuacct\n`,
      `4:cpu,cpuacct:/docker/${id}\n`,
    );
    expect(places.v1.get('cpu')?.own).toBe('/sys/fs/cgroup/cpu,cpuacct');
  });

  it('keeps what is below the bind mount', () => {
    const places = locateCgroups(
      '746 744 0:29 /kubepods/pod1 /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n',
      '4:cpu:/kubepods/pod1/c1\n',
    );
    expect(places.v1.get('cpu')).toEqual({
      mountPoint: '/sys/fs/cgroup/cpu',
      own: '/sys/fs/cgroup/cpu/c1',
    });
  });

  it('takes the mount for its own within a cgroup namespace', () => {
    const places = locateCgroups(
      '612 611 0:27 /../../.. /sys/fs/cgroup rw,nosuid - cgroup2 cgroup rw,nsdelegate\n',
      '0::/\n',
    );
    expect(places.v2).toEqual({ mountPoint: '/sys/fs/cgroup', own: '/sys/fs/cgroup' });
  });

  it('never leaves the mount for a cgroup outside of the namespace', () => {
    const places = locateCgroups(
      '612 611 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n',
      '0::/../sibling\n',
    );
    expect(places.v2?.own).toBe('/sys/fs/cgroup');
  });

  it('reads blanks in mount points', () => {
    const places = locateCgroups('612 611 0:27 / /my\\040cgroups rw - cgroup2 cgroup rw\n', '0::/a\n');
    expect(places.v2?.own).toBe('/my cgroups/a');
  });

  it('finds nothing where nothing is mounted', () => {
    const places = locateCgroups(UNRELATED, '1:cpu:/\n0::/\n');
    expect(places.v2).toBeUndefined();
    expect(places.v1.size).toBe(0);
  });
});
