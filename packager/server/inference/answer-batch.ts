import { decodePredict, encodePredict } from '../../../models/codec/predict-json.ts';
import type { BatchExecutor } from '../../../models/engines/executor.ts';
import type { ModelManifest } from '../../../models/manifest/manifest.ts';
import { bodyTooLarge } from '../http/body.ts';
import { errorAnswer } from '../http/http-error.ts';
import type { BatchedRequest, BatchedResponse, BatchReply } from '../instance-protocol.ts';
import { modelCall } from '../model-path.ts';

const JSON_TYPE = 'application/json';

export interface ServedModel {
  readonly name: string;
  readonly manifest: ModelManifest;
  readonly executor: BatchExecutor;
  readonly maxBodyBytes: number;
  /** Hears of failures that no request should be able to cause. */
  readonly onDefect: (error: unknown) => void;
}

type Decoded =
  | { readonly ok: true; readonly predict: ReturnType<typeof decodePredict> }
  | { readonly ok: false; readonly response: BatchedResponse };

/** Bytes to bytes: decodes every request, runs those that are sound as one batch, encodes each answer alone. */
export async function answerBatch(
  model: ServedModel,
  requests: readonly BatchedRequest[],
): Promise<BatchReply> {
  const startMs = performance.now();
  const decoded = requests.map((request) => decode(model, request));
  const sound = decoded.flatMap((item) => (item.ok ? [item.predict] : []));
  const decodedMs = performance.now();
  const { outcomes, ranAlone } = await model.executor.run(sound.map(({ feeds }) => feeds));
  const executedMs = performance.now();
  let next = 0;
  const responses = decoded.map((item): BatchedResponse => {
    if (!item.ok) return item.response;
    const outcome = outcomes[next++]!;
    if (!outcome.ok) return failure(model, outcome.error);
    const { form, rows } = item.predict;
    return guarded(model, () => success(encodePredict(outcome.outputs, form, model.manifest, rows)));
  });
  return {
    responses,
    timing: {
      decodeMs: decodedMs - startMs,
      executeMs: executedMs - decodedMs,
      encodeMs: performance.now() - executedMs,
      rows: sound.reduce((sum, { rows }) => sum + rows, 0),
    },
    ...(ranAlone === undefined ? {} : { ranAlone }),
  };
}

function decode(model: ServedModel, request: BatchedRequest): Decoded {
  try {
    if (modelCall('POST', request.path, model.name) !== 'predict')
      throw new TypeError('POST is a prediction');
    if (request.body.length > model.maxBodyBytes) throw bodyTooLarge(model.maxBodyBytes);
    return { ok: true, predict: decodePredict(request.body, model.manifest) };
  } catch (error) {
    return { ok: false, response: failure(model, error) };
  }
}

function guarded(model: ServedModel, make: () => BatchedResponse): BatchedResponse {
  try {
    return make();
  } catch (error) {
    return failure(model, error);
  }
}

function success(body: Uint8Array): BatchedResponse {
  return { status: 200, contentType: JSON_TYPE, body };
}

function failure(model: ServedModel, error: unknown): BatchedResponse {
  const { status, body, isDefect } = errorAnswer(error);
  if (isDefect) model.onDefect(error);
  return { status, contentType: JSON_TYPE, body: new TextEncoder().encode(body) };
}
