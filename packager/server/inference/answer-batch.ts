import { tooManyRows } from '../../../models/codec/rows.ts';
import type { BatchExecutor } from '../../../models/engines/executor.ts';
import type { ModelManifest } from '../../../models/manifest/manifest.ts';
import type { NamedTensors } from '../../../models/manifest/tensor.ts';
import { isPrediction, nothingAt, routeTo } from '../../../models/protocols/index.ts';
import { type Decoded, jsonError, type Message, type Protocol } from '../../../models/protocols/protocol.ts';
import { bodyTooLarge } from '../http/body.ts';
import { CLIENT_CLOSED, errorAnswer, HttpError } from '../http/http-error.ts';
import type { BatchResponse, InferenceRequest, InferenceResponse } from '../instance-protocol.ts';
import { beyondMemory } from '../memory-room.ts';
import { free } from './transfer.ts';

export interface ServedModel {
  readonly name: string;
  readonly manifest: ModelManifest;
  readonly executor: BatchExecutor;
  readonly limits: RequestLimits;
  /** Hears of failures that no request should be able to cause. */
  readonly onDefect: (error: unknown) => void;
}

/** What a request may cost at most. */
export interface RequestLimits {
  readonly bodyBytes: number;
  readonly rows: number;
  /** Of all requests of a frame. */
  readonly frameRows: number;
  readonly answerBytes: number;
  /** Tensors held at the same time, of one request or several; undefined where memory has no limit. */
  readonly decodedBytes: number | undefined;
}

type Item =
  | { readonly ok: true; readonly protocol: Protocol; readonly decoded: Decoded; readonly bytes: number }
  | { readonly ok: false; readonly response: InferenceResponse };

/** In place of an answer that no one waits for. */
const UNANSWERED: InferenceResponse = {
  status: CLIENT_CLOSED,
  contentType: 'text/plain',
  body: new Uint8Array(0),
};

const NOTHING: BatchResponse = {
  responses: [],
  timing: { decodeMs: 0, executeMs: 0, encodeMs: 0, rows: 0 },
};

/**
 * Bytes to bytes: decodes every request, runs those that are sound as one batch, encodes each answer alone.
 * Where the tensors of all would take more memory than is left, they run one part after the other.
 *
 * The bodies are given back as soon as they are decoded: their buffers are empty afterwards.
 *
 * @param isGone whether no one waits for a request any more
 */
export async function answerBatch(
  model: ServedModel,
  requests: readonly InferenceRequest[],
  isGone: (request: number) => boolean = () => false,
): Promise<BatchResponse> {
  let reply = NOTHING;
  let next = 0;
  let rows = 0;
  while (next < requests.length) {
    const first = next;
    const startMs = performance.now();
    const items: Item[] = [];
    let bytes = 0;
    const { decodedBytes = Number.POSITIVE_INFINITY } = model.limits;
    while (next < requests.length && (items.length === 0 || bytes < decodedBytes / 2)) {
      const item = isGone(next) ? unanswered() : decode(model, requests[next]!, rows);
      if (item.ok) bytes += item.bytes;
      if (item.ok) rows += item.decoded.rows;
      items.push(item);
      next += 1;
    }
    if (next === requests.length) free(requests.map(({ body }) => body.buffer));
    const decodeMs = performance.now() - startMs;
    const part = await answerItems(model, items, (index) => isGone(first + index));
    reply = joined(reply, { ...part, timing: { ...part.timing, decodeMs } });
  }
  return reply;
}

function joined(before: BatchResponse, after: BatchResponse): BatchResponse {
  const ranAlone = before.ranAlone ?? after.ranAlone;
  return {
    responses: [...before.responses, ...after.responses],
    timing: {
      decodeMs: before.timing.decodeMs + after.timing.decodeMs,
      executeMs: before.timing.executeMs + after.timing.executeMs,
      encodeMs: before.timing.encodeMs + after.timing.encodeMs,
      rows: before.timing.rows + after.timing.rows,
    },
    ...(ranAlone === undefined ? {} : { ranAlone }),
  };
}

async function answerItems(
  model: ServedModel,
  items: readonly Item[],
  isGone: (item: number) => boolean,
): Promise<BatchResponse> {
  const sound = items.flatMap((item, index) => (item.ok ? [{ ...item, index }] : []));
  const startMs = performance.now();
  const { outcomes, ranAlone } = await model.executor.run(
    sound.map(({ decoded }) => decoded.feeds),
    (request) => isGone(sound[request]!.index),
  );
  const executedMs = performance.now();
  let next = 0;
  const responses = items.map((item, index): InferenceResponse => {
    if (!item.ok) return item.response;
    const outcome = outcomes[next++]!;
    const { protocol, decoded } = item;
    if (isGone(index)) return UNANSWERED;
    if (!outcome.ok) return failure(model, protocol, outcome.error);
    return encode(model, protocol, () =>
      protocol.encode(outcome.outputs, decoded, model.manifest, model.limits.answerBytes),
    );
  });
  return {
    responses,
    timing: {
      decodeMs: 0,
      executeMs: executedMs - startMs,
      encodeMs: performance.now() - executedMs,
      rows: sound.reduce((sum, { decoded }) => sum + decoded.rows, 0),
    },
    ...(ranAlone === undefined ? {} : { ranAlone }),
  };
}

function unanswered(): Item {
  return { ok: false, response: UNANSWERED };
}

/** @param rows of the requests before it in its frame */
function decode(model: ServedModel, request: InferenceRequest, rows: number): Item {
  const { path, body } = request;
  const { limits, manifest } = model;
  const route = routeTo(model.name, 'POST', path);
  const { protocol } = route;
  try {
    if ('refused' in route) throw HttpError.of(route);
    if (!isPrediction(route)) throw new HttpError(404, nothingAt(path));
    if (body.length > limits.bodyBytes) throw bodyTooLarge(limits.bodyBytes);
    if (rows >= limits.frameRows) throw tooManyRows(limits.frameRows);
    const decoded = route.protocol.decode(request, manifest, limits.rows);
    const bytes = bytesOf(decoded.feeds);
    const { decodedBytes = Number.POSITIVE_INFINITY } = limits;
    if (bytes > decodedBytes) throw beyondMemory(bytes, decodedBytes);
    return { ok: true, protocol: route.protocol, decoded, bytes };
  } catch (error) {
    return { ok: false, response: failure(model, protocol, error) };
  }
}

/** A string takes a place in its list, a header and its characters. */
const STRING_BYTES = 40;

function bytesOf(tensors: NamedTensors): number {
  let bytes = 0;
  for (const { data } of Object.values(tensors)) {
    if (!Array.isArray(data)) bytes += data.byteLength;
    else for (const text of data as string[]) bytes += STRING_BYTES + text.length;
  }
  return bytes;
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
