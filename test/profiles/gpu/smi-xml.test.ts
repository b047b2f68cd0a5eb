import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../../models/base/package.ts';
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
    [
      'h200-580',
      '580.159.04',
      {
        model: 'NVIDIA H200',
        architecture: 'Hopper',
        memoryBytes: 143_771 * MIB,
        usedMemoryBytes: 0,
        powerWatts: 81.91,
        powerLimitWatts: 700,
        utilizationPercent: 0,
        migEnabled: false,
      },
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

describe('parseSmiXml, of newer drivers', () => {
  it.each<[string, string, Partial<SmiGpu>]>([
    ['quadro-p2000-525', '525.125.06', { powerWatts: 4.61, powerLimitWatts: 75, migEnabled: null }],
    ['rtx-3060-570', '570.124.04', { powerWatts: 11.6, powerLimitWatts: 170, usedMemoryBytes: 116 * MIB }],
    [
      'rtx-3080-595',
      '595.58.03',
      { powerWatts: 139.62, utilizationPercent: 65, usedMemoryBytes: 9184 * MIB },
    ],
  ])('reads %s', (name, driverVersion, facts) => {
    const report = recorded(name);
    expect(report.driverVersion).toBe(driverVersion);
    expect(report.gpus[0]).toMatchObject(facts);
  });

  it('reads slices, and keeps their memory apart from that of their windows to the host', () => {
    const [gpu] = recorded('a100-mig-535').gpus;
    expect(gpu).toMatchObject({ migEnabled: true, utilizationPercent: null, usedMemoryBytes: 50 * MIB });
    expect(gpu!.migDevices).toHaveLength(4);
    expect(gpu!.migDevices[3]).toEqual({
      index: 3,
      memoryBytes: 19_968 * MIB,
      usedMemoryBytes: 12 * MIB,
      multiprocessors: 14,
    });
  });

  it('quotes what came in place of XML: the tool tells of a lost card with exit code 0', () => {
    const sentence = 'Unable to determine the device handle for GPU 0000:09:00.0: Unknown Error';
    expect(() => parseSmiXml(`${sentence}\n`)).toThrow(
      `nvidia-smi -q -x answered with something else than its XML ("${sentence}")`,
    );
  });

  it('knows a card that is lost, all of whose values are', () => {
    const lost = readFileSync(join(FIXTURES, 't4-515.xml'), 'utf8').replaceAll(
      />[^<>\n]+ (MiB|W|%)</g,
      '>GPU is lost<',
    );
    expect(parseSmiXml(lost).gpus[0]).toMatchObject({
      memoryBytes: null,
      usedMemoryBytes: null,
      powerWatts: null,
      utilizationPercent: null,
    });
  });
});
