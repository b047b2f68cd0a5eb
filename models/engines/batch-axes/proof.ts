import type { ModelManifest } from '../../manifest/manifest.ts';
import { sliceRows } from '../../manifest/stacking.ts';
import type { NamedTensors, Tensor } from '../../manifest/tensor.ts';
import type { GraphEvidence } from './evidence.ts';
import { nudged } from './probe-rows.ts';
import { saysSomething, Tolerance } from './tolerance.ts';

export type Run = (feeds: NamedTensors) => Promise<NamedTensors>;

/** Rows that ran together, by their places among the probes, and what came out. */
export interface Company {
  readonly places: readonly number[];
  readonly outputs: NamedTensors;
}

/** Probes of a model, each asked alone and beside others. */
export interface Probes {
  readonly manifest: ModelManifest;
  readonly rows: readonly NamedTensors[];
  /** Undefined where a row does not run: what is made up may be nothing that the model takes. */
  readonly alone: readonly (NamedTensors | undefined)[];
  readonly companies: readonly Company[];
}

/** What the probes show of one output: where its rows lie, or why it has none that could be told apart. */
export type Finding =
  | { readonly axis: number; readonly verdict: 'independent' | 'silent' }
  | { readonly axis: number | null; readonly verdict: 'dependent'; readonly why: string };

/** Fewer rows that say something prove nothing. */
const ENOUGH = 2;

/** Rounding of another kernel is taken to be of this size at most, relative to what goes in. */
const ROUNDING = 1e-6;
/** Whole numbers, flags and texts may be another where their scores are as good as the same. */
const NEAR_TIE = 1e-4;
const NEAR_TIE_DRAWS = 4;
/** How many times what rounding does to a row alone may be off beside others. */
const AMPLE = 10;

/**
 * Looks for the rows of an output: the one axis that is as long as there are rows, and along which each row
 * is what it is alone, beside any others and at any place.
 */
export async function findRows(
  output: string,
  probes: Probes,
  evidence: GraphEvidence,
  run: Run,
): Promise<Finding> {
  const axis = axisOfRows(output, probes);
  if (axis === null || evidence.isCounted(output, axis)) {
    return { axis: null, verdict: 'dependent', why: `output "${output}" has no axis of rows` };
  }
  const alone = probes.alone.flatMap((each) => (each === undefined ? [] : [each[output]!]));
  const exactness = { precision: evidence.precision, step: evidence.stepOf(output) };
  const tolerance = new Tolerance(alone, exactness);
  let telling = 0;
  for (const [place, lone] of probes.alone.entries()) {
    const wanted = lone?.[output];
    if (wanted === undefined || !saysSomething(wanted)) continue;
    const worst = new Float64Array(wanted.data.length);
    for (const { places, outputs } of probes.companies) {
      const at = places.indexOf(place);
      if (at < 0) continue;
      const distances = tolerance.distances(sliceRows(outputs[output]!, axis, at, at + 1), wanted);
      for (const [index, distance] of distances.entries()) worst[index] = Math.max(worst[index]!, distance);
    }
    if (worst.every((distance) => distance <= 1)) telling += 1;
    else if (!(await isFickle(output, place, wanted, worst, tolerance, probes, run))) {
      return {
        axis,
        verdict: 'dependent',
        why: `a row of output "${output}" is another beside other rows than alone`,
      };
    }
  }
  const isProven = telling >= ENOUGH || (await isRandom(output, probes, tolerance, run));
  return { axis, verdict: isProven ? 'independent' : 'silent' };
}

/** The axis that is 1 for each row alone, and as long as there are rows for all companies; others agree. */
function axisOfRows(output: string, { alone, companies }: Probes): number | null {
  let found: number | null = null;
  for (const { places, outputs } of companies) {
    const { shape } = outputs[output]!;
    const one = alone[places[0]!]![output]!.shape;
    if (shape.length !== one.length) return null;
    const [axis, ...others] = [...shape.keys()].filter((index) => shape[index] !== one[index]);
    if (axis === undefined || others.length > 0) return null;
    if (one[axis] !== 1 || shape[axis] !== places.length || axis !== (found ?? axis)) return null;
    found = axis;
  }
  return found;
}

/**
 * Whether the row alone is off as far as it is beside others, when what goes in is off by rounding: a model
 * that answers at random, or in leaps at this very place. Then the row proves nothing.
 */
async function isFickle(
  output: string,
  place: number,
  wanted: Tensor,
  worst: Float64Array,
  tolerance: Tolerance,
  { manifest, rows }: Probes,
  run: Run,
): Promise<boolean> {
  const isExact = !wanted.dtype.startsWith('float');
  const reached = new Float64Array(worst.length);
  for (let draw = 0; draw < (isExact ? NEAR_TIE_DRAWS : 1); draw += 1) {
    const by = isExact ? NEAR_TIE : ROUNDING;
    const again = await attempt(run, nudged(manifest, rows[place]!, by, draw));
    const answer = again?.[output];
    if (answer === undefined || answer.data.length !== wanted.data.length) continue;
    for (const [index, distance] of tolerance.distances(answer, wanted).entries()) {
      reached[index] = Math.max(reached[index]!, distance);
    }
  }
  if (isExact) return worst.every((distance, index) => distance <= 1 || reached[index]! > 1);
  return largest(worst) <= AMPLE * largest(reached);
}

/** Values of a model that answers differently each time prove nothing; its shapes then have to do. */
async function isRandom(output: string, { alone, rows }: Probes, tolerance: Tolerance, run: Run) {
  const place = alone.findIndex((each) => each !== undefined);
  const again = await attempt(run, rows[place]!);
  return again !== undefined && largest(tolerance.distances(again[output]!, alone[place]![output]!)) > 1;
}

function largest(distances: Float64Array): number {
  return distances.reduce((most, each) => Math.max(most, each), 0);
}

export async function attempt(run: Run, feeds: NamedTensors): Promise<NamedTensors | undefined> {
  try {
    return await run(feeds);
  } catch {
    return undefined; // the guess is what is being tested: that it fails is the answer
  }
}
