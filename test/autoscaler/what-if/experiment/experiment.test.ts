import { appendFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runExperiment } from '../../../../autoscaler/what-if/experiment/experiment.ts';
import type { ExperimentReport } from '../../../../autoscaler/what-if/experiment/experiment-page.ts';
import { readGrid } from '../../../../autoscaler/what-if/experiment/grid-file.ts';
import { isFailure } from '../../../../autoscaler/what-if/experiment/run-figures.ts';
import { summaryText } from '../../../../autoscaler/what-if/experiment/summary-text.ts';
import { type WhatIfFiles, whatIfFiles } from '../../../support/what-if-files.ts';

let files: WhatIfFiles;
let grid: string;
let folder: string;
beforeAll(async () => {
  files = await whatIfFiles();
  folder = await mkdtemp(join(tmpdir(), 'infless-experiment-'));
  await files.write('broken.mjs', 'export const planner = () => { throw new Error("out of ideas"); };\n');
  grid = await files.write(
    'grid.yaml',
    `functions: ${files.functions}
cluster: ${files.cluster}
load: [{rate: 40}, {name: rising, ramp: '5@0s,60@5s'}]
policies: [default, openfaas+lsth]
seeds: 2
slo: [200ms, 400ms]
duration: 5s
warm-up: 2s
`,
  );
});
afterAll(async () => {
  await rm(files.folder, { recursive: true });
  await rm(folder, { recursive: true });
});

async function run(
  out: string,
  options: {
    readonly file?: string;
    readonly signal?: AbortSignal;
    readonly onProgress?: (done: number) => void;
  } = {},
): Promise<ExperimentReport> {
  const { file = grid, ...rest } = options;
  return runExperiment(await readGrid(file), {
    folder: join(folder, out),
    threads: 2,
    commandLine: ['experiment', file],
    ...rest,
  });
}

const written = (out: string, name: string): Promise<string> => readFile(join(folder, out, name), 'utf8');

describe('an experiment', () => {
  let report: ExperimentReport;
  beforeAll(async () => {
    report = await run('whole');
  });

  it('runs every policy at every seed and setting', async () => {
    expect(report.done).toHaveLength(2 * 2 * 2 * 2);
    expect(report.rows).toHaveLength(2 * 2 * 2);
    const [head, ...rows] = (await written('whole', 'runs.csv')).trimEnd().split('\n');
    expect(head).toMatch(/^policy,seed,cluster,load,slo_ms,/);
    expect(rows).toHaveLength(16);
    expect(rows[0]).toMatch(/^default,1,cluster,40,200,,1,0,,pictures,\d\d\d,/);
  });

  it('has the policies meet the same requests, seed by seed', () => {
    const requests = (policy: string): number[] =>
      report.done.flatMap(({ run: { policy: own }, outcome }) =>
        own === policy && !isFailure(outcome) ? [outcome.requests] : [],
      );
    expect(requests('openfaas+lsth')).toEqual(requests('default'));
    expect(new Set(requests('default')).size).toBeGreaterThan(2);
  });

  it('sums up with intervals and paired differences', async () => {
    const [first, second] = report.rows;
    expect(first!.differences).toBeNull();
    expect(second!.differences!.inTimeShare.mean).toBeCloseTo(
      second!.figures.inTimeShare.mean - first!.figures.inTimeShare.mean,
      9,
    );
    expect(summaryText(report.rows)).toMatch(/40, SLO 200 ms\n.*\n.*in time, %/);
    expect((await written('whole', 'summary.csv')).trimEnd().split('\n')).toHaveLength(1 + 8 * 6);
  });

  it('says what it was made of', async () => {
    const provenance = JSON.parse(
      await written('whole', 'provenance.json'),
    ) as ExperimentReport['provenance'];
    expect(provenance.inputs.map(({ path }) => path)).toContain(files.cluster);
    for (const { sha256 } of provenance.inputs) expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(provenance.seeds).toEqual([1, 2]);
  });

  it('is a page with pictures that needs nothing else', async () => {
    const page = await written('whole', 'index.html');
    expect(page.match(/<svg/g)!.length).toBeGreaterThanOrEqual(4 * 4);
    expect(page).not.toMatch(/NaN|Infinity|undefined/);
    expect(page).not.toMatch(/\b(?:src|href)=|@import|url\(/);
  });

  it('goes on where it was stopped, with the same files', async () => {
    const stop = new AbortController();
    const part = await run('stopped', {
      signal: stop.signal,
      onProgress: (done) => {
        if (done === 5) stop.abort();
      },
    });
    expect(part.done.length).toBeGreaterThanOrEqual(5);
    expect(part.done.length).toBeLessThan(16);
    const journal = join(folder, 'stopped', 'runs.jsonl');
    await truncate(journal, (await readFile(journal)).length - 20); // as when killed while it writes
    const told: number[] = [];
    await run('stopped', { onProgress: (done) => told.push(done) });
    expect(told[0]).toBe(part.done.length - 1);
    for (const name of ['runs.csv', 'summary.csv']) {
      expect(await written('stopped', name), name).toBe(await written('whole', name));
    }
  });

  it('does nothing again that is there, and mixes nothing', async () => {
    const told: number[] = [];
    await run('whole', { onProgress: (done) => told.push(done) });
    expect(told).toEqual([16]);
    const other = await files.write('other.yaml', `${await readFile(grid, 'utf8')}noise: 0.1\n`);
    await expect(run('whole', { file: other })).rejects.toThrow('holds the runs of another grid');
    await appendFile(files.cluster, '# the same, with a remark\n');
    await expect(run('whole')).rejects.toThrow('or of other inputs');
  });
});

describe('a policy of the user’s', () => {
  it('that fails is told, and the others’ results still come', async () => {
    const file = await files.write(
      'own.yaml',
      `functions: ${files.functions}\ncluster: ${files.cluster}\nload: {rate: 20}\npolicies: [openfaas, ./broken.mjs]\nduration: 5s\nwarm-up: 1s\n`,
    );
    const { done, rows, notes } = await run('own', { file });
    expect(done.map(({ outcome }) => isFailure(outcome))).toEqual([false, true]);
    expect(rows.map(({ policy }) => policy)).toEqual(['openfaas']);
    expect(notes.at(-1)).toBe('policy broken failed: its planner failed: out of ideas');
  });
});

describe('a grid file', () => {
  it.each([
    ['functions: f.yaml', /at "cluster": .*; at "load": .*; at "policies": /],
    ['functions: f\ncluster: c\nload: {rate: 1}\npolicies: [magic]', /There is no policy "magic"/],
    [
      'functions: f\ncluster: c\nload: {rate: 1}\npolicies: [default, default]',
      /names policy "default" twice/,
    ],
    ['functions: f\ncluster: c\nload: {rate: 1, speed: 2}\npolicies: [default]', /Unrecognized key: "speed"/],
    [
      'functions: f\ncluster: c\nload: {rate: 1}\npolicies: [default]\nslo: soon',
      /at "slo\[0\]": .*"soon" is not a duration/,
    ],
  ])('%j is refused in one sentence', async (text, message) => {
    const file = join(files.folder, 'wrong.yaml');
    await writeFile(file, text);
    await expect(readGrid(file)).rejects.toThrow(
      expect.objectContaining({ sentence: expect.stringMatching(message) }),
    );
  });
});
