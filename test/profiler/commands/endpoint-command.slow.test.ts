import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CapacityReport } from '../../../profiler/endpoint/capacity-report.ts';
import { readTable } from '../../../profiles/table-file.ts';
import { slowEcho } from '../../packager/server/server-models.ts';
import { startServer } from '../../packager/server/server-process.ts';
import { ProgramRun } from '../../support/program-run.ts';
import { serve } from '../load/load-server.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'infless-live-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Coarse and soon over, on however busy a machine: what is found there, no test can know. */
const COARSE = ['--percentile', '50', '--error', '50%', '--max-rate', '20', '--max-time', '20s'];

/** What is said must be what the trials say. */
function expectConsistent({ heldRate, ended, trials }: CapacityReport, code: number | null): void {
  const held = trials.filter(({ kind, verdict }) => kind === 'full' && verdict === 'held');
  expect(heldRate).toBe(held.length === 0 ? null : Math.max(...held.map((trial) => trial.ratePerSecond)));
  expect(trials.length).toBeGreaterThan(0);
  if (ended === 'at-max-rate') expect(heldRate).toBe(20);
  expect(code).toBe(heldRate === null ? 1 : 0);
}

async function run(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const program = new ProgramRun('profiler/bin', args);
  const code = await program.exited();
  return { code, stdout: program.stdout, stderr: program.stderr };
}

describe('infless-profile URL, until its capacity is known', () => {
  it('drives a serving process, and times its batches as a table', async () => {
    const server = await startServer({
      model: await slowEcho(1),
      modelName: 'echo',
      maxBatch: 2,
      cpuMillicores: 1000,
      sloMs: 100,
    });
    const json = join(folder, 'capacity.json');
    const output = join(folder, 'table.json');
    const { code, stdout, stderr } = await run(
      server.url,
      ...COARSE,
      '--slo',
      '1s',
      '--json',
      json,
      '-o',
      output,
    );

    expect(stderr).toMatch(/^first answer .+; one request at a time p50 /);
    expect(stdout).toContain('/v1/models/echo:predict\n');
    const report = JSON.parse(await readFile(json, 'utf8')) as CapacityReport;
    expect(report).toMatchObject({
      schema: 'infless.io/capacity/v1',
      slo: { ms: 1000, percentile: 50 },
      instance: { model: 'echo', maxBatch: 2, cpuMillicores: 1000 },
    });
    expect(report.trials[0]!.failed).toEqual({ byStatus: {}, errors: {} });
    expect(stdout).toMatch(/p50 ≤ 1\.00 s/);
    expectConsistent(report, code);

    const table = await readTable(output);
    expect(table.model).toMatchObject({ name: 'echo', digest: report.instance!.digest });
    expect(table.model.outputs.map(({ name }) => name)).toEqual(['y']);
    expect(table.cells.map(({ batch, cpuMillicores }) => [batch, cpuMillicores])).toEqual([
      [1, 1000],
      [2, 1000],
    ]);
    for (const { samples, codecMs, cpuMs, peakMemoryBytes } of table.cells) {
      expect(samples).toBeGreaterThanOrEqual(10);
      expect(codecMs.decode).toBeGreaterThan(0);
      expect(cpuMs).toBeGreaterThan(0);
      expect(peakMemoryBytes).toBeGreaterThan(1e6);
    }
  }, 120_000);

  it('takes the SLO of the function from its gateway, and its inputs from its metadata', async () => {
    const answers: Record<string, unknown> = {
      '/api/functions/echo': { name: 'echo', sloMs: 500, percentile: 50 },
      '/function/echo.ns/v1/models/echo/metadata': {
        metadata: {
          signature_def: {
            signature_def: {
              serving_default: {
                inputs: { x: { dtype: 'DT_FLOAT', tensor_shape: { dim: [{ size: '-1' }] } } },
              },
            },
          },
        },
      },
    };
    const { url, bodies } = await serve((response, request) => {
      const known = request.method === 'POST' ? {} : answers[request.url!];
      response.statusCode = known === undefined ? 404 : 200;
      response.end(JSON.stringify(known ?? {}));
    });
    const { code, stdout } = await run(`${url}/function/echo.ns`, ...COARSE.slice(2), '--json');
    const report = JSON.parse(stdout) as CapacityReport;
    expect(report.slo).toEqual({ ms: 500, percentile: 50 });
    expect(report.instance).toBeNull();
    expectConsistent(report, code);
    expect(bodies.at(-1)).toMatch(/^\{"instances":\[/);
  }, 60_000);

  it('speaks the protocol that the URL tells', async () => {
    const answers: Record<string, unknown> = {
      '/api/functions/echo': { name: 'echo', sloMs: 500, percentile: 50 },
      '/v2/models/echo': { inputs: [{ name: 'x', datatype: 'INT64', shape: [-1, 2] }] },
    };
    const { url, bodies } = await serve((response, request) => {
      const known = request.url === '/v2/models/echo/infer' ? {} : answers[request.url!];
      response.statusCode = known === undefined ? 404 : 200;
      response.end(JSON.stringify(known ?? {}));
    });
    const { code, stdout } = await run(`${url}/v2/models/echo`, ...COARSE.slice(2), '--json');
    const report = JSON.parse(stdout) as CapacityReport;
    expect(report.target).toBe(`${url}/v2/models/echo/infer`);
    expectConsistent(report, code);
    expect(JSON.parse(bodies.at(-1)!)).toMatchObject({
      inputs: [{ name: 'x', datatype: 'INT64', shape: [1, 2] }],
    });
  }, 60_000);
});
