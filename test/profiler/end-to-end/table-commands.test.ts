import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../../models/base/package.ts';
import { findTable, readTable } from '../../../profiles/store.ts';
import type { ProfileTable } from '../../../profiles/table.ts';
import { cell, table } from '../../profiles/sample-table.ts';
import { type Finished, ProfileProcess } from './run-profile.ts';

const PERF_ANALYZER = join(packageRoot, 'test/profiles/fixtures/perf-analyzer.csv');

let directory: string;
const at = (name: string): string => join(directory, name);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'infless-tables-'));
  await write('a.json', table([cell(1, 1000, 20), cell(4, 1000, 50)]));
  await write(
    'b.json',
    table([cell(1, 1000, 30), cell(4, 1000, 50)], { createdAt: '2026-11-24T08:00:00.000Z' }),
  );
  await write('apart.json', table([cell(2, 500, 30)], { engine: 'onnxruntime-node 2.0.0' }));
  await writeFile(at('two.txt'), 'cat 1 0 1 20.5\ncat 1 0 1 21\ndog 1 0 1 3.25\ncat 1 0 2 45\n');
});
afterAll(() => rm(directory, { recursive: true }));

function write(name: string, content: ProfileTable): Promise<void> {
  return writeFile(at(name), JSON.stringify(content));
}

/** Names of files in the test's folder start with an @. */
function profile(...args: string[]): Promise<Finished> {
  return new ProfileProcess(directory, ...args.map((arg) => arg.replace(/^@/, `${directory}/`))).finished();
}

describe('infless-profile compare', () => {
  it('tells what became slower, and exits 0 unless asked', async () => {
    const { code, stdout } = await profile('compare', '@a.json', '@b.json');
    expect(code).toBe(0);
    expect(stdout).toMatchInlineSnapshot(`
      "Model, host, engine and quota are the same.

      ┌────────┬──────────────┬──────────────┬───────┬───────────┬───────────┬────────┐
      │ config │   before, ms │    after, ms │ ratio │    may be │ with JSON │        │
      ├────────┼──────────────┼──────────────┼───────┼───────────┼───────────┼────────┤
      │ b1 c1  │ 21.0 ±4.76 % │ 31.5 ±4.76 % │ 1.500 │ 1.36–1.65 │     1.442 │ slower │
      │ b4 c1  │ 52.5 ±4.76 % │ 52.5 ±4.76 % │ 1.000 │ 0.91–1.10 │     1.000 │        │
      └────────┴──────────────┴──────────────┴───────┴───────────┴───────────┴────────┘
      1 slower, 0 faster beyond both intervals, 1 neither; 1.225 times the mean latency (geometric mean).
      "
    `);
  });

  it('exits 1 for a regression beyond the limit, 0 within it', async () => {
    const beyond = await profile('compare', '@a.json', '@b.json', '--fail-on', '20%');
    expect(beyond.code).toBe(1);
    expect(beyond.stderr).toBe(
      'error: 1 of 2 cells became slower by more than 20 %, the worst 1.50 times as slow.\n',
    );
    expect((await profile('compare', '@a.json', '@b.json', '--fail-on', '60')).code).toBe(0);
  });

  it('writes JSON', async () => {
    const { stdout } = await profile('compare', '@a.json', '@b.json', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ differences: [], cells: [{ ratio: 1.5 }, { ratio: 1 }] });
  });

  it('refuses tables without a config in common', async () => {
    const { code, stderr } = await profile('compare', '@a.json', '@apart.json');
    expect(code).toBe(2);
    expect(stderr).toMatch(/a\.json and .*apart\.json have no config in common\. Measure both over the same/);
  });
});

describe('infless-profile merge', () => {
  it('writes one table and tells of conflicts', async () => {
    const { code, stderr } = await profile('merge', '@a.json', '@b.json', '-o', '@merged.json');
    expect(code).toBe(0);
    expect(stderr).toContain(
      `conflict: b1 c1 takes 32 ms in ${at('b.json')} (kept), 21 ms in ${at('a.json')}\n`,
    );
    expect(stderr).toContain('Table of 2 cells of 2 tables saved as');
    expect((await readTable(at('merged.json'))).cells).toEqual([cell(1, 1000, 30), cell(4, 1000, 50)]);
  });

  it('refuses what is of another engine', async () => {
    const { code, stderr } = await profile('merge', '@a.json', '@apart.json', '-o', '@no.json');
    expect(code).toBe(2);
    expect(stderr).toMatch(/cannot be one: they are of different engines \(onnxruntime-node 1\.30\.0, /);
  });
});

describe('infless-profile import', () => {
  it('takes one model of several, naming the lines left out', async () => {
    const { code, stderr } = await profile('import', '@two.txt', '--only', 'cat', '-o', '@cat.json');
    expect(code).toBe(0);
    expect(stderr).toBe(
      `left out, line 2 (repeated): cat 1 0 1 21\nTable of 2 cells saved as ${at('cat.json')}\n`,
    );
    expect((await readTable(at('cat.json'))).model.name).toBe('cat');
  });

  it('makes a table that is found by the digest of the model it is for', async () => {
    const args = ['--for', 'mnist', '--here', '--cpus', '2', '--startup', '3s', '-o', '@profiles/mnist.json'];
    expect((await profile('import', PERF_ANALYZER, ...args)).code).toBe(0);
    const imported = await readTable(at('profiles/mnist.json'));
    expect(imported.model.name).toBe('mnist');
    expect(imported.cells).toMatchObject([{ cpuMillicores: 2000, firstAnswerMs: 3000 }]);
    const found = await findTable(imported.model.digest, { directories: [at('profiles')] });
    expect(found?.table).toEqual(imported);
  });

  it.each([
    [['@two.txt'], /two\.txt holds several models: cat, dog\. Name the one to take, like --only NAME/],
    [['@two.txt', '--only', 'cow'], /two\.txt holds no model cow, but cat, dog/],
    [['@none.csv'], /none\.csv does not exist\. Check the path/],
    [['@a.json'], /line 1: .* is not a measurement\. Write lines of: model cpuThreads gpuPercent/],
    [[PERF_ANALYZER], /perf-analyzer\.csv does not tell how much CPU the server had\. Say it, like --cpus 4/],
    [[PERF_ANALYZER, '--cpus', '2', '--batch', '1,2'], /--batch "1,2" is more than one/],
  ])('tells in a sentence what is wrong with %j, exit code 2', async (args, sentence) => {
    const { code, stderr } = await profile('import', ...args, '-o', '@out.json');
    expect(stderr).toMatch(sentence);
    expect(code).toBe(2);
  });
});

describe('infless-profile export', () => {
  it('writes to standard output or to a file', async () => {
    const { stdout, code } = await profile('export', '@a.json', '--format', 'infless');
    expect(stdout).toBe('sample 1 0 1 21.000000\nsample 1 0 4 52.500000\n');
    expect(code).toBe(0);
    await profile('export', '@a.json', '--format', 'csv', '-o', '@a.csv');
    expect(await readFile(at('a.csv'), 'utf8')).toMatch(/^model,batch,/);
  });

  it('gives back what was imported', async () => {
    await profile('import', '@two.txt', '--only', 'dog', '-o', '@dog.json');
    const { stdout } = await profile('export', '@dog.json', '--format', 'infless');
    expect(stdout).toBe('dog 1 0 1 3.250000\n');
  });

  it('needs a format', async () => {
    expect((await profile('export', '@a.json')).code).toBe(2);
  });
});
