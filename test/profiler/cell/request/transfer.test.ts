import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { receive, transferMs } from '../../../../profiler/cell/request/transfer.ts';

const LIMITS = { budgetMs: 60, silenceMs: 5000 };

it('takes longer for larger requests', async () => {
  const response = new Uint8Array(100);
  const small = await transferMs(await receive({ request: new Uint8Array(100), response }), LIMITS);
  const large = await transferMs(await receive({ request: new Uint8Array(8 << 20), response }), LIMITS);
  expect(small).toBeGreaterThan(0);
  expect(large).toBeGreaterThan(2 * small);
});

it('fails in one sentence where nothing takes requests, or nothing answers', async () => {
  const silent = createServer(() => {}).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  await expect(transferMs({ port, requestBytes: 10 }, { ...LIMITS, silenceMs: 50 })).rejects.toMatchObject({
    code: 'INFERENCE_FAILED',
    message: 'The measuring process took no requests over HTTP (no answer in time)',
  });
  silent.closeAllConnections();
  silent.close();
  await once(silent, 'close');
  await expect(transferMs({ port, requestBytes: 10 }, LIMITS)).rejects.toMatchObject({
    message: expect.stringContaining('ECONNREFUSED'),
  });
});
