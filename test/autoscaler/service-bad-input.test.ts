import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JSON_TYPE, measuredCache, RunningService } from './running-service.ts';

let cache: string;
let running: RunningService;
beforeAll(async () => {
  cache = await measuredCache();
  running = await RunningService.start();
  const declared = await running.declare({ name: 'digits', model: 'mnist', slo: '500ms' });
  expect(declared.status, declared.text).toBe(201);
  await running.untilReady('digits');
}, 60_000);
afterAll(async () => {
  await running.stop();
  await rm(cache, { recursive: true, force: true });
});

const image = (fill: unknown = 0): unknown =>
  Array.from({ length: 28 }, () => Array.from({ length: 28 }, () => [fill]));

async function predict(body: string | Uint8Array<ArrayBuffer>, path = '/function/digits') {
  const { status, text } = await running.request('POST', path, body);
  return { status, error: status === 200 ? undefined : (JSON.parse(text) as { error: string }).error };
}

describe('a bad prediction request', () => {
  it('for an unknown function is 404', async () => {
    expect(await predict('{}', '/function/nobody')).toEqual({
      status: 404,
      error: 'There is no function "nobody". GET /api/functions lists those that are deployed.',
    });
  });

  it('for another model below a function is 404', async () => {
    expect(await predict('{}', '/function/digits/v1/models/other:predict')).toMatchObject({ status: 404 });
  });

  it('that is not JSON is 400', async () => {
    const { status, error } = await predict('hello');
    expect(status).toBe(400);
    expect(error).toMatch(/JSON/);
  });

  it('of the wrong shape is 400 and names both shapes', async () => {
    const { status, error } = await predict(JSON.stringify({ instances: [[1, 2, 3]] }));
    expect(status).toBe(400);
    expect(error).toMatch(/\[1,\s?3\].*28/);
  });

  it('of ragged instances is 400', async () => {
    const rows = image() as number[][][];
    rows[3]!.pop();
    const { status, error } = await predict(JSON.stringify({ instances: [rows] }));
    expect(status).toBe(400);
    expect(error).toBe('instances[0][3] has 27 values, the arrays beside it have 28.');
  });

  it('with both or neither of instances and inputs is 400', async () => {
    expect((await predict('{"instances":[],"inputs":[]}')).status).toBe(400);
    expect((await predict('{}')).status).toBe(400);
  });

  it('with NaN and Infinity is no bad request: TF Serving takes them', async () => {
    const body = JSON.stringify({ instances: [image('@')] }).replaceAll('"@"', 'NaN');
    expect((await predict(body)).status).toBe(200);
    expect((await predict(body.replaceAll('NaN', '-Infinity'))).status).toBe(200);
  });

  it('of 100 MB is 413, without reading it all', async () => {
    const { status, error } = await predict(new Uint8Array(100_000_000).fill(0x20));
    expect(status).toBe(413);
    expect(error).toMatch(/larger|too large|at most/i);
  });

  it('does not hurt the next good one', async () => {
    expect((await predict(JSON.stringify({ instances: [image()] }))).status).toBe(200);
  });
});

describe('a bad declaration', () => {
  const declare = async (declaration: Readonly<Record<string, unknown>>) => {
    const { status, text } = await running.declare(declaration);
    return { status, error: (JSON.parse(text) as { error: string }).error };
  };
  const good = { name: 'other', model: 'mnist', slo: '200ms' };

  it.each([
    [{ ...good, name: 'Not Good' }, 400, /"name".*lower case letters/],
    [{ ...good, slo: '200' }, 400, /"slo".*not a duration/],
    [{ ...good, slo: '0ms' }, 400, /longer than 0/],
    [{ ...good, percentile: 101 }, 400, /"percentile"/],
    [{ ...good, colour: 'blue' }, 400, /colour/],
    [{ ...good, scale: { min: 3, max: 2 } }, 400, /min must not exceed max/],
    [
      { ...good, environment: { NODE_OPTIONS: '--version' } },
      400,
      /"environment\.NODE_OPTIONS".*leave it out/,
    ],
    [
      { ...good, environment: { INFLESS_PORT: '80' } },
      400,
      /"environment\.INFLESS_PORT".*INFLESS_QUEUE_LIMIT/,
    ],
    [{ ...good, model: 'alexnet' }, 404, /alexnet.*mobilenet/],
    [{ ...good, model: './missing.onnx' }, 404, /missing\.onnx/],
    [{ ...good, model: 'textcnn-69' }, 422, /No profile table.*infless-profile textcnn-69/],
    [{ ...good, profile: './missing.json' }, 422, /missing\.json/],
  ])('%j is %i', async (declaration, status, error) => {
    expect(await declare(declaration)).toEqual({ status, error: expect.stringMatching(error) });
  });

  it('of a corrupt model is 422', async () => {
    const file = join(running.stateDirectory, 'corrupt.onnx');
    await writeFile(file, 'this is no model');
    expect(await declare({ ...good, model: file })).toEqual({
      status: 422,
      error: expect.stringContaining('corrupt.onnx'),
    });
  });

  it('of an SLO nothing can meet is 422 and names the nearest that something can', async () => {
    const { status, error } = await declare({ ...good, slo: '1ms' });
    expect(status).toBe(422);
    const nearest = /nearest feasible SLO is (\d+ms)/.exec(error)?.[1];
    expect(nearest).toBeDefined();
    const accepted = await running.declare({ ...good, slo: nearest! });
    expect(accepted.status, accepted.text).toBe(201);
    await running.request('DELETE', '/api/functions/other');
  });

  it('that is not JSON, or names another function than its path, is 400', async () => {
    expect((await running.request('POST', '/api/functions', '{', JSON_TYPE)).status).toBe(400);
    const other = await running.request('PUT', '/api/functions/a', JSON.stringify(good), JSON_TYPE);
    expect(other.status).toBe(400);
    expect((await running.request('GET', '/api/functions/other')).status).toBe(404);
  });
});
