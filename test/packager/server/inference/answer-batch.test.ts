import { describe, expect, it } from 'vitest';
import type { EngineSession } from '../../../../models/engines/engine.ts';
import { BatchExecutor } from '../../../../models/engines/executor.ts';
import { rowsOf } from '../../../../models/manifest/feeds.ts';
import type { ModelManifest, TensorSpec } from '../../../../models/manifest/manifest.ts';
import { answerBatch, type RequestLimits } from '../../../../packager/server/inference/answer-batch.ts';
import type { InferenceRequest } from '../../../../packager/server/instance-protocol.ts';

const WIDTH = 1000;
const LIMITS: RequestLimits = {
  bodyBytes: 1e6,
  rows: 8,
  frameRows: 16,
  answerBytes: 1e6,
  decodedBytes: undefined,
};

/** Answers with what it is given, and writes down the rows of each run. */
function echo(limits: Partial<RequestLimits> = {}) {
  const spec = (name: string): TensorSpec => ({ name, dtype: 'float32', shape: [null, WIDTH], batchAxis: 0 });
  const manifest: ModelManifest = {
    name: 'm',
    format: 'onnx',
    digest: `sha256:${'0'.repeat(64)}`,
    sizeBytes: 0,
    inputs: [spec('x')],
    outputs: [spec('y')],
  };
  const runs: number[] = [];
  const session: EngineSession = {
    manifest,
    threads: 1,
    spinning: false,
    run: async (feeds) => {
      runs.push(rowsOf(manifest, feeds));
      return { y: { ...feeds.x!, data: feeds.x!.data.slice() } };
    },
    close: async () => {},
  };
  const model = {
    name: 'm',
    manifest,
    executor: new BatchExecutor(session, 4),
    limits: { ...LIMITS, ...limits },
    onDefect: (error: unknown) => expect.unreachable(String(error)),
  };
  return { model, runs };
}

function request(rows: number, value = 1): InferenceRequest {
  const instances = Array(rows).fill(Array(WIDTH).fill(value));
  const body = new TextEncoder().encode(JSON.stringify({ instances }));
  return { path: '/', contentType: 'application/json', body };
}

interface Answer {
  readonly predictions: number[][];
}

const text = (body: Uint8Array): string => new TextDecoder().decode(body);

describe('a batch', () => {
  it('runs at once where memory has no limit', async () => {
    const { model, runs } = echo();
    const { responses, timing } = await answerBatch(
      model,
      [1, 2, 3, 4].map((value) => request(1, value)),
    );
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(runs).toEqual([4]);
    expect(timing.rows).toBe(4);
  });

  it('runs in parts where its tensors together would take too much', async () => {
    const { model, runs } = echo({ decodedBytes: 4 * 4 * WIDTH });
    const values = [1, 2, 3, 4, 5];
    const { responses, timing } = await answerBatch(
      model,
      values.map((value) => request(1, value)),
    );
    expect(runs).toEqual([2, 2, 1]);
    expect(timing.rows).toBe(5);
    const first = responses.map(({ body }) => (JSON.parse(text(body)) as Answer).predictions[0]![0]);
    expect(first).toEqual(values);
  });

  it('refuses one request whose tensors alone take too much, and answers those beside it', async () => {
    const { model } = echo({ decodedBytes: 4 * 2 * WIDTH });
    const { responses } = await answerBatch(model, [request(1), request(3), request(2)]);
    expect(responses.map(({ status }) => status)).toEqual([200, 413, 200]);
    expect(text(responses[1]!.body)).toBe(
      '{"error":"The request takes 12.0 kB of memory, and the limit of this server leaves 8.0 kB for it. Send fewer rows in a request, or raise the memory limit."}',
    );
  });

  it('has bounded rows, each request and all together', async () => {
    const { model, runs } = echo();
    const { responses } = await answerBatch(
      model,
      [9, 8, 8, 1].map((rows) => request(rows)),
    );
    expect(responses.map(({ status }) => status)).toEqual([413, 200, 200, 413]);
    expect(text(responses[3]!.body)).toMatch(/more than the 16 rows taken here/);
    expect(runs.reduce((sum, rows) => sum + rows)).toBe(16);
  });

  it('refuses an answer that would be too large', async () => {
    const { model } = echo({ answerBytes: 5000 });
    const { responses } = await answerBatch(model, [request(1), request(3)]);
    expect(responses.map(({ status }) => status)).toEqual([200, 413]);
    expect(text(responses[1]!.body)).toMatch(/"The answer would be larger than the 5000 bytes given here\. /);
  });

  it('gives the memory of large bodies back as soon as they are decoded', async () => {
    const { model } = echo({ rows: 64, frameRows: 64 });
    const large = request(40);
    expect(large.body.byteLength).toBeGreaterThan(64 << 10);
    expect((await answerBatch(model, [large])).responses[0]!.status).toBe(200);
    expect(large.body.byteLength).toBe(0);
  });
});

describe('a request that no one waits for any more', () => {
  it('is neither decoded nor run', async () => {
    const { model, runs } = echo();
    const { responses } = await answerBatch(model, [request(1), request(2)], (index) => index === 1);
    expect(responses.map(({ status }) => status)).toEqual([200, 499]);
    expect(runs).toEqual([1]);
  });

  it('is not run to its end', async () => {
    const { model, runs } = echo();
    const { responses } = await answerBatch(model, [request(8)], () => runs.length === 1);
    expect(responses.map(({ status }) => status)).toEqual([499]);
    expect(runs).toEqual([4]);
  });
});
