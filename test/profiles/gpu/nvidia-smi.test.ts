import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../../models/base/package.ts';
import { parseMigSlices } from '../../../profiles/gpu/nvidia-smi.ts';

const FIXTURES = join(packageRoot, 'test/profiles/fixtures/nvidia-smi');

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

describe('parseMigSlices, of recorded lists', () => {
  it.each([
    ['h200-mig-590', ['1c.3g.71gb', '2c.3g.71gb', '2g.35gb', '1g.18gb', '1g.18gb'], [0, 0, 0, 0, 0]],
    ['two-a100-450', ['3g.20gb', '3g.20gb'], [1, 1]],
    ['h200-580', [], []],
    ['lost-card', [], []],
  ])('reads %s', (name, profiles, gpus) => {
    const slices = parseMigSlices(readFileSync(join(FIXTURES, `${name}.list`), 'utf8'));
    expect(slices.map(({ profile }) => profile)).toEqual(profiles);
    expect(slices.map(({ gpu }) => gpu)).toEqual(gpus);
    for (const { uuid } of slices) expect(uuid).toMatch(/^MIG-/);
  });
});
