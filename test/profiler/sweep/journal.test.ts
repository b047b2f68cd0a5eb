import { appendFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Journal, type SweepIdentity } from '../../../profiler/sweep/journal.ts';
import { cell } from '../../profiles/sample-table.ts';

const IDENTITY: SweepIdentity = {
  tool: 'infless-profile 0.1.0',
  digest: `sha256:${'ab'.repeat(32)}`,
  host: 'sha256:here',
  engine: 'onnxruntime-node 1.30.0',
  quota: { mechanism: 'cgroup-v1', periodMicros: 10_000 },
  confidence: { level: 0.95, relativeError: 0.03 },
  cellTimeMs: 3000,
  shapes: { images: [1, 3, 640, 640] },
};

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'infless-journal-'));
  file = join(folder, 'sub', 'table.json.journal');
});
afterEach(() => rm(folder, { recursive: true }));

/** A journal of an interrupted sweep with two cells. */
async function interrupted(): Promise<void> {
  const journal = await Journal.open(file, IDENTITY, false);
  await journal.append(cell(1, 1000, 10));
  await journal.append(cell(2, 1000, 19));
  await journal.close();
}

async function resume(identity: SweepIdentity = IDENTITY): Promise<Journal> {
  const journal = await Journal.open(file, identity, true);
  await journal.close();
  return journal;
}

describe('Journal', () => {
  it('begins empty, and is gone when the sweep is over', async () => {
    const journal = await Journal.open(file, IDENTITY, true);
    expect(journal.finding).toEqual({ found: 'nothing' });
    expect(journal.cells).toEqual([]);
    await journal.append(cell(1, 1000, 10));
    await journal.remove();
    expect(await readdir(join(folder, 'sub'))).toEqual([]);
  });

  it('gives back every finished cell, over several interruptions', async () => {
    await interrupted();
    const second = await Journal.open(file, IDENTITY, true);
    expect(second.finding).toEqual({ found: 'resumed', cells: 2 });
    await second.append(cell(4, 1000, 36));
    await second.close();
    expect((await resume()).cells).toEqual([cell(1, 1000, 10), cell(2, 1000, 19), cell(4, 1000, 36)]);
  });

  it('gives back the threads that were chosen, and the latest measurement of a cell', async () => {
    await interrupted();
    const trials = [{ threads: 2, spinning: false, batch: 8, meanMs: 9, cpuMs: 12 }];
    const threading = [{ cpuMillicores: 2000, threads: 2, spinning: false, trials }];
    const second = await Journal.open(file, IDENTITY, true);
    expect(second.threading).toBeUndefined();
    await second.appendThreading(threading);
    await second.append(cell(2, 1000, 18));
    expect(second.cells).toEqual([cell(1, 1000, 10), cell(2, 1000, 18)]);
    await second.close();
    expect((await resume()).threading).toEqual(threading);
    expect((await resume()).cells).toEqual([cell(1, 1000, 10), cell(2, 1000, 18)]);
  });

  it('survives being cut at any byte: only the cell that was being written is lost', async () => {
    await interrupted();
    const whole = await readFile(file);
    const firstCellEnds = whole.lastIndexOf('\n', -2) + 1;
    for (let length = firstCellEnds; length < whole.length - 1; length += 97) {
      await writeFile(file, whole);
      await truncate(file, length);
      const journal = await Journal.open(file, IDENTITY, true);
      expect(journal.cells).toEqual([cell(1, 1000, 10)]);
      await journal.append(cell(8, 500, 99)); // must not be glued to the torn line
      await journal.close();
      expect((await resume()).cells).toEqual([cell(1, 1000, 10), cell(8, 500, 99)]);
    }
  });

  it('leaves out a line that is no cell', async () => {
    await interrupted();
    await appendFile(file, '{"cell":{"batch":0}}\nnonsense\n');
    expect((await resume()).cells).toHaveLength(2);
  });

  it('is put aside, not thrown away, when nobody asked to resume', async () => {
    await interrupted();
    const journal = await Journal.open(file, IDENTITY, false);
    await journal.close();
    expect(journal.cells).toEqual([]);
    expect(journal.finding).toEqual({ found: 'put-aside', cells: 2, keptAs: `${file}.old` });
    expect(await readFile(`${file}.old`, 'utf8')).toContain('"batch":2');
  });

  it.each([
    [{ digest: `sha256:${'cd'.repeat(32)}` }, 'digest'],
    [{ host: 'sha256:elsewhere' }, 'host'],
    [{ cellTimeMs: 600, confidence: { level: 0.9, relativeError: 0.03 } }, 'confidence, cellTimeMs'],
    [{ shapes: { images: [1, 3, 320, 320] } }, 'shapes'],
  ] satisfies [Partial<SweepIdentity>, string][])(
    'refuses to resume what was measured otherwise: %o',
    async (change, named) => {
      await interrupted();
      await expect(resume({ ...IDENTITY, ...change })).rejects.toMatchObject({
        code: 'INVALID_INPUT',
        message: `Journal ${file} was measured otherwise (${named} differ)`,
      });
      expect((await resume()).cells).toHaveLength(2); // and left it as it was
    },
  );

  it('says in one sentence that it cannot be written', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(Journal.open(join(folder, 'file', 'x.journal'), IDENTITY, false)).rejects.toMatchObject({
      code: 'STORAGE_FAILED',
      exitCode: 3,
    });
  });
});
