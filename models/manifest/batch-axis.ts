import { z } from 'zod';
import { InflessError } from '../base/errors.ts';

/**
 * Where the rows of inputs lie, as the user says it: an axis by the name of an input. Under the empty name,
 * that of every input that is not named and has such an axis of a free size.
 */
export type GivenAxes = Readonly<Record<string, number>>;

const axis = z.number().int().min(0).max(64);

/** One axis for all inputs, or axes by their names. */
export const givenAxesSchema = z.union([axis, z.record(z.string(), axis)], {
  error: 'must be an axis, like 0, or axes by the names of inputs, like {"images": 0}',
});

export function givenAxesOf(given: z.infer<typeof givenAxesSchema> | undefined): GivenAxes | undefined {
  return typeof given === 'number' ? { '': given } : given;
}

interface Sized {
  readonly name: string;
  /** Anything but a number is a free size. */
  readonly dims: readonly (number | string | null)[];
}

/**
 * The axis that is given for each input; undefined where nothing is said of it.
 *
 * @throws InflessError INVALID_INPUT for an input or an axis that there is not, or one of a fixed size
 */
export function axesOfInputs(given: GivenAxes, inputs: readonly Sized[]): (number | undefined)[] {
  const named = new Map(Object.entries(given));
  const names = inputs.map(({ name }) => name).join(', ');
  for (const [name, axis] of named) {
    if (name === '') continue;
    const input = inputs.find((each) => each.name === name);
    if (input === undefined) {
      throw new InflessError('INVALID_INPUT', `There is no input "${name}" to have a batch axis`, {
        remedy: `The inputs are: ${names}.`,
      });
    }
    requireFree(input, axis);
  }
  const every = named.get('');
  const axes = inputs.map(({ name, dims }) => {
    return named.get(name) ?? (every !== undefined && isFree(dims[every]) ? every : undefined);
  });
  if (every !== undefined && axes.every((axis) => axis === undefined)) {
    const [only] = inputs;
    if (inputs.length === 1) requireFree(only!, every);
    throw new InflessError('INVALID_INPUT', `No input has an axis ${every} of a free size`, {
      remedy: `Axes count from 0. The inputs are: ${names}.`,
    });
  }
  return axes;
}

function requireFree({ name, dims }: Sized, axis: number): void {
  if (axis >= dims.length) {
    const has = dims.length === 0 ? 'it has none' : `its axes are 0 to ${dims.length - 1}`;
    throw new InflessError('INVALID_INPUT', `Input "${name}" has no axis ${axis} to be the batch`, {
      remedy: `Give another one: ${has}.`,
    });
  }
  if (isFree(dims[axis])) return;
  throw new InflessError(
    'INVALID_INPUT',
    `Axis ${axis} of input "${name}" is always ${dims[axis]} long, so it cannot be the batch`,
    { remedy: 'Give an axis of a free size, or export the model with a free batch.' },
  );
}

function isFree(size: number | string | null | undefined): boolean {
  return size !== undefined && typeof size !== 'number';
}

/** What a manifest says of where rows lie. */
interface LookedAt {
  readonly name: string;
  readonly inputs: readonly {
    readonly name: string;
    readonly shape: readonly (number | null)[];
    readonly batchAxis: number | null;
  }[];
  readonly batching?:
    | {
        readonly axes?: { readonly inputs: readonly (number | null)[] } | undefined;
        readonly given?: GivenAxes | undefined;
      }
    | undefined;
}

/**
 * A model that somebody has looked at has its rows where they were found then. To try other axes, it has to
 * be looked at again.
 *
 * @throws InflessError INVALID_INPUT where axes are given that were not tried
 */
export function requireKnownAxes({ name, inputs, batching }: LookedAt, given: GivenAxes): void {
  if (isSame(given, batching?.given)) return;
  const sized = inputs.map(({ name: input, shape, batchAxis }, index) => {
    const known = batchAxis ?? batching?.axes?.inputs[index] ?? null;
    return { name: input, dims: shape, known };
  });
  const other = axesOfInputs(given, sized).findIndex((axis, index) => {
    return axis !== undefined && axis !== sized[index]!.known;
  });
  if (other < 0) return;
  const axis = axesOfInputs(given, sized)[other]!;
  throw new InflessError(
    'INVALID_INPUT',
    `Whether the rows of ${name} lie along axis ${axis} of input "${sized[other]!.name}" was not tried when it was packed`,
    { remedy: `Pack it again with --batch-axis ${sized[other]!.name}=${axis}, or leave the axis out.` },
  );
}

function isSame(a: GivenAxes, b: GivenAxes | undefined): boolean {
  return b !== undefined && axesKey(a) === axesKey(b);
}

/** Tells the same axes from others, in whatever order. */
export function axesKey(given: GivenAxes): string {
  return JSON.stringify(Object.entries(given).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** For the inside of a sentence: `axis 1 of input "x"`. */
export function sayAxes(given: GivenAxes): string {
  return Object.entries(given)
    .map(([name, axis]) => (name === '' ? `axis ${axis}` : `axis ${axis} of input "${name}"`))
    .join(' and ');
}
