import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ServiceTimes } from '../../../autoscaler/latency/service-times.ts';
import { simulate } from '../../../autoscaler/simulation/simulate.ts';
import { arrivalStream } from '../../../autoscaler/simulation/streams.ts';
import { SYSTEMS, systemByName } from '../../../autoscaler/simulation/systems/systems.ts';
import { readCluster } from '../../../autoscaler/what-if/inputs/cluster-file.ts';
import { readPlannedFunctions } from '../../../autoscaler/what-if/inputs/functions.ts';
import { arrivalsOf } from '../../../autoscaler/what-if/inputs/load.ts';
import { readLoads } from '../../../autoscaler/what-if/inputs/load-options.ts';
import { renderPage } from '../../../autoscaler/what-if/page/page.ts';
import type { WhatIfReport } from '../../../autoscaler/what-if/report/report.ts';
import { renderText } from '../../../autoscaler/what-if/report/text-report.ts';
import { type WhatIfProgress, type WhatIfRequest, whatIf } from '../../../autoscaler/what-if/what-if.ts';
import { parseDurationMs } from '../../../models/base/units.ts';
import { PROFILE } from '../../support/simulated-functions.ts';
import { type WhatIfFiles, whatIfFiles } from '../../support/what-if-files.ts';

let files: WhatIfFiles;
beforeAll(async () => {
  files = await whatIfFiles();
});
afterAll(() => rm(files.folder, { recursive: true }));

const POISSON = { type: 'poisson' } as const;

async function requestFor(
  loads: { readonly rate?: string; readonly ramp?: string; readonly duration?: string },
  change: Partial<WhatIfRequest> & { readonly functionsFile?: string } = {},
): Promise<WhatIfRequest> {
  const { functionsFile = files.functions, ...rest } = change;
  const functions = await readPlannedFunctions(functionsFile);
  const { rate, ramp, duration } = loads;
  return {
    functions,
    cluster: await readCluster(files.cluster),
    loads: await readLoads(
      functions.map(({ spec }) => spec.name),
      {
        rate: rate === undefined ? [] : [rate],
        ramp: ramp === undefined ? [] : [ramp],
        trace: [],
        azure: [],
        'from-journal': [],
        duration: duration === undefined ? undefined : parseDurationMs(duration),
        interval: 1000,
        column: '1',
        traceFormat: undefined,
        scale: 1,
      },
    ),
    process: POISSON,
    policies: [systemByName('default')],
    warmUpMs: 10_000,
    seed: 1,
    executionNoiseCv: 0,
    ...rest,
  };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

describe('a plan', () => {
  let report: WhatIfReport;
  const progress: WhatIfProgress[] = [];
  beforeAll(async () => {
    report = await whatIf(
      await requestFor(
        { ramp: '20@0s,100@30s' },
        { policies: SYSTEMS, onProgress: (each) => progress.push(each) },
      ),
    );
  });

  it('has every policy serve the same requests', () => {
    expect(Object.keys(report.policies)).toEqual(SYSTEMS.map(({ name }) => name));
    const requests = Object.values(report.policies).map((policy) => policy.requests);
    expect(new Set(requests).size).toBe(1);
    expect(Math.abs(requests[0]! - 1_800)).toBeLessThan(200);
    expect(report.functions[0]).toMatchObject({
      feasible: true,
      peakPerSecond: 100,
      expectedRequests: 1_800,
    });
  });

  it('judges by the default policy', () => {
    expect(report.verdict).toEqual({ policy: 'default', met: true });
    expect(report.policies.default!.inTimeShare).toBeGreaterThan(0.99);
    expect(report.interrupted).toBe(false);
  });

  it('counts over time what it counts in all', () => {
    for (const [name, { course, functions, violations, coldStarts, requests }] of Object.entries(
      report.policies,
    )) {
      const [{ counts }] = course.functions as [(typeof course.functions)[number]];
      const [pictures] = functions;
      expect(sum(counts.arrivals), name).toBe(requests);
      expect(sum(counts.inTime), name).toBe(Math.round(pictures!.inTimeShare * requests));
      expect(sum(counts.late), name).toBe(violations.late);
      expect(sum(counts.rejected), name).toBe(violations.rejected);
      expect(sum(counts.cold), name).toBe(coldStarts.requests);
      expect(violations.late + violations.rejected + violations.failed, name).toBe(
        Math.round(violations.share * requests),
      );
    }
  });

  it('tells what is held, and what that costs, in figures that agree', () => {
    for (const { course, resources, cost, measuredMs } of Object.values(report.policies)) {
      const bins = measuredMs / course.binMs;
      expect(course.resources.cores).toHaveLength(bins);
      expect(sum(course.resources.cores) / bins).toBeCloseTo(resources.cores.mean, 2);
      const coresOfConfigs = course.functions.flatMap(({ configs }) =>
        configs.map(({ config, mean }) => (config.cpuMillicores / 1000) * mean),
      );
      expect(sum(coresOfConfigs)).toBeCloseTo(resources.cores.mean, 6);
      expect(resources.gflops.mean).toBeCloseTo(resources.cores.mean * 64, 6);
      expect(resources.cores.peak).toBeGreaterThanOrEqual(Math.max(...course.resources.cores) - 1e-3);
      expect(resources.cores.peak).toBeLessThanOrEqual(report.cluster.cores);
      expect(resources.nodes.peak).toBeLessThanOrEqual(2);
      expect(cost!.perHour).toBeCloseTo(resources.cores.mean * 0.03, 9);
    }
  });

  it('says what simulating says', async () => {
    const { functions, cluster, loads } = await requestFor({ ramp: '20@0s,100@30s' });
    const [{ spec, table }] = functions as [(typeof functions)[number]];
    const result = await simulate(
      {
        functions: [
          {
            spec,
            table,
            arrivals: arrivalsOf(
              loads.byFunction.get('pictures')!,
              POISSON,
              10_000,
              arrivalStream(1, 'pictures'),
            ),
          },
        ],
        nodes: cluster.nodes,
        durationMs: 40_000,
        warmUpMs: 10_000,
      },
      systemByName('default'),
    );
    const { resources, inTimeShare, instanceStarts } = report.policies.default!;
    expect(inTimeShare).toBe(result.inTimeShare);
    expect(instanceStarts).toBe(result.starts);
    expect(resources.cores.mean).toBeCloseTo(result.meanCpuMillicores / 1000, 6);
  });

  it('tells how far it is', () => {
    expect(progress.length).toBeGreaterThan(1_000);
    const shares = progress.map(({ done }) => done);
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    expect(shares.at(-1)).toBeCloseTo(1, 2);
  });

  it('is the same again', async () => {
    const again = await whatIf(await requestFor({ ramp: '20@0s,100@30s' }));
    expect(again.policies.default).toEqual(report.policies.default);
    const other = await whatIf(await requestFor({ ramp: '20@0s,100@30s' }, { seed: 2 }));
    expect(other.policies.default!.requests).not.toBe(report.policies.default!.requests);
  });

  it('reads as text, policies side by side', () => {
    const text = renderText(report);
    expect(text).toContain('cluster  2 × (16 cores, 64.0 GB)');
    expect(text).toContain('SLO KEPT by policy default');
    expect(text).toMatch(/│ +│ default +│ infless +│ batch +│ openfaas +│ knative +│/);
    for (const label of [
      'in time',
      'late',
      'rejected',
      'failed',
      'cores, mean / peak',
      'cost per hour, EUR',
    ]) {
      expect(text).toContain(label);
    }
    expect(text).toMatch(/default, pictures\n +0 s – 5\.00 s {2}\S+ × b\d/);
    expect(text).toContain('200 ms ←');
    expect(text).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('survives JSON', () => {
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });

  it('is a page that needs nothing else', async () => {
    const page = await renderPage(report);
    expect(page).not.toMatch(/\b(?:src|href)=|@import|url\(/);
    expect(page).toContain("default-src 'none'");
    expect(page.match(/<script/g)).toHaveLength(3);
    const embedded = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(page)![1]!;
    expect(JSON.parse(embedded)).toEqual(report);
  });

  it('keeps names from being taken for HTML', async () => {
    const hostile = { ...report, notes: ['</script><img src=x onerror=alert(1)>'] };
    const page = await renderPage(hostile);
    expect(page).not.toContain('<img');
    expect(page).toContain('&lt;/script&gt;&lt;img');
  });
});

describe('a plan for too little', () => {
  it('misses the SLO, and says of whom', async () => {
    const cluster = { nodes: (await readCluster(files.cluster)).nodes.slice(0, 1) };
    const report = await whatIf(await requestFor({ rate: '2000', duration: '20s' }, { cluster }));
    expect(report.verdict.met).toBe(false);
    expect(renderText(report)).toMatch(
      /SLO MISSED by policy default: pictures answers \S+ % within 200 ms instead of 99 %/,
    );
    expect(report.policies.default!.cost).toBeNull();
  });
});

describe('an infeasible SLO', () => {
  it('answers with the nearest feasible one and what SLOs cost, without simulating', async () => {
    const functionsFile = await files.write(
      'fast.yaml',
      'functions: [{name: pictures, model: m.onnx, slo: 5ms, profile: table.json}]\n',
    );
    const report = await whatIf(await requestFor({ rate: '50' }, { functionsFile }));
    const [{ feasible, nearestSloMs, costOfSlo }] = report.functions as [(typeof report.functions)[number]];
    expect(report.policies).toEqual({});
    expect(report.verdict.met).toBe(false);
    expect(feasible).toBe(false);
    const text = renderText(report);
    expect(text).toContain('No config of function "pictures" answers within 5.0 ms at p99.');
    expect(text).toContain(`The nearest feasible SLO is ${nearestSloMs}ms.`);
    const prices = costOfSlo.map(({ gflopsPerRate }) => gflopsPerRate);
    expect(prices.length).toBeGreaterThan(5);
    expect(prices).toEqual(prices.toSorted((a, b) => b - a));
    expect(await renderPage(report)).toContain(`${nearestSloMs} ms`);
    const feasibleFile = await files.write(
      'nearest.yaml',
      `functions: [{name: pictures, model: m.onnx, slo: ${nearestSloMs}ms, profile: table.json}]\n`,
    );
    const feasibleReport = await whatIf(
      await requestFor({ rate: '1', duration: '5s' }, { functionsFile: feasibleFile }),
    );
    expect(feasibleReport.functions[0]!.feasible).toBe(true);
  });
});

describe('tables', () => {
  it('may be INFless text of several models, with notes of what is wrong with them', async () => {
    const [a, b] = await readPlannedFunctions(files.textFunctions);
    expect(a!.table.model.name).toBe('sample');
    expect(a!.notes).toEqual([
      'the table of a tells one time for each config: batches take it always (--noise spreads them)',
      'the table of a does not tell how long a start takes: 5 s are assumed',
    ]);
    expect(b!.table.cells).toHaveLength(1);
    expect(b!.notes[0]).toBe('of the 2 lines of the table of b, 1 are left out as no latencies');
    expect(a!.table.cells[0]!.firstAnswerMs).toBe(5_000);
  });

  it('have the time for reading and writing JSON in that of batches, where a simulation spends it', async () => {
    const [planned] = await readPlannedFunctions(files.functions);
    const config = { batch: 8, cpuMillicores: 1_000, gpuPercent: 0 };
    const measured = new ServiceTimes(PROFILE);
    const asPlanned = new ServiceTimes(planned!.table);
    expect(asPlanned.meanMs(config)).toBeCloseTo(measured.meanMs(config), 9);
    expect(asPlanned.batchMs(config, 8, 0.99)).toBeCloseTo(measured.batchMs(config, 8, 0.99), 9);
    expect(asPlanned.view.codecMs(config)).toEqual({ decode: 0, encode: 0 });
    expect(asPlanned.view.executionMs(config, 8, 0.5)).toBeGreaterThan(
      measured.view.executionMs(config, 8, 0.5),
    );
  });

  it('start instances as quickly as they are told to', async () => {
    const [pictures] = await readPlannedFunctions(files.functions, { startupMs: 1_234 });
    expect(pictures!.table.cells.every(({ firstAnswerMs }) => firstAnswerMs === 1_234)).toBe(true);
  });

  it.each([
    [
      '{name: f, model: nothing.onnx, slo: 1s}',
      /Function "f" names no profile table, nor is its model at hand/,
    ],
    [
      '{name: f, model: m, slo: 1s, profile: none.json}',
      /Profile table .*none\.json of function "f" does not exist/,
    ],
    [
      '{name: f, model: third, slo: 1s, profile: table.txt}',
      /holds no lines of model third\. It has: sample, other/,
    ],
    ['{name: f, model: m, slo: soon, profile: table.json}', /at "slo": duration "soon" is not a duration/],
  ])('%s is refused', async (declaration, message) => {
    const file = await files.write('wrong.yaml', `functions: [${declaration}]\n`);
    await expect(readPlannedFunctions(file)).rejects.toThrow(
      expect.objectContaining({ sentence: expect.stringMatching(message) }),
    );
  });

  it('are no use without functions', async () => {
    const file = await files.write('empty.yaml', 'functions: []\n');
    await expect(readPlannedFunctions(file)).rejects.toThrow('declares no function');
  });
});
