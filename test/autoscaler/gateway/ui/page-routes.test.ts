import { fastify } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pageRoutes } from '../../../../autoscaler/gateway/ui/page-routes.ts';

const app = fastify();

beforeAll(() => {
  pageRoutes(app);
  app.get('/', async () => ({ status: 'alive' }));
});
afterAll(() => app.close());

async function get(url: string, accept = '*/*') {
  const { statusCode, headers, body } = await app.inject({ url, headers: { accept } });
  return { statusCode, headers, body };
}

describe('the page', () => {
  it('is at / for who prefers HTML, and for nobody else', async () => {
    const browser = await get('/', 'text/html,application/xhtml+xml,*/*;q=0.8');
    expect([browser.statusCode, browser.headers.location]).toEqual([302, '/ui']);
    for (const accept of ['*/*', 'application/json', 'application/json, text/html'])
      expect((await get('/', accept)).body).toBe('{"status":"alive"}');
  });

  it('has no script or style in itself, and may load nothing from elsewhere', async () => {
    const { body, headers } = await get('/ui');
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("script-src 'self'; style-src 'self'");
    expect(policy).not.toContain('unsafe');
    expect(body).not.toMatch(/<style|<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=/);
    expect(body).not.toMatch(/https?:/);
  });

  it('brings along all that it refers to', async () => {
    const seen = new Set<string>();
    const open = ['/ui'];
    for (let url = open.pop(); url !== undefined; url = open.pop()) {
      if (seen.has(url)) continue;
      seen.add(url);
      const { statusCode, body, headers } = await get(url);
      expect([url, statusCode]).toEqual([url, 200]);
      expect(headers['x-content-type-options']).toBe('nosniff');
      for (const [, found] of body.matchAll(/(?:src|href)="(\/ui[^"]*)"/g)) open.push(found!);
      for (const [, found] of body.matchAll(/from '\.\/([^']+)'/g)) open.push(`/ui/${found}`);
      expect(body).not.toMatch(/url\(|@import|style="/);
    }
    expect([...seen].filter((url) => url.endsWith('.js')).length).toBeGreaterThan(7);
  });

  it('is small', async () => {
    const names = ['', 'base.css', 'page.css', 'app.js', 'charts.js', 'try.js', 'change.js', 'function.js'];
    const sizes = await Promise.all(
      names.map(async (name) => (await get(`/ui/${name}`.replace(/\/$/, ''))).body.length),
    );
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(80_000);
  });
});
