import { createServer } from 'node:http';
import { expect, it, onTestFinished } from 'vitest';
import { AutoscalerClient } from '../../../autoscaler/client/autoscaler-client.ts';
import { renderStatus } from '../../../autoscaler/client/status-table.ts';

it('functions are a table, and what is wrong with them below', () => {
  const text = renderStatus([
    {
      ...{
        name: 'web',
        phase: 'ready',
        sloMs: 200,
        percentile: 99,
        ratePerSecond: 41.23,
        queued: 2,
        inFlight: 4,
      },
      latest: { p50Ms: 20, p99Ms: null, attainment: 0.985 },
      warnings: ['It is short.'],
      instances: ['b4 c1', 'b4 c1', 'b1 c0.5'].map((configText, index) => ({
        configText,
        phase: index === 2 ? 'starting' : 'ready',
      })),
    },
    { name: 'lost', phase: 'broken', reason: 'Its file is gone.', warnings: [], instances: [] },
  ]);
  expect(text).toContain('│ web      │ ready  │ 41.2/s │ 20 ms │ –   │ 200 ms at p99 │ 98.5 %  │ 2 + 4 │');
  expect(text).toContain('2 × b4 c1, 1 × b1 c0.5 starting');
  expect(text).toMatch(/\n! web: It is short\.\n! lost: Its file is gone\.\n$/);
  expect(renderStatus([])).toBe('No function is deployed.\n');
});

it('a running autoscaler is asked with the login of its URL, which no message repeats', async () => {
  const server = createServer((request, response) => {
    const isKnown = request.headers.authorization === `Basic ${btoa('admin:a secret')}`;
    response.statusCode = isKnown ? 200 : 401;
    response.end(isKnown ? '{"functions":[]}' : '{"error":"The credentials are missing or not valid."}');
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await new Promise((listening) => server.once('listening', listening));
  const { port } = server.address() as { port: number };
  const known = new AutoscalerClient(`http://admin:a%20secret@127.0.0.1:${port}`);
  expect(await known.ask({ path: '/api/functions' })).toEqual({ functions: [] });
  expect(known.url.href).toBe(`http://127.0.0.1:${port}/`);
  await expect(new AutoscalerClient(`http://127.0.0.1:${port}`).ask({ path: '/' })).rejects.toMatchObject({
    code: 'INVALID_INPUT',
    message: 'The credentials are missing or not valid',
  });
});

it('what is no URL, or where nobody answers, is told', async () => {
  expect(() => new AutoscalerClient('localhost')).toThrow('--url "localhost" is not a URL');
  await expect(new AutoscalerClient('http://127.0.0.1:1').ask({ path: '/' })).rejects.toMatchObject({
    code: 'PLATFORM_FAILED',
    remedy: 'Start one, for example with infless serve, or give its --url.',
  });
});
