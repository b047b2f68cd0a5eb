import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { namedRandom } from '../../../models/base/random.ts';
import { onnxEngine } from '../../../models/engines/onnx/engine.ts';
import { canBatch } from '../../../models/manifest/manifest.ts';
import { encodeTinyModel } from '../tiny-models.ts';
import { type MixingGraph, mixingGraph } from './graphs.ts';
import { differingAnswers, showsDependence } from './trial.ts';

export interface MixingFigures {
  readonly seed: number;
  readonly dependent: { readonly graphs: number; readonly accepted: number };
  readonly independent: { readonly graphs: number; readonly refused: number };
  /** Answers to requests that came together and were not what each gets alone. */
  readonly differing: number;
}

export interface Judged extends MixingGraph {
  readonly accepted: boolean;
  readonly reason: string;
  readonly differing: number;
}

const ONE_CORE = { cpuMillicores: 1000, gpuPercent: 0 };
/** Of a kind whose values happen to show nothing, another graph is drawn. */
const MOST_DRAWS = 20;

/** Inspects graphs of which it is known whether their rows depend on each other. */
export async function measureMixing(
  seed: number,
  graphs: number,
  onJudged: (graph: Judged) => void = () => undefined,
): Promise<MixingFigures> {
  const folder = await mkdtemp(join(tmpdir(), 'infless-mixing-'));
  const figures = { accepted: 0, refused: 0, differing: 0 };
  const dependents = Math.floor(graphs / 2);
  try {
    for (let index = 0; index < graphs; index += 1) {
      const judged = await judge(join(folder, `${index}.onnx`), seed, index, index < dependents);
      onJudged(judged);
      if (judged.isDependent && judged.accepted) figures.accepted += 1;
      if (!judged.isDependent && !judged.accepted) figures.refused += 1;
      figures.differing += judged.differing;
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return {
    seed,
    dependent: { graphs: dependents, accepted: figures.accepted },
    independent: { graphs: graphs - dependents, refused: figures.refused },
    differing: figures.differing,
  };
}

/** Judges one graph; of a dependent one it is shown that it is. */
async function judge(path: string, seed: number, index: number, isDependent: boolean): Promise<Judged> {
  for (let draw = 0; ; draw += 1) {
    const random = namedRandom(seed, 'graph', String(index), String(draw));
    const made = mixingGraph(Math.floor(random() * 2 ** 31), isDependent);
    await writeFile(path, encodeTinyModel(made.graph));
    const opened = await inspected(path, `graph-${index}`).catch((error: unknown) => {
      if (draw >= MOST_DRAWS) throw error;
      return undefined; // a graph that this runtime cannot load
    });
    if (opened === undefined) continue;
    const { manifest, session } = opened;
    try {
      const accepted = canBatch(manifest);
      if (
        isDependent &&
        !accepted &&
        draw < MOST_DRAWS &&
        !(await showsDependence(session, made.batchAxis, random))
      )
        continue;
      const differing = await differingAnswers(session, random);
      return { ...made, accepted, reason: manifest.batching?.reason ?? '', differing };
    } finally {
      await session.close();
    }
  }
}

async function inspected(path: string, name: string) {
  const manifest = await onnxEngine.inspect(path, name);
  return { manifest, session: await onnxEngine.open({ path, manifest }, ONE_CORE) };
}
