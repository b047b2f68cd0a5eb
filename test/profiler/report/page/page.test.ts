import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { renderPage } from '../../../../profiler/report/page/page.ts';
import type { ProfileTable } from '../../../../profiles/table.ts';
import { cell, table } from '../../../profiles/sample-table.ts';
import { chromiumFile, NO_BROWSER, openBrowser } from '../../../support/browser.ts';

/** Batch 1 with 2 cores keeps the tightest SLO; batch 4 gives most where there is time to wait. */
const sample = table([
  cell(1, 500, 18),
  cell(1, 1000, 10),
  cell(1, 2000, 8, { converged: false }),
  cell(4, 500, 60),
  cell(4, 1000, 30),
  cell(4, 2000, 20),
]);

const withGpu = table([
  cell(1, 1000, 40),
  cell(8, 1000, 300),
  cell(1, 1000, 10, { gpuPercent: 20 }),
  cell(8, 1000, 30, { gpuPercent: 20 }),
  cell(1, 1000, 6, { gpuPercent: 50 }),
  cell(8, 1000, 14, { gpuPercent: 50 }),
]);

describe('the page of a table', () => {
  it('needs nothing else', async () => {
    const page = await renderPage(sample);
    expect(page).not.toMatch(/\b(?:src|href)=|@import|url\(/);
    expect(page).toContain("default-src 'none'");
    for (const fact of ['Imaginary CPU', 'onnxruntime-node 1.30.0', 'cgroup-v1, period 10 ms', 'sha256:abab'])
      expect(page).toContain(fact);
  });

  it('tells what the GPU did, where it is known', async () => {
    expect(await renderPage(withGpu)).not.toContain('GPU memory');
    const gpu = { memoryBytes: 2_500_000_000, powerWatts: 66.9, utilizationPercent: null };
    const page = await renderPage(table([cell(1, 1000, 40, { gpuPercent: 25, gpu })]));
    expect(page).toContain('<td>2.5 GB</td><td>66.9</td><td>–</td>');
  });

  it('names what to mistrust', async () => {
    expect(await renderPage(sample)).toMatch(/b1 c2<\/th><td class="bad">mean known to ±4\.8 % only/);
    const fine = await renderPage(table([cell(1, 1000, 10)]));
    expect(fine).toContain('Nothing: every cell is as precise as asked');
  });

  it('keeps names from being taken for HTML', async () => {
    const model = { ...sample.model, name: '</script><img src=x onerror=alert(1)>' };
    const page = await renderPage({ ...sample, model });
    expect(page).not.toContain('<img');
    expect(page).toContain('&lt;/script&gt;&lt;img');
  });
});

// Tried again because a renderer may be the first that a machine short of memory ends.
describe.skipIf(chromiumFile === undefined)(
  `the page in a browser (skipped where ${NO_BROWSER})`,
  { retry: 2 },
  () => {
    let browser: Browser;
    let directory: string;
    /** Errors in its scripts, and requests to anywhere. */
    let problems: string[];

    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), 'infless-page-'));
      browser = await openBrowser();
    });
    beforeEach(() => {
      problems = [];
    });
    afterEach(async () => {
      await Promise.all(browser.contexts().map((context) => context.close()));
      expect(problems).toEqual([]);
    });
    afterAll(async () => {
      await browser?.close();
      await rm(directory, { recursive: true });
    });

    /** Opened from a file by somebody who prefers the dark. */
    async function open(shown: ProfileTable, slo?: Parameters<typeof renderPage>[1]): Promise<Page> {
      const file = join(directory, 'page.html');
      await writeFile(file, await renderPage(shown, slo));
      const page = await browser.newPage({ colorScheme: 'dark' });
      page.on('pageerror', (error) => problems.push(error.message));
      page.on('request', (request) => {
        if (!request.url().startsWith('file:')) problems.push(request.url());
      });
      await page.goto(pathToFileURL(file).href);
      await page.waitForFunction(
        "document.querySelectorAll('canvas').length === document.querySelectorAll('figure').length",
      );
      return page;
    }

    it('draws frontier, latency, throughput and heat map', async () => {
      const page = await open(sample);
      expect(await page.locator('figcaption').allTextContents()).toEqual([
        expect.stringMatching(/^Efficient frontier/),
        expect.stringMatching(/^Latency by CPU quota, cores/),
        expect.stringMatching(/^rows\/s per core by CPU quota/),
      ]);
      expect(await page.locator('#heat td').allTextContents()).toEqual(['27', '90', '15', '45', '12', '30']);
      await page.selectOption('#heat-figure', 'rows/s');
      expect(await page.locator('#heat td').first().textContent()).toBe('52.9');
    });

    it('tells the best config wherever the slider stands', async () => {
      const page = await open(sample, { sloMs: 31, percentile: 99 });
      const best = page.locator('#best');
      expect(await best.textContent()).toMatch(
        /^p99 ≤ 31 ms: b1 c2 · 6\.84 requests\/s per core · an instance carries 13\.7 requests\/s/,
      );
      await page.locator('#slo').press('End');
      expect(await best.textContent()).toMatch(/: b4 c0\.5 · 115 requests\/s per core/);
      await page.locator('#slo').press('Home');
      expect(await best.textContent()).toMatch(
        /no config keeps it\. The tightest SLO that one keeps is 14\.8 ms\.$/,
      );
      expect(await page.locator('#slo').getAttribute('aria-valuetext')).toMatch(/^10\.3 ms$/);
      await page.selectOption('#percentile', '50');
      expect(await best.textContent()).toMatch(/^p50 ≤ 10\.3 ms: (?:b1 c2 |no config)/);
    });

    it('shows a table with GPU shares along both, per core and per GPU percent', async () => {
      const page = await open(withGpu);
      const captions = await page.locator('figcaption').allTextContents();
      expect(captions.map((text) => text.replace(/;.*/, ''))).toEqual([
        'Efficient frontier what the best config gives, by SLO',
        'Latency by CPU quota, cores',
        'Latency by share of the GPU, %',
        'rows/s per core by CPU quota, cores',
        'rows/s per GPU percent by CPU quota, cores',
        'rows/s per core by share of the GPU, %',
        'rows/s per GPU percent by share of the GPU, %',
      ]);
      await page.selectOption('#share', '0 %'); // no share, no rows per GPU percent: an empty chart, no error
      expect(await page.locator('#heat caption').allTextContents()).toEqual([
        'p99, ms',
        'p99, ms, 20 % of the GPU',
        'p99, ms, 50 % of the GPU',
      ]);
      await page.selectOption('#resource', 'requests/s per GPU percent');
      expect(await page.locator('#best').textContent()).toContain('requests/s per GPU percent');
    });
  },
);
