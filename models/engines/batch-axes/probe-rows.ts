import { fromHalfBits, toHalfBits } from '../../manifest/half.ts';
import { generateInputs } from '../../manifest/inputs.ts';
import type { ModelManifest } from '../../manifest/manifest.ts';
import { sliceRows, stackRows } from '../../manifest/stacking.ts';
import type { NamedTensors, NumericArray, Tensor } from '../../manifest/tensor.ts';

/** What is made of each number of a generated row; `at` is its place among the elements. */
type Change = (value: number, at: number) => number;

/**
 * Rows as unlike each other as rows of real requests can be. What one row does to another shows where the
 * other is small beside it, has another sign, or is nought: a maximum, a mean, a norm, a threshold.
 */
const FLOATS: readonly Change[] = [
  (value) => value,
  (value) => value,
  (value, at) => 300 * (value - 0.5) * (at % 3 === 2 ? 4 : 1) + 40,
  () => 0,
  (value) => -0.003 * value,
];

/** The same for models that count values: nothing is nought, and nothing is below it. */
const GENTLE_FLOATS: readonly Change[] = [
  (value) => value,
  (value) => value,
  (value, at) => 300 * value * (at % 3 === 2 ? 4 : 1) + 40,
  (value) => 2 * value,
  (value) => 0.003 * value,
];

/** Whole numbers may be places in a table: none is larger than what was generated. */
const INTEGERS: readonly Change[] = [
  (value) => value,
  (value) => value,
  (value, at) => (at % 2 === 0 ? value : Math.floor(value / 2)),
  () => 0,
  (value) => Math.min(value, 1),
];

const GENTLE_INTEGERS: readonly Change[] = [
  (value) => value,
  (value) => value,
  (value, at) => (at % 2 === 0 ? value : Math.max(1, Math.floor(value / 2))),
  () => 1,
  (value) => Math.min(value, 1),
];

/**
 * Rows of a model whose batch lies where its manifest says; inputs without rows are the same for all.
 *
 * @param gentle for a model that counts values
 */
export function probeRows(manifest: ModelManifest, gentle: boolean): NamedTensors[] {
  const generated = generateInputs(manifest, { batch: FLOATS.length });
  return FLOATS.map((_, row) =>
    Object.fromEntries(
      manifest.inputs.map(({ name, batchAxis }) => {
        const tensor = generated[name]!;
        if (batchAxis === null) return [name, tensor];
        return [name, changed(sliceRows(tensor, batchAxis, row, row + 1), row, gentle)];
      }),
    ),
  );
}

/** Rows side by side, in this order. */
export function together(manifest: ModelManifest, rows: readonly NamedTensors[]): NamedTensors {
  return Object.fromEntries(
    manifest.inputs.map(({ name, batchAxis }) => {
      const parts = rows.map((row) => row[name]!);
      return [name, batchAxis === null ? parts[0]! : stackRows(parts, batchAxis)];
    }),
  );
}

/** A row with its numbers that are not whole moved a little, each for itself. @param by relative */
export function nudged(manifest: ModelManifest, row: NamedTensors, by: number, draw: number): NamedTensors {
  return Object.fromEntries(
    manifest.inputs.map(({ name, batchAxis }) => {
      const tensor = row[name]!;
      if (batchAxis === null || !isFloat(tensor)) return [name, tensor];
      return [name, mapped(tensor, (value, at) => value * (1 + by * Math.cos(at * 2.399 + draw * 1.7)))];
    }),
  );
}

function isFloat({ dtype }: Tensor): boolean {
  return dtype.startsWith('float');
}

function changed(tensor: Tensor, row: number, gentle: boolean): Tensor {
  if (isFloat(tensor)) return mapped(tensor, (gentle ? GENTLE_FLOATS : FLOATS)[row]!);
  return mapped(tensor, (gentle ? GENTLE_INTEGERS : INTEGERS)[row]!);
}

function mapped(tensor: Tensor, change: Change): Tensor {
  const { dtype, data } = tensor;
  if (dtype === 'float16') {
    const bits = (data as Uint16Array).map((each, at) => toHalfBits(change(fromHalfBits(each), at)));
    return { ...tensor, data: bits };
  }
  if (dtype === 'string') {
    return { ...tensor, data: (data as string[]).map((text, at) => changedText(text, change, at)) };
  }
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    const values = data.slice();
    for (const [at, value] of data.entries()) values[at] = BigInt(change(Number(value), at));
    return { ...tensor, data: values };
  }
  return { ...tensor, data: (data as Exclude<NumericArray, BigInt64Array | BigUint64Array>).map(change) };
}

/** Texts that are no numbers stay. */
function changedText(text: string, change: Change, at: number): string {
  const value = Number(text);
  return text.trim() === '' || Number.isNaN(value) ? text : String(change(value, at));
}
