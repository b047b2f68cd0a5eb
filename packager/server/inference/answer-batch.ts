import type { BatchExecutor } from '../../../models/engines/executor.ts';
import type { ModelManifest } from '../../../models/manifest/manifest.ts';
import { isPrediction, nothingAt, routeTo } from '../../../models/protocols/index.ts';
import { type Decoded, jsonError, type Message, type Protocol } from '../../../models/protocols/protocol.ts';
import { bodyTooLarge } from '../http/body.ts';
import { errorAnswer, HttpError } from '../http/http-error.ts';
import type { BatchResponse, InferenceRequest, InferenceResponse } from '../instance-protocol.ts';

export interface ServedModel {
  readonly name: string;
  readonly manifest: ModelManifest;
  readonly executor: BatchExecutor;
  readonly maxBodyBytes: number;
  /** Hears of failures that no request should be able to cause. */
  readonly onDefect: (error: unknown) => void;
}

type Item =
  | { readonly ok: true; readonly protocol: Protocol; readonly decoded: Decoded }
  | { readonly ok: false; readonly response: InferenceResponse };

/**
 * Bytes to bytes: decodes every request, runs those that are sound as one batch, encodes each answer alone.
 */
export async function answerBatch(
  model: ServedModel,
  requests: readonly InferenceRequest[],
): Promise<BatchResponse> {
  const startMs = performance.now();
  const items = requests.map((request) => decode(model, request));
  const sound = items.flatMap((item) => (item.ok ? [item.decoded] : []));
  const decodedMs = performance.now();
  const { outcomes, ranAlone } = await model.executor.run(sound.map(({ feeds }) => feeds));
  const executedMs = performance.now();
  let next = 0;
  const responses = items.map((item): InferenceResponse => {
    if (!item.ok) return item.response;
    const outcome = outcomes[next++]!;
    const { protocol, decoded } = item;
    if (!outcome.ok) return failure(model, protocol, outcome.error);
    return encode(model, protocol, () => protocol.encode(outcome.outputs, decoded, model.manifest));
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

function decode(model: ServedModel, { path, contentType, body }: InferenceRequest): Item {
  const route = routeTo(model.name, 'POST', path);
  const { protocol } = route;
  try {
    if ('refused' in route) throw HttpError.of(route);
    if (!isPrediction(route)) throw new HttpError(404, nothingAt(path));
    if (body.length > model.maxBodyBytes) throw bodyTooLarge(model.maxBodyBytes);
    return {
      ok: true,
      protocol: route.protocol,
      decoded: route.protocol.decode({ contentType, body }, model.manifest),
    };
  } catch (error) {
    return { ok: false, response: failure(model, protocol, error) };
  }
}

function encode(model: ServedModel, protocol: Protocol, make: () => Message): InferenceResponse {
  try {
    return { status: 200, ...make() };
  } catch (error) {
    return failure(model, protocol, error);
  }
}

/** @param protocol whose client hears of it, where that is known */
function failure(model: ServedModel, protocol: Protocol | undefined, error: unknown): InferenceResponse {
  const { status, sentence, isDefect } = errorAnswer(error);
  if (isDefect) model.onDefect(error);
  return { status, ...(protocol?.error ?? jsonError)({ status, sentence }) };
}
