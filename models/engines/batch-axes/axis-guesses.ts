import type { Example } from '../../manifest/example.ts';
import type { TensorSpec } from '../../manifest/manifest.ts';
import type { DType } from '../../manifest/tensor.ts';

/** One axis for each input that could count the rows of a batch; null where an input has no such axis. */
export type AxisGuess = readonly (number | null)[];

const BATCH_NAME = /^(n|b|bs|batch|.*batch.*)$/i;

/** Names that an exporter gives to a size of which it knows nothing. */
const ANONYMOUS = /^(\?|none|unk__\d+|.*dynamic_axes_\d+|DynamicDimension\.?\d*|[ds]\d+)?$/i;

/**
 * Which axes may be the batch, most likely first. Candidates are the first axis; an axis whose symbol names
 * a batch, and where there is one, no other; and the only free axis of an input whose first is fixed, if the
 * first axis of another is the batch, as states of recurrent nets have it.
 *
 * Inputs are tied by a symbol that they share. Those with symbols of their own may have other numbers of
 * rows; sizes without a name may be tied to any.
 */
export function axisGuesses(inputs: readonly DeclaredTensor[]): AxisGuess[] {
  const symbols = [...new Set(inputs.flatMap((input) => input.dims.filter(isNamed)))];
  const candidates = symbols
    .filter((symbol) => BATCH_NAME.test(symbol) || inputs.some(({ dims }) => dims[0] === symbol))
    .sort((a, b) => rank(inputs, b) - rank(inputs, a));
  const batches = candidates.filter((symbol) => BATCH_NAME.test(symbol));
  const named = (batches.length > 0 ? batches : candidates).flatMap((symbol) => guessesBy(inputs, symbol));
  const unnamed = inputs.map(({ dims: [first] }) => (isFree(first) && !isNamed(first) ? 0 : null));
  const all = batches.length > 0 ? named : [...named, withStates(inputs, unnamed), unnamed];
  return distinct(all);
}

/** Guesses that tie all inputs, for a model that takes two rows of none of them alone. */
export function tiedGuesses(inputs: readonly DeclaredTensor[]): AxisGuess[] {
  const first = inputs.map(({ dims }) => (isFree(dims[0]) ? 0 : null));
  return distinct([withStates(inputs, first), first]);
}

/**
 * Guesses that have the batch where the user says it is. Inputs of which nothing is said are tied by a symbol
 * or have it in a first axis without a name, or else they have none.
 *
 * @param given for each input
 */
export function givenGuesses(
  inputs: readonly DeclaredTensor[],
  given: readonly (number | undefined)[],
): AxisGuess[] {
  const symbols = inputs.flatMap(({ dims }, index) => dims[given[index] ?? -1] ?? []).filter(isNamed);
  const tied = inputs.map(({ dims }, index) => {
    if (given[index] !== undefined) return given[index];
    const axis = dims.findIndex((dim) => isNamed(dim) && symbols.includes(dim));
    if (axis >= 0) return axis;
    return isFree(dims[0]) && !isNamed(dims[0]) ? 0 : null;
  });
  return distinct([withStates(inputs, tied), tied, given.map((axis) => axis ?? null)]);
}

/** With and without the states of recurrent nets. */
function guessesBy(inputs: readonly DeclaredTensor[], symbol: string): AxisGuess[] {
  const axes = inputs.map(({ dims }) => {
    const axis = dims.indexOf(symbol);
    if (axis >= 0) return axis;
    return isFree(dims[0]) && !isNamed(dims[0]!) ? 0 : null;
  });
  return [withStates(inputs, axes), axes];
}

/** An input whose first axis is fixed has the batch where it alone is free. */
function withStates(inputs: readonly DeclaredTensor[], axes: AxisGuess): AxisGuess {
  if (!axes.includes(0)) return axes;
  return inputs.map(({ dims }, index) => {
    const free = [...dims.keys()].filter((axis) => isFree(dims[axis]));
    return axes[index] ?? (free.length === 1 && free[0] !== 0 ? free[0]! : null);
  });
}

function isFree(dim: number | string | undefined): dim is string {
  return typeof dim === 'string';
}

function isNamed(dim: number | string): dim is string {
  return isFree(dim) && !ANONYMOUS.test(dim);
}

function rank(inputs: readonly DeclaredTensor[], symbol: string): number {
  const leads = inputs.every(({ dims }) => dims.indexOf(symbol) <= 0);
  return (BATCH_NAME.test(symbol) ? 2 : 0) + (leads ? 1 : 0);
}

function distinct(guesses: readonly AxisGuess[]): AxisGuess[] {
  const batched = guesses.filter((guess) => guess.some((axis) => axis !== null));
  return batched.filter((guess, index) => batched.findIndex((each) => isSameGuess(each, guess)) === index);
}

export function isSameGuess(a: AxisGuess, b: AxisGuess): boolean {
  return a.every((axis, index) => axis === b[index]);
}

/** A tensor's specification when its batch axis is taken to be `axis`. */
export function specOf(tensor: DeclaredTensor, axis: number | null): TensorSpec {
  return {
    name: tensor.name,
    dtype: tensor.dtype,
    shape: tensor.dims.map((dim) => (typeof dim === 'number' ? dim : null)),
    batchAxis: axis,
    ...(tensor.example === undefined ? {} : { example: tensor.example }),
  };
}

/** The axis of an output that carries the symbol of the inputs' batch axis, else its free first axis. */
export function declaredOutputAxis(
  output: DeclaredTensor,
  inputs: readonly DeclaredTensor[],
  guess: AxisGuess,
): number | null {
  for (const [index, input] of inputs.entries()) {
    const axis = guess[index];
    const symbol = axis == null ? undefined : input.dims[axis];
    if (typeof symbol === 'string' && symbol !== '' && output.dims.includes(symbol))
      return output.dims.indexOf(symbol);
  }
  return typeof output.dims[0] === 'string' ? 0 : null;
}

/** A tensor as a model declares it: a free dimension is its symbol, which may be empty. */
export interface DeclaredTensor {
  readonly name: string;
  readonly dtype: DType;
  readonly dims: readonly (number | string)[];
  /** Of an input: what requests are made up like. */
  readonly example?: Example | undefined;
}
