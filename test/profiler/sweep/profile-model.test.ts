import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { availableCpuMillicores } from '../../../profiler/quota/cpu-limit.ts';
import {
  type ProfileEvent,
  type ProfileOptions,
  profileModel,
} from '../../../profiler/sweep/profile-model.ts';
import { whyDue } from '../../../profiles/conditions/due.ts';
import { findTable } from '../../../profiles/store.ts';
import { writeFixedBatchModel } from '../cell/fixed-batch-model.ts';

const FAST: ProfileOptions = { cellTimeMs: 60, relativeError: 0.2, batches: [1], cpuMillicores: [1000] };

let folder: string;
let events: ProfileEvent[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'infless-profile-'));
  vi.stubEnv('INFLESS_CACHE_DIR', folder);
  events = [];
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

function notes(): string[] {
  return events.flatMap((event) => (event.type === 'note' ? [event.text] : []));
}

describe('profileModel', () => {
  it('saves its table where it is found by the digest of the model', async () => {
    const table = await profileModel('mnist', { ...FAST, batches: [1, 2] }, (event) => events.push(event));
    const found = await findTable(table.model.digest);
    expect(found?.table).toEqual(table);
    expect(events.at(-1)).toEqual({ type: 'saved', file: found?.file });
    const done = events.flatMap((event) => (event.type === 'cell-measured' ? [event.done] : []));
    expect(done).toEqual([1, 2]);
    expect(table.shapes).toMatchObject([{ row: [28, 28, 1], source: 'model' }]);
    expect(whyDue(table)).toBeUndefined();
  });

  it('measures a model with a fixed batch axis, and says that it cannot batch', async () => {
    const file = join(folder, 'fixed.onnx');
    await writeFixedBatchModel(file);
    const { batches, ...options } = FAST;
    const table = await profileModel(file, options, (event) => events.push(event));
    expect(table.cells.map((cell) => cell.batch)).toEqual([1]);
    expect(notes()).toContain('Model fixed cannot batch: no input has a free axis that can be the batch.');
  });

  it('records that a quota was not held, where only threads were set', async () => {
    const table = await profileModel('mnist', { ...FAST, mechanism: 'threads' }, (event) =>
      events.push(event),
    );
    expect(table.quota).toEqual({ mechanism: 'threads', periodMicros: null });
    expect(table.cells[0]?.throttling).toBeNull();
  });

  it('predicts what it has no time to measure', async () => {
    const grid = { batches: [1, 2, 4], cpuMillicores: [500, 1000], maxTimeMs: 1 };
    const table = await profileModel('mnist', { ...FAST, ...grid }, (event) => events.push(event));
    expect(table.cells).toHaveLength(6);
    const measured = table.cells.filter(({ predicted }) => predicted !== true);
    expect(measured).toMatchObject([{ batch: 1, cpuMillicores: 1000 }]);
    expect(table.prediction).toEqual({ heldOut: null });
    const saved = await findTable(table.model.digest);
    expect(saved?.table).toEqual(table);
  });

  it('tries threads beyond one core, and measures with the winners', async (context) => {
    if ((await availableCpuMillicores()) < 2000) context.skip('there are not two cores');
    const grid = { batches: [1], cpuMillicores: [1000, 2000] };
    const table = await profileModel('mnist', { ...FAST, ...grid }, (event) => events.push(event));
    expect(table.threading).toMatchObject([{ cpuMillicores: 2000, threads: 2 }]);
    const [choice] = table.threading!;
    expect(choice!.trials.map(({ spinning }) => spinning)).toEqual([false, true]);
    const cell = table.cells.find(({ cpuMillicores }) => cpuMillicores === 2000);
    expect(cell).toMatchObject({ threads: choice!.threads, spinning: choice!.spinning });
  });

  it('stops when it is aborted, and keeps what is finished', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const sweep = profileModel(
      'mnist',
      { ...FAST, batches: [1, 2, 4, 8] },
      (event) => {
        events.push(event);
        if (event.type === 'cell-measured') controller.abort(reason);
      },
      controller.signal,
    );
    await expect(sweep).rejects.toBe(reason);
    expect(events.filter((event) => event.type === 'cell-measured')).toHaveLength(1);
    expect(await readdir(join(folder, 'profiles'))).toEqual([expect.stringMatching(/^mnist-\w+\.journal$/)]);
    const table = await profileModel('mnist', { ...FAST, batches: [1, 2], resume: true }, (event) =>
      events.push(event),
    );
    expect(table.cells).toHaveLength(2);
    expect(notes()).toEqual([expect.stringMatching(/^Resuming with 1 finished cells from /)]);
  });

  it('leaves out a config whose process hangs', async () => {
    const hang = profileModel('mnist', { ...FAST, silenceMs: 1 }, (event) => events.push(event));
    await expect(hang).rejects.toThrow(
      'Model mnist does not even run as b1 c1: The measuring process was ended',
    );
  });
});
