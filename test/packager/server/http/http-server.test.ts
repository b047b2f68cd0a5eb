import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { InflessError } from '../../../../models/base/errors.ts';
import { DEFAULT_PROTOCOL } from '../../../../models/protocols/index.ts';
import { BodyBudget } from '../../../../packager/server/http/body.ts';
import { createHttpServer } from '../../../../packager/server/http/http-server.ts';

test('an error is told as the protocol of the request tells errors', async () => {
  const protocol: typeof DEFAULT_PROTOCOL = {
    ...DEFAULT_PROTOCOL,
    error: ({ status, sentence }) => ({
      contentType: 'application/problem+json',
      body: Buffer.from(JSON.stringify({ status, detail: sentence })),
    }),
  };
  const app = createHttpServer({
    maxBodyBytes: 10,
    budget: new BodyBudget(100),
    logger: pino({ level: 'silent' }),
    isClosing: () => false,
  });
  onTestFinished(() => app.close());
  app.post('/known', async (request) => {
    request.inferenceRoute = { protocol, call: 'predict', model: 'm', version: undefined };
    throw new InflessError('OVERLOADED', 'Too much waits', { remedy: 'Try again.' });
  });
  app.post('/unknown', async () => {
    throw new InflessError('OVERLOADED', 'Too much waits');
  });

  const known = await app.inject({ method: 'POST', url: '/known' });
  expect([known.statusCode, known.headers['content-type'], known.headers['retry-after']]).toEqual([
    429,
    'application/problem+json',
    '1',
  ]);
  expect(known.json()).toEqual({ status: 429, detail: 'Too much waits. Try again.' });
  const unknown = await app.inject({ method: 'POST', url: '/unknown' });
  expect([unknown.statusCode, unknown.json()]).toEqual([429, { error: 'Too much waits.' }]);
});
