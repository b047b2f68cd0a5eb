import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EngineSession } from '../../../../models/engines/engine.ts';
import { onnxEngine } from '../../../../models/engines/onnx/engine.ts';
import { hasConvolutions } from '../../../../models/engines/onnx/providers/convolutions.ts';
import { plannedSizes } from '../../../../models/engines/onnx/providers/planned-sizes.ts';
import { OnnxSession } from '../../../../models/engines/onnx/session.ts';
import { SizedSession } from '../../../../models/engines/onnx/sized-session.ts';
import { generateInputs } from '../../../../models/manifest/inputs.ts';
import type { ModelManifest } from '../../../../models/manifest/manifest.ts';
import type { NamedTensors } from '../../../../models/manifest/tensor.ts';
import { resolveModel } from '../../../../models/resolve/resolve-model.ts';
import { LINEAR, ModelFolder } from '../../../support/tiny-models.ts';

describe('the batch sizes that are planned for', () => {
  it.each([
    [1, [1]],
    [2, [1, 2]],
    [4, [1, 4]],
    [8, [1, 4, 8]],
    [32, [1, 4, 16, 32]],
    [64, [1, 4, 16, 64]],
    [65, [1, 4, 16, 64, 65]],
  ])('of at most %i are %j', (maxBatch, sizes) => {
    expect(plannedSizes(maxBatch, 17e6)).toEqual(sizes);
  });

  it('are fewer, the largest ones, where the weights are heavy', () => {
    expect(plannedSizes(32, 500e6)).toEqual([16, 32]);
    expect(plannedSizes(32, 3e9)).toEqual([32]);
  });

  it('always end with the largest batch, and grow', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4096 }), fc.integer({ min: 0, max: 4e9 }), (maxBatch, bytes) => {
        const sizes = plannedSizes(maxBatch, bytes);
        expect(sizes.at(-1)).toBe(maxBatch);
        expect(sizes).toEqual([...new Set(sizes)].sort((a, b) => a - b));
        expect(sizes[0]).toBeGreaterThanOrEqual(1);
      }),
    );
  });
});

describe('whether a model convolves', () => {
  it('is read from its file', async () => {
    const folder = await ModelFolder.create();
    const linear = await folder.write('linear.onnx', LINEAR);
    expect(hasConvolutions(linear)).toBe(false);
    expect(hasConvolutions((await resolveModel('mnist')).path)).toBe(true);
    await folder.remove();
  });
});

describe('a session for each size', () => {
  let manifest: ModelManifest;
  let plain: EngineSession;
  let sized: SizedSession;
  const ran: number[] = [];

  beforeAll(async () => {
    const model = await resolveModel('mnist');
    manifest = model.manifest;
    const resources = { cpuMillicores: 1000, gpuPercent: 0 };
    plain = await onnxEngine.open(model, resources);
    sized = await SizedSession.open([1, 4, 8], async () => {
      const session = await OnnxSession.open(model.path, manifest, resources);
      return {
        manifest,
        threads: session.threads,
        spinning: session.spinning,
        run: (feeds: NamedTensors) => {
          ran.push(feeds.inputs!.shape[0]!);
          return session.run(feeds);
        },
        close: () => session.close(),
      };
    });
  });
  afterAll(async () => {
    await plain.close();
    await sized.close();
  });

  it.each([
    [1, 1],
    [2, 4],
    [4, 4],
    [5, 8],
    [8, 8],
    [11, 11],
  ])('runs %i rows as %i, and answers what they would get alone', async (rows, size) => {
    const feeds = generateInputs(manifest, { batch: rows });
    ran.length = 0;
    const answers = await sized.run(feeds);
    expect(ran).toEqual([size]);
    const expected = await plain.run(feeds);
    expect(answers.predictions!.shape).toEqual(expected.predictions!.shape);
    const got = answers.predictions!.data as Float32Array;
    for (const [index, value] of (expected.predictions!.data as Float32Array).entries()) {
      expect(got[index]).toBeCloseTo(value, 5);
    }
  });

  it('says which sizes it has; on the CPU there are none', () => {
    expect(sized.batchSizes).toEqual([1, 4, 8]);
    expect(plain.batchSizes).toBeUndefined();
  });

  it('blames the input for what the model does not take', async () => {
    await expect(sized.run({})).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('gives back whole what it cannot cut: outputs as long as a count of values', async () => {
    const counts = { ...manifest, inputs: [rowSpec('x')], outputs: [rowSpec('y')] };
    const session: EngineSession = {
      manifest: counts,
      threads: 1,
      spinning: false,
      run: async ({ x }) => {
        const positive = (x!.data as Float32Array).filter((value) => value > 0);
        return { y: { dtype: 'float32', shape: [positive.length], data: positive } };
      },
      close: async () => {},
    };
    const padding = await SizedSession.open([4], async () => session);
    const x = { dtype: 'float32', shape: [3], data: Float32Array.of(-1, 2, 3) } as const;
    expect((await padding.run({ x })).y!.data).toEqual(Float32Array.of(2, 3));
    const first = { dtype: 'float32', shape: [2], data: Float32Array.of(1, 2) } as const;
    expect((await padding.run({ x: first })).y!.data).toEqual(Float32Array.of(1, 2));
  });
});

function rowSpec(name: string): ModelManifest['inputs'][number] {
  return { name, dtype: 'float32', shape: [null], batchAxis: 0 };
}
