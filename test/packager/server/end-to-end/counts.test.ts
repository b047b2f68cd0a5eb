import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { onnxEngine } from '../../../../models/engines/onnx/engine.ts';
import {
  decodeBatchReply,
  encodeBatchRequest,
  FRAME_CONTENT_TYPE,
} from '../../../../packager/server/batch-frame.ts';
import type { BatchResponse } from '../../../../packager/server/instance-protocol.ts';
import {
  BEST_BOXES,
  believedToBatch,
  COMPRESS,
  imageWithBoxes,
  NON_ZERO,
  TWICE_IF_LOUD,
  UNIQUE,
} from '../../../support/counting-models.ts';
import { ModelFolder, type TinyGraph } from '../../../support/tiny-models.ts';
import { type ServerProcess, startServer } from '../server-process.ts';

const STOPPED = 'requests of this model cannot share runs; they run one by one from now on';

let folder: ModelFolder;
let caches = 0;
beforeAll(async () => {
  folder = await ModelFolder.create();
});
afterAll(() => folder.remove());

interface Served {
  readonly graph: TinyGraph;
  /** Whether its manifest says that it batches, and that this was proven. */
  readonly believed?: boolean;
}

async function serve({ graph, believed = false }: Served): Promise<ServerProcess> {
  caches += 1;
  process.env.INFLESS_CACHE_DIR = join(folder.path, `cache-${caches}`); // what is found is kept there
  const model = await folder.write('served.onnx', graph);
  const settings = { model, modelName: 'm', maxBatch: 8, sloMs: 5000, cpuMillicores: 1000 };
  if (!believed) return startServer(settings);
  const manifest = `${model}.json`;
  await writeFile(manifest, JSON.stringify(believedToBatch(await onnxEngine.inspect(model, 'm'))));
  return startServer({ ...settings, manifest });
}

/** Sends requests as the gateway does that has formed a batch of them. */
async function batch(server: ServerProcess, bodies: readonly unknown[]): Promise<BatchResponse> {
  const frame = encodeBatchRequest(
    bodies.map((body) => ({
      path: '/',
      contentType: 'application/json',
      body: new TextEncoder().encode(JSON.stringify(body)),
    })),
  );
  const response = await server.post('/_/batch', frame, { 'content-type': FRAME_CONTENT_TYPE });
  expect(response.status).toBe(200);
  return decodeBatchReply(new Uint8Array(await response.arrayBuffer()));
}

function answersOf({ responses }: BatchResponse): unknown[] {
  expect(responses.map(({ status }) => status)).toEqual(responses.map(() => 200));
  return responses.map(({ body }) => JSON.parse(new TextDecoder().decode(body)) as unknown);
}

async function alone(server: ServerProcess, bodies: readonly unknown[]): Promise<unknown[]> {
  const answers: unknown[] = [];
  for (const body of bodies) {
    const response = await server.post('/', JSON.stringify(body));
    expect(response.status).toBe(200);
    answers.push(await response.json());
  }
  return answers;
}

const rows = (...values: number[][]) => ({ instances: values });

describe.each<readonly [string, TinyGraph, readonly unknown[], unknown]>([
  [
    'boxes',
    BEST_BOXES,
    [[0.9], [0.1], [0, 0.8], [], [0, 0, 0.7], [0.2, 0.6], [0.3]].map((scores) => ({
      instances: [imageWithBoxes(...scores)],
    })),
    { predictions: [] },
  ],
  [
    'places of what is not zero',
    NON_ZERO,
    [4, 0, 6, 0, 1].map((value) => rows([value])),
    { predictions: [] },
  ],
  [
    'rows that are kept',
    COMPRESS,
    [
      [-1, 7],
      [2, 8],
      [-3, 9],
    ].map((row) => rows(row)),
    { predictions: [[2, 8]] },
  ],
  [
    'rows that are each there once',
    UNIQUE,
    [
      [1, 2],
      [1, 2],
      [3, 4],
    ].map((row) => rows(row)),
    { predictions: [[1, 2]] },
  ],
])('a model that gives %s', (_, graph, bodies, second) => {
  test('gives each client its own, whatever its manifest says', async () => {
    for (const believed of [false, true]) {
      const server = await serve({ graph, believed });
      const answers = answersOf(await batch(server, bodies));
      expect(answers[1]).toEqual(second);
      expect(answers).toEqual(await alone(server, bodies));
      expect(server.logged(STOPPED)).toHaveLength(believed ? 1 : 0);
    }
  });
});

describe('a model that only running shows to mix rows', () => {
  const quiet = [rows([1, 2]), rows([3, 4]), rows([0, 4])];
  const mixed = [rows([1, 2]), rows([3, 9]), rows([0, 4])];
  const answers = [
    { predictions: [[1, 2]] },
    {
      predictions: [
        [3, 9],
        [3, 9],
      ],
    },
    { predictions: [[0, 4]] },
  ];

  test('is served one request at a time from the first sign on, and the reply says so', async () => {
    const server = await serve({ graph: TWICE_IF_LOUD, believed: true });
    expect((await server.ready()).maxBatch).toBe(8);
    expect((await batch(server, quiet)).ranAlone).toBeUndefined();

    const found = await batch(server, mixed);
    expect(answersOf(found)).toEqual(answers);
    expect(found.ranAlone).toBe('output "y" has shape [6,2] for 3 rows');
    expect((await server.ready()).maxBatch).toBe(1);

    const later = await batch(server, mixed);
    expect(answersOf(later)).toEqual(answers);
    expect(later.ranAlone).toBe(found.ranAlone);
    expect((await batch(server, quiet.slice(0, 1))).ranAlone).toBeUndefined();

    expect(server.logged(STOPPED)).toMatchObject([{ reason: found.ranAlone }]);
    expect(await server.metric('infless_server_unbatched_total')).toBe(2);
    expect(await server.metric('infless_server_batch_requests_count')).toBe(1 + 3 + 3 + 1);
  });

  test('answers a lone request with what the model gives, in either form', async () => {
    const server = await serve({ graph: TWICE_IF_LOUD, believed: true });
    const pair = [
      [1, 2],
      [3, 9],
    ];
    const row = await server.post('/', JSON.stringify({ instances: pair }));
    expect(await row.json()).toEqual({ predictions: [...pair, ...pair] });
    const column = await server.post('/', JSON.stringify({ inputs: pair }));
    expect(await column.json()).toEqual({ outputs: [...pair, ...pair] });
    expect(server.logged(STOPPED)).toHaveLength(1);
  });

  test('forms no batches of its own any more', async () => {
    const server = await serve({ graph: TWICE_IF_LOUD, believed: true });
    await batch(server, mixed);
    const [batches, undone] = [
      await server.metric('infless_server_batch_requests_count'),
      await server.metric('infless_server_unbatched_total'),
    ];
    const responses = await Promise.all(
      Array.from({ length: 20 }, (_, value) => server.post('/', JSON.stringify(rows([value, value])))),
    );
    const lengths = await Promise.all(
      responses.map(async (response) => ((await response.json()) as { predictions: [] }).predictions.length),
    );
    expect(lengths).toEqual(Array.from({ length: 20 }, (_, value) => (value > 5 ? 2 : 1)));
    expect((await server.metric('infless_server_batch_requests_count')) - batches).toBe(20);
    expect(await server.metric('infless_server_unbatched_total')).toBe(undone);
  });
});
