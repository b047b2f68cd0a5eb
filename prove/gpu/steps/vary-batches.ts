import { seededRandom } from '../../../models/base/random.ts';
import { formatDuration } from '../../../models/base/units.ts';
import { generateInputs } from '../../../models/inputs.ts';
import { createSession, runSession } from '../../../models/onnx/session.ts';
import { resolveModel } from '../../../models/open.ts';
import type { NamedTensors } from '../../../models/tensor.ts';
import { firstCard } from '../absence.ts';
import type { Step } from '../step.ts';

const BATCH = 8;
const THREADING = { threads: 4, spinning: false };
const WARM_UP_RUNS = 5;

interface Timed {
  readonly batch: number;
  readonly ms: number;
}

/** Step d: the same batch over and over, two sizes in turn, sizes at random; a session of its own for each pattern. */
export const varyBatches: Step = async ({ doing, record, size }) => {
  const card = await firstCard(doing);
  if ('verdict' in card) return card.verdict;
  const random = seededRandom(1);
  const patterns: Readonly<Record<string, (run: number) => number>> = {
    same: () => BATCH,
    alternating: (run) => (run % 2 === 0 ? BATCH : 1),
    random: () => 1 + Math.floor(random() * BATCH),
  };
  const model = await resolveModel(size.model);
  const feedsOf = memoized((batch) => generateInputs(model.manifest, { batch, seed: 1 }));
  const figures: Record<string, ReturnType<typeof summaryOf>> = {};
  for (const [name, batchOf] of Object.entries(patterns)) {
    doing(`opening a session for the pattern "${name}"`);
    const { runtime, session } = await createSession(model.path, THREADING, { gpuPercent: 100 });
    const runs: Timed[] = [];
    try {
      doing(`running the pattern "${name}"`);
      for (let run = 0; run < size.runs; run += 1) {
        const batch = batchOf(run);
        const begin = performance.now();
        await runSession(runtime, session, model.manifest.name, feedsOf(batch));
        runs.push({ batch, ms: performance.now() - begin });
      }
    } finally {
      await session.release();
    }
    figures[name] = summaryOf(runs);
    record({
      [name]: { ...figures[name], runs: runs.map(({ batch, ms }) => [batch, Math.round(ms * 1000) / 1000]) },
    });
  }
  const same = figures.same!;
  const text = Object.entries(figures).map(
    ([name, { medianMs, firstMs, p95Ms }]) =>
      `${name} ${told(medianMs)} (p95 ${told(p95Ms)}, first runs of a size ${formatDuration(firstMs)})`,
  );
  const dearest = Math.max(...Object.values(figures).map(({ medianMs }) => medianMs ?? 0));
  return {
    outcome: 'passed',
    sentence: `b${BATCH} in ${size.runs} runs of each pattern: ${text.join(', ')}; at most ${(dearest / (same.medianMs ?? Number.NaN)).toFixed(2)} times the same batch over and over.`,
  };
};

function told(ms: number | undefined): string {
  return ms === undefined ? 'too few runs' : formatDuration(ms);
}

/** Of runs of the largest batch; the first of a size plans, and is told apart. */
function summaryOf(runs: readonly Timed[]) {
  const first = new Map<number, number>();
  const later: Timed[] = [];
  for (const run of runs) {
    if (first.has(run.batch)) later.push(run);
    else first.set(run.batch, run.ms);
  }
  const warm = later.filter(({ batch }) => batch === BATCH).slice(WARM_UP_RUNS);
  const sorted = warm.map(({ ms }) => ms).sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  const firsts = [...first.values()];
  return {
    samples: sorted.length,
    medianMs: at(0.5),
    p95Ms: at(0.95),
    maxMs: at(1),
    firstMs: firsts.reduce((sum, ms) => sum + ms, 0) / firsts.length,
    firstBySize: Object.fromEntries(first),
  };
}

function memoized(make: (batch: number) => NamedTensors): (batch: number) => NamedTensors {
  const made = new Map<number, NamedTensors>();
  return (batch) => {
    const known = made.get(batch) ?? make(batch);
    made.set(batch, known);
    return known;
  };
}
