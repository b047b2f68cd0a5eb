import { describe, expect, it } from 'vitest';
import { LatencyWindow } from '../../../autoscaler/latency/latency-window.ts';

describe('the latest latencies', () => {
  it('are none before the first request', () => {
    expect(new LatencyWindow().summary(100, 0)).toBeUndefined();
  });

  it('are summed up by percentiles and by how many kept the SLO, its very end included', () => {
    const window = new LatencyWindow();
    for (let latencyMs = 100; latencyMs >= 1; latencyMs -= 1) window.record(latencyMs, 0);
    expect(window.summary(90, 0)).toEqual({ requests: 100, p50Ms: 50, p99Ms: 99, attainment: 0.9 });
  });

  it('count a failure as not in time, whatever the SLO', () => {
    const window = new LatencyWindow();
    for (const latencyMs of [10, 20, Infinity, 30]) window.record(latencyMs, 0);
    expect(window.summary(1e12, 0)).toEqual({ requests: 4, p50Ms: 20, p99Ms: Infinity, attainment: 0.75 });
  });

  it('forget what is older than the last thousand or so', () => {
    const window = new LatencyWindow();
    for (let index = 0; index < 5_000; index += 1) window.record(1_000, 0);
    for (let index = 0; index < 1_024; index += 1) window.record(1, 0);
    expect(window.summary(10, 0)).toEqual({ requests: 1_024, p50Ms: 1, p99Ms: 1, attainment: 1 });
  });

  it('forget what is older than five minutes, and are none when nothing is left', () => {
    const window = new LatencyWindow();
    window.record(500, 0);
    window.record(10, 200_000);
    expect(window.summary(100, 299_999)).toMatchObject({ requests: 2, attainment: 0.5 });
    expect(window.summary(100, 300_000)).toEqual({ requests: 1, p50Ms: 10, p99Ms: 10, attainment: 1 });
    expect(window.summary(100, 500_000)).toBeUndefined();
  });
});
