import { messageOf } from '../../base/errors.ts';
import { axesOfInputs, type GivenAxes, sayAxes } from '../../manifest/batch-axis.ts';
import type { Batching, ModelManifest, TensorSpec } from '../../manifest/manifest.ts';
import type { NamedTensors } from '../../manifest/tensor.ts';
import {
  type AxisGuess,
  axisGuesses,
  type DeclaredTensor,
  declaredOutputAxis,
  givenGuesses,
  isSameGuess,
  specOf,
  tiedGuesses,
} from './axis-guesses.ts';
import type { GraphEvidence } from './evidence.ts';
import { probeRows, together } from './probe-rows.ts';
import { attempt, type Company, type Finding, findRows, type Probes, type Run } from './proof.ts';

type Identity = Omit<ModelManifest, 'inputs' | 'outputs' | 'batching'>;

/** The tensors that a model declares. */
export interface Declaration {
  readonly inputs: readonly DeclaredTensor[];
  readonly outputs: readonly DeclaredTensor[];
}

/** What trying one guess showed: no row ran, rows ran alone only, or together, too. */
type Trial =
  | { readonly ran: 'nothing'; readonly why: string }
  | { readonly ran: 'alone'; readonly one: NamedTensors; readonly why: string }
  | { readonly ran: 'together'; readonly one: NamedTensors; readonly findings: readonly Finding[] };

interface Tried {
  readonly guess: AxisGuess;
  readonly trial: Trial;
}

/** Which probes run together: each beside several others, and at several places. Plain ones come first. */
const COMPANIES = [
  [0, 1],
  [2, 0],
  [4, 3, 1, 0],
];

/**
 * Finds the batch axis of every tensor. The declaration is not believed but tried: rows as unlike as can be
 * run alone and together, and only an output in which each is the same in any company has a batch axis,
 * unless the graph shows that this axis counts values, or that its rows are mixed after all.
 *
 * A model that takes one row and fails with two has a fixed batch, whatever it declares. Where made-up rows
 * cannot run at all (a free dimension without a sensible default), the declaration is all there is.
 *
 * @param given axes that the user gives: they are tried, and no others
 * @throws InflessError INVALID_INPUT for such an axis that there is not
 */
export async function findBatchAxes(
  identity: Identity,
  declaration: Declaration,
  run: Run,
  evidence: GraphEvidence,
  given?: GivenAxes,
): Promise<ModelManifest> {
  if (given === undefined) return findAmong(undefined, identity, declaration, run, evidence);
  const { inputs } = declaration;
  const guesses = givenGuesses(inputs, axesOfInputs(given, inputs));
  const found = await findAmong(guesses, identity, declaration, run, evidence);
  const batching = found.batching!;
  const reason = batching.state === 'refuted' ? `along ${sayAxes(given)}, as given, ` : '';
  return { ...found, batching: { ...batching, reason: `${reason}${batching.reason}`, given } };
}

/** @param only the guesses that are tried; default: all that the declaration suggests */
async function findAmong(
  only: readonly AxisGuess[] | undefined,
  identity: Identity,
  declaration: Declaration,
  run: Run,
  evidence: GraphEvidence,
): Promise<ModelManifest> {
  const { inputs, outputs } = declaration;
  const guesses = only ?? axisGuesses(inputs);
  const tried = await tryGuesses(identity, declaration, guesses, run, evidence);
  if (only === undefined && !tried.some(({ trial }) => trial.ran === 'together')) {
    const tied = tiedGuesses(inputs).filter((guess) => !guesses.some((each) => isSameGuess(each, guess)));
    tried.push(...(await tryGuesses(identity, declaration, tied, run, evidence)));
  }
  const best = tried.reduce<Tried | undefined>(
    (winner, next) => (rows(next.trial) > rows(winner?.trial) ? next : winner),
    undefined,
  );
  if (best?.trial.ran === 'together') {
    return judged(identity, declaration, best.guess, best.trial, evidence);
  }
  for (const { guess, trial } of tried) {
    if (trial.ran === 'alone') return singleRow(identity, declaration, guess, trial);
  }
  const [first] = tried;
  if (first?.trial.ran === 'nothing') {
    return declaredOnly(identity, declaration, first.guess, first.trial.why, evidence);
  }
  return {
    ...identity,
    inputs: inputs.map((input) => specOf(input, null)),
    outputs: outputs.map((output) => specOf(output, null)),
    batching: { state: 'refuted', reason: 'no input has a free axis that can be the batch' },
  };
}

async function tryGuesses(
  identity: Identity,
  declaration: Declaration,
  guesses: readonly AxisGuess[],
  run: Run,
  evidence: GraphEvidence,
): Promise<Tried[]> {
  const tried: Tried[] = [];
  for (const guess of guesses) {
    const trial = await tryGuess(hypothesis(identity, declaration, guess), run, evidence);
    tried.push({ guess, trial });
    if (rows(trial) === declaration.outputs.length) break;
  }
  return tried;
}

/** How many outputs have rows that no trial could tell from independent ones. */
function rows(trial: Trial | undefined): number {
  if (trial?.ran !== 'together') return -1;
  return trial.findings.filter(({ verdict }) => verdict !== 'dependent').length;
}

async function tryGuess(manifest: ModelManifest, run: Run, evidence: GraphEvidence): Promise<Trial> {
  const probes = probeRows(manifest, evidence.countsValues);
  const alone: (NamedTensors | undefined)[] = [];
  let failure: unknown;
  for (const [place, row] of probes.entries()) {
    const answer = await run(row).catch((error: unknown) => {
      failure ??= error;
      return undefined;
    });
    if (answer === undefined && place === 0) return { ran: 'nothing', why: sentenceOf(failure) };
    alone.push(answer);
  }
  const one = alone[0]!;
  const companies: Company[] = [];
  for (const company of COMPANIES) {
    const places = company.filter((place) => alone[place] !== undefined);
    if (places.length < 2) continue;
    const feeds = together(
      manifest,
      places.map((place) => probes[place]!),
    );
    const results = await attempt(run, feeds);
    if (results === undefined) {
      if (companies.length === 0) return { ran: 'alone', one, why: `it does not take ${places.length} rows` };
      const why = 'rows that run alone do not all run together';
      return { ran: 'together', one, findings: allDependent(manifest, why) };
    }
    companies.push({ places, outputs: results });
  }
  if (companies.length === 0) return { ran: 'nothing', why: sentenceOf(failure) };
  const seen: Probes = { manifest, rows: probes, alone, companies };
  const findings: Finding[] = [];
  for (const { name } of manifest.outputs) findings.push(await findRows(name, seen, evidence, run));
  return { ran: 'together', one, findings };
}

function allDependent({ outputs }: ModelManifest, why: string): Finding[] {
  return outputs.map(() => ({ axis: null, verdict: 'dependent', why }));
}

/** What is known of a model whose rows ran together. */
function judged(
  identity: Identity,
  { inputs, outputs }: Declaration,
  guess: AxisGuess,
  { one, findings }: Extract<Trial, { ran: 'together' }>,
  evidence: GraphEvidence,
): ModelManifest {
  const axes = {
    inputs: [...guess],
    outputs: outputs.map((output, index) => {
      return findings[index]!.axis ?? declaredRows(output, inputs, guess, evidence);
    }),
  };
  const isWhole = axes.outputs.every((axis) => axis !== null);
  const mixing = outputs.flatMap(({ name }) => evidence.mixing(guess, name) ?? [])[0];
  const dependent = findings.find((finding) => finding.verdict === 'dependent');
  const reason = dependent?.why ?? mixing;
  const isSilent = findings.some(({ verdict }) => verdict === 'silent');
  const batching: Batching =
    reason !== undefined
      ? { state: 'refuted', reason, ...(isWhole ? { axes } : {}) }
      : isSilent
        ? { state: 'declared', reason: 'answers to made-up rows say nothing', axes }
        : { state: 'proven', reason: PROVEN };
  const isProven = batching.state === 'proven';
  const { precision } = evidence;
  return {
    ...identity,
    inputs: inputs.map((input, index) => specOf(input, isProven ? guess[index]! : null)),
    outputs: outputs.map((output, index) => {
      const { axis, verdict } = findings[index]!;
      const hasRows =
        isProven || (verdict === 'independent' && evidence.mixing(guess, output.name) === undefined);
      return observedOutput(output, hasRows ? axis : null, one);
    }),
    batching: { ...batching, ...(precision === 'single' ? {} : { precision }) },
  };
}

const PROVEN = 'each of several unlike rows got the same answer alone and beside others';

/** The model ran, but not as a batch: the size of its batch is one. */
function singleRow(
  identity: Identity,
  { inputs, outputs }: Declaration,
  guess: AxisGuess,
  { one, why }: Extract<Trial, { ran: 'alone' }>,
): ModelManifest {
  const single = (spec: TensorSpec, axis: number | null): TensorSpec =>
    axis === null ? spec : { ...spec, shape: spec.shape.with(axis, 1) };
  return {
    ...identity,
    inputs: inputs.map((input, index) => single(specOf(input, null), guess[index]!)),
    outputs: outputs.map((output) => observedOutput(output, null, one)),
    batching: { state: 'refuted', reason: why },
  };
}

/** Nothing made up could run. */
function declaredOnly(
  identity: Identity,
  { inputs, outputs }: Declaration,
  guess: AxisGuess,
  why: string,
  evidence: GraphEvidence,
): ModelManifest {
  const axes = {
    inputs: [...guess],
    outputs: outputs.map((output) => declaredRows(output, inputs, guess, evidence)),
  };
  const isWhole = axes.outputs.every((axis) => axis !== null);
  const mixing = outputs.flatMap(({ name }) => evidence.mixing(guess, name) ?? [])[0];
  const reason = mixing ?? `made-up inputs do not run (${why})`;
  return {
    ...identity,
    inputs: inputs.map((input) => specOf(input, null)),
    outputs: outputs.map((output) => specOf(output, null)),
    batching: {
      state: mixing === undefined && isWhole ? 'declared' : 'refuted',
      reason: isWhole ? reason : 'an output has no axis of rows',
      ...(isWhole ? { axes } : {}),
    },
  };
}

/** Where the declaration has the rows of an output, if it is not the axis of something counted. */
function declaredRows(
  output: DeclaredTensor,
  inputs: readonly DeclaredTensor[],
  guess: AxisGuess,
  evidence: GraphEvidence,
): number | null {
  const axis = declaredOutputAxis(output, inputs, guess);
  return axis === null || evidence.isCounted(output.name, axis) ? null : axis;
}

function hypothesis(identity: Identity, { inputs, outputs }: Declaration, guess: AxisGuess): ModelManifest {
  return {
    ...identity,
    inputs: inputs.map((input, index) => specOf(input, guess[index]!)),
    outputs: outputs.map((output) => specOf(output, null)),
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

/** For the inside of another sentence. */
function sentenceOf(error: unknown): string {
  return messageOf(error).replace(/\.+$/, '');
}
