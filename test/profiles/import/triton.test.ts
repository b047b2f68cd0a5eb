import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../../models/base/package.ts';
import { importTable } from '../../../profiles/import/index.ts';
import { ProfileView } from '../../../profiles/lookup.ts';
import { profileTableSchema } from '../../../profiles/table.ts';

/** In the shape, and with figures, of files that the tools' own repositories and manuals show. */
function fixture(name: string): string {
  return readFileSync(join(packageRoot, 'test/profiles/fixtures', name), 'utf8');
}

const CPUS = { cpuMillicores: 4000 };

describe("the CSV of Triton's Model Analyzer", () => {
  const [imported, ...others] = importTable(fixture('metrics-model-inference.csv'), 'm.csv', CPUS);
  const { table, dropped } = imported!;
  const header = fixture('metrics-model-inference.csv').split('\n')[0]!;

  it('becomes a table of batches alone on one instance', () => {
    expect(others).toEqual([]);
    expect(profileTableSchema.parse(table)).toEqual(table);
    expect(table.model.name).toBe('add_sub');
    expect(
      table.cells.map(({ batch, cpuMillicores, gpuPercent }) => [batch, cpuMillicores, gpuPercent]),
    ).toEqual([
      [2, 4000, 100],
      [1, 4000, 100],
    ]);
    const { latencyMs, throughputPerSecond } = table.cells[0]!;
    expect(latencyMs.mean).toBeCloseTo(2000 / 6226.8); // one request at a time: the inverse of the throughput
    expect(throughputPerSecond).toBeCloseTo(6226.8);
    expect(latencyMs).toMatchObject({ p95: 0.5, p99: 0.5, max: 0.5 });
    expect(new ProfileView(table).configs()).toHaveLength(2);
  });

  it('leaves out, by line, what holds waiting, several instances or a config again', () => {
    expect(dropped.map(({ line, reason }) => [line, reason])).toEqual([
      [2, 'waiting included'],
      [5, 'repeated'],
      [6, 'several instances'],
    ]);
  });

  it('takes the lowest request rate, the mean where it is there, memory, and CPU instances', () => {
    const [rated] = importTable(fixture('metrics-model-inference-rate.csv'), 'm.csv', CPUS);
    expect(rated!.table.cells).toMatchObject([
      { gpuPercent: 0, latencyMs: { mean: 6.2, p99: 12.6 }, peakMemoryBytes: 2_890_500_000 },
    ]);
    expect(rated!.dropped).toMatchObject([{ line: 2, reason: 'waiting included' }]);
  });

  it('counts the instances of all groups, however a version writes them', () => {
    const rows = [
      'm,1,1,c,1:GPU,8,Yes,4000,0.5',
      'm,2,1,c,1:GPU + 1:CPU,8,Yes,6000,0.6',
      'm,4,1,c,"1/GPU,1/CPU",8,Yes,8000,0.9',
      'm,8,1,c,1:CPU + 2:GPU,8,Yes,9000,1.2',
      'm,16,1,c,1/CPU,16,Yes,900,20',
    ];
    const [mixed] = importTable(`${header}\n${rows.join('\n')}\n`, 'm.csv', CPUS);
    expect(mixed!.table.cells.map(({ batch, gpuPercent }) => [batch, gpuPercent])).toEqual([
      [1, 100],
      [16, 0],
    ]);
    expect(mixed!.dropped.map(({ line, reason }) => [line, reason])).toEqual(
      [3, 4, 5].map((line) => [line, 'several instances']),
    );
  });

  it.each([
    ['N/A,2', 2],
    ['1000,N/A', 1],
    ['1000,--', 1],
  ])('takes a figure that is not available for one that is not there (%s)', (figures, mean) => {
    const [partial] = importTable(`${header}\nm,1,1,c,1:GPU,8,Yes,${figures}\n`, 'm.csv', CPUS);
    expect(partial!.table.cells[0]!.latencyMs.mean).toBe(mean);
  });

  it('may be said to be of a share of the GPU', () => {
    const [shared] = importTable(fixture('metrics-model-inference.csv'), 'm.csv', {
      ...CPUS,
      gpuPercent: 25,
    });
    expect(shared!.table.cells[0]!.gpuPercent).toBe(25);
  });

  it.each([
    [`${header}\nadd_sub,two,1,c,1/GPU,8,Yes,1,1\n`, 'line 2: "two" is no number for "Batch"'],
    [`${header}\nadd_sub,2,1,c,1/GPU,8,Yes,,\n`, 'line 2, is not a measurement'],
    [`${header}\nadd_sub,2,1,c,1/GPU,8,Yes,N/A,N/A\n`, 'line 2, is not a measurement'],
    [`${header}\n`, 'holds no measurements'],
    [`${header}\nadd_sub,2,4,c,1/GPU,8,Yes,100,4\n`, 'no row of add_sub with one instance and one request'],
    [`${header}\nadd_sub,"2,1,c,1/GPU,8,Yes,100,4\n`, 'is not CSV'],
  ])('refuses %j', (text, sentence) => {
    expect(() => importTable(text, 'm.csv', CPUS)).toThrow(sentence);
  });

  it('needs the CPU quota, which it does not tell', () => {
    expect(() => importTable(fixture('metrics-model-inference.csv'), 'm.csv', {})).toThrow(
      'm.csv does not tell how much CPU the server had',
    );
  });
});

describe('the CSV of perf_analyzer', () => {
  it('becomes a cell: the row with one request at a time, its percentiles in ms', () => {
    const [imported] = importTable(fixture('perf-analyzer.csv'), 'results/inception.csv', {
      ...CPUS,
      batch: 2,
    });
    expect(imported!.table.model.name).toBe('inception');
    expect(imported!.table.cells).toMatchObject([
      { batch: 2, cpuMillicores: 4000, gpuPercent: 0, latencyMs: { p50: 13.891, p95: 19.753, p99: 21.018 } },
    ]);
    expect(imported!.table.cells[0]!.latencyMs.mean).toBeCloseTo(2000 / 69.2);
    expect(imported!.dropped.map(({ line, reason }) => [line, reason])).toEqual([
      [3, 'waiting included'],
      [4, 'waiting included'],
      [5, 'waiting included'],
    ]);
    expect(profileTableSchema.parse(imported!.table)).toEqual(imported!.table);
  });

  it('tells what the GPU did, where it has the columns', () => {
    const [imported] = importTable(fixture('perf-analyzer-gpu.csv'), 'add_sub.csv', CPUS);
    expect(imported!.table.cells).toMatchObject([
      {
        gpuPercent: 100,
        latencyMs: { mean: 0.339, p50: 0.322, p99: 0.598 },
        gpu: { memoryBytes: 872_415_232, powerWatts: 56.6475, utilizationPercent: 4.5 },
      },
    ]);
    expect(profileTableSchema.parse(imported!.table)).toEqual(imported!.table);
  });

  it('takes batches from the column that scripts put before', () => {
    const rows = fixture('perf-analyzer.csv').split('\n');
    const text = `Batch Size,${rows[0]}\n1,${rows[1]}\n8,1,30,1,1,1,1,1,1,1,266000,1,1,280000\n`;
    const [imported] = importTable(text, 'm.csv', CPUS);
    expect(imported!.table.cells.map(({ batch }) => batch)).toEqual([1, 8]);
  });

  it('refuses a file without a batch alone', () => {
    const rows = fixture('perf-analyzer.csv').split('\n');
    expect(() => importTable(`${rows[0]}\n${rows[2]}\n`, 'm.csv', CPUS)).toThrow(
      'perf_analyzer CSV m.csv holds no row with one request at a time',
    );
  });
});
