import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InflessError } from '../../../models/base/errors.ts';
import { readNpz } from '../../../models/sample/npz.ts';
import { numpyFile } from './numpy-files.ts';

describe('reading what numpy.savez wrote', () => {
  it('gives arrays by name', () => {
    expect(readNpz(numpyFile('savez'), 'Sample x.npz')).toEqual({
      ids: { dtype: 'int64', shape: [1, 2], data: BigInt64Array.of(3n, 4n) },
      mask: { dtype: 'int64', shape: [1, 2], data: BigInt64Array.of(1n, 1n) },
    });
  });

  it('unpacks compressed ones', () => {
    const { x } = readNpz(numpyFile('compressed'), 'Sample x.npz');
    expect(x).toEqual({ dtype: 'float32', shape: [1, 4, 4], data: new Float32Array(16) });
  });

  it('refuses what is no archive', () => {
    expect(() => readNpz(numpyFile('floats'), 'Sample x.npz')).toThrow('Sample x.npz is no .npz file');
  });

  it.each(['savez', 'compressed'] as const)('refuses any damage to %s with an error of its own', (name) => {
    const whole = numpyFile(name);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length - 1), (at, by, end) => {
        const damaged = whole.slice();
        damaged[at] = by;
        for (const bytes of [damaged, whole.slice(0, end)]) {
          try {
            readNpz(bytes, 'x');
          } catch (error) {
            expect(error).toBeInstanceOf(InflessError);
          }
        }
      }),
    );
  });
});
