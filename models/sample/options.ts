import { option, repeatable } from '../base/command-line/option-table.ts';
import { file } from '../base/command-line/parsers.ts';
import { InflessError } from '../base/errors.ts';
import type { GivenAxes } from '../manifest/batch-axis.ts';
import type { RequestLike } from '../manifest/example.ts';
import { loadSample } from './read-sample.ts';

/** An input and its sizes; of a model of one input, the name may be missing and is then empty. */
export type GivenShape = readonly [input: string, sizes: number[]];

/** No tensor has more elements along an axis. */
const LARGEST_SIZE = 2 ** 31 - 1;

/** Reads `input=1,3,640,640`, or `1,3,640,640` for the only input. */
export function parseShape(text: string, name: string): GivenShape {
  const split = text.lastIndexOf('='); // an input's name may hold one, a shape does not
  const sizes = text
    .slice(split + 1)
    .split(',')
    .map((size) => size.trim());
  const isShape = sizes.every((size) => /^[1-9]\d*$/.test(size) && Number(size) <= LARGEST_SIZE);
  if (split === 0 || !isShape) {
    throw new InflessError('INVALID_INPUT', `${name} "${text}" is not the shape of an input`, {
      remedy: `Write the name of the input and its sizes, like ${name} images=1,3,640,640.`,
    });
  }
  return [text.slice(0, Math.max(0, split)), sizes.map(Number)];
}

/** `--shape`, for every input of which it is given. */
export const SHAPE_OPTION = repeatable({
  flag: '--shape <input=sizes>',
  parse: parseShape,
  help: 'sizes of an input with free dimensions, like images=1,3,640,640; of an only input without its name',
});

/** `--sample`. */
export const SAMPLE_OPTION = option({
  flag: '--sample <file>',
  parse: file,
  help: 'a request to make up others like: JSON as TensorFlow Serving takes it, .npy or .npz',
});

/** Reads `input=1`, or `1` for every input with such an axis of a free size. */
export function parseBatchAxis(text: string, name: string): readonly [input: string, axis: number] {
  const split = text.lastIndexOf('=');
  const axis = text.slice(split + 1).trim();
  if (split === 0 || !/^\d{1,2}$/.test(axis)) {
    throw new InflessError('INVALID_INPUT', `${name} "${text}" is not an axis`, {
      remedy: `Axes count from 0. Write ${name} 0, or with the name of an input ${name} images=0.`,
    });
  }
  return [text.slice(0, Math.max(0, split)), Number(axis)];
}

/** `--batch-axis`, for every input of which it is given. */
export const BATCH_AXIS_OPTION = repeatable({
  flag: '--batch-axis <[input=]axis>',
  parse: parseBatchAxis,
  help: 'the axis along which the rows of a batch lie, like 0, or of one input, like images=0, in place of those that are tried; it is still proven',
});

export function shapesOf(given: readonly GivenShape[]): RequestLike['shapes'] {
  return given.length === 0 ? undefined : Object.fromEntries(given);
}

/**
 * What a user says of requests with these options.
 *
 * @throws InflessError INVALID_INPUT for a file that cannot be read, and for both at once
 */
export async function readLikeness({
  sample,
  shape,
  batchAxis = [],
}: {
  readonly sample: string | undefined;
  readonly shape: readonly GivenShape[];
  readonly batchAxis?: readonly (readonly [input: string, axis: number])[];
}): Promise<RequestLike> {
  const axes: { readonly batchAxes?: GivenAxes } =
    batchAxis.length === 0 ? {} : { batchAxes: Object.fromEntries(batchAxis) };
  if (sample === undefined) return { shapes: shapesOf(shape), ...axes };
  if (shape.length === 0) return { sample: await loadSample(sample), ...axes };
  throw new InflessError(
    'INVALID_INPUT',
    '--sample and --shape exclude each other: a sample has its own sizes',
    {
      remedy: 'Leave one of them out.',
    },
  );
}
