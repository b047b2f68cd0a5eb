import { describe, expect, it } from 'vitest';
import { constantRate, steppedRate } from '../../../profiler/load/arrivals/rates.ts';
import { formatSummary, type LoadReport, type SecondReport } from '../../../profiler/load/report.ts';
import { type LoadOptions, runLoad } from '../../../profiler/load/run.ts';
import { serve } from './load-server.ts';

const BODY = Buffer.from('{"instances":[1]}');

function options(
  url: string,
  rate: number,
  durationMs: number,
  change: Partial<LoadOptions> = {},
): LoadOptions {
  return {
    url,
    rates: constantRate(rate, durationMs),
    process: { type: 'constant' },
    bodies: [BODY],
    ...change,
  };
}

function sumOf(report: LoadReport, what: 'sent' | 'answered' | 'ok' | 'late' | 'failed' | 'dropped'): number {
  return report.seconds.reduce((sum, second) => sum + second[what], 0);
}

describe('runLoad', () => {
  it('counts and times what a healthy target answers', async () => {
    const { url, bodies } = await serve((response) => setTimeout(() => response.end('ok'), 30));
    const seconds: SecondReport[] = [];
    const report = await runLoad(options(url, 100, 1500, { slo: { ms: 5000, percentile: 99 } }), (second) =>
      seconds.push(second),
    );
    expect(report).toMatchObject({
      target: `${url}/`,
      arrivals: { type: 'constant', seed: 1 },
      durationMs: 1500,
      interrupted: false,
      sent: 150,
      ok: 150,
      failed: { byStatus: {}, errors: {} },
      dropped: 0,
      unanswered: 0,
      rate: { offered: 100, ok: 100 },
      slo: { ms: 5000, percentile: 99, violations: 0, violationShare: 0, met: true },
    });
    expect(report.latencyMs!.p50).toBeGreaterThanOrEqual(29);
    expect(report.latencyMs!.p50).toBeLessThan(1000);
    expect(report.latencyMs!.max).toBeGreaterThanOrEqual(report.latencyMs!.p999);
    expect(seconds).toEqual(report.seconds);
    expect(sumOf(report, 'sent')).toBe(150);
    expect(sumOf(report, 'answered')).toBe(150);
    expect(seconds[0]!.sent).toBeGreaterThan(50); // about 100: the timer decides about the edges
    expect(bodies).toEqual(new Array(150).fill(BODY.toString()));
  });

  it('shows a stall in the latencies of everything that was due meanwhile', async () => {
    // The target answers at once, except that between 500 and 1000 ms it does nothing at all.
    let stallUntil: number | undefined;
    const { url } = await serve((response, _request, index) => {
      if (index === 50) stallUntil = performance.now() + 500;
      setTimeout(() => response.end(), Math.max(0, (stallUntil ?? 0) - performance.now()));
    });
    const report = await runLoad(options(url, 100, 2000));
    // 50 of 200 requests were due during the stall and waited 500, 490, … 10 ms. A closed loop would have
    // seen one slow request, and a p95 of next to nothing.
    expect(report.ok).toBe(200);
    expect(report.latencyMs!.max).toBeGreaterThan(480);
    expect(report.latencyMs!.p90).toBeGreaterThan(240);
    expect(report.latencyMs!.p95).toBeGreaterThan(340);
    expect(report.latencyMs!.p50).toBeLessThan(240);
    expect(report.seconds.some((second) => second.outstanding > 0 || second.p99Ms! > 400)).toBe(true);
  });

  it('counts from when a request was due when the generator itself stalls, and says that it did', async () => {
    const { url } = await serve((response) => response.end());
    const timer = setTimeout(() => {
      const until = performance.now() + 400;
      while (performance.now() < until); // holds up generator and target alike: they share this process
    }, 300);
    const report = await runLoad(options(url, 100, 1000));
    clearTimeout(timer);
    expect(report.ok).toBe(100);
    expect(report.sendLagMs.max).toBeGreaterThan(350);
    expect(report.keptUp).toBe(false);
    expect(report.latencyMs!.p90).toBeGreaterThan(250);
  });

  it('counts errors by status, and none of them as a fast answer', async () => {
    const { url } = await serve((response, _request, index) => {
      response.statusCode = [200, 429, 503, 200][index % 4]!;
      response.end('{"error":"…"}');
    });
    const report = await runLoad(options(url, 200, 500, { slo: { ms: 1000, percentile: 60 } }));
    expect(report).toMatchObject({
      sent: 100,
      ok: 50,
      failed: { byStatus: { 429: 25, 503: 25 }, errors: {} },
    });
    expect(report.slo).toMatchObject({ violations: 50, violationShare: 0.5, met: false });
    expect(sumOf(report, 'failed')).toBe(50);
    expect(sumOf(report, 'answered')).toBe(100);
  });

  it('counts requests that were wrong as failed, but as no violations, and tells what the first error said', async () => {
    const { url } = await serve((response, _request, index) => {
      response.statusCode = [200, 400, 200, 413, 200, 422, 200, 500][index % 8]!;
      response.end(index === 1 ? '{"error":"Expected\\na \\u001b[31mnumber."}' : '{"error":"other"}');
    });
    const report = await runLoad(options(url, 200, 400, { slo: { ms: 5000, percentile: 80 } }));
    expect(report.failed.byStatus).toEqual({ 400: 10, 413: 10, 422: 10, 500: 10 });
    expect(report.slo).toMatchObject({ violations: 10, violationShare: 0.2, met: true });
    expect(report.failed.first).toEqual({ status: 400, text: expect.stringContaining('Expected') });
    expect(formatSummary(report)).toContain('The first error was 400: Expected a [31mnumber.\n');
  });

  it('takes no SLO for kept where every request was wrong', async () => {
    const { url } = await serve((response) => {
      response.statusCode = 404;
      response.end('<html>\n'.repeat(100_000));
    });
    const report = await runLoad(options(url, 100, 100, { slo: { ms: 5000, percentile: 99 } }));
    expect(report.slo).toMatchObject({ violations: 0, violationShare: 0, met: false });
    expect(report.failed.first!.text).toHaveLength(4096);
    expect(formatSummary(report)).toMatch(/The first error was 404: (<html> )+(<\w*)?…\n/);
  });

  it('counts broken connections and timeouts by reason', async () => {
    const { url } = await serve((response, _request, index) => {
      if (index % 2 === 0) response.destroy();
    });
    const report = await runLoad(options(url, 40, 250, { timeoutMs: 300 }));
    expect(report.ok).toBe(0);
    expect(report.latencyMs).toBeNull();
    expect(report.failed.errors).toEqual({ 'connection closed': 5, timeout: 5 });
  });

  it('drops what goes beyond the bound on outstanding requests, as violations', async () => {
    const { url } = await serve((response) => setTimeout(() => response.end(), 1000));
    const report = await runLoad(
      options(url, 100, 500, { maxOutstanding: 20, slo: { ms: 5000, percentile: 50 } }),
    );
    expect(report).toMatchObject({ sent: 20, dropped: 30, ok: 20, rate: { offered: 100, ok: 40 } });
    expect(report.slo).toMatchObject({ violations: 30, violationShare: 0.6, met: false });
  });

  it('judges late answers', async () => {
    const { url } = await serve((response, _request, index) =>
      setTimeout(() => response.end(), index % 10 === 0 ? 2500 : 0),
    );
    const at = (percentile: number) => runLoad(options(url, 100, 200, { slo: { ms: 1500, percentile } }));
    expect((await at(90)).slo).toMatchObject({ violations: 2, violationShare: 0.1, met: true });
    const strict = await at(95);
    expect(strict.slo).toMatchObject({ violations: 2, met: false });
    expect(sumOf(strict, 'late')).toBe(2);
  });

  it('stays to the end of its time when the rate falls to zero', async () => {
    const { url } = await serve((response) => response.end());
    const startMs = performance.now();
    const report = await runLoad({ ...options(url, 0, 0), rates: steppedRate([50, 0], 400) });
    expect(performance.now() - startMs).toBeGreaterThan(790);
    expect(report).toMatchObject({ sent: 20, ok: 20, durationMs: 800 });
  });

  it('reports what it measured when interrupted, and does not wait for ever', async () => {
    const { url } = await serve((response, _request, index) => {
      if (index < 10) response.end();
    });
    const interrupt = new AbortController();
    setTimeout(() => interrupt.abort(), 300);
    const startMs = performance.now();
    const report = await runLoad(
      options(url, 100, 60_000, { slo: { ms: 1500, percentile: 99 } }),
      () => {},
      interrupt.signal,
    );
    expect(performance.now() - startMs).toBeLessThan(5000);
    expect(report.interrupted).toBe(true);
    expect(report.ok).toBe(10);
    expect(report.unanswered).toBe(report.sent - 10);
    expect(report.durationMs).toBeLessThan(2000);
    expect(report.slo!.violations).toBe(report.unanswered); // it waited 2 s for them, longer than the SLO
  });

  it('sends the bodies in turn, with the headers given', async () => {
    const seen = new Set<string | undefined>();
    const { url, bodies } = await serve((response, request) => {
      seen.add(
        `${request.method} ${request.url} ${request.headers['content-type']} ${request.headers['x-tag']}`,
      );
      response.end();
    });
    await runLoad(
      options(`${url}/a?b=c`, 100, 60, {
        bodies: [Buffer.from('1'), Buffer.from('2')],
        headers: { 'x-tag': 't' },
      }),
    );
    expect(bodies.toSorted()).toEqual(['1', '1', '1', '2', '2', '2']);
    expect([...seen]).toEqual(['POST /a?b=c application/json t']);
  });

  it('needs no body for GET', async () => {
    const { url, bodies } = await serve((response) => response.end());
    const report = await runLoad({
      url,
      rates: constantRate(50, 100),
      process: { type: 'constant' },
      method: 'GET',
    });
    expect(report.ok).toBe(5);
    expect(bodies).toEqual(['', '', '', '', '']);
  });

  it.each([
    ['nothing listens', 'http://127.0.0.1:1/', 'Nothing answers at http://127.0.0.1:1 (ECONNREFUSED)'],
    ['not a URL', 'localhost', '"localhost" is not an HTTP URL'],
    ['another protocol', 'ftp://localhost/', '"ftp://localhost/" is not an HTTP URL'],
  ])('says in one sentence: %s', async (_case, url, message) => {
    await expect(runLoad(options(url, 10, 100))).rejects.toThrow(message);
  });

  it('says when there is nothing to send', async () => {
    const { url } = await serve((response) => response.end());
    await expect(runLoad(options(url, 0, 100))).rejects.toThrow('brings no requests at all');
    const { bodies: _none, ...withoutBody } = options(url, 10, 100);
    await expect(runLoad(withoutBody)).rejects.toThrow(`What to send to ${url}/ is not known`);
  });
});
