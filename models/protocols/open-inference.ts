import { z } from 'zod';
import { InflessError } from '../base/errors.ts';
import { packageVersion } from '../base/package.ts';
import { parseWith } from '../base/schema.ts';
import { Elements } from '../codec/elements.ts';
import { Byte, JsonCursor } from '../codec/json-cursor.ts';
import type { JsonWriter } from '../codec/json-writer.ts';
import { readNested } from '../codec/nested-array.ts';
import { tooManyRows } from '../codec/rows.ts';
import { skipValue } from '../codec/skip-value.ts';
import { writeElements, writerFor } from '../codec/tensor-writer.ts';
import { rowsOf, unknownInput } from '../manifest/feeds.ts';
import type { ModelManifest, TensorSpec } from '../manifest/manifest.ts';
import { type DType, elementCount, type NamedTensors, type Tensor } from '../manifest/tensor.ts';
import {
  type Decoded,
  GIVE_A_BODY,
  JSON_TYPE,
  jsonError,
  jsonMessage,
  MODEL_VERSION,
  type Protocol,
  parseMetadata,
  requireLoaded,
  type ServedModel,
  type Signature,
  unknownInputType,
} from './protocol.ts';

/** What an answer repeats of its request, and which outputs were asked for; undefined: all. */
interface InferForm {
  readonly id: string | undefined;
  readonly outputs: readonly string[] | undefined;
}

const MODEL = '/v2/models/NAME[/versions/VERSION]';
const INFER = `${MODEL}/infer`;

const NO_SHARED_MEMORY = 'Shared memory is not offered here. Send tensors in the request.';
const NO_SETTINGS = 'Settings of logs and traces are not offered here.';

/**
 * The Open Inference Protocol v2, REST, with tensors as JSON: what the clients of Triton, KServe and MLServer
 * speak. Of its extensions there is the index of models; what else Triton's clients ask for is refused in a
 * sentence.
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

  decode: ({ body }, manifest, mostRows) => new InferReader(body, manifest, mostRows).read(),
  encode: (outputs, { form }, manifest, mostBytes) => ({
    contentType: JSON_TYPE,
    body: inferAnswer(outputs, form, manifest.name, mostBytes),
  }),

  descriptions: {
    live: () => jsonMessage({ live: true }),
    serverReady: (models) => {
      for (const model of models) requireReady(model);
      return jsonMessage({ ready: true });
    },
    server: () => jsonMessage({ name: 'infless', version: packageVersion, extensions: [] }),
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
        inputs: manifest.inputs.map(describeTensor),
        outputs: manifest.outputs.map(describeTensor),
      });
    },
  },
  error: jsonError,

  request: (feeds) => ({ contentType: JSON_TYPE, body: tensorsBody(feeds, 'inputs') }),
  readMetadata,
};

/** Our element types as the protocol calls them. */
const DATATYPE: Readonly<Record<DType, string>> = {
  float32: 'FP32',
  float64: 'FP64',
  float16: 'FP16',
  int8: 'INT8',
  uint8: 'UINT8',
  int16: 'INT16',
  uint16: 'UINT16',
  int32: 'INT32',
  uint32: 'UINT32',
  int64: 'INT64',
  uint64: 'UINT64',
  bool: 'BOOL',
  string: 'BYTES',
};
const DTYPE_OF = new Map(Object.entries(DATATYPE).map(([dtype, datatype]) => [datatype, dtype as DType]));

const EXAMPLE = '{"inputs": [{"name": "…", "shape": […], "datatype": "…", "data": […]}]}';

/**
 * Reads an infer request in one pass: the numbers go from the text into the tensors, with nothing in between.
 */
class InferReader {
  readonly #manifest: ModelManifest;
  readonly #cursor: JsonCursor;
  readonly #mostRows: number;

  constructor(body: Uint8Array, manifest: ModelManifest, mostRows = Number.POSITIVE_INFINITY) {
    this.#manifest = manifest;
    this.#mostRows = mostRows;
    this.#cursor = new JsonCursor(body, `The body has to be JSON like ${EXAMPLE}.`);
  }

  read(): Decoded<InferForm> {
    let id: string | undefined;
    let outputs: string[] | undefined;
    let feeds: NamedTensors | undefined;
    this.#cursor.readObject((key) => {
      if (key === 'inputs') {
        if (feeds !== undefined) throw invalid('The request has "inputs" twice');
        feeds = this.#readInputs();
      } else if (this.#takeNull()) return;
      else if (key === 'id') id = this.#cursor.readString();
      else if (key === 'outputs') outputs = this.#readOutputs();
      else skipValue(this.#cursor);
    });
    this.#cursor.expectEnd();
    if (feeds === undefined) throw invalid('The request has no "inputs"', `Send ${EXAMPLE}.`);
    const named = outputs === undefined || outputs.length === 0 ? undefined : outputs;
    const rows = rowsOf(this.#manifest, feeds);
    if (rows > this.#mostRows) throw tooManyRows(this.#mostRows);
    return { feeds, rows, form: { id, outputs: named } };
  }

  #readInputs(): NamedTensors {
    const tensors = new Map<string, Tensor>();
    this.#readItems((index) => {
      const { name, tensor } = this.#readInput(`inputs[${index}]`);
      if (tensors.has(name)) throw invalid(`Input "${name}" comes twice`);
      tensors.set(name, tensor);
    });
    return Object.fromEntries(tensors);
  }

  /** Keys may come in any order: data that comes before its name is read again when the name is known. */
  #readInput(place: string): { readonly name: string; readonly tensor: Tensor } {
    const cursor = this.#cursor;
    let spec: TensorSpec | undefined;
    let datatype: string | undefined;
    let shape: readonly number[] | undefined;
    let data: Values | undefined;
    let dataAt: number | undefined;
    cursor.readObject((key) => {
      if (key === 'name') spec = this.#inputNamed(cursor.readString());
      else if (key === 'datatype') datatype = cursor.readString();
      else if (key === 'shape') shape = this.#readShape(`${place}.shape`);
      else if (key === 'parameters') this.#readInputParameters(place);
      else if (key !== 'data') skipValue(cursor);
      else if (spec !== undefined) data = this.#readData(`${place}.data`, spec, shape);
      else {
        dataAt = cursor.position;
        skipValue(cursor);
      }
    });
    if (spec === undefined) throw invalid(`${place} has no "name"`);
    if (dataAt !== undefined) {
      const end = cursor.position;
      cursor.position = dataAt;
      data = this.#readData(`${place}.data`, spec, shape);
      cursor.position = end;
    }
    const { name, dtype } = spec;
    if (datatype !== DATATYPE[dtype]) {
      const given = datatype === undefined ? 'no datatype' : `datatype ${datatype}`;
      throw invalid(`Input "${name}" has ${given}, the model takes ${DATATYPE[dtype]}`);
    }
    if (shape === undefined) throw invalid(`Input "${name}" has no "shape"`);
    if (data === undefined) throw invalid(`Input "${name}" has no "data"`);
    return { name, tensor: tensorOf(spec, shape, data) };
  }

  #inputNamed(name: string): TensorSpec {
    const spec = this.#manifest.inputs.find((each) => each.name === name);
    if (spec === undefined) throw unknownInput(this.#manifest, name);
    return spec;
  }

  #readShape(place: string): readonly number[] {
    const sizes = new Elements('uint32', 4);
    if (readNested(this.#cursor, sizes, place).length !== 1) throw invalid(`${place} is not a list of sizes`);
    return Array.from(sizes.data as Uint32Array);
  }

  #readData(place: string, spec: TensorSpec, shape: readonly number[] | undefined): Values {
    const cursor = this.#cursor;
    const { batchAxis } = spec;
    if (batchAxis !== null && shape !== undefined && shape[batchAxis]! > this.#mostRows) {
      throw tooManyRows(this.#mostRows);
    }
    // A value takes two bytes at least: no more room is made than the text can fill, whatever the shape says.
    const possible = Math.ceil((cursor.bytes.length - cursor.position) / 2);
    const elements = new Elements(spec.dtype, Math.min(possible, elementCount(shape ?? [])));
    const nesting = readNested(cursor, elements, place);
    if (nesting.length === 0) throw invalid(`${place} is not an array`);
    return { nesting, elements };
  }

  #readInputParameters(place: string): void {
    this.#readParameters((key) => {
      if (key === 'binary_data_size') {
        throw invalid(
          `${place} comes as binary data after the JSON, which is not taken here`,
          'Send its values as JSON: "data": […] (tritonclient: binary_data=False).',
        );
      }
      if (key.startsWith('shared_memory')) throw invalid(NO_SHARED_MEMORY);
    });
  }

  /** That outputs must be binary is a wish: answers are JSON, which every client takes. */
  #readOutputs(): string[] {
    const names: string[] = [];
    this.#readItems((index) => {
      const place = `outputs[${index}]`;
      let name: string | undefined;
      this.#cursor.readObject((key) => {
        if (key === 'name') name = this.#cursor.readString();
        else if (key === 'parameters') this.#readOutputParameters();
        else skipValue(this.#cursor);
      });
      if (name === undefined) throw invalid(`${place} has no "name"`);
      this.#checkOutput(name);
      names.push(name);
    });
    return names;
  }

  #readOutputParameters(): void {
    this.#readParameters((key) => {
      if (key === 'classification')
        throw invalid('Classification is not offered here', 'Ask for the scores, and rank them.');
      if (key.startsWith('shared_memory')) throw invalid(NO_SHARED_MEMORY);
    });
  }

  #checkOutput(name: string): void {
    const { name: model, outputs } = this.#manifest;
    if (outputs.some((spec) => spec.name === name)) return;
    const names = outputs.map((spec) => spec.name).join(', ');
    throw invalid(`Model ${model} has no output "${name}"`, `Its outputs are: ${names}.`);
  }

  #readParameters(onKey: (key: string) => void): void {
    if (this.#takeNull()) return;
    this.#cursor.readObject((key) => {
      onKey(key);
      skipValue(this.#cursor);
    });
  }

  #readItems(item: (index: number) => void): void {
    const cursor = this.#cursor;
    cursor.expect(Byte.openBracket);
    if (cursor.take(Byte.closeBracket)) return;
    let index = 0;
    do {
      item(index);
      index += 1;
    } while (cursor.take(Byte.comma));
    cursor.expect(Byte.closeBracket);
  }

  #takeNull(): boolean {
    this.#cursor.peek();
    return this.#cursor.takeWord('null');
  }
}

/** The values of an input as they were read: in one list, or nested as its shape says. */
interface Values {
  readonly nesting: readonly number[];
  readonly elements: Elements;
}

function tensorOf(
  { name, dtype }: TensorSpec,
  shape: readonly number[],
  { nesting, elements }: Values,
): Tensor {
  if (elements.length !== elementCount(shape)) {
    throw invalid(
      `Input "${name}" has ${elements.length} values, its shape [${shape.join(',')}] takes ${elementCount(shape)}`,
    );
  }
  if (nesting.length > 1 && nesting.join() !== shape.join()) {
    throw invalid(`Input "${name}" is nested as [${nesting.join(',')}], its shape is [${shape.join(',')}]`);
  }
  return { dtype, shape, data: elements.data };
}

function inferAnswer(
  outputs: NamedTensors,
  { id, outputs: names }: InferForm,
  model: string,
  mostBytes: number | undefined,
): Uint8Array {
  const asked =
    names === undefined ? outputs : Object.fromEntries(names.map((name) => [name, outputs[name]!]));
  const before = (writer: JsonWriter): void => {
    writer.key('model_name');
    writer.string(model);
    writer.byte(Byte.comma);
    writer.key('model_version');
    writer.string(MODEL_VERSION);
    writer.byte(Byte.comma);
    if (id === undefined) return;
    writer.key('id');
    writer.string(id);
    writer.byte(Byte.comma);
  };
  return tensorsBody(asked, 'outputs', { before, mostBytes });
}

/**
 * `{…, key: [{"name": …, "datatype": …, "shape": […], "data": […]}, …]}`, the values of each tensor in one
 * list.
 */
function tensorsBody(
  tensors: NamedTensors,
  key: 'inputs' | 'outputs',
  options: {
    readonly before?: (writer: JsonWriter) => void;
    readonly mostBytes?: number | undefined;
  } = {},
): Uint8Array {
  const entries = Object.entries(tensors);
  const writer = writerFor(tensors, options.mostBytes);
  writer.byte(Byte.openBrace);
  options.before?.(writer);
  writer.key(key);
  writer.series(Byte.openBracket, entries.length, Byte.closeBracket, (index) => {
    const [name, tensor] = entries[index]!;
    writer.ascii('{"name":');
    writer.string(name);
    writer.ascii(`,"datatype":"${DATATYPE[tensor.dtype]}","shape":[${tensor.shape.join(',')}],"data":`);
    writeElements(writer, tensor);
    writer.byte(Byte.closeBrace);
  });
  writer.byte(Byte.closeBrace);
  return writer.bytes;
}

/** @throws InflessError UNAVAILABLE */
function requireReady({ state }: ServedModel): void {
  if (state === 'ready') return;
  const what = state === 'draining' ? 'The server is shutting down' : 'The model is still being loaded';
  throw new InflessError('UNAVAILABLE', what);
}

/** Class names lie where the protocol leaves room for what it does not know. */
function describeTensor({ name, dtype, shape, classes }: TensorSpec) {
  const described = { name, datatype: DATATYPE[dtype], shape: shape.map((size) => size ?? -1) };
  return classes === undefined ? described : { ...described, parameters: { classes } };
}

const tensorSchema = z.object({
  name: z.string().min(1),
  datatype: z.string(),
  shape: z.array(z.number().int()),
});
const metadataSchema = z.object({
  inputs: z.array(tensorSchema),
  outputs: z.array(tensorSchema).default([]),
});

/** A first dimension of any size is the batch. */
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

function toSpec({ name, datatype, shape }: z.output<typeof tensorSchema>): TensorSpec | undefined {
  const dtype = DTYPE_OF.get(datatype);
  const sizes = shape.map((size) => (size < 0 ? null : size));
  return dtype && { name, dtype, shape: sizes, batchAxis: sizes[0] === null ? 0 : null };
}

function invalid(what: string, remedy?: string): InflessError {
  return new InflessError('INVALID_INPUT', what, remedy === undefined ? {} : { remedy });
}
