import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { threadRule } from '../../../models/engines/engine.ts';
import { engineFor } from '../../../models/engines/index.ts';
import { createSession, runSession } from '../../../models/engines/onnx/session.ts';
import { generateInputs } from '../../../models/manifest/inputs.ts';
import type { ModelFile, ModelManifest } from '../../../models/manifest/manifest.ts';
import type { NamedTensors } from '../../../models/manifest/tensor.ts';
import type { Examined, ExamineQuestion } from '../cell-protocol.ts';
import { type CpuNodes, cpuNodesOf } from './placement.ts';

/** The first ones load kernels and plan convolutions. */
const WARM_UP_RUNS = 3;
const RUNS = 10;

/**
 * What a provider makes of a model, before anything is measured on it: which operators it leaves to the CPU, and whether rows that run together
 * get the answers that they get alone.
 */
export async function examine({
  model,
  config,
  shapes,
  provider,
  batches,
}: ExamineQuestion): Promise<Examined> {
  if (model.manifest.format !== 'onnx') return { cpuNodes: null, batchAxesDiffer: [] };
  const resources = { ...config, provider };
  const nodes: CpuNodes[] = [];
  for (const batch of batches) {
    nodes.push(
      await traceCpuNodes(model, resources, generateInputs(model.manifest, { batch, seed: 0, shapes })),
    );
  }
  const onProvider = await engineFor('onnx').inspect(model.path, model.manifest.name, resources);
  return {
    cpuNodes: nodes.reduce((most, each) => (each.share > most.share ? each : most)),
    batchAxesDiffer: differingAxes(model.manifest, onProvider),
  };
}

/** Runs a model on a provider under the engine's own profile, and tells which operators ran on the CPU all the same. */
export async function traceCpuNodes(
  { path, manifest }: ModelFile,
  resources: { readonly cpuMillicores: number; readonly gpuPercent: number; readonly provider: string },
  feeds: NamedTensors,
): Promise<CpuNodes> {
  const folder = await mkdtemp(join(tmpdir(), 'infless-placement-'));
  try {
    const { runtime, session } = await createSession(path, threadRule(resources.cpuMillicores), resources, {
      filePrefix: join(folder, 'trace'),
    });
    for (let run = 0; run < WARM_UP_RUNS + RUNS; run += 1) {
      await runSession(runtime, session, manifest.name, feeds, resources.provider);
    }
    session.endProfiling();
    await session.release();
    const [file] = await readdir(folder);
    return cpuNodesOf(await readFile(join(folder, file!), 'utf8'), WARM_UP_RUNS);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Names of tensors whose rows lie along another axis, or along none. */
function differingAxes(expected: ModelManifest, actual: ModelManifest): string[] {
  const axisOf = ({ inputs, outputs }: ModelManifest): Map<string, number | null> =>
    new Map([...inputs, ...outputs].map(({ name, batchAxis }) => [name, batchAxis]));
  const actualAxes = axisOf(actual);
  return [...axisOf(expected)].flatMap(([name, axis]) => (actualAxes.get(name) === axis ? [] : [name]));
}
