import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Operator } from '../../../../models/engines/tracing.ts';
import { type OperatorModel, withRound } from '../../../../profiler/operators/database/database.ts';
import { Correction, tellingPoints } from '../../../../profiler/operators/prediction/correction.ts';
import { modelShape } from '../../../../profiler/operators/prediction/model-shape.ts';
import { ModelTimes } from '../../../../profiler/operators/prediction/model-times.ts';
import { fitNonNegative } from '../../../../profiler/operators/prediction/non-negative.ts';
import { workOf } from '../../../../profiler/operators/prediction/work.ts';

/** A dense layer. */
function gemm(rows: number, columns: number, depth: number): Operator {
  return {
    kind: 'Gemm',
    dtype: 'float',
    inputs: [[rows, depth]],
    outputs: [[rows, columns]],
    weights: [[depth, columns]],
    window: 1,
  };
}

/** A machine whose operators take 2 µs each, and 1 ms for 10⁸ operations; a run takes 50 µs beside. */
const timeMs = (operator: Operator): number => 0.002 + workOf(operator).flops / 1e8;

function model(name: string, sizes: readonly (readonly [number, number])[], threads = 1): OperatorModel {
  const runs = [1, 4, 16].map((batch) => {
    const operators = sizes
      .map(([columns, depth]) => gemm(batch, columns, depth))
      .map((operator) => ({ operator, meanMs: timeMs(operator) / threads }));
    const wallMs = operators.reduce((sum, { meanMs }) => sum + meanMs, 0.05);
    return {
      batch,
      cpuMillicores: 1000 * threads,
      threads,
      wallMs,
      usualMs: wallMs,
      cpuMs: wallMs * threads,
      rounds: 1,
      tensorElements: batch * sizes[0]![1],
      operators,
      samples: 5,
    };
  });
  return { name, digest: name, runs };
}

const KNOWN = [
  model('wide', [
    [512, 256],
    [1024, 512],
    [128, 1024],
  ]),
  model('narrow', [
    [64, 64],
    [256, 64],
    [16, 256],
  ]),
];
const UNSEEN = model('unseen', [
  [300, 200],
  [700, 300],
  [50, 700],
]);

describe('ModelTimes', () => {
  const times = new ModelTimes(KNOWN);
  const [one, four] = UNSEEN.runs;
  const shape = modelShape('unseen', one!, four);

  it.each([1, 2, 8, 16])('predicts a model that was never seen, %i rows', (batch) => {
    const truthMs = shape.operatorsAt(batch).reduce((sum, operator) => sum + timeMs(operator), 0.05);
    const { meanMs, unknownShare } = times.at(shape, { batch, cpuMillicores: 1000, threads: 1 });
    expect(meanMs / truthMs).toBeGreaterThan(0.9);
    expect(meanMs / truthMs).toBeLessThan(1.1);
    expect(unknownShare).toBe(0);
  });

  it('gives a fraction of a core as much longer', () => {
    const whole = times.at(shape, { batch: 4, cpuMillicores: 1000, threads: 1 });
    const half = times.at(shape, { batch: 4, cpuMillicores: 500, threads: 1 });
    expect(half.meanMs).toBeCloseTo(2 * whole.meanMs, 10);
    expect(half.cpuMs).toBe(whole.cpuMs);
  });

  it('holds two threads to the CPU time that their quota has', () => {
    const both = new ModelTimes([
      ...KNOWN,
      ...KNOWN.map(({ name }, index) => model(name, [[512 >> index, 256]], 2)),
    ]);
    const at = (cpuMillicores: number): number =>
      both.at(shape, { batch: 16, cpuMillicores, threads: 2 }).meanMs;
    const { cpuMs } = both.at(shape, { batch: 16, cpuMillicores: 2000, threads: 2 });
    expect(at(1200)).toBeCloseTo(cpuMs / 1.2, 10);
    expect(at(2000)).toBeLessThan(at(1200));
  });

  it('says how much it knows nothing of', () => {
    const strange = UNSEEN.runs.map((run) => ({
      ...run,
      operators: run.operators.map(({ operator, meanMs }) => ({
        meanMs,
        operator: { ...operator, kind: 'FusedGemm' },
      })),
    }));
    const estimate = times.at(modelShape('strange', strange[0]!, strange[1]), {
      batch: 16,
      cpuMillicores: 1000,
      threads: 1,
    });
    expect(estimate.unknownShare).toBeGreaterThan(0.5);
    expect(estimate.logError).toBeGreaterThan(
      times.at(shape, { batch: 16, cpuMillicores: 1000, threads: 1 }).logError,
    );
  });
});

it('takes what is usual from whole runs, and operators from the fastest', () => {
  const slow = (run: OperatorModel['runs'][number]) => ({ ...run, usualMs: 1.2 * run.usualMs });
  const large = model('large', [[4096, 4096]]);
  const busy = { ...large, runs: large.runs.map(slow) };
  const [, , run] = large.runs;
  const shape = modelShape('large', large.runs[0]!, large.runs[1]!);
  const { meanMs } = new ModelTimes([busy, ...KNOWN]).at(shape, {
    batch: 16,
    cpuMillicores: 1000,
    threads: 1,
  });
  expect(meanMs / run!.wallMs).toBeGreaterThan(1.1);
  expect(meanMs / run!.wallMs).toBeLessThan(1.3);
});

it('keeps the fastest of two rounds, and the mean of what was usual', () => {
  const [first] = UNSEEN.runs;
  const slower = {
    ...first!,
    wallMs: first!.wallMs * 2,
    usualMs: first!.usualMs * 3,
    operators: first!.operators.map(({ operator, meanMs }) => ({ operator, meanMs: meanMs * 2 })),
  };
  for (const [before, now] of [
    [first!, slower],
    [slower, first!],
  ] as const) {
    const both = withRound(before, now);
    expect(both).toMatchObject({
      wallMs: first!.wallMs,
      operators: first!.operators,
      rounds: 2,
      samples: 10,
    });
    expect(both.usualMs).toBeCloseTo(2 * first!.usualMs, 12);
  }
});

describe('modelShape', () => {
  it('finds the shapes of any batch from two', () => {
    const run = (batch: number) => ({
      ...UNSEEN.runs[0]!,
      batch,
      tensorElements: 7 * batch,
      operators: [{ operator: gemm(3 * batch + 5, 64, 32) }],
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), (batch) => {
        const shape = modelShape('any', run(1), run(2));
        expect(shape.operatorsAt(batch)).toEqual([gemm(3 * batch + 5, 64, 32)]);
        expect(shape.tensorElementsAt(batch)).toBe(7 * batch);
      }),
    );
  });

  it('refuses a model that computes something else with more rows', () => {
    const [one, four] = UNSEEN.runs;
    expect(() => modelShape('loopy', one!, { ...four!, operators: four!.operators.slice(1) })).toThrow(
      'What model loopy computes depends on what it is given',
    );
  });
});

describe('corrections', () => {
  const GRID = [500, 1000, 2000].flatMap((cpuMillicores) =>
    [1, 2, 4, 8].map((batch) => ({ batch, cpuMillicores })),
  );
  const ESTIMATE = { meanMs: 10, cpuMs: 10, logError: 0.3, unknownShare: 0 };

  it('leaves a prediction alone where nothing was measured', () => {
    expect(new Correction([]).at(GRID[0]!, ESTIMATE)).toMatchObject({ meanMs: 10 });
  });

  it('takes over what all measured cells are off by', () => {
    const correction = new Correction(
      tellingPoints(GRID, 3).map((point) => ({ ...point, predicted: ESTIMATE, meanMs: 14 })),
    );
    for (const point of GRID) {
      const { meanMs, logError } = correction.at(point, ESTIMATE);
      expect(meanMs).toBeGreaterThan(13);
      expect(meanMs).toBeLessThan(14.5);
      expect(logError).toBeLessThan(ESTIMATE.logError);
    }
  });

  it('chooses cells all over the grid, each once', () => {
    const chosen = tellingPoints(GRID, 3);
    expect(new Set(chosen).size).toBe(3);
    expect(new Set(chosen.map(({ batch }) => batch)).size).toBeGreaterThan(1);
    expect(tellingPoints(GRID, 99)).toHaveLength(GRID.length);
  });
});

describe('fitNonNegative', () => {
  it('finds coefficients that explain the targets, and none below zero', () => {
    const coefficient = fc.double({ min: 0, max: 10, noNaN: true });
    fc.assert(
      fc.property(fc.tuple(coefficient, coefficient), ([a, b]) => {
        const rows = [
          [1, 0],
          [1, 1],
          [1, 3],
        ];
        const [first, second] = fitNonNegative(
          rows,
          rows.map(([x, y]) => a * x! + b * y!),
        );
        expect(first).toBeCloseTo(a, 6);
        expect(second).toBeCloseTo(b, 6);
      }),
    );
    expect(fitNonNegative([[1], [2]], [-1, -2])).toEqual([0]);
  });
});
