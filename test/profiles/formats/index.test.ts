import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatTable, TABLE_FORMATS } from '../../../profiles/formats/index.ts';
import { profileTableSchema } from '../../../profiles/table.ts';
import { cell, table } from '../sample-table.ts';

const sample = table([cell(8, 500, 160), cell(1, 1000, 20), cell(1, 500, 40, { converged: false })]);

describe('formatTable', () => {
  it('writes JSON that can be read back', () => {
    expect(profileTableSchema.parse(JSON.parse(formatTable(sample, 'json')))).toEqual(sample);
  });

  it('writes CSV, quoted where needed', () => {
    const named = { ...sample, model: { ...sample.model, name: 'a "b", c' } };
    const [header, first, ...rest] = formatTable(named, 'csv').trimEnd().split('\n');
    expect(header).toMatch(/^model,batch,cpu_millicores,gpu_percent,threads,spinning,mean_ms,/);
    expect(first).toMatch(/^"a ""b"", c",1,500,0,1,false,42,40,44,/);
    expect(first).toMatch(/,301(,){13},x 3,10000$/); // neither throttling nor a GPU known
    expect(rest).toHaveLength(2);
  });

  it("writes the published artifact's lines, cores as decimals", () => {
    expect(formatTable(sample, 'infless')).toBe(
      'sample 0.5 0 1 42.000000\nsample 0.5 0 8 168.000000\nsample 1 0 1 21.000000\n',
    );
  });

  it('writes a report in Markdown', () => {
    expect(formatTable(sample, 'markdown')).toMatchInlineSnapshot(`
      "# sample

      - Model: onnx, 1.2 MB, \`sha256:abababababababababababababababababababababababababababababababab\`
      - Rows: x 3
      - Host: Imaginary CPU, 8 cores, 16.0 GB
      - Engine: onnxruntime-node 1.30.0, Node.js v20.20.2
      - Quota: cgroup-v1, period 10 ms
      - Measured: 2026-11-23T08:00:00.000Z by infless-profile 0.1.0; mean to ±3 % with 95 % confidence

      | batch | cores | threads | mean ms | p50 ms | p95 ms | p99 ms | rows/s | memory | first answer |
      | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
      | 1 | 0.5 | 1 | ~42.0 | 40.0 | 48.0 | 60.0 | 23.8 | 101.0 MB | 301 ms |
      | 8 | 0.5 | 1 | 168 | 160 | 192 | 240 | 47.6 | 108.0 MB | 308 ms |
      | 1 | 1 | 1 | 21.0 | 20.0 | 24.0 | 30.0 | 47.6 | 101.0 MB | 301 ms |

      ~ The mean did not reach the stated confidence within the time allowed.
      "
    `);
  });

  it('shows the GPU column where a cell has a share', () => {
    const gpu = table([cell(1, 1000, 20, { gpuPercent: 30 })]);
    expect(formatTable(gpu, 'markdown')).toContain('| cores | GPU % |');
  });

  it('ends every format in exactly one line break', () => {
    for (const format of TABLE_FORMATS) expect(formatTable(sample, format)).toMatch(/[^\n]\n$/);
  });

  const published = process.env.INFLESS_PAPER_DATA ?? '';
  it.skipIf(!existsSync(published))(
    'has the columns of the published tables (INFLESS_PAPER_DATA is not a folder)',
    () => {
      const files = readdirSync(published).filter((name) => name.endsWith('-profile-results.txt'));
      expect(files.length).toBeGreaterThan(0);
      const shape = /^\S+ \d+(\.\d+)? \d+ \d+ \d+(\.\d+)? ?$/;
      const lines = files.flatMap((name) => readFileSync(join(published, name), 'utf8').trim().split('\n'));
      for (const line of [...lines, ...formatTable(sample, 'infless').trim().split('\n')]) {
        expect(line.trim()).toMatch(shape);
      }
    },
  );
});
