import { type Clock, systemClock } from '../../base/clock.ts';
import { InflessError, messageOf } from '../../base/errors.ts';
import {
  type Example,
  exampleOf,
  namedShapes,
  type RequestLike,
  type Sample,
} from '../../manifest/example.ts';
import { generateInputs } from '../../manifest/inputs.ts';
import type { TensorSpec } from '../../manifest/manifest.ts';
import type { NamedTensors } from '../../manifest/tensor.ts';
import { axisGuesses, type DeclaredTensor, specOf } from '../batch-axes/axis-guesses.ts';
import type { InputHints } from './hints.ts';
import { FIRST, ladder, type Rung } from './ladder.ts';

/** How long sizes and values are tried; what runs already is not ended. */
const PATIENCE_MS = 10_000;

/** What inputs are made up from, and what tells whether the model takes them. */
export interface ExampleSearch {
  readonly name: string;
  readonly hints: InputHints;
  readonly like?: RequestLike | undefined;
  readonly run: (feeds: NamedTensors) => Promise<unknown>;
  readonly clock?: Clock | undefined;
}

/**
 * Finds what requests to a model can be made up like: as the user has said, as its graph tells, and where it
 * then does not run, by trying other sizes and smaller numbers for some seconds. Where nothing runs, the
 * inputs come back with what is known of them.
 *
 * @throws InflessError INVALID_INPUT for a sample that the model does not take, or shapes that it has not
 */
export async function withExamples(
  inputs: readonly DeclaredTensor[],
  search: ExampleSearch,
): Promise<DeclaredTensor[]> {
  const shapes = namedShapes(search.like?.shapes, inputs);
  const told = inputs.map((input) => toldExample(input, shapes, search.hints));
  checkShapes(inputs, shapes, search.name);
  const sample = search.like?.sample;
  if (sample !== undefined) return withSample(inputs, told, sample, search);
  return climb(inputs, told, search);
}

/** What is known without running anything. */
function toldExample({ name, dims }: DeclaredTensor, shapes: Shapes, hints: InputHints): Example {
  const { below, sizes = {} } = hints.get(name) ?? {};
  const given = Object.hasOwn(shapes, name) ? shapes[name] : undefined;
  const graph = graphShape(dims, sizes);
  return {
    ...(below === undefined ? {} : { below }),
    ...(given !== undefined
      ? { shape: [...given], shapeFrom: 'given' as const }
      : graph === undefined
        ? {}
        : { shape: graph, shapeFrom: 'graph' as const }),
  };
}

/** A shape whose sizes the graph tells, but for a first one, which is the batch. */
function graphShape(
  dims: DeclaredTensor['dims'],
  sizes: Readonly<Record<number, number>>,
): number[] | undefined {
  const shape = dims.map((dim, axis) =>
    typeof dim === 'number' ? dim : (sizes[axis] ?? (axis === 0 ? 1 : null)),
  );
  const isTold = dims.some((dim, axis) => axis > 0 && typeof dim === 'string');
  return isTold && shape.every((size) => size !== null) ? shape : undefined;
}

async function withSample(
  inputs: readonly DeclaredTensor[],
  told: readonly Example[],
  sample: Sample,
  { name, run }: ExampleSearch,
): Promise<DeclaredTensor[]> {
  const tensors = sample.read(
    inputs.map(({ name: input, dtype, dims }) => ({ name: input, dtype, rank: dims.length })),
  );
  const like = inputs.map((input, index) => ({
    ...input,
    example: { ...told[index], ...exampleOf(tensors[input.name]!) },
  }));
  const feeds = generateInputs({ name, inputs: hypothesis(like) }, { batch: 1 });
  try {
    await run(feeds);
  } catch (error) {
    const reason = error instanceof InflessError ? error.message : messageOf(error);
    throw new InflessError('INVALID_INPUT', `${sample.title} does not run (${reason})`, {
      remedy: 'Give a request that the model takes.',
      cause: error,
    });
  }
  return like;
}

type Shapes = ReturnType<typeof namedShapes>;

/** @throws InflessError INVALID_INPUT */
function checkShapes(inputs: readonly DeclaredTensor[], shapes: Shapes, name: string): void {
  if (Object.keys(shapes).length > 0)
    generateInputs({ name, inputs: hypothesis(inputs) }, { batch: 1, shapes });
}

async function climb(
  inputs: readonly DeclaredTensor[],
  told: readonly Example[],
  { name, run, clock = systemClock }: ExampleSearch,
): Promise<DeclaredTensor[]> {
  const start = clock.nowMs();
  const known = inputs.map((input, index) => ({ ...input, ...present(told[index]!) }));
  const specs = hypothesis(known);
  const open = {
    sides: specs.some((spec) => isOpen(spec) && spec.shape.length >= 4),
    lengths: specs.some((spec) => isOpen(spec) && spec.shape.length < 4),
    integers: specs.some((spec) => isInteger(spec) && spec.example?.below === undefined),
  };
  if (!open.sides && !open.lengths && !open.integers) return known;
  for (const rung of ladder(open)) {
    if (rung !== FIRST && clock.nowMs() - start > PATIENCE_MS) break;
    const tried = inputs.map((input, index) => ({
      ...input,
      ...present(atRung(input, specs[index]!, rung)),
    }));
    if (await runs(run, () => generateInputs({ name, inputs: hypothesis(tried) }, { batch: 1 }))) {
      return rung === FIRST ? known : tried;
    }
  }
  return known;
}

async function runs(run: ExampleSearch['run'], feeds: () => NamedTensors): Promise<boolean> {
  try {
    await run(feeds());
    return true;
  } catch {
    return false; // what runs is what is being looked for
  }
}

/** The inputs with the batch where it most likely is. */
function hypothesis(inputs: readonly DeclaredTensor[]): TensorSpec[] {
  const [guess] = axisGuesses(inputs);
  return inputs.map((input, index) => specOf(input, guess?.[index] ?? null));
}

/** Whether sizes can be chosen for it. */
function isOpen({ shape, batchAxis, example }: TensorSpec): boolean {
  if (example?.shape !== undefined) return false;
  return shape.some((size, axis) => size === null && axis !== (batchAxis ?? 0));
}

function isInteger({ dtype }: TensorSpec): boolean {
  return /^u?int(8|16|32|64)$/.test(dtype);
}

function atRung({ dims }: DeclaredTensor, spec: TensorSpec, { side, length, below }: Rung): Example {
  const told = spec.example ?? {};
  const size = dims.length >= 4 ? side : length;
  const shape = dims.map((dim, axis) => {
    if (typeof dim === 'number') return dim;
    return axis === (spec.batchAxis ?? 0) ? 1 : sumOf(dim, size);
  });
  return {
    ...told,
    ...(isOpen(spec) ? { shape, shapeFrom: 'tried' as const } : {}),
    ...(below !== undefined && isInteger(spec) && told.below === undefined ? { below } : {}),
  };
}

/** Exporters name a size that is the sum of others, or one more: `past_length + length`, `length + 1`. */
function sumOf(dim: string, size: number): number {
  const terms = dim.split('+').map((term) => term.trim());
  return terms.reduce((sum, term) => sum + (/^\d+$/.test(term) ? Number(term) : size), 0);
}

function present(example: Example): { readonly example?: Example } {
  return Object.keys(example).length === 0 ? {} : { example };
}
