import type { NamedTensors } from '../../../models/manifest/tensor.ts';

/**
 * The largest difference between two answers of numbers, as a share of the largest number of the first;
 * Infinity where they are not comparable.
 */
export function difference(expected: NamedTensors, actual: NamedTensors): number {
  const names = Object.keys(expected);
  return Math.max(
    ...names.map((name) => {
      const a = expected[name]!.data;
      const b = actual[name]?.data;
      if (b === undefined || b.length !== a.length) return Infinity;
      let largest = 0;
      let off = 0;
      for (let index = 0; index < a.length; index += 1) {
        const value = Number(a[index]);
        largest = Math.max(largest, Math.abs(value));
        off = Math.max(off, Math.abs(value - Number(b[index])));
      }
      if (Number.isNaN(off)) return Infinity;
      return off === 0 ? 0 : off / largest;
    }),
  );
}
