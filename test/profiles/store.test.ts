import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { InflessError } from '../../models/base/errors.ts';
import { readHost } from '../../profiles/host.ts';
import { findTable, keepBetter, profileDirectory, readTable, saveTable } from '../../profiles/store.ts';
import { cell, table } from './sample-table.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'infless-store-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));
afterEach(() => vi.unstubAllEnvs());

/** An empty cache of its own, and an empty folder beside it. */
async function fresh(name: string): Promise<{ cache: string; folder: string }> {
  const cache = join(root, name, 'cache');
  const folder = join(root, name, 'folder');
  await mkdir(folder, { recursive: true });
  vi.stubEnv('INFLESS_CACHE_DIR', cache);
  return { cache, folder };
}

async function failureOf(text: string): Promise<string> {
  const file = join(root, 'broken.json');
  await writeFile(file, text);
  const error = await readTable(file).catch((reason: InflessError) => reason);
  expect(error).toMatchObject({ code: 'PROFILE_INVALID' });
  return (error as InflessError).sentence.replace(file, 'FILE');
}

const sample = table([cell(1, 1000, 20)]);

describe('readTable and saveTable', () => {
  it('round-trip through the cache', async () => {
    const { cache } = await fresh('round-trip');
    const file = await saveTable(sample);
    expect(file).toBe(join(cache, 'profiles', 'sample-abababababab.json'));
    expect(await readTable(file)).toEqual(sample);
  });

  it('keeps odd model names out of the path', async () => {
    await fresh('odd-name');
    const file = await saveTable({ ...sample, model: { ...sample.model, name: '../team/my model' } });
    expect(file).toBe(join(profileDirectory(), '..-team-my-model-abababababab.json'));
  });

  it('keeps tables of rows of different sizes apart, and not those of the same', async () => {
    await fresh('sizes');
    const fileOf = (size: number, source: 'given' | 'guessed' | 'model') =>
      saveTable({ ...sample, shapes: [{ input: 'x', row: [size], source }] });
    expect(await fileOf(128, 'guessed')).toMatch(/sample-abababababab-[0-9a-f]{8}\.json$/);
    expect(await fileOf(128, 'given')).toBe(await fileOf(128, 'guessed'));
    expect(await fileOf(256, 'given')).not.toBe(await fileOf(128, 'given'));
    expect(await fileOf(3, 'model')).toBe(await saveTable(sample));
  });

  it('keeps tables of rows along given axes apart, and finds them for such a model', async () => {
    await fresh('axes');
    const turnedX = { ...sample.model.inputs[0]!, shape: [null, null], batchAxis: 1 };
    const batching = { state: 'proven' as const, reason: 'it was tried', given: { x: 1 } };
    const turned = { ...sample, model: { ...sample.model, inputs: [turnedX], batching } };
    const along = await saveTable(turned);
    const plain = await saveTable({ ...sample, createdAt: '2027-01-01T00:00:00.000Z' });
    expect(along).toMatch(/sample-abababababab-along-[0-9a-f]{8}\.json$/);
    const { digest } = sample.model;
    expect((await findTable(digest, { rowsOf: turned.model }))?.file).toBe(along);
    expect((await findTable(digest, { rowsOf: sample.model }))?.file).toBe(plain);
  });

  it('keeps the better of two tables of the same conditions, unless asked', async () => {
    await fresh('better');
    const better = { ...sample, createdAt: '2026-11-01T00:00:00.000Z' };
    const worse = { ...sample, confidence: { level: 0.95, relativeError: 0.1 } };
    const { file } = await keepBetter(better);
    expect(await keepBetter(worse)).toEqual({ file, why: 'its means are known to ±10 %, not ±3 %' });
    expect(await readTable(file)).toEqual(better);
    expect(await keepBetter(worse, true)).toEqual({ file });
    expect(await readTable(file)).toEqual(worse);
    await writeFile(file, 'broken');
    expect(await keepBetter(worse)).toEqual({ file });
  });

  it('does not write what could not be read back', async () => {
    const file = join(root, 'never.json');
    await expect(saveTable(table([cell(1, 1000, Number.POSITIVE_INFINITY)]), file)).rejects.toThrow();
    await expect(readTable(file)).rejects.toMatchObject({ code: 'PROFILE_NOT_FOUND' });
  });

  it('says in one sentence what is wrong', async () => {
    expect(await failureOf('{"schema": ')).toMatch(
      /^Profile table FILE is not JSON\. Measure the model again with infless-profile\.$/,
    );
    expect(await failureOf('a\nb\n')).not.toContain('\n');
    expect(await failureOf(JSON.stringify({ ...sample, schema: 'infless.io/profile/v7' }))).toBe(
      'Profile table FILE has the schema infless.io/profile/v7, newer than this infless. ' +
        'Upgrade infless, or measure the model again with this version (infless.io/profile/v1).',
    );
    const crooked = {
      ...sample,
      cells: [{ ...sample.cells[0], latencyMs: { ...sample.cells[0]!.latencyMs, p99: -1 } }],
    };
    expect(await failureOf(JSON.stringify(crooked))).toBe(
      'Profile table FILE is not valid at "cells[0].latencyMs.p99": Too small: expected number to be >0. ' +
        'Measure the model again with infless-profile.',
    );
    expect(await failureOf('[]')).toContain('is not valid');
  });

  it('tells a missing file and a folder apart', async () => {
    await expect(readTable(join(root, 'none.json'))).rejects.toMatchObject({ code: 'PROFILE_NOT_FOUND' });
    await expect(readTable(root)).rejects.toThrow(/cannot be read \(EISDIR\)/);
  });
});

describe('findTable', () => {
  it('finds nothing where nothing is', async () => {
    const { folder } = await fresh('empty');
    expect(
      await findTable(sample.model.digest, { directories: [folder, join(folder, 'none')] }),
    ).toBeUndefined();
  });

  it('prefers this host, then the directories in order, then the newest', async () => {
    const { folder } = await fresh('order');
    const host = await readHost();
    const find = async () => (await findTable(sample.model.digest, { directories: [folder] }))?.file;

    const old = await saveTable({ ...sample, createdAt: '2026-01-01T00:00:00Z' }, join(folder, 'a.json'));
    expect(await find()).toBe(old);
    const newer = await saveTable({ ...sample, createdAt: '2026-02-01T00:00:00Z' }, join(folder, 'b.json'));
    expect(await find()).toBe(newer);
    const cached = await saveTable({ ...sample, host });
    expect(await find()).toBe(cached);
    const given = await saveTable(
      { ...sample, host, createdAt: '2026-01-15T00:00:00Z' },
      join(folder, 'c.json'),
    );
    expect(await find()).toBe(given);
  });

  it('reports a broken table and goes on; other models are not even parsed', async () => {
    const { folder } = await fresh('broken');
    await writeFile(join(folder, 'broken.json'), `{"digest": "${sample.model.digest}"`);
    await writeFile(join(folder, 'another.json'), '{ not JSON');
    await writeFile(
      join(folder, 'mentions.json'),
      JSON.stringify({
        ...sample,
        model: { ...sample.model, digest: `sha256:${'0'.repeat(64)}` },
        tool: sample.model.digest,
      }),
    );
    const good = await saveTable(sample, join(folder, 'good.json'));
    const reported: string[] = [];
    const found = await findTable(sample.model.digest, {
      directories: [folder],
      onUnusable: (error) => reported.push(error.message),
    });
    expect(found?.file).toBe(good);
    expect(reported).toHaveLength(1);
    expect(reported[0]).toContain('broken.json is not JSON');
  });

  it.skipIf(process.getuid?.() === 0)(
    'passes over a folder it may not read (root may read all)',
    async () => {
      const { folder } = await fresh('locked');
      await chmod(folder, 0o000);
      expect(await findTable(sample.model.digest, { directories: [folder] })).toBeUndefined();
      await chmod(folder, 0o700);
    },
  );
});
