import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EngineSession } from '../../../models/engines/engine.ts';
import { BatchExecutor } from '../../../models/engines/executor.ts';
import { onnxEngine } from '../../../models/engines/onnx/engine.ts';
import type { NamedTensors } from '../../../models/manifest/tensor.ts';
import { believedToBatch } from '../../support/counting-models.ts';
import { node } from '../../support/onnx-nodes.ts';
import { LINEAR, ModelFolder, type TinyGraph, tensorInfo } from '../../support/tiny-models.ts';

/** Rows over the largest of all. */
const OVER_MAX: TinyGraph = {
  inputs: [tensorInfo('x', 'float32', ['batch', 3])],
  outputs: [tensorInfo('y', 'float32', ['batch', 3])],
  nodes: [node('ReduceMax', 'x', 'most', { keepdims: 0 }), node('Div', 'x most', 'y')],
};

let folder: ModelFolder;
const sessions: EngineSession[] = [];
beforeAll(async () => {
  folder = await ModelFolder.create();
});
afterAll(async () => {
  for (const session of sessions) await session.close();
  await folder.remove();
});

async function open(graph: TinyGraph): Promise<EngineSession> {
  const path = await folder.write(`model-${sessions.length}.onnx`, graph);
  const manifest = believedToBatch(await onnxEngine.inspect(path, 'tiny'));
  const session = await onnxEngine.open({ path, manifest }, { cpuMillicores: 1000, gpuPercent: 0 });
  sessions.push(session);
  return session;
}

const row = (...values: number[]): NamedTensors => ({
  x: { dtype: 'float32', shape: [1, values.length], data: Float32Array.from(values) },
});
const PAIR = [row(1, 2, 3), row(10, 20, 40)];

async function audited(graph: TinyGraph, isDecisive = true) {
  const found: (string | undefined)[] = [];
  const onAudited = (difference: string | undefined): void => void found.push(difference);
  const executor = new BatchExecutor(await open(graph), 8, { every: 2, isDecisive, onAudited });
  const reasons: (string | undefined)[] = [];
  for (let run = 0; run < 5; run += 1) reasons.push((await executor.run(PAIR)).ranAlone);
  await executor.run([]); // what is due after the last run is done before it
  return { found, reasons };
}

describe('a batch that is run again', () => {
  it('shows rows that depend on each other, which ends all batching', async () => {
    const { found, reasons } = await audited(OVER_MAX);
    const why = 'a request got another output "y" in a batch of 2 than alone';
    expect(found).toEqual([why]);
    expect(reasons).toEqual([undefined, undefined, why, why, why]);
  });

  it('only counts where the user trusts the model', async () => {
    const { found, reasons } = await audited(OVER_MAX, false);
    expect(found).toEqual([expect.any(String), expect.any(String)]);
    expect(reasons).toEqual(new Array(5).fill(undefined));
  });

  it('is what it was, where rows are independent', async () => {
    const { found, reasons } = await audited(LINEAR);
    expect(found).toEqual([undefined, undefined]);
    expect(reasons).toEqual(new Array(5).fill(undefined));
  });
});
