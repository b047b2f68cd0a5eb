import { seededRandom } from '../../../models/base/random.ts';
import { formatDuration } from '../../../models/base/units.ts';
import { onnxEngine } from '../../../models/engines/onnx/engine.ts';
import { createSession, runSession } from '../../../models/engines/onnx/session.ts';
import { generateInputs } from '../../../models/manifest/inputs.ts';
import type { ModelFile, ModelManifest } from '../../../models/manifest/manifest.ts';
import type { NamedTensors } from '../../../models/manifest/tensor.ts';
import { resolveModel } from '../../../models/resolve/resolve-model.ts';
import { firstCard } from '../card/absence.ts';
import type { Step, StepContext } from '../step.ts';

const BATCH = 8;
const THREADING = { threads: 4, spinning: false };
const WARM_UP_RUNS = 5;
const CPU_MILLICORES = 4000;

interface Timed {
  readonly batch: number;
  readonly ms: number;
}

/** Where every run plans anew, runs take too long to make all of them. */
const PATTERN_MS = 5000;

/** A loaded model: what runs a batch, and lets go of it. */
interface Opened {
  run(feeds: NamedTensors): Promise<unknown>;
  close(): Promise<void>;
}

/**
 * Step d: the same batch over and over, two sizes in turn, sizes at random; each in a session of its own, as
 * ONNX Runtime runs it by itself, and as our engine does, which may keep it from planning.
 */
export const varyBatches: Step = async (context) => {
  const card = await firstCard(context.doing);
  if ('verdict' in card) return card.verdict;
  const model = await resolveModel(context.size.model);
  const runtimes: Readonly<Record<string, () => Promise<Opened>>> = {
    'ONNX Runtime alone': () => openAlone(model),
    'our engine': async () => onnxEngine.open(model, { cpuMillicores: CPU_MILLICORES, gpuPercent: 100 }),
  };
  const sentences: string[] = [];
  for (const [name, open] of Object.entries(runtimes)) {
    const figures = await runPatterns(name, open, model.manifest, context);
    const [same, ...others] = figures.map(({ medianMs }) => medianMs ?? Number.NaN);
    const told = figures.map((figure) => `${figure.pattern} ${toldOf(figure)}`).join(', ');
    sentences.push(`${name}: ${told}: up to ${(Math.max(...others) / same!).toFixed(2)} times`);
  }
  return { outcome: 'passed', sentence: `b${BATCH}, ${sentences.join('; ')}.` };
};

async function openAlone(model: ModelFile): Promise<Opened> {
  const { runtime, session } = await createSession(model.path, THREADING, { gpuPercent: 100 });
  return {
    run: (feeds) => runSession(runtime, session, model.manifest.name, feeds),
    close: () => session.release(),
  };
}

async function runPatterns(
  name: string,
  open: () => Promise<Opened>,
  manifest: ModelManifest,
  { doing, record, size }: StepContext,
): Promise<readonly Summary[]> {
  const random = seededRandom(1);
  const patterns: Readonly<Record<string, (run: number) => number>> = {
    same: () => BATCH,
    alternating: (run) => (run % 2 === 0 ? BATCH : 1),
    random: () => 1 + Math.floor(random() * BATCH),
  };
  const feedsOf = memoized((batch) => generateInputs(manifest, { batch, seed: 1 }));
  const figures: Summary[] = [];
  for (const [pattern, batchOf] of Object.entries(patterns)) {
    doing(`opening a session of ${name} for the pattern "${pattern}"`);
    const begin = performance.now();
    const opened = await open();
    const openMs = performance.now() - begin;
    const runs: Timed[] = [];
    try {
      doing(`running the pattern "${pattern}" by ${name}`);
      const from = performance.now();
      for (let run = 0; run < size.runs && performance.now() - from < PATTERN_MS; run += 1) {
        const batch = batchOf(run);
        const started = performance.now();
        await opened.run(feedsOf(batch));
        runs.push({ batch, ms: performance.now() - started });
      }
    } finally {
      await opened.close();
    }
    figures.push({ pattern, ...summaryOf(runs) });
    record({
      [`${name}, ${pattern}`]: {
        openMs,
        ...figures.at(-1),
        runs: runs.map(({ batch, ms }) => [batch, Math.round(ms * 1000) / 1000]),
      },
    });
  }
  return figures;
}

type Summary = ReturnType<typeof summaryOf> & { readonly pattern: string };

function toldOf({ medianMs, p95Ms, firstMs }: Summary): string {
  if (medianMs === undefined || p95Ms === undefined)
    return `too few runs (first ones ${formatDuration(firstMs)})`;
  return `${formatDuration(medianMs)} (p95 ${formatDuration(p95Ms)}, first of a size ${formatDuration(firstMs)})`;
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
