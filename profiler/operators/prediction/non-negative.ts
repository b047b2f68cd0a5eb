/** Sweeps over the coefficients; of a handful of features far fewer do. */
const SWEEPS = 500;

/**
 * The coefficients, none below zero, that come closest to the targets in the sum of squares (coordinate
 * descent). Who wants errors to count as shares divides rows and targets alike.
 *
 * @param rows features of each target
 */
export function fitNonNegative(
  rows: readonly (readonly number[])[],
  targets: readonly number[],
): readonly number[] {
  const width = rows[0]?.length ?? 0;
  const lengths = Array.from(
    { length: width },
    (_, column) => Math.hypot(...rows.map((row) => row[column]!)) || 1,
  );
  const scaled = rows.map((row) => row.map((value, column) => value / lengths[column]!));
  const coefficients = new Array<number>(width).fill(0);
  const rests = [...targets];
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    for (let column = 0; column < width; column += 1) {
      // Columns are of length one, so the slope is the step.
      const slope = scaled.reduce((sum, row, index) => sum + row[column]! * rests[index]!, 0);
      const next = Math.max(0, coefficients[column]! + slope);
      const step = next - coefficients[column]!;
      coefficients[column] = next;
      if (step !== 0) for (const [index, row] of scaled.entries()) rests[index]! -= step * row[column]!;
    }
  }
  return coefficients.map((value, column) => value / lengths[column]!);
}

export function weightedSum(coefficients: readonly number[], features: readonly number[]): number {
  return coefficients.reduce((sum, value, index) => sum + value * features[index]!, 0);
}
