import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSession, runSession } from '../../../../../models/engines/onnx/session.ts';
import { cpuNodesOf } from '../../../../../models/engines/onnx/tracing/cpu-nodes.ts';
import { generateInputs } from '../../../../../models/manifest/inputs.ts';
import { resolveModel } from '../../../../../models/resolve/resolve-model.ts';

const RUNS = 6;

/** What onnxruntime says of its runs of a model on the CPU. */
async function recordTrace(folder: string): Promise<string> {
  const { path, manifest } = await resolveModel('mnist');
  const { runtime, session } = await createSession(path, { threads: 1, spinning: false }, undefined, {
    filePrefix: join(folder, 'trace'),
  });
  for (let run = 0; run < RUNS; run += 1) {
    await runSession(runtime, session, manifest.name, generateInputs(manifest, { batch: 2 }));
  }
  session.endProfiling();
  await session.release();
  const [file] = await readdir(folder);
  return readFile(join(folder, file!), 'utf8');
}

interface Event {
  readonly name: string;
  readonly ts: number;
  readonly dur: number;
  readonly cat: string;
  readonly args: Record<string, unknown>;
}

/** The same, had CUDA run all operators but some. */
function onCuda(trace: string, but: (operator: unknown) => boolean): string {
  const events = (JSON.parse(trace) as Event[]).map((event) =>
    event.args.provider === 'CPUExecutionProvider' && !but(event.args.op_name)
      ? { ...event, args: { ...event.args, provider: 'CUDAExecutionProvider' } }
      : event,
  );
  return JSON.stringify(events);
}

describe('what runs on the CPU', () => {
  let folder: string;
  let trace: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'infless-placement-'));
    trace = await recordTrace(folder);
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('is all of a run on the CPU: its operators take most of its time', () => {
    const { share, operators } = cpuNodesOf(trace, 1);
    expect(share).toBeGreaterThan(0.3);
    expect(share).toBeLessThanOrEqual(1);
    expect(operators.length).toBeGreaterThan(2);
    expect(operators.map(({ share }) => share)).toEqual(
      operators.map(({ share }) => share).toSorted((a, b) => b - a),
    );
    expect(operators.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(share, 10);
  });

  it('is nothing where another provider has all operators', () => {
    expect(
      cpuNodesOf(
        onCuda(trace, () => false),
        1,
      ),
    ).toEqual({ share: 0, operators: [] });
  });

  it('is named, with its share', () => {
    const all = cpuNodesOf(trace, 1).operators;
    const one = cpuNodesOf(
      onCuda(trace, (operator) => operator === 'Softmax'),
      1,
    );
    expect(one.operators.map(({ operator }) => operator)).toEqual(['Softmax']);
    expect(one.share).toBe(all.find(({ operator }) => operator === 'Softmax')!.share);
  });

  it('is not known where the trace has no operators in it', () => {
    for (const skipped of [0, RUNS]) {
      const text = skipped === 0 ? '[]' : trace;
      expect(() => cpuNodesOf(text, skipped)).toThrow('The operator trace has no operators in it');
    }
  });

  it('are the operators inside of others, not those around them', () => {
    const node = (operator: string, provider: string, ts: number, dur: number): Event => ({
      cat: 'Node',
      name: `${operator}_kernel_time`,
      ts,
      dur,
      args: { op_name: operator, provider },
    });
    const events = [
      node('Add', 'CPUExecutionProvider', 110, 20),
      node('Mul', 'CUDAExecutionProvider', 135, 10),
      node('Loop', 'CPUExecutionProvider', 105, 50),
      node('Relu', 'CUDAExecutionProvider', 160, 5),
      { cat: 'Session', name: 'model_run', ts: 100, dur: 200, args: {} },
    ];
    expect(cpuNodesOf(JSON.stringify(events), 0)).toEqual({
      share: 0.1,
      operators: [{ operator: 'Add', share: 0.1 }],
    });
  });
});
