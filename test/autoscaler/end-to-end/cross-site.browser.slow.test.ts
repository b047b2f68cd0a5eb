import { once } from 'node:events';
import { access, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { chromiumFile, NO_BROWSER, openBrowser } from '../../support/browser.ts';
import { measuredCache, RunningService } from './running-service.ts';

/** A name that its owner lets stand for an address of ours, once the page is loaded: DNS rebinding. */
const REBOUND = 'rebound.example';
const PICTURE = JSON.stringify({
  instances: [Array.from({ length: 28 }, () => Array.from({ length: 28 }, () => [0.5]))],
});

interface Sent {
  readonly path: string;
  readonly method?: string;
  readonly mode?: 'cors' | 'no-cors';
  readonly type?: string;
  readonly body?: string;
}

/** What the page gets to see of the answer. */
interface Seen {
  readonly type?: string;
  readonly status?: number;
  readonly text?: string;
  readonly failure?: string;
}

describe.skipIf(chromiumFile === undefined)(
  `a page in a browser of this machine (skipped where ${NO_BROWSER})`,
  { timeout: 60_000 },
  () => {
    let cache: string;
    let running: RunningService;
    let browser: Browser;
    let foreignPort: number;
    beforeAll(async () => {
      cache = await measuredCache();
      running = await RunningService.start();
      await running.declare({ name: 'digits', model: 'mnist', slo: '500ms', limits: { cpu: 0.5 } });
      await running.untilReady('digits');
      const site = createServer((_request, response) => {
        response.setHeader('content-type', 'text/html').end('<!doctype html><title>page</title>');
      }).listen(0, '127.0.0.1');
      await once(site, 'listening');
      foreignPort = (site.address() as AddressInfo).port;
      browser = await openBrowser(`--host-resolver-rules=MAP ${REBOUND} 127.0.0.1`);
      return async () => {
        await browser.close();
        site.closeAllConnections();
        site.close();
      };
    }, 60_000);
    afterAll(async () => {
      await running.stop();
      await rm(cache, { recursive: true, force: true });
    });

    afterEach(async () => {
      const { controller, registry } = running.service;
      for (const { name } of controller.functions) if (name !== 'digits') await registry.remove(name);
      await rm(marker(), { force: true });
    });

    /** Another site than 127.0.0.1, on which the gateway listens. */
    const otherSite = (): string => `http://localhost:${foreignPort}/`;
    /** The same site, for browsers do not tell ports apart there, and another origin. */
    const sameSite = (): string => `http://127.0.0.1:${foreignPort}/`;

    async function visit(url: string): Promise<Page> {
      const page = await browser.newPage();
      onTestFinished(() => page.close());
      await page.goto(url);
      return page;
    }

    /** As a script of the page sends it. */
    function send(page: Page, base: string, sent: Sent): Promise<Seen> {
      return page.evaluate(
        async ({ url, method = 'POST', mode = 'cors', type, body }) => {
          const headers = type === undefined ? {} : { 'content-type': type };
          try {
            const answer = await fetch(url, {
              method,
              mode,
              headers,
              ...(body === undefined ? {} : { body }),
            });
            return { type: answer.type, status: answer.status, text: await answer.text() };
          } catch (error) {
            return { failure: String(error) };
          }
        },
        { url: base + sent.path, ...sent },
      );
    }

    async function names(): Promise<string[]> {
      const { functions } = (await running.request('GET', '/api/functions')).json<{
        functions: { name: string }[];
      }>();
      return functions.map(({ name }) => name);
    }

    /** What the code of the page leaves where it runs. */
    const marker = (): string => join(running.stateDirectory, 'marker');

    /** A function whose instances run what the page wants. */
    function attack(): object {
      const script = `import("node:fs").then((fs) => fs.writeFileSync(${JSON.stringify(marker())}, "ran"))`;
      const code = `--import=data:text/javascript,${encodeURIComponent(script)}`;
      return {
        name: 'attack',
        model: 'mnist',
        slo: '500ms',
        scale: { min: 1 },
        limits: { cpu: 0.5 },
        environment: { NODE_OPTIONS: code },
      };
    }

    /** Whether code of the page has run; where its function was declared, that takes as long as a start. */
    async function hasRun(): Promise<boolean> {
      const exists = (): Promise<boolean> =>
        access(marker()).then(
          () => true,
          () => false,
        );
      const expiresAtMs = performance.now() + ((await names()).includes('attack') ? 20_000 : 0);
      while (!(await exists()) && performance.now() < expiresAtMs)
        await new Promise((go) => setTimeout(go, 50));
      return exists();
    }

    it.each([
      ['another site', otherSite],
      ['the same site at another port', sameSite],
    ])('of %s runs no code here', async (_, site) => {
      const page = await visit(site());
      const simple = { mode: 'no-cors', type: 'text/plain' } as const;
      const body = JSON.stringify(attack());
      const declared = await send(page, running.url, { path: '/api/functions', ...simple, body });
      // it was sent, and its answer is not to be seen
      expect(declared).toMatchObject({ type: 'opaque', status: 0 });
      expect(await hasRun()).toBe(false);
      expect(await names()).toEqual(['digits']);
    });

    it('of another site declares nothing by a body without a type', async () => {
      const page = await visit(otherSite());
      const bodies = {
        '/api/functions': attack(),
        // where OpenFaaS' clients send none either
        '/system/functions': { service: 'attack', image: 'mnist' },
      };
      await page.evaluate(
        async ([base, all]) => {
          for (const [path, body] of Object.entries(all)) {
            const untyped = new Blob([JSON.stringify(body)]);
            await fetch(base + path, { method: 'POST', mode: 'no-cors', body: untyped });
          }
        },
        [running.url, bodies] as const,
      );
      expect(await names()).toEqual(['digits']);
    });

    it('of another site declares nothing by a form', async () => {
      const page = await visit(otherSite());
      const action = `${running.url}/system/functions`;
      // a = goes between them
      const [name, value] = ['{"service":"attack","image":"mnist","envProcess":"', '"}'];
      await page.setContent(
        `<form action="${action}" method="POST" enctype="text/plain"><input name='${name}' value='${value}'><button></form>`,
      );
      await page.click('button');
      await page.waitForURL(action);
      expect(await page.textContent('body')).toMatch(/web page of another origin \(http:\/\/localhost:/);
      expect(await names()).toEqual(['digits']);
    });

    it('of another site leads nobody to what only its programs should see', async () => {
      const page = await visit(otherSite());
      await page.setContent(`<a href="${running.url}/api/functions">look</a>`);
      const [answer] = await Promise.all([page.waitForResponse(/\/api\/functions$/), page.click('a')]);
      expect(answer.status()).toBe(403);
    });

    it('of another site is not let send more, and reads nothing', async () => {
      const page = await visit(otherSite());
      const json = {
        path: '/api/functions',
        type: 'application/json',
        body: JSON.stringify(attack()),
      };
      expect(await send(page, running.url, json)).toEqual({
        failure: expect.stringContaining('Failed to fetch'),
      });
      const remove = { path: '/api/functions/digits', method: 'DELETE' };
      expect(await send(page, running.url, remove)).toHaveProperty('failure');
      expect(await send(page, running.url, { path: '/api/functions', method: 'GET' })).toHaveProperty(
        'failure',
      );
      expect(await names()).toEqual(['digits']);
    });

    it('without an origin of its own, as in a sandbox, may no more than that', async () => {
      const page = await visit(otherSite());
      const [url, body] = [`${running.url}/api/functions`, JSON.stringify(attack())].map((each) =>
        JSON.stringify(each),
      );
      const request = `fetch(${url}, { method: "POST", mode: "no-cors", body: ${body} })`;
      const script = `${request}.finally(() => console.log(origin))`;
      const sent = page.waitForEvent('console', (message) => message.text() === 'null'); // its origin
      await page.setContent(`<iframe sandbox="allow-scripts" srcdoc='<script>${script}</script>'></iframe>`);
      await sent;
      expect(await names()).toEqual(['digits']);
    });

    it('whose name was made to stand for this machine reads and declares nothing', async () => {
      const base = running.url.replace('127.0.0.1', REBOUND);
      const page = await visit(`${base}/healthz`); // as if it came from the page's own server
      const list = await send(page, base, { path: '/api/functions', method: 'GET' });
      expect(list).toMatchObject({
        type: 'basic',
        status: 421,
        text: expect.stringContaining('--allow-host'),
      });
      const json = { type: 'application/json', body: JSON.stringify(attack()) };
      expect(await send(page, base, { path: '/api/functions', ...json })).toMatchObject({ status: 421 });
      expect(await names()).toEqual(['digits']);
    });

    it('of another site may still call functions', async () => {
      const page = await visit(otherSite());
      const call = { path: '/function/digits', mode: 'no-cors', type: 'text/plain', body: PICTURE } as const;
      expect(await send(page, running.url, call)).toMatchObject({ type: 'opaque' });
      const answered = 'gateway_function_invocation_total{function_name="digits.openfaas-fn",code="200"} 1';
      await expect
        .poll(async () => (await running.request('GET', '/metrics')).text, { timeout: 20_000 })
        .toContain(answered);
    });

    it('of the gateway itself may administer, and gives no function an environment that runs code', async () => {
      const page = await visit(`${running.url}/healthz`);
      const list = await send(page, running.url, { path: '/api/functions', method: 'GET' });
      expect(list).toMatchObject({ status: 200, text: expect.stringContaining('"digits"') });
      const json = { path: '/api/functions', type: 'application/json' };
      const refused = await send(page, running.url, { ...json, body: JSON.stringify(attack()) });
      expect(refused).toMatchObject({
        status: 400,
        text: expect.stringContaining('environment.NODE_OPTIONS'),
      });
      expect(await hasRun()).toBe(false);
      const second = { name: 'second', model: 'mnist', slo: '500ms' };
      expect(await send(page, running.url, { ...json, body: JSON.stringify(second) })).toMatchObject({
        status: 201,
      });
      const remove = { path: '/api/functions/second', method: 'DELETE' };
      expect(await send(page, running.url, remove)).toMatchObject({ status: 204 });
    });
  },
);
