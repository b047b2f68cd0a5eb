import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeBatchReply, encodeBatchRequest } from '../../../../packager/server/batch-frame.ts';
import { echoGraph, needsTritonClient, tritonClient } from '../../../support/open-inference.ts';
import { ModelFolder } from '../../../support/tiny-models.ts';
import { spawnServer, startServer } from '../server-process.ts';

let folder: ModelFolder;
let model: string;
beforeAll(async () => {
  folder = await ModelFolder.create();
  model = await folder.write('echo.onnx', echoGraph());
});
afterAll(() => folder.remove());

const REQUEST = JSON.stringify({
  id: '7',
  inputs: [
    { name: 'floats', shape: [2, 3], datatype: 'FP32', data: [1, 2, 3, 4, 5, 6] },
    { name: 'ids', shape: [2], datatype: 'INT64', data: [1, 2] },
    { name: 'texts', shape: [2, 1], datatype: 'BYTES', data: ['a', 'b'] },
  ],
});

describe('the Open Inference Protocol', () => {
  test('answers an inference', async () => {
    const server = await startServer({ model, maxBatch: 4 });
    const response = await server.post('/v2/models/echo/infer', REQUEST);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      model_name: 'echo',
      model_version: '1',
      id: '7',
      outputs: [
        { name: 'floats_out', datatype: 'FP32', shape: [2, 3], data: [1, 2, 3, 4, 5, 6] },
        { name: 'ids_out', datatype: 'INT64', shape: [2], data: [1, 2] },
        { name: 'texts_out', datatype: 'BYTES', shape: [2, 1], data: ['a', 'b'] },
      ],
    });
    expect(await server.metric('infless_server_requests_total{code="200"}')).toBe(1);
    const refused = await server.post('/v2/models/echo/infer', '{"inputs":[]}');
    expect([refused.status, await refused.json()]).toEqual([
      400,
      { error: expect.stringContaining('Input "floats" of model echo is missing') },
    ]);
  });

  test('takes tensors as bytes behind the JSON, alone and in a batch, and answers so', async () => {
    const server = await startServer({ model, maxBatch: 4 });
    const head = Buffer.from(
      JSON.stringify({
        inputs: [
          { name: 'floats', shape: [1, 3], datatype: 'FP32', parameters: { binary_data_size: 12 } },
          { name: 'ids', shape: [1], datatype: 'INT64', data: [9] },
          { name: 'texts', shape: [1, 1], datatype: 'BYTES', parameters: { binary_data_size: 5 } },
        ],
        outputs: [{ name: 'floats_out', parameters: { binary_data: true } }, { name: 'texts_out' }],
      }),
    );
    const floats = Buffer.from(Float32Array.of(0.1, Number.NaN, -0).buffer);
    const body = Buffer.concat([head, floats, Buffer.from([1, 0, 0, 0, 0x61])]);
    const headers = { 'inference-header-content-length': String(head.length) };
    const expectBytes = (answer: Buffer, length: number): void => {
      expect(JSON.parse(answer.subarray(0, length).toString())).toMatchObject({
        outputs: [{ parameters: { binary_data_size: 12 } }, { data: ['a'] }],
      });
      expect(answer.subarray(length)).toEqual(floats);
    };

    const response = await fetch(`${server.url}/v2/models/echo/infer`, { method: 'POST', headers, body });
    expect([response.status, response.headers.get('content-type')]).toEqual([
      200,
      'application/octet-stream',
    ]);
    const length = Number(response.headers.get('inference-header-content-length'));
    expectBytes(Buffer.from(await response.arrayBuffer()), length);

    const request = { path: '/v2/models/echo/infer', contentType: '', headers, body };
    const framed = await server.post('/_/batch', encodeBatchRequest([request, request]));
    for (const each of decodeBatchReply(new Uint8Array(await framed.arrayBuffer())).responses) {
      expectBytes(Buffer.from(each.body), Number(each.headers!['inference-header-content-length']));
    }
  });

  test('shares a batch with requests of other protocols', async () => {
    const server = await startServer({ model, maxBatch: 4 });
    const row = { floats: [7, 8, 9], ids: 3, texts: ['c'] };
    const frame = encodeBatchRequest(
      [
        ['/v2/models/echo/infer', REQUEST],
        ['/', JSON.stringify({ instances: [row] })],
        ['/v2/models/other/infer', REQUEST],
        ['/v2/repository/index', '{}'],
      ].map(([path, body]) => ({ path: path!, contentType: '', body: Buffer.from(body!) })),
    );
    const response = await server.post('/_/batch', frame);
    const { responses, timing } = decodeBatchReply(new Uint8Array(await response.arrayBuffer()));
    const answers = responses.map(({ body }) => JSON.parse(Buffer.from(body).toString()) as unknown);
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 404, 404]);
    expect(timing.rows).toBe(3);
    expect(answers[0]).toMatchObject({
      outputs: [{ shape: [2, 3] }, { data: [1, 2] }, { data: ['a', 'b'] }],
    });
    expect(answers[1]).toEqual({
      predictions: [{ floats_out: [7, 8, 9], ids_out: 3, texts_out: ['c'] }],
    });
  });

  test('tells a model that is being loaded from one that is ready', async () => {
    const server = spawnServer({ model: 'resnet50', modelName: 'net' });
    await server.listening();
    const statusOf = async (path: string) => (await fetch(server.url + path)).status;
    expect(await statusOf('/v2/health/live')).toBe(200);
    for (const path of ['/v2/health/ready', '/v2/models/net/ready', '/v2/models/net'])
      expect(await statusOf(path), path).toBe(503);
  });

  test("takes what Triton's own client sends", async (context) => {
    needsTritonClient(context);
    const server = await startServer({ model, maxBatch: 4 });
    await tritonClient(`127.0.0.1:${server.port}`, 'echo');
  });
});
