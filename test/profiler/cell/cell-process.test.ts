import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { ModelFile } from '../../../models/manifest/manifest.ts';
import { resolveModel } from '../../../models/resolve/resolve-model.ts';
import { buildZooModel } from '../../../models/zoo/index.ts';
import { CellProcess } from '../../../profiler/cell/cell-process.ts';
import {
  codecSchema,
  measuredSchema,
  openedSchema,
  warmedSchema,
} from '../../../profiler/cell/cell-protocol.ts';
import { writeFailingBatchModel } from './failing-batch-model.ts';

const CONFIG = { batch: 4, cpuMillicores: 1000, gpuPercent: 0 };
const RULE = { level: 0.95, relativeError: 0.2, budgetMs: 300, periodMs: 0 };

let folder: string;
let model: ModelFile;
let worker: CellProcess;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'infless-cell-'));
  model = await resolveModel(await buildZooModel('mnist', folder), { name: 'mnist' });
});
afterAll(() => rm(folder, { recursive: true }));

beforeEach(async () => {
  worker = new CellProcess(20_000);
  await worker.ready();
});
afterEach(() => worker.kill());

describe('process of a cell', () => {
  it('opens, warms up, measures and times the codec', async () => {
    // A batch that takes a few ms: beside it, what the runtime itself does each time counts for little.
    const config = { ...CONFIG, batch: 64 };
    const opened = await worker.ask({ ask: 'open', model, config }, openedSchema);
    expect(opened.threads).toBe(1);
    expect(opened.loadMs).toBeGreaterThan(0);
    expect(opened.firstAnswerMs).toBeGreaterThan(opened.loadMs);
    const warmed = await worker.ask({ ask: 'warm-up', windowMs: 5, budgetMs: 200 }, warmedSchema);
    expect(warmed.runs).toBeGreaterThan(1);
    const measured = await worker.ask({ ask: 'measure', rule: RULE }, measuredSchema);
    expect(measured.samples).toBeGreaterThanOrEqual(3);
    expect(measured.latencyMs.min).toBeLessThanOrEqual(measured.latencyMs.p50);
    expect(measured.cpuMs).toBeGreaterThan(0);
    // One thread cannot use more CPU than time; other threads of Node.js (collector, compiler) get a little.
    expect(measured.cpuMs).toBeLessThan(measured.latencyMs.mean * 1.6);
    expect(measured.peakMemoryBytes).toBeGreaterThan(30e6);
    const codec = await worker.ask({ ask: 'codec', budgetMs: 20 }, codecSchema);
    expect(codec.decode).toBeGreaterThan(0);
    expect(codec.encode).toBeGreaterThan(0);
  });

  it('reports memory of its own, not of whoever started it', async () => {
    const held = Buffer.alloc(400e6, 1); // a child inherits its parent's `maxRSS`
    const child = new CellProcess(20_000);
    await child.ready();
    await child.ask({ ask: 'open', model, config: CONFIG }, openedSchema);
    const { peakMemoryBytes } = await child.ask({ ask: 'measure', rule: RULE }, measuredSchema);
    await child.kill();
    expect(peakMemoryBytes).toBeLessThan(held.byteLength);
  });

  it('notices that a batch does not run as one, although its rows would run alone', async () => {
    const file = join(folder, 'failing.onnx');
    await writeFailingBatchModel(file, 4);
    const failing = await resolveModel(file);
    const config = { ...CONFIG, batch: 8 };
    await worker.ask({ ask: 'open', model: failing, config }, openedSchema);
    await expect(
      worker.ask({ ask: 'warm-up', windowMs: 0, budgetMs: 50 }, warmedSchema),
    ).rejects.toMatchObject({
      code: 'INFERENCE_FAILED',
      message: expect.stringMatching(/^8 rows do not run as one batch: /),
    });
  });

  it('that dies is told with its reason', async () => {
    const answer = worker.ask({ ask: 'warm-up', windowMs: 1e9, budgetMs: 1e9 }, z.unknown());
    await expect(answer).rejects.toThrow('must be opened');
    await worker.ask({ ask: 'open', model, config: CONFIG }, openedSchema);
    const endless = worker.ask({ ask: 'warm-up', windowMs: 1e9, budgetMs: 1e9 }, z.unknown());
    setTimeout(() => process.kill(worker.pid!, 'SIGKILL'), 50);
    await expect(endless).rejects.toMatchObject({
      code: 'INFERENCE_FAILED',
      message: 'The measuring process was killed (SIGKILL), as the kernel does when memory runs out',
    });
    await expect(worker.ask({ ask: 'codec', budgetMs: 1 }, z.unknown())).rejects.toThrow('was killed');
  });

  it('that crashes is told by its signal', async () => {
    await worker.ask({ ask: 'open', model, config: CONFIG }, openedSchema);
    const endless = worker.ask({ ask: 'warm-up', windowMs: 1e9, budgetMs: 1e9 }, z.unknown());
    setTimeout(() => process.kill(worker.pid!, 'SIGSEGV'), 50);
    await expect(endless).rejects.toThrow('The measuring process crashed (SIGSEGV)');
  });

  it('that hangs is ended after its bound', async () => {
    const hanging = new CellProcess(2000);
    await hanging.ready();
    process.kill(hanging.pid!, 'SIGSTOP');
    await expect(hanging.ask({ ask: 'codec', budgetMs: 1 }, z.unknown())).rejects.toThrow(
      'The measuring process was ended: no batch was done within 2.00 s',
    );
    await hanging.kill();
  });

  it('that works longer than the bound is left alone as long as batches get done', async () => {
    const busy = new CellProcess(2500);
    await busy.ready();
    await busy.ask({ ask: 'open', model, config: CONFIG }, openedSchema);
    const warmed = await busy.ask({ ask: 'warm-up', windowMs: 1e9, budgetMs: 3200 }, warmedSchema);
    expect(warmed.warmth).toBe('too-slow');
    await busy.kill();
  });
});
