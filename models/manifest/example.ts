import { z } from 'zod';
import { InflessError } from '../base/errors.ts';
import { axesKey, type GivenAxes } from './batch-axis.ts';
import { fromHalfBits } from './half.ts';
import type { DType, NamedTensors, NumericArray, Tensor } from './tensor.ts';
import { allocate, elementCount } from './tensor.ts';

/** Where the sizes of an example come from: the first two from the user, the last from trying sizes. */
const SIZES_FROM = ['sample', 'given', 'graph', 'tried'] as const;

/**
 * What requests are made up like, as far as the declaration of an input leaves it open. Kept with what the
 * model is, so that whoever makes up a request makes up the same.
 */
export const exampleSchema = z.object({
  /** The whole shape with one row, or that of a row. */
  shape: z.array(z.number().int().nonnegative()).optional(),
  shapeFrom: z.enum(SIZES_FROM).optional(),
  /** Whole numbers are below: the rows of the table that they are looked up in. */
  below: z.number().int().min(1).optional(),
  /** Numbers are from the first up to the second. */
  range: z.tuple([z.number(), z.number()]).optional(),
  /** The values of one row themselves: texts, or the bytes of numbers in base64, the lowest first. */
  values: z.union([z.string(), z.array(z.string())]).optional(),
});
export type Example = z.infer<typeof exampleSchema>;

/** What the user says that requests look like. */
export interface RequestLike {
  /**
   * Shapes by the name of an input: whole ones with one row, or those of a row. Under the empty name, that of
   * the only input.
   */
  readonly shapes?: Readonly<Record<string, readonly number[]>> | undefined;
  readonly sample?: Sample | undefined;
  /** Where their rows lie. */
  readonly batchAxes?: GivenAxes | undefined;
}

/** A request that the user has given. */
export interface Sample {
  /** What it is called in sentences: `Sample request.json`. */
  readonly title: string;
  /** Where it is a file. */
  readonly path?: string;
  /** Tells it from every other one. */
  readonly digest: string;
  /**
   * Its tensors, each of the whole shape with one row or of the shape of a row.
   *
   * @throws InflessError INVALID_INPUT for what no model with such inputs takes
   */
  read(inputs: readonly InputType[]): NamedTensors;
}

export interface InputType {
  readonly name: string;
  readonly dtype: DType;
  readonly rank: number;
}

/**
 * Shapes by the names of inputs.
 *
 * @throws InflessError INVALID_INPUT for one without a name where there are several inputs
 */
export function namedShapes(
  shapes: RequestLike['shapes'] = {},
  inputs: readonly { readonly name: string }[],
): Readonly<Record<string, readonly number[]>> {
  const { '': nameless, ...named } = shapes;
  if (nameless === undefined) return shapes;
  if (inputs.length === 1) return { ...named, [inputs[0]!.name]: nameless };
  throw new InflessError('INVALID_INPUT', `Shape ${nameless.join(',')} does not say of which input it is`, {
    remedy: `Write it like ${inputs[0]!.name}=${nameless.join(',')}; the inputs are: ${inputs.map(({ name }) => name).join(', ')}.`,
  });
}

/** Tells what the user says of requests from anything else that may be said; undefined: nothing. */
export function likenessKey({ shapes = {}, sample, batchAxes }: RequestLike): string | undefined {
  const sizes = Object.entries(shapes).sort(([a], [b]) => (a < b ? -1 : 1));
  const axes = batchAxes === undefined ? [] : [axesKey(batchAxes)];
  if (sizes.length === 0 && sample === undefined && axes.length === 0) return undefined;
  return JSON.stringify([sizes, sample?.digest, ...axes]);
}

/** Values of more elements are not kept: of an image, a sound or a video their range has to do. */
const MOST_VALUES = 4096;

/** What other requests are made up like that are to be like this one. */
export function exampleOf({ dtype, shape, data }: Tensor): Example {
  const sizes = { shape: [...shape], shapeFrom: 'sample' as const };
  if (Array.isArray(data)) return { ...sizes, values: data };
  if (data.length > MOST_VALUES) return { ...sizes, range: rangeOf(dtype, data) };
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return { ...sizes, values: bytes.toString('base64') };
}

function rangeOf(dtype: DType, data: NumericArray): [number, number] {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const element of data) {
    const value = dtype === 'float16' ? fromHalfBits(element as number) : Number(element);
    if (!Number.isFinite(value)) continue;
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  return least > most ? [0, 1] : [least, most];
}

/** The values of an example, where it has as many as a tensor of this shape. */
export function valuesOf(
  { values }: Example,
  dtype: DType,
  shape: readonly number[],
): Tensor['data'] | undefined {
  const count = elementCount(shape);
  if (Array.isArray(values)) return dtype === 'string' && values.length === count ? values : undefined;
  if (values === undefined || dtype === 'string') return undefined;
  const data = allocate(dtype, count) as NumericArray;
  const bytes = Buffer.from(values, 'base64');
  if (bytes.byteLength !== data.byteLength) return undefined;
  bytes.copy(new Uint8Array(data.buffer));
  return data;
}

/** Where the sizes of an input's requests come from that its declaration leaves open. */
export type ShapeSource = 'model' | 'given' | 'sample' | 'guessed';

/** @param spec of an input, with its batch axis */
export function shapeSource({ shape, batchAxis, example }: ExampleSpec): ShapeSource {
  // A free first size of an input without a batch is 1: one request.
  const isOpen = shape.some((size, axis) => size === null && axis !== (batchAxis ?? 0));
  if (!isOpen || example?.shapeFrom === 'graph') return 'model';
  if (example?.shapeFrom === 'sample' || example?.shapeFrom === 'given') return example.shapeFrom;
  return 'guessed';
}

interface ExampleSpec {
  readonly shape: readonly (number | null)[];
  readonly batchAxis: number | null;
  readonly example?: Example | undefined;
}

/**
 * A sample has the values of one request. Found out when it is known where the batch is.
 *
 * @throws InflessError INVALID_INPUT
 */
export function requireOneRow(
  title: string,
  inputs: readonly (ExampleSpec & { readonly name: string })[],
): void {
  for (const { name, shape, batchAxis, example } of inputs) {
    if (batchAxis === null || example?.shapeFrom !== 'sample') continue;
    const rows = example.shape?.length === shape.length ? example.shape[batchAxis] : 1;
    if (rows !== 1) throw severalRows(title, `${rows} rows of input "${name}"`);
  }
}

export function severalRows(title: string, rows: string): InflessError {
  return new InflessError('INVALID_INPUT', `${title} has ${rows}`, { remedy: 'Give a request of one row.' });
}
