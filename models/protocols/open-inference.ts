import { z } from 'zod';
import { InflessError } from '../base/errors.ts';
import { packageVersion } from '../base/package.ts';
import { parseWith } from '../base/schema.ts';
import { Elements } from '../codec/elements.ts';
import { Byte, JsonCursor } from '../codec/json-cursor.ts';
import { answerTooLarge, type JsonWriter } from '../codec/json-writer.ts';
import { readNested } from '../codec/nested-array.ts';
import { tooManyRows } from '../codec/rows.ts';
import { SCALAR_READERS } from '../codec/scalars.ts';
import { skipValue } from '../codec/skip-value.ts';
import { writeElements, writerFor } from '../codec/tensor-writer.ts';
import { formatShape, rowsOf, unknownInput } from '../manifest/feeds.ts';
import type { ModelManifest, TensorSpec } from '../manifest/manifest.ts';
import { type DType, elementCount, type NamedTensors, type Tensor } from '../manifest/tensor.ts';
import { bytesOfTensor, elementsIn, tensorOfBytes } from './binary-tensors.ts';
import {
  type Decoded,
  describedSpec,
  GIVE_A_BODY,
  inputNotes,
  JSON_TYPE,
  jsonError,
  jsonMessage,
  type Message,
  MODEL_VERSION,
  noteOn,
  type Protocol,
  parseMetadata,
  requireLoaded,
  type ServedModel,
  type Signature,
  unknownInputType,
} from './protocol.ts';

/** What an answer repeats of its request, and what was asked for. */
interface InferForm {
  readonly id: string | undefined;
  /** Undefined: all. */
  readonly outputs: readonly AskedOutput[] | undefined;
  /** Whether outputs come as bytes behind the JSON where nothing is said of one. */
  readonly binary: boolean;
}

interface AskedOutput {
  readonly name: string;
  readonly binary: boolean | undefined;
}

/** How many bytes of the body are JSON; tensors may follow. */
const JSON_LENGTH = 'inference-header-content-length';
const BINARY_TYPE = 'application/octet-stream';

const MODEL = '/v2/models/NAME[/versions/VERSION]';
const INFER = `${MODEL}/infer`;

const NO_SHARED_MEMORY = 'Shared memory is not offered here. Send tensors in the request.';
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

/** Reads a request whose tensors are JSON, bytes behind it, or the whole body. */
function decodeInfer(
  { contentType, headers, body }: Message,
  manifest: ModelManifest,
  mostRows = Number.POSITIVE_INFINITY,
): Decoded<InferForm> {
  const announced = headers?.[JSON_LENGTH];
  const isRaw = announced === undefined ? isRawBody(contentType, body) : Number(announced) === 0;
  if (isRaw) return rawRequest(body, manifest, mostRows);
  if (announced === undefined) return new InferReader(body, new Uint8Array(0), manifest, mostRows).read();
  const jsonBytes = Number(announced);
  if (!/^\d+$/.test(announced) || jsonBytes > body.length) {
    throw invalid(
      `Inference-Header-Content-Length is "${announced}", and the body has ${body.length} bytes`,
      'It is how many bytes of the body are JSON; the tensors come behind them.',
    );
  }
  return new InferReader(body.subarray(0, jsonBytes), body.subarray(jsonBytes), manifest, mostRows).read();
}

/** @throws InflessError BODY_TOO_LARGE */
function checkedRows(manifest: ModelManifest, feeds: NamedTensors, mostRows: number): number {
  const rows = rowsOf(manifest, feeds);
  if (rows > mostRows) throw tooManyRows(mostRows);
  return rows;
}

/** Bytes that are not JSON, of which nothing says how much is. */
function isRawBody(contentType: string, body: Uint8Array): boolean {
  return contentType.startsWith(BINARY_TYPE) && body.find((byte) => byte > Byte.space) !== Byte.openBrace;
}

/** The one input of a model, and nothing else. */
function rawRequest(body: Uint8Array, manifest: ModelManifest, mostRows: number): Decoded<InferForm> {
  const [spec, ...others] = manifest.inputs;
  const remedy = `Send ${EXAMPLE}, with Inference-Header-Content-Length where tensors follow as bytes.`;
  if (spec === undefined || others.length > 0 || spec.dtype === 'string') {
    const what = spec?.dtype === 'string' ? 'takes strings' : `has ${manifest.inputs.length} inputs`;
    throw invalid(`A body that is a tensor and nothing else does not tell enough: the model ${what}`, remedy);
  }
  const { name, dtype, batchAxis } = spec;
  const isOpen = spec.shape.map((size, axis) => size === null && axis !== batchAxis);
  const open = isOpen.filter(Boolean).length > 0 ? isOpen.indexOf(true) : (batchAxis ?? -1);
  const known = elementCount(spec.shape.map((size) => size ?? 1));
  const size = (elementsIn(dtype, body.length) ?? Number.NaN) / known;
  if (isOpen.filter(Boolean).length > 1 || !Number.isInteger(size) || (open < 0 && size !== 1)) {
    throw invalid(
      `A body of ${body.length} bytes is no input "${name}" of shape ${formatShape(spec)}`,
      remedy,
    );
  }
  const shape = spec.shape.map((fixed, axis) => (axis === open ? size : (fixed ?? 1)));
  const feeds = { [name]: tensorOfBytes(spec, shape, body, `Input "${name}"`) };
  const rows = checkedRows(manifest, feeds, mostRows);
  return { feeds, rows, form: { id: undefined, outputs: undefined, binary: true } };
}

/**
 * Reads an infer request in one pass: the numbers go from the text into the tensors, with nothing in between.
 */
class InferReader {
  readonly #manifest: ModelManifest;
  readonly #cursor: JsonCursor;
  readonly #mostRows: number;
  /** The tensors behind the JSON that have not been taken yet, in the order of the inputs. */
  #behind: Uint8Array;

  constructor(json: Uint8Array, behind: Uint8Array, manifest: ModelManifest, mostRows: number) {
    this.#manifest = manifest;
    this.#behind = behind;
    this.#mostRows = mostRows;
    this.#cursor = new JsonCursor(json, `The body has to be JSON like ${EXAMPLE}.`);
  }

  read(): Decoded<InferForm> {
    let id: string | undefined;
    let outputs: AskedOutput[] | undefined;
    let binary = false;
    let feeds: NamedTensors | undefined;
    this.#cursor.readObject((key) => {
      if (key === 'inputs') {
        if (feeds !== undefined) throw invalid('The request has "inputs" twice');
        feeds = this.#readInputs();
      } else if (this.#takeNull()) return;
      else if (key === 'id') id = this.#cursor.readString();
      else if (key === 'outputs') outputs = this.#readOutputs();
      else if (key === 'parameters') binary = this.#readFlag('binary_data_output') ?? false;
      else skipValue(this.#cursor);
    });
    this.#cursor.expectEnd();
    if (this.#behind.length > 0) {
      throw invalid(
        `The body has ${this.#behind.length} bytes behind the last tensor that "inputs" tells of`,
      );
    }
    if (feeds === undefined) throw invalid('The request has no "inputs"', `Send ${EXAMPLE}.`);
    const named = outputs === undefined || outputs.length === 0 ? undefined : outputs;
    const rows = checkedRows(this.#manifest, feeds, this.#mostRows);
    return { feeds, rows, form: { id, outputs: named, binary } };
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
    let bytes: Uint8Array | undefined;
    cursor.readObject((key) => {
      if (key === 'name') spec = this.#inputNamed(cursor.readString());
      else if (key === 'datatype') datatype = cursor.readString();
      else if (key === 'shape') shape = this.#readShape(`${place}.shape`);
      else if (key === 'parameters') bytes = this.#readInputParameters(place);
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
    if (bytes !== undefined && data !== undefined)
      throw invalid(`Input "${name}" comes both as JSON and as bytes`);
    if (bytes !== undefined) return { name, tensor: tensorOfBytes(spec, shape, bytes, `Input "${name}"`) };
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

  /** The bytes of an input that does not come as JSON. */
  #readInputParameters(place: string): Uint8Array | undefined {
    let bytes: Uint8Array | undefined;
    this.#readParameters((key) => {
      if (key.startsWith('shared_memory')) throw invalid(NO_SHARED_MEMORY);
      if (key === 'binary_data_size') bytes = this.#takeBehind(place);
      else skipValue(this.#cursor);
    });
    return bytes;
  }

  #takeBehind(place: string): Uint8Array {
    const size = SCALAR_READERS.uint32(this.#cursor) as number;
    if (size > this.#behind.length) {
      throw invalid(
        `${place} has a binary_data_size of ${size}, and ${this.#behind.length} bytes are left behind the JSON`,
        'Send the header Inference-Header-Content-Length, and the tensors in the order of "inputs".',
      );
    }
    const bytes = this.#behind.subarray(0, size);
    this.#behind = this.#behind.subarray(size);
    return bytes;
  }

  #readOutputs(): AskedOutput[] {
    const asked: AskedOutput[] = [];
    this.#readItems((index) => {
      const place = `outputs[${index}]`;
      let name: string | undefined;
      let binary: boolean | undefined;
      this.#cursor.readObject((key) => {
        if (key === 'name') name = this.#cursor.readString();
        else if (key === 'parameters') binary = this.#readFlag('binary_data');
        else skipValue(this.#cursor);
      });
      if (name === undefined) throw invalid(`${place} has no "name"`);
      this.#checkOutput(name);
      asked.push({ name, binary });
    });
    return asked;
  }

  /** A parameter of an output, or of the request, that is true or false. */
  #readFlag(name: string): boolean | undefined {
    let flag: boolean | undefined;
    this.#readParameters((key) => {
      if (key === 'classification')
        throw invalid('Classification is not offered here', 'Ask for the scores, and rank them.');
      if (key.startsWith('shared_memory')) throw invalid(NO_SHARED_MEMORY);
      if (key === name) flag = SCALAR_READERS.bool(this.#cursor) === 1;
      else skipValue(this.#cursor);
    });
    return flag;
  }

  #checkOutput(name: string): void {
    const { name: model, outputs } = this.#manifest;
    if (outputs.some((spec) => spec.name === name)) return;
    const names = outputs.map((spec) => spec.name).join(', ');
    throw invalid(`Model ${model} has no output "${name}"`, `Its outputs are: ${names}.`);
  }

  /** @param onKey reads the value of a key, too */
  #readParameters(onKey: (key: string) => void): void {
    if (this.#takeNull()) return;
    this.#cursor.readObject(onKey);
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
  form: InferForm,
  model: string,
  mostBytes: number | undefined,
): Message {
  const { id, binary } = form;
  const names = form.outputs ?? Object.keys(outputs).map((name) => ({ name, binary: undefined }));
  const asked = Object.fromEntries(names.map(({ name }) => [name, outputs[name]!]));
  const bytes = new Map(
    names.flatMap((each) =>
      (each.binary ?? binary) ? [[each.name, bytesOfTensor(outputs[each.name]!)] as const] : [],
    ),
  );
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
  const json = tensorsBody(asked, 'outputs', { bytes, before, mostBytes });
  if (bytes.size === 0) return { contentType: JSON_TYPE, body: json };
  const length = [...bytes.values()].reduce((sum, each) => sum + each.length, json.length);
  if (mostBytes !== undefined && length > mostBytes) throw answerTooLarge(mostBytes);
  return {
    contentType: BINARY_TYPE,
    headers: { [JSON_LENGTH]: String(json.length) },
    body: Buffer.concat([json, ...bytes.values()]),
  };
}

/**
 * `{…, key: [{"name": …, "datatype": …, "shape": […], "data": […]}, …]}`, the values of each tensor in one
 * list; of those that follow as bytes, how many they are.
 */
function tensorsBody(
  tensors: NamedTensors,
  key: 'inputs' | 'outputs',
  options: {
    /** Those that follow as bytes, and these. */
    readonly bytes?: ReadonlyMap<string, Uint8Array>;
    readonly before?: (writer: JsonWriter) => void;
    readonly mostBytes?: number | undefined;
  } = {},
): Uint8Array {
  const { bytes = new Map<string, Uint8Array>() } = options;
  const entries = Object.entries(tensors);
  const asJson = entries.filter(([name]) => !bytes.has(name));
  const writer = writerFor(Object.fromEntries(asJson), options.mostBytes);
  writer.byte(Byte.openBrace);
  options.before?.(writer);
  writer.key(key);
  writer.series(Byte.openBracket, entries.length, Byte.closeBracket, (index) => {
    const [name, tensor] = entries[index]!;
    writer.ascii('{"name":');
    writer.string(name);
    writer.ascii(`,"datatype":"${DATATYPE[tensor.dtype]}","shape":[${tensor.shape.join(',')}],`);
    const behind = bytes.get(name);
    if (behind !== undefined) writer.ascii(`"parameters":{"binary_data_size":${behind.length}}`);
    else {
      writer.ascii('"data":');
      writeElements(writer, tensor);
    }
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

function invalid(what: string, remedy?: string): InflessError {
  return new InflessError('INVALID_INPUT', what, remedy === undefined ? {} : { remedy });
}
