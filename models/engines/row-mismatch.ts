import type { TensorSpec } from '../manifest/manifest.ts';
import type { NamedTensors } from '../manifest/tensor.ts';

/**
 * Describes the first output whose batch axis is not as long as the rows that went in; undefined if all are.
 * Such an output is as long as a count of values: its elements belong to no row in particular.
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
