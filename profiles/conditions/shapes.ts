import { shapeSource } from '../../models/manifest/example.ts';
import { generateInputs } from '../../models/manifest/inputs.ts';
import { type ModelManifest, rowShape } from '../../models/manifest/manifest.ts';
import type { NamedTensors } from '../../models/manifest/tensor.ts';
import type { MeasuredShape, ProfileTable } from '../table.ts';

/** Sizes of inputs by name: those of one row, or whole ones with the batch axis. */
export type GivenShapes = Readonly<Record<string, readonly number[]>>;

/**
 * What a sweep records of the rows that it measures.
 *
 * @param row a request of one row, as it is measured
 */
export function measuredShapes(
  { inputs }: Pick<ModelManifest, 'inputs'>,
  row: NamedTensors,
): MeasuredShape[] {
  return inputs.map((spec) => ({
    input: spec.name,
    row: row[spec.name]!.shape.filter((_, axis) => axis !== spec.batchAxis),
    source: shapeSource(spec),
  }));
}

/** Sizes that the user has given for requests to a model: those of one row, by the name of the input. */
export function givenShapes(manifest: Pick<ModelManifest, 'name' | 'inputs'>): GivenShapes {
  const shapes = measuredShapes(manifest, generateInputs(manifest, { batch: 1 }));
  const given = shapes.filter(({ source }) => source === 'given' || source === 'sample');
  return Object.fromEntries(given.map(({ input, row }) => [input, row]));
}

/** Of each input. Older tables did not record it: it is then known where the model leaves no size free. */
export function shapesOfTable({
  shapes,
  model,
}: Pick<ProfileTable, 'shapes' | 'model'>): readonly MeasuredShape[] | undefined {
  if (shapes !== undefined) return shapes;
  const rows = model.inputs.map((spec) => ({ input: spec.name, row: rowShape(spec) }));
  if (rows.some(({ row }) => row.includes(null))) return undefined;
  return rows.map(({ input, row }) => ({ input, row: row as number[], source: 'model' }));
}

/** Inputs whose sizes are not the user's nor the model's own. */
export function guessedShapes(table: Pick<ProfileTable, 'shapes'>): readonly MeasuredShape[] {
  return table.shapes?.filter(({ source }) => source === 'guessed') ?? [];
}

/** What whoever reads a table of guessed sizes has to know, with the option that puts it right. */
export function guessCaveats(table: Pick<ProfileTable, 'shapes'>): readonly string[] {
  const guessed = guessedShapes(table);
  if (guessed.length === 0) return [];
  const options = guessed.map(({ input, row }) => `--shape ${input}=${row.join(',')}`).join(' ');
  return [
    `GUESSED SIZES: rows of ${guessed.map(formatRow).join(', ')}. No time here holds for rows of other sizes: give those of your requests, as in ${options}.`,
  ];
}

/** `images 3×640×640 (guessed), ids 128`; a row of a single number is `1`. */
export function formatShapes(shapes: readonly MeasuredShape[]): string {
  return shapes
    .map((shape) => `${formatRow(shape)}${shape.source === 'guessed' ? ' (guessed)' : ''}`)
    .join(', ');
}

/** `images 3×640×640`. */
export function formatRow({ input, row }: Pick<MeasuredShape, 'input' | 'row'>): string {
  return `${input} ${row.length === 0 ? '1' : row.join('×')}`;
}

/** Of a table that does not tell. */
export const UNKNOWN_SHAPES = 'not recorded';

/**
 * What sets two tables of one model apart, as a phrase for each; undefined where their rows are alike, or
 * neither tells and the model is the same.
 */
export function shapeDifference(a: ProfileTable, b: ProfileTable): readonly [string, string] | undefined {
  const [shapesA, shapesB] = [shapesOfTable(a), shapesOfTable(b)];
  if (shapesA === undefined && shapesB === undefined) return undefined;
  const [textA, textB] = [shapesA, shapesB].map(
    (shapes) => shapes?.map(formatRow).join(', ') ?? UNKNOWN_SHAPES,
  );
  return textA === textB ? undefined : [textA!, textB!];
}

/** Whether a table was measured with these sizes of the inputs that they name. */
export function hasShapes(table: ProfileTable, given: GivenShapes): boolean {
  const shapes = shapesOfTable(table);
  return Object.entries(given).every(([name, sizes]) => {
    const measured = shapes?.find(({ input }) => input === name);
    const spec = table.model.inputs.find((input) => input.name === name);
    if (measured === undefined || spec === undefined) return false;
    const isWhole = sizes.length === spec.shape.length;
    const row = isWhole ? sizes.filter((_, axis) => axis !== spec.batchAxis) : sizes;
    return row.length === measured.row.length && row.every((size, axis) => size === measured.row[axis]);
  });
}

/**
 * An input whose rows lie along another axis in the table than where the model is served: the first, of those
 * that have rows in both.
 */
export function turnedInput(
  { model }: Pick<ProfileTable, 'model'>,
  { inputs }: Pick<ModelManifest, 'inputs'>,
): { readonly name: string; readonly measured: number; readonly served: number } | undefined {
  for (const { name, batchAxis: served } of inputs) {
    const measured = model.inputs.find((input) => input.name === name)?.batchAxis ?? null;
    if (measured !== null && served !== null && measured !== served) return { name, measured, served };
  }
  return undefined;
}

/**
 * What whoever plans with a table should know of the rows that it was measured with, as sentences.
 *
 * @param file where it is
 * @param manifest the model as it is served, with what its user says requests are like
 */
export function shapeWarnings(
  table: ProfileTable,
  file: string,
  manifest: Pick<ModelManifest, 'name' | 'inputs'>,
): readonly string[] {
  const turned = turnedInput(table, manifest);
  if (turned !== undefined) {
    const { name, measured: along, served } = turned;
    return [
      `Profile table ${file} was measured with rows along axis ${along} of input "${name}", not ${served}: measure it again with --batch-axis ${name}=${served}.`,
    ];
  }
  const measured = shapesOfTable(table);
  const rows = measured?.map(formatRow).join(', ') ?? 'unknown sizes';
  const given = givenShapes(manifest);
  const wanted = Object.entries(given).map(([input, row]) => formatRow({ input, row: [...row] }));
  if (wanted.length > 0 && !hasShapes(table, given)) {
    return [
      `Profile table ${file} was measured with rows of ${rows}, not ${wanted.join(', ')}: measure it again with these.`,
    ];
  }
  if (wanted.length > 0 || guessedShapes(table).length === 0) return [];
  return [
    `Profile table ${file} was measured with rows of guessed sizes (${rows}): say what requests are like with "shapes" or "sample", and measure it again with them.`,
  ];
}

/** Whether rows of this model may be of different sizes at all. */
export function hasFreeShapes(manifest: Pick<ModelManifest, 'inputs'>): boolean {
  return manifest.inputs.some((spec) => rowShape(spec).includes(null));
}
