import type { Example } from '../../manifest/example.ts';
import type { TensorSpec } from '../../manifest/manifest.ts';
import type { DType } from '../../manifest/tensor.ts';

/** One axis for each input that could count the rows of a batch; null where an input has no such axis. */
export type AxisGuess = readonly (number | null)[];

const BATCH_NAME = /^(n|b|bs|batch|.*batch.*)$/i;

/**
 * Which axes may be the batch, most likely first: a symbol that names itself batch, one that leads every
 * input, one that every input has, and finally the first axes (or an input's only free one) whatever they are
 * called.
 */
export function axisGuesses(inputs: readonly DeclaredTensor[]): AxisGuess[] {
  const symbols = [...new Set(inputs.flatMap((input) => input.dims.filter(isSymbol)))];
  const ranked = symbols
    .map((symbol) => ({ symbol, axes: inputs.map((input) => axisOf(input, symbol)) }))
    .filter(({ axes }) => sharedByVarying(inputs, axes))
    .sort((a, b) => rank(b) - rank(a))
    .map(({ axes }) => axes);
  const unnamed = inputs.map(unnamedAxis);
  const guesses = unnamed.some((axis) => axis !== null) ? [...ranked, unnamed] : ranked;
  return guesses.filter((guess, index) => guesses.findIndex((other) => sameAxes(other, guess)) === index);
}

function isSymbol(dim: number | string): dim is string {
  return typeof dim === 'string' && dim !== '';
}

function axisOf(input: DeclaredTensor, symbol: string): number | null {
  const axis = input.dims.indexOf(symbol);
  return axis < 0 ? null : axis;
}

function unnamedAxis(input: DeclaredTensor): number | null {
  const free = [...input.dims.keys()].filter((axis) => typeof input.dims[axis] === 'string');
  return free[0] === 0 || free.length === 1 ? free[0]! : null;
}

/** An input whose shape is fixed cannot tell; every other one must have the axis. */
function sharedByVarying(inputs: readonly DeclaredTensor[], axes: AxisGuess): boolean {
  return inputs.every(
    (input, index) => axes[index] !== null || input.dims.every((dim) => typeof dim === 'number'),
  );
}

function rank({ symbol, axes }: { symbol: string; axes: AxisGuess }): number {
  return (BATCH_NAME.test(symbol) ? 2 : 0) + (axes.every((axis) => axis === 0 || axis === null) ? 1 : 0);
}

function sameAxes(a: AxisGuess, b: AxisGuess): boolean {
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
