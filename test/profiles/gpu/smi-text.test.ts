import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../../models/base/package.ts';
import { parseSmiText } from '../../../profiles/gpu/smi-text.ts';
import type { SmiGpu } from '../../../profiles/gpu/smi-xml.ts';

const FIXTURES = join(packageRoot, 'test/profiles/fixtures/nvidia-smi');
const MIB = 2 ** 20;

function text(name: string): string {
  return readFileSync(join(FIXTURES, name), 'utf8');
}

describe('parseSmiText', () => {
  it.each<[string, string, string | null, Partial<SmiGpu>]>([
    [
      'a10-550',
      '550.127.05',
      '12.4',
      {
        model: 'NVIDIA A10',
        architecture: 'Ampere',
        memoryBytes: 23_028 * MIB,
        usedMemoryBytes: MIB,
        utilizationPercent: 0,
        powerWatts: 21.3,
        powerLimitWatts: 150,
        migEnabled: null,
        computeMode: 'Default',
      },
    ],
    [
      'h200-580',
      '580.159.04',
      '13.0',
      {
        model: 'NVIDIA H200',
        memoryBytes: 143_771 * MIB,
        powerWatts: 81.92,
        powerLimitWatts: 700,
        migEnabled: false,
        computeMode: 'Default',
      },
    ],
    [
      'gtx-960m-410',
      '410.72',
      '10.0',
      { memoryBytes: null, powerWatts: null, architecture: null, migEnabled: null },
    ],
    [
      'vgpu-host-525',
      '525.147.01',
      null,
      { model: 'NVIDIA GeForce RTX 4088', uuid: null, memoryBytes: null },
    ],
  ])('reads %s', (name, driverVersion, cudaVersion, facts) => {
    const report = parseSmiText(text(`${name}.txt`));
    expect(report).toMatchObject({ driverVersion, cudaVersion });
    expect(report.gpus).toHaveLength(1);
    expect(report.gpus[0]).toMatchObject(facts);
  });

  it('reads slices, whose memory is called shared since driver 590', () => {
    const [gpu] = parseSmiText(text('h100-mig-590.txt')).gpus;
    expect(gpu).toMatchObject({
      migEnabled: true,
      utilizationPercent: null,
      powerWatts: 71.27,
      powerLimitWatts: 700,
    });
    expect(gpu!.migDevices.map(({ multiprocessors }) => multiprocessors)).toEqual([60, 32, 16, 16]);
    expect(gpu!.migDevices[0]).toMatchObject({
      index: 0,
      memoryBytes: 40_448 * MIB,
      usedMemoryBytes: 26 * MIB,
    });
  });

  it.each(['', 'No devices were found', text('h100-590.csv')])('refuses %j', (output) => {
    expect(() => parseSmiText(output)).toThrow('nvidia-smi -q answered with something else than its list');
  });
});
