import { rm } from 'node:fs/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { chromiumFile, NO_BROWSER, openBrowser } from '../../support/browser.ts';
import { measuredCache, RunningService } from './running-service.ts';

/** Waits until an expression holds in the page. A page that may evaluate nothing cannot wait by itself. */
async function until(page: Page, expression: string): Promise<void> {
  await expect.poll(() => page.evaluate(expression), { timeout: 20_000 }).toBe(true);
}

/** A picture of one pixel. */
const DOT =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

const WIDTHS = [1280, 768, 375];

describe.skipIf(chromiumFile === undefined)(
  `the page at /ui (skipped where ${NO_BROWSER})`,
  { timeout: 60_000 },
  () => {
    let cache: string;
    let running: RunningService;
    let browser: Browser;
    const complaints: string[] = [];

    beforeAll(async () => {
      cache = await measuredCache();
      running = await RunningService.start();
      await running.declare({ name: 'digits', model: 'mnist', slo: '500ms', limits: { cpu: 0.5 } });
      await running.untilReady('digits');
      browser = await openBrowser();
    }, 60_000);
    afterAll(async () => {
      await browser.close();
      await running.stop();
      await rm(cache, { recursive: true, force: true });
    });

    async function open(
      hash: string,
      width = WIDTHS[0]!,
      colorScheme: 'light' | 'dark' = 'light',
    ): Promise<Page> {
      const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
      page.on('pageerror', ({ message }) => complaints.push(message));
      page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
      onTestFinished(async () => {
        await page.close();
        expect(complaints.splice(0)).toEqual([]);
      });
      await page.goto(`${running.url}/ui${hash}`);
      await page.waitForSelector('h1');
      return page;
    }

    it.each(WIDTHS.flatMap((width) => ['light', 'dark'].map((scheme) => [width, scheme] as const)))(
      'fits into %d pixels, %s, every view',
      async (width, scheme) => {
        const page = await open('', width, scheme as 'light' | 'dark');
        for (const hash of [
          '#/',
          '#/cluster',
          '#/functions/digits',
          '#/functions/digits/try',
          '#/functions/digits/change',
          '#/deploy',
        ]) {
          await page.goto(`${running.url}/ui${hash}`);
          await until(page, `document.querySelector('h1') !== null`);
          await until(page, `!document.body.innerText.includes('Loading …')`);
          const beyond = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
          expect([hash, beyond]).toEqual([hash, 0]);
        }
      },
    );

    it('shows a function, and stays where the reader is while figures change', async () => {
      const page = await open('#/functions/digits');
      await page.waitForSelector('.decisions summary');
      await page.locator('.decisions summary').first().click();
      const summary = page.locator('.decisions summary').first();
      await summary.focus();
      await page.waitForTimeout(4_500); // two events later
      expect(await page.evaluate('document.activeElement?.tagName')).toBe('SUMMARY');
      expect(await page.locator('.decisions details[open]').count()).toBe(1);
      await page.locator('.decisions details[open] button').click();
      await page.waitForSelector('.decisions .notice strong');
      expect(await page.locator('.picture .runs').count()).toBeGreaterThan(0);
    });

    it('asks a function by the form of its metadata, and tells where the time went', async () => {
      const page = await open('#/functions/digits/try');
      expect(await page.locator('fieldset legend').textContent()).toBe('inputs: FP32 [any, 28, 28, 1]');
      await page.setInputFiles('input[type=file]', {
        name: 'dot.png',
        mimeType: 'image/png',
        buffer: Buffer.from(DOT, 'base64'),
      });
      await page.getByRole('button', { name: 'Send' }).click();
      await page.waitForSelector('.answer pre');
      const answer = await page.locator('.answer').innerText();
      expect(answer).toContain('Where the time went, in a batch of 1');
      expect(answer).toMatch(/running the batch\s+[\d.]+ ms/);
      expect(answer).toContain('"predictions"');
    });

    it('deploys, changes and removes, by the keyboard, what would happen first', async () => {
      const page = await open('#/deploy');
      await page.focus('#name');
      await page.keyboard.type('second');
      await page.focus('#model');
      await page.keyboard.type('mnist');
      await page.keyboard.press('Enter');
      await page.waitForSelector('.notice strong');
      expect(await page.locator('.notice strong').textContent()).toMatch(/^1 × b\d c/);
      expect(running.service.controller.find('second')).toBeUndefined();
      await page.getByRole('button', { name: 'Deploy it' }).focus();
      await page.keyboard.press('Enter');
      await until(page, `location.hash === '#/functions/second'`);
      expect(running.service.controller.find('second')!.deployment.spec.slo).toBe(200);

      await page.goto(`${running.url}/ui#/functions/second/change`);
      await page.fill('#slo', '300ms');
      await page.getByRole('button', { name: 'Show what would happen' }).first().click();
      await page.getByRole('button', { name: 'Change it' }).click();
      await until(page, `location.hash === '#/functions/second'`);
      expect(running.service.controller.find('second')!.deployment.spec.slo).toBe(300);

      await page.goto(`${running.url}/ui#/functions/second/change`);
      await page.waitForSelector('#slo');
      await page.getByRole('button', { name: 'Show what would happen' }).last().click();
      await page.getByRole('button', { name: 'Remove second' }).click();
      await until(page, `location.hash === '#/'`);
      expect(running.service.controller.find('second')).toBeUndefined();
    });

    it('says what is wrong with what was typed', async () => {
      const page = await open('#/functions/digits/change');
      await page.fill('#slo', '1us');
      await page.getByRole('button', { name: 'Show what would happen' }).first().click();
      const alert = page.getByRole('alert');
      await alert.waitFor();
      expect(await alert.textContent()).toContain('slo');
      complaints.splice(0); // the browser's own line on the status
    });

    it('says that there is no such function', async () => {
      const page = await open('#/functions/nobody');
      await page.getByRole('alert').waitFor();
      expect(await page.getByRole('alert').textContent()).toBe('There is no function "nobody".');
    });

    it('says when the gateway is gone, and goes on when it is back', async () => {
      const page = await open('#/');
      await page.waitForSelector('.functions');
      await page.context().setOffline(true);
      await page.evaluate(`dispatchEvent(new Event('hashchange'))`);
      await until(
        page,
        `document.querySelector('#connection')?.textContent?.includes('does not answer') ?? false`,
      );
      await page.context().setOffline(false);
      await until(page, `document.querySelector('#connection')?.textContent === ''`);
      complaints.splice(0); // the browser tells of what it could not load
    });
  },
);
