import { describe, expect, it } from 'vitest';
import { ServiceTimes } from '../../../../autoscaler/latency/service-times.ts';
import {
  type ForecastRequest,
  forecast,
  forecastInSteps,
} from '../../../../autoscaler/planning/capacity/forecast.ts';
import { PROFILE } from '../../../support/simulated-functions.ts';

const CONFIG = { batch: 4, cpuMillicores: 1000, gpuPercent: 0 };
const times = new ServiceTimes(PROFILE);

function forecastAt(ratePerSecond: number, change: Partial<ForecastRequest> = {}) {
  return forecast({
    times,
    pool: [CONFIG],
    ratePerSecond,
    arrivalCv: 1,
    sloMs: 200,
    percentile: 99,
    ...change,
  });
}

describe('the forecast', () => {
  it('is the same in steps, of which none takes long', async () => {
    const request = {
      times,
      pool: [CONFIG, CONFIG],
      ratePerSecond: 60,
      arrivalCv: 2,
      sloMs: 200,
      percentile: 99,
    };
    let pauses = 0;
    const inSteps = await forecastInSteps(request, async () => {
      pauses += 1;
    });
    expect(inSteps).toEqual(forecast(request));
    expect(pauses).toBe(40); // 20,000 requests
    expect(await forecastInSteps({ ...request, pool: [] }, async () => {})).toBeUndefined();
  });

  it('is that of a lone request where requests are rare', () => {
    const seen = forecastAt(1)!;
    expect(seen.p50Ms).toBeGreaterThanOrEqual(times.batchMs(CONFIG, 1, 0.5));
    expect(seen.p50Ms).toBeLessThan(1.1 * times.batchMs(CONFIG, 1, 0.5));
    expect(seen.p99Ms).toBeLessThan(2 * times.batchMs(CONFIG, 1, 0.99));
    expect(seen.violationShare).toBe(0);
  });

  it('grows with the rate, and tells when the SLO is lost', () => {
    const [calm, busy, lost] = [20, 60, 300].map((rate) => forecastAt(rate)!);
    expect(busy!.p99Ms).toBeGreaterThan(calm!.p99Ms);
    expect(busy!.violationShare).toBeLessThan(0.01);
    expect(lost!.violationShare).toBeGreaterThan(0.5);
  });

  it('is better with more instances, and worse for bursts', () => {
    const alone = forecastAt(80)!;
    expect(forecastAt(80, { pool: [CONFIG, CONFIG] })!.p99Ms).toBeLessThan(alone.p99Ms);
    expect(forecastAt(80, { arrivalCv: 2 })!.p99Ms).toBeGreaterThan(alone.p99Ms);
  });

  it('does not exist without instances or without requests', () => {
    expect(forecastAt(0)).toBeUndefined();
    expect(forecastAt(10, { pool: [] })).toBeUndefined();
  });
});
