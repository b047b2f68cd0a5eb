import { describe, expect, it } from 'vitest';
import { constantRate } from '../../../profiler/load/arrivals/rates.ts';
import { runLoad } from '../../../profiler/load/run.ts';
import { parseTarget } from '../../../profiler/load/target.ts';
import { serve } from './load-server.ts';

describe('parseTarget', () => {
  it.each([
    [
      'http://h:8080/function/mobilenet',
      '/function/mobilenet',
      '/function/mobilenet/v1/models/mobilenet/metadata',
    ],
    [
      'http://h/function/m.openfaas-fn/',
      '/function/m.openfaas-fn/',
      '/function/m.openfaas-fn/v1/models/m/metadata',
    ],
    ['http://h/v1/models/m', '/v1/models/m:predict', '/v1/models/m/metadata'],
    ['http://h/v1/models/m:predict', '/v1/models/m:predict', '/v1/models/m/metadata'],
    [
      'http://h/v1/models/m/versions/2:predict',
      '/v1/models/m/versions/2:predict',
      '/v1/models/m/versions/2/metadata',
    ],
    [
      'http://h/function/f/v1/models/m',
      '/function/f/v1/models/m:predict',
      '/function/f/v1/models/m/metadata',
    ],
    ['http://h/v2/models/m', '/v2/models/m/infer', '/v2/models/m'],
    [
      'http://h/a/v2/models/m/versions/1/infer',
      '/a/v2/models/m/versions/1/infer',
      '/a/v2/models/m/versions/1',
    ],
    ['http://h/v3/models/m/infer', '/v3/models/m/infer', undefined],
  ])('%s', (text, path, metadataPath) => {
    const target = parseTarget(text);
    expect(target.url.pathname).toBe(path);
    expect(target.metadataUrl?.pathname).toBe(metadataPath);
  });

  it('speaks the protocol that is named, if there is one and the URL names a model in it', () => {
    const path = (url: string, protocol: string) => parseTarget(url, protocol).url.pathname;
    expect(path('http://h/function/m.ns/', 'tensorflow-serving')).toBe('/function/m.ns/v1/models/m:predict');
    expect(path('http://h/function/m.ns/', 'open-inference')).toBe('/function/m.ns/v2/models/m/infer');
    expect(path('http://h/any/thing', 'openfaas')).toBe('/any/thing');
    expect(() => path('http://h/any/thing', 'tensorflow-serving')).toThrow(
      'http://h/any/thing names no model as tensorflow-serving does',
    );
    expect(() => path('http://h/function/m', 'smoke-signals')).toThrow(
      'There is no protocol "smoke-signals"',
    );
  });
});

function metadata(inputs: Record<string, unknown>): string {
  return JSON.stringify({
    model_spec: { name: 'm', signature_name: '', version: '1' },
    metadata: {
      signature_def: {
        signature_def: {
          serving_default: { inputs, outputs: {}, method_name: 'tensorflow/serving/predict' },
        },
      },
    },
  });
}

function tensor(dtype: string, ...sizes: number[]) {
  return {
    dtype,
    tensor_shape: { dim: sizes.map((size) => ({ size: String(size), name: '' })), unknown_rank: false },
    name: 'x:0',
  };
}

describe('bodies made up from the metadata of a function', () => {
  it('are a few different single rows, the same for the same seed', async () => {
    const { url, bodies } = await serve((response, request) => {
      if (request.url === '/function/m/v1/models/m/metadata')
        response.end(metadata({ x: tensor('DT_FLOAT', -1, 2) }));
      else response.end('{}');
    });
    const load = () =>
      runLoad({
        url: `${url}/function/m`,
        rates: constantRate(100, 80),
        process: { type: 'constant' },
        seed: 3,
      });
    const report = await load();
    expect(report.ok).toBe(8);
    const sent = bodies.slice(1);
    expect(new Set(sent).size).toBe(4);
    for (const body of sent) {
      const { instances } = JSON.parse(body) as { instances: number[][] };
      expect(instances).toHaveLength(1);
      expect(instances[0]).toHaveLength(2);
    }
    await load();
    expect(bodies.slice(10).toSorted()).toEqual(sent.toSorted());
  });

  it('cannot be made where there is no metadata', async () => {
    const { url } = await serve((response) => {
      response.statusCode = 404;
      response.end();
    });
    await expect(runLoad({ url: `${url}/function/m`, rates: constantRate(10, 100) })).rejects.toThrow(
      'cannot be read: status 404',
    );
  });
});
