import { seededRandom } from '../../../../models/base/random.ts';
import { onnxEngine } from '../../../../models/engines/onnx/engine.ts';
import { createSession, runSession } from '../../../../models/engines/onnx/session.ts';
import { generateInputs } from '../../../../models/manifest/inputs.ts';
import type { ModelFile, ModelManifest } from '../../../../models/manifest/manifest.ts';
import type { NamedTensors } from '../../../../models/manifest/tensor.ts';
import { resolveModel } from '../../../../models/resolve/resolve-model.ts';
import { firstCard } from '../../card/absence.ts';
import type { Step, StepContext } from '../../step.ts';
import {
  describe,
  mostTimes,
  PATTERNS,
  type PatternName,
  type Timed,
  type TimesByPattern,
  timesOf,
} from './patterns.ts';

const LARGEST = 8;
const THREADING = { threads: 4, spinning: false };
const CPU_MILLICORES = 4000;
/** Where every run plans anew, runs take too long to make all of them. */
const PATTERN_MS = 4000;
/**
 * What changing sizes may cost where each is planned ahead: fewer rows than the largest batch are padded up
 * to it.
 */
const MOST_TIMES = 2;

/** A loaded model, with the sizes that it is to run before anything is timed. */
interface Opened {
  readonly sizes: readonly number[];
  run(feeds: NamedTensors): Promise<unknown>;
  close(): Promise<void>;
}

/**
 * Step d: the same batch over and over, two sizes in turn, sizes at random; by a session of ONNX Runtime as
 * it is, and by one that our engine has opened as a serving process does, which has to keep it from planning
 * anew.
 */
export const varyBatches: Step = async (context) => {
  const card = await firstCard(context.doing);
  if ('verdict' in card) return card.verdict;
  const model = await resolveModel(context.size.model);
  const alone = await runPatterns('ONNX Runtime alone', () => openAlone(model), model.manifest, context);
  const served = await runPatterns('as served', () => openAsServed(model), model.manifest, context);
  const times = mostTimes(served);
  return {
    outcome: times !== undefined && times <= MOST_TIMES ? 'passed' : 'failed',
    sentence: `b${LARGEST}, ONNX Runtime alone: ${describe(alone)}; as served: ${describe(served)}.`,
  };
};

async function openAlone(model: ModelFile): Promise<Opened> {
  const { runtime, session } = await createSession(model.path, THREADING, { gpuPercent: 100 });
  return {
    sizes: [],
    run: (feeds) => runSession(runtime, session, model.manifest.name, feeds),
    close: () => session.release(),
  };
}

async function openAsServed(model: ModelFile): Promise<Opened> {
  const session = await onnxEngine.open(model, {
    cpuMillicores: CPU_MILLICORES,
    gpuPercent: 100,
    maxBatch: LARGEST,
  });
  return {
    sizes: session.batchSizes ?? [],
    run: (feeds) => session.run(feeds),
    close: () => session.close(),
  };
}

async function runPatterns(
  name: string,
  open: () => Promise<Opened>,
  manifest: ModelManifest,
  { doing, record, size }: StepContext,
): Promise<TimesByPattern> {
  const feedsOf = memoized((rows) => generateInputs(manifest, { batch: rows, seed: 1 }));
  const times: Partial<Record<PatternName, TimesByPattern[PatternName]>> = {};
  for (const pattern of Object.keys(PATTERNS) as PatternName[]) {
    doing(`opening a session (${name}) for the pattern "${pattern}"`);
    const begin = performance.now();
    const opened = await open();
    const openMs = performance.now() - begin;
    let planMs = 0;
    let runs: readonly Timed[] = [];
    try {
      for (const rows of opened.sizes) await opened.run(feedsOf(rows));
      planMs = performance.now() - begin - openMs;
      doing(`running the pattern "${pattern}" (${name})`);
      runs = await timedRuns(pattern, (rows) => opened.run(feedsOf(rows)), size.runs);
    } finally {
      await opened.close();
    }
    times[pattern] = timesOf(runs, LARGEST);
    record({
      [`${name}, ${pattern}`]: {
        openMs,
        ...(opened.sizes.length === 0 ? {} : { sizes: opened.sizes, planMs }),
        ...times[pattern],
        runs: runs.map(({ rows, ms }) => [rows, Math.round(ms * 1000) / 1000]),
      },
    });
  }
  return times as TimesByPattern;
}

async function timedRuns(
  pattern: PatternName,
  runRows: (rows: number) => Promise<unknown>,
  mostRuns: number,
): Promise<readonly Timed[]> {
  const random = seededRandom(1);
  const runs: Timed[] = [];
  const begin = performance.now();
  for (let run = 0; run < mostRuns && performance.now() - begin < PATTERN_MS; run += 1) {
    const rows = PATTERNS[pattern](run, LARGEST, random);
    const started = performance.now();
    await runRows(rows);
    runs.push({ rows, ms: performance.now() - started });
  }
  return runs;
}

function memoized(make: (rows: number) => NamedTensors): (rows: number) => NamedTensors {
  const made = new Map<number, NamedTensors>();
  return (rows) => {
    const known = made.get(rows) ?? make(rows);
    made.set(rows, known);
    return known;
  };
}
