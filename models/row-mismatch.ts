import type { TensorSpec } from './manifest.ts';
import type { NamedTensors } from './tensor.ts';

/**
 * Tells, in a clause, that an output does not have on its batch axis as many rows as went in; undefined where all have. Such
 * an output is a count of something, and has no rows that belong to anybody.
 */
export function rowMismatch(
  outputs: readonly TensorSpec[],
  results: NamedTensors,
  rows: number,
): string | undefined {
  for (const { name, batchAxis } of outputs) {
    if (batchAxis === null) continue;
    const { shape } = results[name]!;
    if (shape[batchAxis] !== rows) {
      return `output "${name}" has shape [${shape.join(',')}] for ${rows} ${rows === 1 ? 'row' : 'rows'}`;
    }
  }
  return undefined;
}
