import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../../models/base/package.ts';
import { parseMigSlices } from '../../../profiles/gpu/nvidia-smi.ts';
import { parseSmiXml, type SmiGpu } from '../../../profiles/gpu/smi-xml.ts';

const FIXTURES = join(packageRoot, 'test/profiles/fixtures/nvidia-smi');

function recorded(name: string): ReturnType<typeof parseSmiXml> {
  return parseSmiXml(readFileSync(join(FIXTURES, `${name}.xml`), 'utf8'));
}

const MIB = 2 ** 20;

describe('parseSmiXml', () => {
  it.each<[string, string | null, Partial<SmiGpu>]>([
    [
      'k80-410',
      '410.79',
      { model: 'Tesla K80', memoryBytes: 1024 * MIB, utilizationPercent: 10, powerWatts: null, uuid: null },
    ],
    ['gtx-1070-ti', null, { model: 'GeForce GTX 1070 Ti', usedMemoryBytes: 42 * MIB, powerWatts: null }],
    [
      'gt-1030-470',
      '470.74',
      {
        memoryBytes: 1998 * MIB,
        powerWatts: null,
        powerLimitWatts: 30,
        migEnabled: null,
        architecture: null,
      },
    ],
    [
      't4-515',
      '515.105.01',
      { model: 'Tesla T4', architecture: 'Turing', powerWatts: 26.78, powerLimitWatts: 70, migDevices: [] },
    ],
    [
      'a100-535',
      '535.54.03',
      { powerWatts: 67.03, powerLimitWatts: 500, migEnabled: false, computeMode: 'Default' },
    ],
    ['rtx-3090-590', '590.44.01', { powerWatts: 35.06, powerLimitWatts: 350, utilizationPercent: 0 }],
    ['rtx-pro-6000-580', null, { powerWatts: 66.84, memoryBytes: null, utilizationPercent: null }],
  ])('reads %s', (name, driverVersion, facts) => {
    const report = recorded(name);
    expect(report.driverVersion).toBe(driverVersion);
    expect(report.gpus).toHaveLength(1);
    expect(report.gpus[0]).toMatchObject(facts);
  });

  it('reads the slices of a partitioned A100, whose own utilisation is not known', () => {
    expect(recorded('a100-mig-510').gpus[0]).toMatchObject({
      migEnabled: true,
      utilizationPercent: null,
      powerWatts: 66.92,
      migDevices: [
        { index: 0, memoryBytes: 19_968 * MIB, usedMemoryBytes: 19 * MIB, multiprocessors: 42 },
        { index: 1, memoryBytes: 19_968 * MIB, usedMemoryBytes: 19 * MIB, multiprocessors: 42 },
      ],
    });
  });

  it('reads several cards, each by itself', () => {
    const { gpus } = recorded('two-h100-550');
    expect(gpus.map(({ computeMode }) => computeMode)).toEqual(['Exclusive_Process', null]);
    expect(gpus.map(({ migDevices }) => migDevices.length)).toEqual([0, 1]);
    expect(gpus[1]).toMatchObject({ usedMemoryBytes: null, memoryBytes: 81_559 * MIB });
  });

  it('finds no card where none is', () => {
    expect(parseSmiXml('<nvidia_smi_log><attached_gpus>0</attached_gpus></nvidia_smi_log>').gpus).toEqual([]);
  });

  it.each(['', 'No devices were found', '<html/>', '<nvidia_smi_log><gpu>', '{"gpu": []}'])(
    'refuses %j',
    (text) => {
      expect(() => parseSmiXml(text)).toThrow('nvidia-smi -q -x answered with something else than its XML');
    },
  );

  it('survives any value in any element: what makes no sense is not known', () => {
    const files = readdirSync(FIXTURES).filter((name) => name.endsWith('.xml'));
    fc.assert(
      fc.property(
        fc.constantFrom(...files),
        fc.nat(),
        fc.constantFrom('', 'N/A', '[Not Supported]', 'ERR!', '-3 W', '12 furlongs', 'NaN', '<a><b/></a>'),
        (file, position, value) => {
          const xml = readFileSync(join(FIXTURES, file), 'utf8');
          const leaves = [...xml.matchAll(/>([^<>\n]+)<\//g)];
          const leaf = leaves[position % leaves.length]!;
          const damaged = `${xml.slice(0, leaf.index + 1)}${value}${xml.slice(leaf.index + 1 + leaf[1]!.length)}`;
          for (const gpu of parseSmiXml(damaged).gpus) {
            const amounts = [gpu.memoryBytes, gpu.powerWatts, gpu.utilizationPercent, gpu.usedMemoryBytes];
            expect(amounts.every((amount) => amount === null || amount >= 0)).toBe(true);
          }
        },
      ),
    );
  });
});

describe('parseMigSlices', () => {
  it('names slices with the position of their GPU', () => {
    const list = [
      'GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-aaaa)',
      'GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-27b94a00-ed54-5c24-b1fd-1054085de32a)',
      '  MIG 3g.20gb     Device  0: (UUID: MIG-4ae1b3c2-0000-5555-8888-000000000001)',
      '  MIG 1c.3g.20gb  Device  1: (UUID: MIG-GPU-27b94a00-ed54-5c24-b1fd-1054085de32a/2/0)',
      '',
    ].join('\n');
    expect(parseMigSlices(list)).toEqual([
      { gpu: 1, index: 0, profile: '3g.20gb', uuid: 'MIG-4ae1b3c2-0000-5555-8888-000000000001' },
      { gpu: 1, index: 1, profile: '1c.3g.20gb', uuid: 'MIG-GPU-27b94a00-ed54-5c24-b1fd-1054085de32a/2/0' },
    ]);
    expect(parseMigSlices('')).toEqual([]);
  });
});
