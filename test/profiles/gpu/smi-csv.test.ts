import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../../models/base/package.ts';
import { parseSmiCsv } from '../../../profiles/gpu/smi-csv.ts';

const FIXTURES = join(packageRoot, 'test/profiles/fixtures/nvidia-smi');

function text(name: string): string {
  return readFileSync(join(FIXTURES, name), 'utf8');
}

describe('parseSmiCsv', () => {
  it.each<[string, readonly object[]]>([
    ['h100-590', [{ 'memory.total': '81559 MiB', 'utilization.gpu': '100 %', 'fan.speed': null }]],
    ['h200-mig-590', [{ 'mig.mode.current': 'Enabled', 'utilization.gpu': null, compute_cap: '9.0' }]],
    [
      'h200-580',
      [
        {
          compute_cap: '9.0',
          'memory.total': '143771 MiB',
          'clocks_event_reasons.active': '0x0000000000000001',
          'mig.mode.current': 'Disabled',
        },
      ],
    ],
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
