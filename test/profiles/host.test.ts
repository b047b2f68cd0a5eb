import { cpus, totalmem } from 'node:os';
import { describe, expect, it } from 'vitest';
import { fingerprintOf, readHost, sameHost } from '../../profiles/host.ts';
import { hostSchema } from '../../profiles/host-schema.ts';

describe('readHost', () => {
  it('reads this machine', async () => {
    const host = await readHost();
    expect(hostSchema.parse(host)).toEqual(host);
    expect(host.cpuCores).toBe(cpus().length);
    expect(host.memoryBytes / totalmem()).toBeCloseTo(1, 1);
    expect(host.cpuModel.length).toBeGreaterThan(2);
    expect(host.arch).toBe(process.arch);
  });

  it('takes hosts for the same by what decides speed', async () => {
    const host = await readHost();
    expect(sameHost(host, { ...host, kernel: 'another', memoryBytes: 1 })).toBe(true);
    expect(fingerprintOf(host)).toBe(host.fingerprint);
    expect(fingerprintOf({ ...host, cpuFlags: [...host.cpuFlags, 'avx1024'] })).not.toBe(host.fingerprint);
    expect(fingerprintOf({ ...host, gpus: [{ model: 'GPU', memoryBytes: 1 }] })).not.toBe(host.fingerprint);
  });
});
