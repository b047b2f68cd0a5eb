import { describe, expect, it, test } from 'vitest';
import { describe as describeTo, PROTOCOLS, type Route, routeTo } from '../../../models/protocols/index.ts';

describe('paths of the model', () => {
  test.each([
    ['POST', '/', 'predict'],
    ['POST', '', 'predict'],
    ['POST', '/?verbose=1', 'predict'],
    ['POST', '/v1/models/mnist:predict', 'predict'],
    ['POST', '/v1/models/mnist/versions/1:predict?x=/y:z', 'predict'],
    ['POST', '/v1/models/m%6eist:predict', 'predict'],
    ['GET', '/v1/models/mnist', 'status'],
    ['GET', '/v1/models/mnist/', 'status'],
    ['HEAD', '/v1/models/mnist', 'status'],
    ['GET', '/v1/models/mnist/versions/1', 'status'],
    ['GET', '/v1/models/mnist/versions/0', 'status'],
    ['POST', '/v1/models/mnist/versions/0:predict', 'predict'],
    ['GET', '/v1/models/mnist/metadata', 'metadata'],
    ['GET', '/v1/models/mnist/versions/1/metadata', 'metadata'],
    ['GET', '/v1/models', 'list'],
    ['GET', '/v1/models/', 'list'],
    ['GET', '/', 'live'],
  ])('%s %s is %s', (method, path, call) => {
    expect(routeTo('mnist', method, path)).toMatchObject({ call });
  });

  test.each([
    ['POST', '/v1/models/other:predict', 404, 'Model "other" is not served here. This server has "mnist".'],
    ['GET', '/v1/models/mnist/versions/7', 404, 'Model "mnist" has no version 7 here'],
    ['GET', '/v1/models/%zz', 404, 'Model "%zz" is not served here'],
    ['POST', '/v1/models/mnist:classify', 404, 'There is nothing at /v1/models/mnist:classify'],
    ['POST', '/predict', 404, 'There is nothing at'],
    ['PUT', '/', 405, '/ takes GET, POST, not PUT.'],
    ['GET', '/v1/models/mnist:predict', 405, 'takes POST, not GET.'],
    ['POST', '/v1/models/mnist', 405, 'takes GET, not POST.'],
    ['DELETE', '/v1/models/mnist/metadata', 405, 'takes GET, not DELETE.'],
  ])('%s %s is refused', (method, path, status, sentence) => {
    expect(routeTo('mnist', method, path)).toMatchObject({
      refused: status,
      sentence: expect.stringContaining(sentence),
    });
  });

  test('any model is taken for ours while its name is not known', () => {
    expect(routeTo(undefined, 'POST', '/v1/models/any:predict')).toMatchObject({ call: 'predict' });
  });
});

describe('the list of protocols', () => {
  test('gives every path to one of them', () => {
    const roots = PROTOCOLS.map(({ root }) => root);
    for (const root of roots) {
      const above = roots.filter(
        (other) => other !== '/' && (root === other || root.startsWith(`${other}/`)),
      );
      expect(above).toEqual(root === '/' ? [] : [root]);
    }
    expect(new Set(roots).size).toBe(roots.length);
  });

  test.each(PROTOCOLS.map((protocol) => [protocol.name, protocol] as const))(
    '%s can answer all that its routes ask for',
    (_, { routes, descriptions }) => {
      for (const { call } of routes)
        if (call !== undefined && call !== 'predict') expect(descriptions, call).toHaveProperty(call);
    },
  );
});

it('metadata of every protocol tells which classes the columns of scores are', () => {
  const x = { name: 'x', dtype: 'float32' as const, shape: [null, 2], batchAxis: 0 };
  const outputs = [x, { ...x, name: '__proto__', classes: ['setosa', 7] }];
  const digest = `sha256:${'0'.repeat(64)}`;
  const manifest = { name: 'm', format: 'onnx', digest, sizeBytes: 0, inputs: [x], outputs };
  const [v1, v2] = ['/v1/models/m/metadata', '/v2/models/m'].map((path) => {
    const route = routeTo('m', 'GET', path) as Route;
    return Buffer.from(describeTo(route, [{ name: 'm', state: 'ready', manifest }]).body).toString();
  });
  expect(v1).toContain('"classes":{"__proto__":["setosa",7]}');
  expect(v2).toContain(
    '"name":"__proto__","datatype":"FP32","shape":[-1,2],"parameters":{"classes":["setosa",7]}',
  );
  expect(v2).toContain('{"name":"x","datatype":"FP32","shape":[-1,2]}');
});

it.each([
  ['/v1/models/m/metadata', { metadata: { batching: { state: 'refuted', reason: 'rows are mixed' } } }],
  ['/v2/models/m', { parameters: { batching: 'refuted', batching_reason: 'rows are mixed' } }],
])('metadata at %s says whether requests share runs, and why', (path, said) => {
  const x = { name: 'x', dtype: 'float32' as const, shape: [null, 2], batchAxis: null };
  const digest = `sha256:${'0'.repeat(64)}`;
  const batching = { state: 'refuted' as const, reason: 'rows are mixed' };
  const manifest = { name: 'm', format: 'onnx', digest, sizeBytes: 0, inputs: [x], outputs: [x], batching };
  const route = routeTo('m', 'GET', path) as Route;
  const { body } = describeTo(route, [{ name: 'm', state: 'ready', manifest }]);
  expect(JSON.parse(Buffer.from(body).toString())).toMatchObject(said);
});

it.each([
  ['tensorflow-serving', '/v1/models/m/metadata'],
  ['open-inference', '/v2/models/m'],
])(
  'metadata of %s tells our clients where the batch is, and what requests are made up like',
  (name, path) => {
    const x = { name: 'x', dtype: 'float32' as const, shape: [null, 2], batchAxis: 0 };
    const inputs = [
      x,
      { ...x, name: 'state', shape: [2, null, 4], batchAxis: 1 },
      { ...x, name: 'rate', shape: [null], batchAxis: null },
      {
        ...x,
        name: 'image',
        shape: [null, 3, null, null],
        example: { shape: [1, 3, 8, 8], range: [0, 255] as [number, number], values: 'secret' },
      },
      { ...x, name: 'ids', dtype: 'int64' as const, example: { below: 54 } },
    ];
    const digest = `sha256:${'0'.repeat(64)}`;
    const manifest = { name: 'm', format: 'onnx', digest, sizeBytes: 0, inputs, outputs: [x] };
    const route = routeTo('m', 'GET', path) as Route;
    const { body } = describeTo(route, [{ name: 'm', state: 'ready', manifest }]);
    expect(Buffer.from(body).toString()).not.toContain('secret');
    const read = PROTOCOLS.find((protocol) => protocol.name === name)!.readMetadata(body, 'it');
    expect(read.inputs).toEqual(
      inputs.map((input) =>
        input.name === 'image' ? { ...input, example: { shape: [1, 3, 8, 8], range: [0, 255] } } : input,
      ),
    );
  },
);

it('what else a server says of its inputs is passed over', () => {
  const [v1, v2] = ['tensorflow-serving', 'open-inference'].map(
    (name) => PROTOCOLS.find((each) => each.name === name)!,
  );
  const inputs = { x: { dtype: 'DT_FLOAT', tensor_shape: { dim: [{ size: '-1' }, { size: '2' }] } } };
  const signature = { signature_def: { signature_def: { serving_default: { inputs } } } };
  const x = { name: 'x', dtype: 'float32', shape: [null, 2], batchAxis: 0 };
  const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  for (const requests of [
    7,
    { x: 'any' },
    { x: { batch_axis: -1 } },
    { x: { batch_axis: 9, shape: [1, 2, 3, 4] } },
  ]) {
    const [spec] = v1!.readMetadata(bytes({ metadata: { ...signature, requests } }), 'it').inputs;
    expect(spec).toMatchObject({ name: 'x', dtype: 'float32', shape: [null, 2] });
    expect(spec).not.toHaveProperty('example');
  }
  const tensor = { name: 'x', datatype: 'FP32', shape: [-1, 2], parameters: { content_type: 'np' } };
  expect(v2!.readMetadata(bytes({ inputs: [tensor] }), 'it').inputs).toEqual([x]);
});
