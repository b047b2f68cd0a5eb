import { deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  decodeBatchReply,
  encodeBatchRequest,
  FRAME_CONTENT_TYPE,
} from '../../../../packager/server/batch-frame.ts';
import { ServerProcess } from '../server-process.ts';

const IMAGE = Array.from({ length: 28 }, () => Array.from({ length: 28 }, () => [0.5]));
const PREDICT = '/v1/models/mnist:predict';

const server = new ServerProcess({ model: 'mnist', instanceId: 'i-1', maxBatch: 4, cpuMillicores: 1000 });
beforeAll(async () => {
  await server.listening();
  await server.ready();
});
afterAll(() => server.kill());

async function json(response: Response): Promise<unknown> {
  expect(response.headers.get('content-type')).toMatch(/^application\/json/);
  return response.json();
}

async function error(response: Response): Promise<string> {
  const body = (await json(response)) as { error: string };
  expect(Object.keys(body)).toEqual(['error']);
  expect(body.error).not.toMatch(/\n|\.[jt]s:\d/); // one line, no stack
  return body.error;
}

describe('predictions', () => {
  test.each(['/', PREDICT, '/v1/models/mnist/versions/1:predict'])('row form at %s', async (path) => {
    const response = await server.post(path, JSON.stringify({ instances: [IMAGE, IMAGE] }));
    expect(response.status).toBe(200);
    const { predictions } = (await json(response)) as { predictions: number[][] };
    expect(predictions).toHaveLength(2);
    expect(predictions[0]!.reduce((sum, p) => sum + p)).toBeCloseTo(1, 4);
    expect(predictions[1]).toEqual(predictions[0]);
  });

  test.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
  ])('in %s', async (encoding, deflate) => {
    const body = deflate(JSON.stringify({ instances: [IMAGE] }));
    const response = await server.post(PREDICT, body, { 'content-encoding': encoding });
    expect(await json(response)).toEqual({ predictions: [expect.any(Array)] });
  });

  test('column form, and rows beyond the largest batch', async () => {
    const response = await server.post(PREDICT, JSON.stringify({ inputs: Array(9).fill(IMAGE) }));
    const { outputs } = (await json(response)) as { outputs: number[][] };
    expect(outputs).toHaveLength(9);
  });

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'nonsense', 'a/b; c='])(
    'a body is JSON, even if it is called %s',
    async (type) => {
      const body = JSON.stringify({ signature_name: 'serving_default', instances: [{ inputs: IMAGE }] });
      expect((await server.post('/', body, { 'content-type': type })).status).toBe(200);
    },
  );

  test.each([
    ['{"instances":[', /byte|end/],
    ['not json', /byte 0/],
    ['', /./],
    ['{}', /neither "instances" nor "inputs"/],
    ['{"instances":[[1,2]]}', /shape \[1,2\]/],
    ['{"instances":[]}', /is empty/],
    ['{"instances":[{"nope":1}]}', /nope/],
  ])('%s is refused with 400 and a sentence', async (body, sentence) => {
    const response = await server.post(PREDICT, body);
    expect(response.status).toBe(400);
    expect(await error(response)).toMatch(sentence);
  });
});

describe('other routes', () => {
  test('status, metadata', async () => {
    expect(await json(await fetch(`${server.url}/v1/models/mnist`))).toEqual({
      name: 'mnist',
      ready: true,
      model_version_status: [
        { version: '1', state: 'AVAILABLE', status: { error_code: 'OK', error_message: '' } },
      ],
    });
    const dims = (...sizes: string[]) => ({
      dim: sizes.map((size) => ({ size, name: '' })),
      unknown_rank: false,
    });
    expect(await json(await fetch(`${server.url}/v1/models/mnist/versions/1/metadata`))).toEqual({
      model_spec: { name: 'mnist', signature_name: '', version: '1' },
      metadata: {
        batching: { state: 'proven', reason: expect.stringContaining('alone and beside others') },
        signature_def: {
          signature_def: {
            serving_default: {
              inputs: {
                inputs: { dtype: 'DT_FLOAT', tensor_shape: dims('-1', '28', '28', '1'), name: 'inputs' },
              },
              outputs: {
                predictions: { dtype: 'DT_FLOAT', tensor_shape: dims('-1', '10'), name: 'predictions' },
              },
              method_name: 'tensorflow/serving/predict',
            },
          },
        },
      },
    });
  });

  test('the models there are, and that the server lives', async () => {
    expect(await json(await fetch(`${server.url}/v1/models`))).toEqual({ models: ['mnist'] });
    expect(await json(await fetch(server.url))).toEqual({ status: 'alive' });
  });

  test('health and readiness', async () => {
    for (const path of ['/_/health', '/healthz']) {
      expect((await fetch(server.url + path)).status).toBe(200);
    }
    const report = await server.ready();
    expect(report).toMatchObject({
      instance: 'i-1',
      model: 'mnist',
      maxBatch: 4,
      cpuMillicores: 1000,
      threads: 1,
    });
    expect(report.digest).toMatch(/^sha256:/);
    expect(report.loadMs).toBeGreaterThan(0);
    expect(report.firstAnswerMs).toBeGreaterThan(report.loadMs);
  });

  test('metrics count answers by status and tell how long the parts took', async () => {
    await server.post('/', JSON.stringify({ instances: [IMAGE] }));
    await server.post('/', 'bad');
    await server.post('/v1/models/unknown:predict', 'bad');
    for (const code of [200, 400, 404]) {
      expect(await server.metric(`infless_server_requests_total{code="${code}"}`)).toBeGreaterThan(0);
    }
    for (const part of ['queue', 'decode', 'execute', 'encode']) {
      expect(await server.metric(`infless_server_${part}_seconds_sum`), part).toBeGreaterThan(0);
    }
    expect(await server.metric('infless_server_model_load_seconds')).toBeGreaterThan(0);
    expect(await server.metric('infless_server_queue_depth')).toBe(0);
    expect(await server.metric('infless_server_in_flight')).toBe(0);
    expect(await server.metric('infless_server_body_bytes')).toBe(0);
    expect(await server.metric('process_resident_memory_bytes')).toBeGreaterThan(1e6);
  });

  test.each([
    ['POST', '/v1/models/other:predict', 404, /Model "other" is not served here/],
    ['GET', '/v1/models/other', 404, /Model "other" is not served here/],
    ['PUT', '/v1/models/other', 404, /Model "other" is not served here/],
    ['POST', '/v1/models/mnist/versions/2:predict', 404, /no version 2/],
    ['GET', '/nothing', 404, /nothing at \/nothing/],
    ['POST', '/predict', 404, /nothing at \/predict/],
    ['GET', PREDICT, 405, /takes POST, not GET/],
    ['PUT', PREDICT, 405, /takes POST, not PUT/],
    ['POST', '/v1/models/mnist', 405, /takes GET, not POST/],
    ['DELETE', '/_/ready', 405, /takes GET, not DELETE/],
    ['GET', '/_/batch', 405, /takes POST, not GET/],
    ['GET', '/%', 400, /not a valid URL/],
  ])('%s %s is %i', async (method, path, status, sentence) => {
    const response = await fetch(server.url + path, { method, body: method === 'GET' ? null : '{}' });
    expect(response.status).toBe(status);
    expect(await error(response)).toMatch(sentence);
    if (status === 405) expect(response.headers.get('allow')).toMatch(/^(GET|POST)$/);
  });
});

describe('batches of the gateway', () => {
  const good = JSON.stringify({ instances: [IMAGE] });

  async function batch(...requests: [path: string, body: string][]) {
    const frame = encodeBatchRequest(
      requests.map(([path, body]) => ({
        path,
        contentType: 'application/json',
        body: new TextEncoder().encode(body),
      })),
    );
    const response = await server.post('/_/batch', frame, { 'content-type': FRAME_CONTENT_TYPE });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe(FRAME_CONTENT_TYPE);
    const reply = decodeBatchReply(new Uint8Array(await response.arrayBuffer()));
    return {
      timing: reply.timing,
      statuses: reply.responses.map(({ status }) => status),
      bodies: reply.responses.map(({ body }) => JSON.parse(new TextDecoder().decode(body)) as object),
    };
  }

  test('run together, answered one by one, with the time it took', async () => {
    const { statuses, bodies, timing } = await batch(
      ['/', good],
      [PREDICT, good],
      ['/?x=1', JSON.stringify({ inputs: [IMAGE, IMAGE] })],
    );
    expect(statuses).toEqual([200, 200, 200]);
    expect(bodies.map((body) => Object.keys(body))).toEqual([['predictions'], ['predictions'], ['outputs']]);
    expect(timing.rows).toBe(4);
    for (const ms of [timing.decodeMs, timing.executeMs, timing.encodeMs]) expect(ms).toBeGreaterThan(0);
  });

  test('a bad request fails alone, with its own sentence', async () => {
    const { statuses, bodies, timing } = await batch(
      ['/', good],
      ['/', 'bad'],
      ['/v1/models/other:predict', good],
      ['/v1/models/mnist', good],
      ['/', good],
    );
    expect(statuses).toEqual([200, 400, 404, 405, 200]);
    expect(bodies[1]).toEqual({ error: expect.stringContaining('byte 0') });
    expect(bodies[2]).toEqual({ error: expect.stringContaining('"other"') });
    expect(timing.rows).toBe(2);
  });

  test('a batch in which nothing is sound is answered as well', async () => {
    const { statuses, timing } = await batch(['/', 'bad'], ['/', '']);
    expect(statuses).toEqual([400, 400]);
    expect(timing.rows).toBe(0);
  });

  test('what is no frame is refused', async () => {
    const response = await server.post('/_/batch', '{"instances":[1]}');
    expect(response.status).toBe(400);
    expect(await error(response)).toMatch(/^The batch frame announces a header of/);
  });
});
