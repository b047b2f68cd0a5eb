import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../../models/base/package.ts';
import { parseMigSlices } from '../../../profiles/gpu/nvidia-smi.ts';
import { parseSmiCsv } from '../../../profiles/gpu/smi-csv.ts';
import { parseSmiText } from '../../../profiles/gpu/smi-text.ts';
import { parseSmiXml, type SmiGpu } from '../../../profiles/gpu/smi-xml.ts';

const FIXTURES = join(packageRoot, 'test/profiles/fixtures/nvidia-smi');
const MIB = 2 ** 20;

function text(name: string): string {
  return readFileSync(join(FIXTURES, name), 'utf8');
}

describe('outputs of nvidia-smi', () => {
  it('are there in every form, of many drivers', () => {
    const outputs = readdirSync(FIXTURES).filter((name) => name !== 'README.md');
    expect(outputs.length).toBeGreaterThanOrEqual(20);
    const series = new Set(outputs.map((name) => /-(\d{3})\./.exec(name)?.[1]).filter(Boolean));
    expect(series.size).toBeGreaterThanOrEqual(6);
  });

  it('have their sources named', () => {
    const readme = text('README.md');
    for (const name of readdirSync(FIXTURES))
      if (name !== 'README.md') expect(readme).toContain(`\`${name}\``);
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
    const report = parseSmiXml(text(`${name}.xml`));
    expect(report.driverVersion).toBe(driverVersion);
    expect(report.gpus[0]).toMatchObject(facts);
  });

  it('reads slices, and keeps their memory apart from that of their windows to the host', () => {
    const [gpu] = parseSmiXml(text('a100-mig-535.xml')).gpus;
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
    const lost = text('t4-515.xml').replaceAll(/>[^<>\n]+ (MiB|W|%)</g, '>GPU is lost<');
    expect(parseSmiXml(lost).gpus[0]).toMatchObject({
      memoryBytes: null,
      usedMemoryBytes: null,
      powerWatts: null,
      utilizationPercent: null,
    });
  });
});

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

describe('parseSmiCsv', () => {
  it.each<[string, readonly object[]]>([
    ['h100-590', [{ 'memory.total': '81559 MiB', 'utilization.gpu': '100 %', 'fan.speed': null }]],
    ['h200-mig-590', [{ 'mig.mode.current': 'Enabled', 'utilization.gpu': null, compute_cap: '9.0' }]],
    ['l40s-595', [{ 'mig.mode.current': null, 'power.draw': '110.23 W' }]],
    ['rtx-2080-windows-591', [{ 'fan.speed': '38 %', name: 'NVIDIA GeForce RTX 2080 SUPER' }]],
    ['p100', [{ name: 'Tesla P100-PCIE-16GB', 'memory.reserved': '103 MiB', 'power.draw': '28.16 W' }]],
    [
      'titan-x',
      [
        { 'utilization.gpu': '76 %' },
        { 'utilization.gpu': '0 %' },
        { 'utilization.gpu': null, 'memory.used': '8520 MiB' },
      ],
    ],
    ['lost-fan', [{ 'fan.speed': '30 %' }, { 'fan.speed': null, 'power.draw': null }]],
    ['apps-h100-590', [{ pid: '11327', used_gpu_memory: '2566 MiB' }, { process_name: './gpu_burn' }]],
    [
      'apps-windows-591',
      [{ used_gpu_memory: null }, { process_name: 'C:\\Program Files\\Tools, Inc\\app.exe' }],
    ],
  ])('reads %s', (name, rows) => {
    expect(parseSmiCsv(text(`${name}.csv`))).toMatchObject(rows);
  });

  it.each([
    '',
    'No devices were found\n',
    'NVIDIA-SMI has failed because it could not communicate with the driver.\n',
  ])('finds nothing in %j', (output) => {
    expect(parseSmiCsv(output)).toEqual([]);
  });

  it('gives every row the fields of the header, whatever lines are in between', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[ -~]{0,40}$/)), (lines) => {
        for (const row of parseSmiCsv(['index, name, power.draw [W]', ...lines].join('\n')))
          expect(Object.keys(row)).toEqual(['index', 'name', 'power.draw']);
      }),
    );
  });
});

describe('parseMigSlices, of recorded lists', () => {
  it.each([
    ['h200-mig-590', ['1c.3g.71gb', '2c.3g.71gb', '2g.35gb', '1g.18gb', '1g.18gb'], [0, 0, 0, 0, 0]],
    ['two-a100-450', ['3g.20gb', '3g.20gb'], [1, 1]],
    ['lost-card', [], []],
  ])('reads %s', (name, profiles, gpus) => {
    const slices = parseMigSlices(text(`${name}.list`));
    expect(slices.map(({ profile }) => profile)).toEqual(profiles);
    expect(slices.map(({ gpu }) => gpu)).toEqual(gpus);
    for (const { uuid } of slices) expect(uuid).toMatch(/^MIG-/);
  });
});
