import { generateInputs } from '../../manifest/inputs.ts';
import type { ModelManifest, TensorSpec } from '../../manifest/manifest.ts';
import { sliceRows } from '../../manifest/stacking.ts';
import type { NamedTensors } from '../../manifest/tensor.ts';
import {
  type AxisGuess,
  axisGuesses,
  type DeclaredTensor,
  declaredOutputAxis,
  specOf,
} from './axis-guesses.ts';
import type { GraphEvidence } from './evidence.ts';
import { closeTo, grownAxis, type ProbeOutputs, rowsIndependent } from './proof.ts';

type Identity = Pick<ModelManifest, 'name' | 'format' | 'digest' | 'graphDigest' | 'sizeBytes'>;
type Run = (feeds: NamedTensors) => Promise<NamedTensors>;

/** The tensors that a model declares. */
export interface Declaration {
  readonly inputs: readonly DeclaredTensor[];
  readonly outputs: readonly DeclaredTensor[];
}

/** What trying one guess showed: nothing ran, one row ran, or two rows ran and these outputs carry them. */
type Trial =
  | { readonly ran: 'nothing' }
  | { readonly ran: 'one'; readonly one: NamedTensors }
  | { readonly ran: 'two'; readonly one: NamedTensors; readonly axes: readonly (number | null)[] };

/**
 * Finds the batch axis of every tensor. The declaration is not believed but tried: two generated rows run
 * alone and together, and only an output that gives the same two rows along one axis has a batch axis there,
 * unless the graph shows that this axis counts values.
 *
 * A model that takes one row and fails with two has a fixed batch, whatever it declares. Where generated rows
 * cannot run at all (a free dimension without a sensible default), the declaration is all there is.
 */
export async function findBatchAxes(
  identity: Identity,
  declaration: Declaration,
  run: Run,
  evidence: GraphEvidence,
): Promise<ModelManifest> {
  const { inputs, outputs } = declaration;
  const guesses = axisGuesses(inputs);
  const trials: { guess: AxisGuess; trial: Trial }[] = [];
  for (const guess of guesses) {
    const trial = await tryGuess(declaredManifest(identity, declaration, guess, evidence), run, evidence);
    trials.push({ guess, trial });
    if (proven(trial) === outputs.length) break;
  }
  const best = trials.reduce<(typeof trials)[number] | undefined>(
    (winner, next) => (proven(next.trial) > proven(winner?.trial) ? next : winner),
    undefined,
  );
  if (best?.trial.ran === 'two') {
    const { one, axes } = best.trial;
    return {
      ...identity,
      inputs: inputs.map((input, index) => specOf(input, best.guess[index]!)),
      outputs: outputs.map((output, index) => observedOutput(output, axes[index]!, one)),
    };
  }
  for (const { guess, trial } of trials) {
    if (trial.ran !== 'nothing') return unbatchedManifest(identity, declaration, guess, trial);
  }
  return declaredManifest(identity, declaration, guesses[0] ?? inputs.map(() => null), evidence);
}

function proven(trial: Trial | undefined): number {
  return trial?.ran === 'two' ? trial.axes.filter((axis) => axis !== null).length : 0;
}

async function tryGuess(hypothesis: ModelManifest, run: Run, evidence: GraphEvidence): Promise<Trial> {
  const pair = generateInputs(hypothesis, { batch: 2 });
  const a = await attempt(run, rowOf(hypothesis, pair, 0));
  if (a === undefined) return { ran: 'nothing' };
  const both = await attempt(run, pair);
  const b = both === undefined ? undefined : await attempt(run, rowOf(hypothesis, pair, 1));
  if (both === undefined || b === undefined) return { ran: 'one', one: a };
  const axes: (number | null)[] = [];
  for (const { name } of hypothesis.outputs) {
    const probe: ProbeOutputs = { a: a[name]!, b: b[name]!, both: both[name]! };
    const axis = grownAxis(probe);
    const independent =
      axis !== null &&
      !evidence.isCounted(name, axis) &&
      (rowsIndependent(probe, axis) || (await isRandom(name, rowOf(hypothesis, pair, 0), a, run)));
    axes.push(independent ? axis : null);
  }
  return { ran: 'two', one: a, axes };
}

/** Values of a model that answers differently each time prove nothing; its shapes then have to do. */
async function isRandom(
  output: string,
  feeds: NamedTensors,
  first: NamedTensors,
  run: Run,
): Promise<boolean> {
  const again = await attempt(run, feeds);
  return again !== undefined && !closeTo(again[output]!, first[output]!);
}

async function attempt(run: Run, feeds: NamedTensors): Promise<NamedTensors | undefined> {
  try {
    return await run(feeds);
  } catch {
    return undefined; // the guess is what is being tested: that it fails is the answer
  }
}

function rowOf(manifest: ModelManifest, feeds: NamedTensors, row: number): NamedTensors {
  return Object.fromEntries(
    manifest.inputs.map(({ name, batchAxis }) => {
      const tensor = feeds[name]!;
      return [name, batchAxis === null ? tensor : sliceRows(tensor, batchAxis, row, row + 1)];
    }),
  );
}

function declaredManifest(
  identity: Identity,
  { inputs, outputs }: Declaration,
  guess: AxisGuess,
  evidence: GraphEvidence,
): ModelManifest {
  const batched = guess.some((axis) => axis !== null);
  return {
    ...identity,
    inputs: inputs.map((input, index) => specOf(input, guess[index]!)),
    outputs: outputs.map((output) => {
      const axis = batched ? declaredOutputAxis(output, inputs, guess) : null;
      return specOf(output, axis === null || evidence.isCounted(output.name, axis) ? null : axis);
    }),
  };
}

/** The model ran, but not as a batch. If it failed with two rows, the size of its batch is one. */
function unbatchedManifest(
  identity: Identity,
  { inputs, outputs }: Declaration,
  guess: AxisGuess,
  trial: Exclude<Trial, { ran: 'nothing' }>,
): ModelManifest {
  const single = (spec: TensorSpec, axis: number | null): TensorSpec =>
    trial.ran === 'one' && axis !== null ? { ...spec, shape: spec.shape.with(axis, 1) } : spec;
  return {
    ...identity,
    inputs: inputs.map((input, index) => single(specOf(input, null), guess[index]!)),
    outputs: outputs.map((output) => observedOutput(output, null, trial.one)),
  };
}

/** An output's shape as far as declaration and observation agree. */
function observedOutput(output: DeclaredTensor, axis: number | null, one: NamedTensors): TensorSpec {
  return {
    name: output.name,
    dtype: output.dtype,
    shape: one[output.name]!.shape.map((size, index) =>
      index !== axis && output.dims[index] === size ? size : null,
    ),
    batchAxis: axis,
  };
}
