import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ExplanationReport } from '../../../../autoscaler/planning/explain/explanation-report.ts';
import { fetchExplanation } from '../../../../autoscaler/what-if/commands/live-explanation.ts';
import { renderExplanation } from '../../../../autoscaler/what-if/report/explanation-text.ts';
import { measuredCache, RunningService } from '../../end-to-end/running-service.ts';

let cache: string;
let running: RunningService;
beforeAll(async () => {
  cache = await measuredCache();
  running = await RunningService.start();
  await running.declare({ name: 'digits', model: 'mnist', slo: '300ms' });
  await running.until('digits', ({ phase }) => phase === 'ready');
}, 60_000);
afterAll(async () => {
  await running.stop();
  await rm(cache, { recursive: true, force: true });
});

describe('a running autoscaler', () => {
  it('explains a function by what its planner knows', async () => {
    const report = await fetchExplanation(running.service.url, 'digits', 20);
    expect(report).toMatchObject({ name: 'digits', sloMs: 300, percentile: 99, ratePerSecond: 20 });
    expect(report.neededPerSecond).toBeCloseTo(22, 9);
    expect(report.chosen!.capacityPerSecond).toBeGreaterThanOrEqual(22);
    expect(report.chosen!.forecast!.p99Ms).toBeGreaterThan(0);
    const [instance] = (await running.status('digits')).instances;
    expect(report.running).toEqual([{ configText: instance!.configText, instances: 1 }]);
    expect(renderExplanation(report)).toContain(`running    1 × ${instance!.configText}`);
  });

  it('explains an idle one, too, at the rate that comes', async () => {
    const report = await fetchExplanation(running.service.url, 'digits');
    expect(report.ratePerSecond).toBe(0);
    expect(report.chosen!.instances).toBe(1);
    expect(report.chosen!.forecast).toBeNull();
    expect(renderExplanation(report)).not.toMatch(/NaN|undefined|null/);
  });

  it('tells what its cluster has too little of, its own instances not counted', async () => {
    const report = await fetchExplanation(running.service.url, 'digits', 1e6);
    expect(report.constraint).toBe('cluster-cpu');
    expect(report.missingPerSecond).toBeGreaterThan(0);
    expect(report.chosen!.instances).toBeGreaterThan(0);
  });

  it('answers by REST, and says what is wrong with a question', async () => {
    const answer = await running.request('GET', '/api/functions/digits/explanation?rate=5');
    expect(answer.status).toBe(200);
    expect(answer.json<ExplanationReport>().costOfSlo.length).toBeGreaterThan(0);
    const wrong = await running.request('GET', '/api/functions/digits/explanation?rate=many');
    expect(wrong.status).toBe(400);
    expect((await running.request('GET', '/api/functions/cats/explanation')).status).toBe(404);
    await expect(fetchExplanation(running.service.url, 'cats')).rejects.toMatchObject({
      code: 'FUNCTION_NOT_FOUND',
      exitCode: 2,
    });
  });
});
