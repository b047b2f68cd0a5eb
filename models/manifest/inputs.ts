import { InflessError } from '../base/errors.ts';
import { type Random, seededRandom } from '../base/random.ts';
import { requireKnownAxes } from './batch-axis.ts';
import { exampleOf, namedShapes, type RequestLike, requireOneRow, valuesOf } from './example.ts';
import { formatShape } from './feeds.ts';
import { toHalfBits } from './half.ts';
import type { ModelManifest, TensorSpec } from './manifest.ts';
import { allocate, elementCount, type NamedTensors, type NumericArray, type Tensor } from './tensor.ts';

export interface InputOptions {
  /** Rows along the batch axis. */
  readonly batch: number;
  /** The same seed gives the same values. */
  readonly seed?: number;
  /**
   * Shapes by input name, for models with free dimensions besides the batch: either the whole shape (whatever
   * it says on the batch axis, `batch` wins) or the shape of one row. Default: those of the examples.
   */
  readonly shapes?: Readonly<Record<string, readonly number[]>>;
}

/** Free height and width of an image, or of anything else with four or more axes. */
const DEFAULT_SPATIAL = 224;
/** Free length of a sequence: tokens of a text, frames of a sound. */
const DEFAULT_LENGTH = 128;

/** Token ids: every vocabulary has these. */
const TOKEN_RANGE = 100;
/** Masks and segment ids: embeddings of these have two rows. */
const FLAG_RANGE = 2;
const FLAG_NAME = /mask|type|segment/i;

/**
 * Makes a batch of inputs from a model's schema alone: floats uniform in [0, 1), `uint8` any byte, other
 * integers small (token ids below 100; 0 or 1 where the name says mask, type or segment), booleans and short
 * digit strings at random.
 *
 * Where an input has an example, sizes and values are as it says. Without one, a free dimension that is not
 * the batch is 224 where the tensor has four axes or more, else 128; a free first dimension of a tensor
 * without batch axis is 1. Rows do not depend on `batch`: row 0 of a batch of 8 is the batch of 1 of the same
 * seed.
 *
 * @throws InflessError INVALID_INPUT for `shapes` the model does not take.
 */
export function generateInputs(
  manifest: Pick<ModelManifest, 'name' | 'inputs'>,
  options: InputOptions,
): NamedTensors {
  const { batch, seed = 1, shapes = {} } = options;
  for (const name of Object.keys(shapes)) {
    if (!manifest.inputs.some((spec) => spec.name === name)) {
      throw new InflessError(
        'INVALID_INPUT',
        `Model ${manifest.name} has no input "${name}" to give a shape`,
        {
          remedy: `Its inputs are: ${manifest.inputs.map((spec) => spec.name).join(', ')}.`,
        },
      );
    }
  }
  return Object.fromEntries(
    manifest.inputs.map((spec, index) => {
      const given = shapeFor(spec.name, shapes) ?? spec.example?.shape;
      return [spec.name, generateTensor(spec, inputShape(spec, batch, given), seed * 31 + index)];
    }),
  );
}

/** Inputs may be called like what every object has: `constructor`. */
function shapeFor(name: string, shapes: Readonly<Record<string, readonly number[]>>) {
  return Object.hasOwn(shapes, name) ? shapes[name] : undefined;
}

function inputShape(spec: TensorSpec, batch: number, given: readonly number[] | undefined): number[] {
  const wanted = given === undefined ? undefined : wholeShape(spec, batch, given);
  return spec.shape.map((size, axis) => {
    if (axis === spec.batchAxis) return batch;
    if (size === null) return wanted?.[axis] ?? defaultSize(spec, axis);
    if (wanted !== undefined && wanted[axis] !== size) throw shapeError(spec, given!);
    return size;
  });
}

function wholeShape(spec: TensorSpec, batch: number, given: readonly number[]): readonly number[] {
  if (given.length === spec.shape.length) return given;
  if (given.length !== spec.shape.length - 1) throw shapeError(spec, given);
  return given.toSpliced(spec.batchAxis ?? 0, 0, spec.batchAxis === null ? 1 : batch);
}

function shapeError(spec: TensorSpec, given: readonly number[]): InflessError {
  return new InflessError(
    'INVALID_INPUT',
    `Shape [${given.join(',')}] does not fit input "${spec.name}", which is ${formatShape(spec)}`,
  );
}

function defaultSize(spec: TensorSpec, axis: number): number {
  if (spec.batchAxis === null && axis === 0) return 1;
  return spec.shape.length >= 4 ? DEFAULT_SPATIAL : DEFAULT_LENGTH;
}

function generateTensor(spec: TensorSpec, shape: readonly number[], seed: number): Tensor {
  const random = seededRandom(seed);
  const data = allocate(spec.dtype, elementCount(shape));
  const next = valueSource(spec, random);
  // Values are drawn row by row, so that a row stays the same whatever batch it is in.
  const inner = elementCount(shape.slice((spec.batchAxis ?? 0) + 1));
  const rows = spec.batchAxis === null ? 1 : shape[spec.batchAxis]!;
  const outer = spec.batchAxis === null ? 1 : elementCount(shape.slice(0, spec.batchAxis));
  const run = spec.batchAxis === null ? data.length : inner;
  const like = exampleRow(spec, shape);
  for (let row = 0; row < rows; row += 1) {
    for (let block = 0; block < outer; block += 1) {
      const start = (block * rows + row) * run;
      for (let index = 0; index < run; index += 1)
        (data as NumericArray)[start + index] = (
          like === undefined ? next() : like(block * run + index)
        ) as number;
    }
  }
  return { dtype: spec.dtype, shape, data };
}

/** The elements of one row of a sample, by their places; undefined where there is none of this shape. */
function exampleRow(
  { dtype, batchAxis, example }: TensorSpec,
  shape: readonly number[],
): ((place: number) => number | bigint | string) | undefined {
  if (example?.values === undefined) return undefined;
  const values = valuesOf(example, dtype, batchAxis === null ? shape : shape.with(batchAxis, 1));
  return values && ((place) => values[place]!);
}

function valueSource(spec: TensorSpec, random: Random): () => number | bigint | string {
  const below = (limit: number): number => Math.floor(random() * limit);
  const { range: told, below: limit = FLAG_NAME.test(spec.name) ? FLAG_RANGE : TOKEN_RANGE } =
    spec.example ?? {};
  if (told !== undefined) return rangedSource(spec.dtype, told, random);
  switch (spec.dtype) {
    case 'float32':
    case 'float64':
      return random;
    case 'float16':
      return () => toHalfBits(random());
    case 'uint8':
      return () => below(spec.example?.below ?? 256);
    case 'bool':
      return () => below(2);
    case 'int64':
    case 'uint64':
      return () => BigInt(below(limit));
    case 'string':
      return () => String(below(limit));
    default:
      return () => below(limit);
  }
}

/** Numbers from the first up to the second, whole ones where the type has no others. */
function rangedSource(
  dtype: TensorSpec['dtype'],
  [least, most]: readonly [number, number],
  random: Random,
): () => number | bigint | string {
  const decimal = (): number => least + random() * (most - least);
  const whole = (): number => Math.floor(least + random() * (most - least + 1));
  switch (dtype) {
    case 'float32':
    case 'float64':
      return decimal;
    case 'float16':
      return () => toHalfBits(decimal());
    case 'int64':
    case 'uint64':
      return () => BigInt(whole());
    case 'string':
      return () => String(whole());
    default:
      return whole;
  }
}

/**
 * A model whose requests are made up like those of the user, without running it: only for one that somebody
 * has looked at.
 *
 * @throws InflessError INVALID_INPUT for a sample or shapes that it does not take, or a batch axis that was
 * not tried
 */
export function likened<M extends Pick<ModelManifest, 'name' | 'inputs' | 'batching'>>(
  manifest: M,
  { shapes: given, sample, batchAxes }: RequestLike,
): M {
  if (batchAxes !== undefined) requireKnownAxes(manifest, batchAxes);
  const shapes = namedShapes(given, manifest.inputs);
  if (sample === undefined && Object.keys(shapes).length === 0) return manifest;
  const types = manifest.inputs.map(({ name, dtype, shape }) => ({ name, dtype, rank: shape.length }));
  const tensors = sample?.read(types) ?? {};
  const inputs = manifest.inputs.map((spec) => {
    const shape = shapeFor(spec.name, shapes);
    const example = {
      ...spec.example,
      ...(shape === undefined ? {} : { shape: [...shape], shapeFrom: 'given' as const }),
      ...(sample === undefined ? {} : exampleOf(tensors[spec.name]!)),
    };
    return Object.keys(example).length === 0 ? spec : { ...spec, example };
  });
  if (sample !== undefined) requireOneRow(sample.title, inputs);
  generateInputs({ ...manifest, inputs }, { batch: 1, shapes: sample === undefined ? shapes : {} });
  return { ...manifest, inputs };
}
