import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheDirectory } from '../../../models/base/files.ts';
import { formatDuration } from '../../../models/base/units.ts';
import { onnxEngine } from '../../../models/engines/onnx/engine.ts';
import { createSession, runSession } from '../../../models/engines/onnx/session.ts';
import { DEFAULT_GPU_PROVIDER } from '../../../models/engines/provider.ts';
import type { CpuNodes } from '../../../models/engines/tracing.ts';
import { generateInputs } from '../../../models/manifest/inputs.ts';
import type { NamedTensors } from '../../../models/manifest/tensor.ts';
import { Graph } from '../../../models/zoo/graph.ts';
import { buildZooModel } from '../../../models/zoo/index.ts';
import { conv, globalAveragePool } from '../../../models/zoo/layers/convolution.ts';
import { dense } from '../../../models/zoo/layers/dense.ts';
import { firstCard } from '../card/absence.ts';
import type { Step, StepContext } from '../step.ts';
import { difference } from './difference.ts';

/**
 * Of the largest number of the CPU's answer: convolutions on the card count in TF32, which has 10 bits of
 * mantissa.
 */
const MOST_DIFFERENCE = 0.01;
const BATCH = 8;
/** Of the time in operators: shape arithmetic and the like are put on the CPU on purpose. */
const MOST_ON_CPU = 0.02;
/** Runs that are timed, after some that are not. */
const RUNS = 20;
const WARM_UP_RUNS = 5;
const THREADING = { threads: 4, spinning: false };
const ON_CARD = { cpuMillicores: 4000, gpuPercent: 100, provider: DEFAULT_GPU_PROVIDER };

interface Compared {
  readonly model: string;
  readonly batch: number;
  /** Largest difference, as a share of the largest number. */
  readonly difference: number;
  readonly cpuMs: number;
  readonly gpuMs: number;
  readonly gpuOpenMs: number;
  readonly gpuFirstMs: number;
  readonly cpuNodes: CpuNodes;
}

/** Step c: the same graphs on the CPU and on the card. */
export const compareAnswers: Step = async (context) => {
  const card = await firstCard(context.doing);
  if ('verdict' in card) return card.verdict;
  const compared: Compared[] = [];
  for (const [name, path] of [
    ['matmul-conv', await matmulConv(context.work)],
    [context.size.model, await buildZooModel(context.size.model, cacheDirectory())],
  ] as const) {
    compared.push(await compare(name, path, context));
    context.record({ compared });
  }
  const isAlike = compared.every(({ difference: off }) => off <= MOST_DIFFERENCE);
  const isPlaced = compared.every(({ cpuNodes }) => cpuNodes.share <= MOST_ON_CPU);
  return { outcome: isAlike && isPlaced ? 'passed' : 'failed', sentence: compared.map(told).join('; ') };
};

function told({ model, difference: off, cpuMs, gpuMs, cpuNodes }: Compared): string {
  const onCpu = cpuNodes.operators.map(({ operator }) => operator).join(' ');
  const where =
    onCpu === ''
      ? 'all operators on CUDA'
      : `${(cpuNodes.share * 100).toFixed(1)} % of a run on the CPU (${onCpu})`;
  return (
    `${model} b${BATCH}: off by ${(off * 100).toPrecision(2)} % at most, ${where}, ` +
    `${formatDuration(gpuMs)} against ${formatDuration(cpuMs)} on ${THREADING.threads} cores`
  );
}

async function compare(name: string, path: string, { doing }: StepContext): Promise<Compared> {
  const manifest = await onnxEngine.inspect(path, name);
  const feeds = generateInputs(manifest, { batch: BATCH, seed: 1 });
  doing(`running ${name} on the CPU`);
  const cpu = await timed(path, name, feeds, 0);
  doing(`opening ${name} on the card`);
  const gpu = await timed(path, name, feeds, 100, () => doing(`running ${name} on the card`));
  doing(`tracing ${name} on the card`);
  return {
    model: name,
    batch: BATCH,
    difference: difference(cpu.outputs, gpu.outputs),
    cpuMs: cpu.meanMs,
    gpuMs: gpu.meanMs,
    gpuOpenMs: gpu.openMs,
    gpuFirstMs: gpu.firstMs,
    cpuNodes: await onnxEngine.tracing!.cpuNodes({ path, manifest }, ON_CARD, feeds),
  };
}

async function timed(
  path: string,
  name: string,
  feeds: NamedTensors,
  gpuPercent: number,
  onOpen: () => void = () => {},
) {
  const begin = performance.now();
  const { runtime, session } = await createSession(path, THREADING, { gpuPercent });
  const openMs = performance.now() - begin;
  onOpen();
  try {
    const outputs = await runSession(runtime, session, name, feeds);
    const firstMs = performance.now() - begin - openMs;
    for (let run = 0; run < WARM_UP_RUNS; run += 1) await runSession(runtime, session, name, feeds);
    const from = performance.now();
    for (let run = 0; run < RUNS; run += 1) await runSession(runtime, session, name, feeds);
    return { outputs, openMs, firstMs, meanMs: (performance.now() - from) / RUNS };
  } finally {
    await session.release();
  }
}

/** One convolution and one matrix product: the two libraries that all else stands on. */
async function matmulConv(folder: string): Promise<string> {
  const graph = new Graph('matmul-conv');
  const image = graph.input('inputs', 'float32', [3, 64, 64]);
  graph.output('outputs', dense(globalAveragePool(conv(image, { filters: 64, kernel: 3 })), 256));
  const file = join(folder, 'matmul-conv.onnx');
  await writeFile(file, graph.encode());
  return file;
}
