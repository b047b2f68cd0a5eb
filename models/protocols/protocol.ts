import { z } from 'zod';
import { InflessError } from '../base/errors.ts';
import type { ModelManifest, TensorSpec } from '../manifest/manifest.ts';
import type { NamedTensors } from '../manifest/tensor.ts';

/** An image holds one version of one model; clients that name versions know it by this number. */
export const MODEL_VERSION = '1';

/** What clients of TensorFlow Serving write for the latest. */
export const LATEST_VERSION = '0';

/**
 * One wire protocol: everything that the gateway, the serving process and the load generator have to know to
 * speak it. They find it in the list of protocols (index.ts), so that a new one is known to all three.
 *
 * @typeParam Form what of a request decides how its answer is written
 */
export interface Protocol<Form = unknown> {
  /** As `infless-load --protocol` takes it. */
  readonly name: string;
  /** The path below which every path is this protocol's; `/` stands for itself alone. */
  readonly root: string;
  /** What is asked for where. The first row that fits decides. */
  readonly routes: readonly RouteRow[];
  /** The addresses of one model that clients use. */
  readonly paths: ClientPaths;
  /** Headers that tell what the body of a prediction is, beside the content type; names in lower case. */
  readonly requestHeaders?: readonly string[];

  /**
   * @param mostRows that a request may have; default: any number
   * @throws InflessError INVALID_INPUT, whatever the bytes are, naming the place in the request;
   * BODY_TOO_LARGE for too many rows
   */
  decode(request: Message, manifest: ModelManifest, mostRows?: number): Decoded<Form>;
  /**
   * @param outputs those of the request alone, whatever batch it ran in
   * @param mostBytes that the answer may have; default: any number
   * @throws InflessError INVALID_INPUT where the form that was asked for cannot express them;
   * INFERENCE_FAILED for a tensor with more or fewer elements than its shape says; BODY_TOO_LARGE
   */
  encode(outputs: NamedTensors, decoded: Decoded<Form>, manifest: ModelManifest, mostBytes?: number): Message;
  /** The answers to the other calls of its routes, from what is known without running a model. */
  readonly descriptions: Descriptions;
  /** The body of an answer that is none. */
  error(failure: Failure): Message;

  /** What a client sends to {@link ClientPaths.predict}: of our warm-up, of profiles, of load. */
  request(feeds: NamedTensors, model: Pick<ModelManifest, 'inputs'>): Message;
  /**
   * Reads what the server says at {@link ClientPaths.metadata}.
   *
   * @param what names it in complaints
   * @throws InflessError INVALID_INPUT
   */
  readMetadata(body: Uint8Array, what: string): Signature;
}

/** Values of headers by their names in lower case. */
export type Headers = Readonly<Record<string, string>>;

/** Bytes, and what they are. */
export interface Message {
  readonly contentType: string;
  /** Of those that count beside the content type: see {@link Protocol.requestHeaders}. */
  readonly headers?: Headers;
  readonly body: Uint8Array;
}

/**
 * What a request asks for. `predict` runs the model; all others are answered from what is known of it:
 * of the model that the address names, or of the server and all its models.
 */
export type Call = 'predict' | ModelCall | ServerCall;
export type ModelCall = 'metadata' | 'status' | 'ready';
export type ServerCall = 'live' | 'serverReady' | 'server' | 'list';

/** A row of {@link Protocol.routes}; for the notation of `path` see path-template.ts. */
export type RouteRow =
  | { readonly method: 'GET' | 'POST'; readonly path: string; readonly call: Call }
  /** What there is elsewhere and not here, and the sentence that says so; default: that nothing is there. */
  | { readonly path: string; readonly call?: undefined; readonly refused?: string };

/** Templates of paths. */
export interface ClientPaths {
  /** Stands for the model as a whole. */
  readonly model?: string;
  readonly predict: string;
  readonly metadata: string;
}

/** A model as an address names it. */
export interface ModelAddress {
  readonly model: string;
  readonly version?: string | undefined;
}

/** What a prediction gives to the model, and what its answer will have to look like. */
export interface Decoded<Form = unknown> {
  readonly feeds: NamedTensors;
  /** Along the batch axis; 1 for a model without. */
  readonly rows: number;
  readonly form: Form;
}

/** A model that a server has, as far as it is known. */
export interface ServedModel {
  readonly name: string;
  readonly state: 'loading' | 'ready' | 'draining';
  /** Undefined while it is being loaded. */
  readonly manifest: ModelManifest | undefined;
}

export type Descriptions = {
  readonly [C in ModelCall]?: (model: ServedModel) => Message;
} & {
  readonly [C in ServerCall]?: (models: readonly ServedModel[]) => Message;
};

/** An error as a client must see it. */
export interface Failure {
  readonly status: number;
  /** What happened and what to do. */
  readonly sentence: string;
}

/** What a served model takes and gives; outputs of types that are not known here are left out. */
export interface Signature {
  readonly inputs: TensorSpec[];
  readonly outputs: TensorSpec[];
}

export const JSON_TYPE = 'application/json';

/** A value as a JSON message. */
export function jsonMessage(value: unknown, contentType = `${JSON_TYPE}; charset=utf-8`): Message {
  return { contentType, body: new TextEncoder().encode(JSON.stringify(value)) };
}

/**
 * `{"error": "…"}`: how TensorFlow Serving, OpenFaaS' functions and the Open Inference Protocol tell errors.
 */
export function jsonError({ sentence }: Failure): Message {
  return jsonMessage({ error: sentence }, JSON_TYPE);
}

/** @throws InflessError UNAVAILABLE for a model that is not known yet */
export function requireLoaded(model: ServedModel): ServedModel & { readonly manifest: ModelManifest } {
  const { manifest } = model;
  if (manifest !== undefined) return { ...model, manifest };
  throw new InflessError('UNAVAILABLE', 'The model is still being loaded');
}

/**
 * What our clients read of an input beside what its protocol has: where the batch is, where that is not the
 * first size that is free, and what requests are made up like. The values of a sample stay here.
 */
const inputNoteSchema = z.object({
  batch_axis: z.number().int().nonnegative().nullable().optional(),
  shape: z.array(z.number().int().nonnegative()).optional(),
  below: z.number().int().min(1).optional(),
  range: z.tuple([z.number(), z.number()]).optional(),
});
export const inputNotes = inputNoteSchema.optional().catch(undefined);
export type InputNote = z.infer<typeof inputNoteSchema>;

/** Undefined where there is nothing to note. */
export function noteOn({
  shape,
  batchAxis,
  example: { shape: like, below, range } = {},
}: TensorSpec): InputNote | undefined {
  const note = {
    ...(batchAxis === usualBatchAxis(shape) ? {} : { batch_axis: batchAxis }),
    ...(like === undefined ? {} : { shape: like }),
    ...(below === undefined ? {} : { below }),
    ...(range === undefined ? {} : { range }),
  };
  return Object.keys(note).length === 0 ? undefined : note;
}

/** A tensor as metadata describe it; without a note, a first size that is free is the batch. */
export function describedSpec(
  tensor: Pick<TensorSpec, 'name' | 'dtype' | 'shape'>,
  { batch_axis: axis = usualBatchAxis(tensor.shape), ...like }: InputNote = {},
): TensorSpec {
  const batchAxis = axis !== null && tensor.shape[axis] === null ? axis : null;
  const rank = tensor.shape.length;
  const fits = like.shape === undefined || like.shape.length === rank || like.shape.length === rank - 1;
  return { ...tensor, batchAxis, ...(fits && Object.keys(like).length > 0 ? { example: like } : {}) };
}

function usualBatchAxis(shape: TensorSpec['shape']): number | null {
  return shape[0] === null ? 0 : null;
}

/** What a client can do whose model says nothing that inputs could be made up from. */
export const GIVE_A_BODY = 'Give the body yourself, with --data FILE or --body JSON.';

/** @throws InflessError INVALID_INPUT for what is no JSON */
export function parseMetadata(body: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch (error) {
    throw new InflessError('INVALID_INPUT', `${what} is not JSON`, { remedy: GIVE_A_BODY, cause: error });
  }
}

export function unknownInputType(name: string, datatype: string): InflessError {
  return new InflessError('INVALID_INPUT', `No values can be made up for input "${name}" (${datatype})`, {
    remedy: GIVE_A_BODY,
  });
}
