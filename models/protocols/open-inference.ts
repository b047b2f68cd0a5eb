import { z } from 'zod';
import { InflessError } from '../base/errors.ts';
import { packageVersion } from '../base/package.ts';
import { parseWith } from '../base/schema.ts';
import type { ModelManifest, TensorSpec } from '../manifest/manifest.ts';
import type { DType } from '../manifest/tensor.ts';
import { inferAnswer, tensorsBody } from './infer-answer.ts';
import { DATATYPE, decodeInfer, type InferForm, JSON_LENGTH, NO_SHARED_MEMORY } from './infer-request.ts';
import {
  describedSpec,
  GIVE_A_BODY,
  inputNotes,
  JSON_TYPE,
  jsonError,
  jsonMessage,
  MODEL_VERSION,
  noteOn,
  type Protocol,
  parseMetadata,
  requireLoaded,
  type ServedModel,
  type Signature,
  unknownInputType,
} from './protocol.ts';

const MODEL = '/v2/models/NAME[/versions/VERSION]';
const INFER = `${MODEL}/infer`;

const NO_SETTINGS = 'Settings of logs and traces are not offered here.';

/**
 * The Open Inference Protocol v2, REST: what the clients of Triton, KServe and MLServer speak. Tensors are
 * JSON, or bytes behind it (the binary extension), or the body is the one tensor and nothing else. Of the
 * other extensions there is the index of models; what else Triton's clients ask for is refused in a sentence.
 */
export const openInference: Protocol<InferForm> = {
  name: 'open-inference',
  root: '/v2',
  routes: [
    { method: 'POST', path: INFER, call: 'predict' },
    { method: 'GET', path: `${MODEL}/ready`, call: 'ready' },
    { method: 'GET', path: MODEL, call: 'metadata' },
    { method: 'GET', path: '/v2/health/live', call: 'live' },
    { method: 'GET', path: '/v2/health/ready', call: 'serverReady' },
    { method: 'GET', path: '/v2', call: 'server' },
    { method: 'POST', path: '/v2/repository/index', call: 'list' },
    {
      path: `${MODEL}/config`,
      refused: 'Configurations are not offered here. GET /v2/models/NAME has the tensors.',
    },
    {
      path: `${MODEL}/stats`,
      refused: 'Statistics are not offered here. GET /metrics has counts and times.',
    },
    { path: `${MODEL}/trace…`, refused: NO_SETTINGS },
    { path: '/v2/models/NAME…' },
    {
      path: '/v2/repository/models…',
      refused: 'Clients cannot load or unload models here. Deploy a function instead.',
    },
    { path: '/v2/systemsharedmemory…', refused: NO_SHARED_MEMORY },
    { path: '/v2/cudasharedmemory…', refused: NO_SHARED_MEMORY },
    { path: '/v2/trace…', refused: NO_SETTINGS },
    { path: '/v2/logging', refused: NO_SETTINGS },
  ],
  paths: { model: MODEL, predict: INFER, metadata: MODEL },
  requestHeaders: [JSON_LENGTH],

  decode: (message, manifest, mostRows) => decodeInfer(message, manifest, mostRows),
  encode: (outputs, { form }, manifest, mostBytes) => inferAnswer(outputs, form, manifest.name, mostBytes),

  descriptions: {
    live: () => jsonMessage({ live: true }),
    serverReady: (models) => {
      for (const model of models) requireReady(model);
      return jsonMessage({ ready: true });
    },
    server: () =>
      jsonMessage({ name: 'infless', version: packageVersion, extensions: ['binary_tensor_data'] }),
    list: (models) =>
      jsonMessage(
        models.map(({ name, state }) => ({
          name,
          version: MODEL_VERSION,
          state: state === 'ready' ? 'READY' : 'UNAVAILABLE',
          reason: state === 'ready' ? '' : state,
        })),
      ),
    ready: (model) => {
      requireReady(model);
      return jsonMessage({ name: model.name, ready: true });
    },
    metadata: (model) => {
      const { name, manifest } = requireLoaded(model);
      return jsonMessage({
        name,
        versions: [MODEL_VERSION],
        platform: `infless_${manifest.format}`,
        inputs: manifest.inputs.map(describeInput),
        outputs: manifest.outputs.map(describeTensor),
        ...batchingOf(manifest),
      });
    },
  },
  error: jsonError,

  request: (feeds) => ({ contentType: JSON_TYPE, body: tensorsBody(feeds, 'inputs') }),
  readMetadata,
};

const DTYPE_OF = new Map(Object.entries(DATATYPE).map(([dtype, datatype]) => [datatype, dtype as DType]));

/** @throws InflessError UNAVAILABLE */
function requireReady({ state }: ServedModel): void {
  if (state === 'ready') return;
  const what = state === 'draining' ? 'The server is shutting down' : 'The model is still being loaded';
  throw new InflessError('UNAVAILABLE', what);
}

/** Whether requests share runs, and how that is known; parameters are texts, numbers or flags. */
function batchingOf({ batching }: ModelManifest) {
  if (batching === undefined) return {};
  return { parameters: { batching: batching.state, batching_reason: batching.reason } };
}

/** Class names lie where the protocol leaves room for what it does not know. */
function describeTensor({ name, dtype, shape, classes }: TensorSpec) {
  const described = { name, datatype: DATATYPE[dtype], shape: shape.map((size) => size ?? -1) };
  return classes === undefined ? described : { ...described, parameters: { classes } };
}

function describeInput(spec: TensorSpec) {
  const note = noteOn(spec);
  return note === undefined ? describeTensor(spec) : { ...describeTensor(spec), parameters: note };
}

const tensorSchema = z.object({
  name: z.string().min(1),
  datatype: z.string(),
  shape: z.array(z.number().int()),
  parameters: inputNotes,
});
const metadataSchema = z.object({
  inputs: z.array(tensorSchema),
  outputs: z.array(tensorSchema).default([]),
});

function readMetadata(body: Uint8Array, what: string): Signature {
  const { inputs, outputs } = parseWith(metadataSchema, parseMetadata(body, what), {
    what,
    remedy: GIVE_A_BODY,
  });
  return {
    inputs: inputs.map((tensor) => {
      const spec = toSpec(tensor);
      if (spec === undefined) throw unknownInputType(tensor.name, tensor.datatype);
      return spec;
    }),
    outputs: outputs.flatMap((tensor) => toSpec(tensor) ?? []),
  };
}

function toSpec({
  name,
  datatype,
  shape,
  parameters,
}: z.output<typeof tensorSchema>): TensorSpec | undefined {
  const dtype = DTYPE_OF.get(datatype);
  const sizes = shape.map((size) => (size < 0 ? null : size));
  return dtype && describedSpec({ name, dtype, shape: sizes }, parameters);
}
