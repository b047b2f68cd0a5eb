import { engineFor } from '../../../models/engines/index.ts';
import type { CpuNodes } from '../../../models/engines/tracing.ts';
import { generateInputs } from '../../../models/manifest/inputs.ts';
import { type ModelManifest, trusted } from '../../../models/manifest/manifest.ts';
import type { Examined, ExamineQuestion } from '../cell-protocol.ts';

/**
 * What a provider makes of a model, before anything is measured on it: which operators it leaves to the CPU,
 * and whether rows that run together get the answers that they get alone.
 */
export async function examine({ model, config, provider, batches }: ExamineQuestion): Promise<Examined> {
  const engine = engineFor(model.manifest.format);
  const { tracing } = engine;
  if (tracing === undefined) return { cpuNodes: null, batchAxesDiffer: [] };
  const resources = { ...config, provider };
  const nodes: CpuNodes[] = [];
  for (const batch of batches) {
    nodes.push(await tracing.cpuNodes(model, resources, generateInputs(model.manifest, { batch, seed: 0 })));
  }
  const { inputs, batching } = model.manifest;
  const like = { shapes: exampleShapes(inputs), batchAxes: batching?.given };
  const onProvider = await engine.inspect(model.path, model.manifest.name, resources, like);
  const isProven = batching?.state === 'proven';
  return {
    cpuNodes: nodes.reduce((most, each) => (each.share > most.share ? each : most)),
    batchAxesDiffer: differingAxes(model.manifest, isProven ? onProvider : trusted(onProvider)),
  };
}

/** The sizes that its requests are made up with. */
function exampleShapes(inputs: ModelManifest['inputs']) {
  return Object.fromEntries(
    inputs.flatMap(({ name, example }) => (example?.shape === undefined ? [] : [[name, example.shape]])),
  );
}

/** Names of tensors whose rows lie along another axis, or along none. */
function differingAxes(expected: ModelManifest, actual: ModelManifest): string[] {
  const axisOf = ({ inputs, outputs }: ModelManifest): Map<string, number | null> =>
    new Map([...inputs, ...outputs].map(({ name, batchAxis }) => [name, batchAxis]));
  const actualAxes = axisOf(actual);
  return [...axisOf(expected)].flatMap(([name, axis]) => (actualAxes.get(name) === axis ? [] : [name]));
}
