import { z } from 'zod';
import { InflessError } from '../base/errors.ts';
import { parseWith } from '../base/schema.ts';
import { Elements } from '../codec/elements.ts';
import { Byte, JsonCursor } from '../codec/json-cursor.ts';
import type { JsonWriter } from '../codec/json-writer.ts';
import { readNested } from '../codec/nested-array.ts';
import { rowLists, rowsTensor, tooManyRows } from '../codec/rows.ts';
import { SCALAR_WRITERS, type ScalarWriter } from '../codec/scalar-writers.ts';
import { SCALAR_READERS, type ScalarReader } from '../codec/scalars.ts';
import { skipValue } from '../codec/skip-value.ts';
import { writeNested, writerFor } from '../codec/tensor-writer.ts';
import { missingInput, rowsOf, unknownInput } from '../manifest/feeds.ts';
import type { ModelManifest, TensorSpec } from '../manifest/manifest.ts';
import { type DType, elementCount, type NamedTensors, type Tensor } from '../manifest/tensor.ts';
import {
  describedSpec,
  GIVE_A_BODY,
  type InputNote,
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

/** TensorFlow Serving's two ways to write tensors: one value a row (`instances`), or whole (`inputs`). */
export type PredictForm = 'row' | 'column';

const MODEL = '/v1/models/NAME[/versions/VERSION]';
const PREDICT = `${MODEL}:predict`;
const METADATA = `${MODEL}/metadata`;

/**
 * TensorFlow Serving's REST interface. `GET /v1/models` is KServe's, whose v1 protocol is otherwise this one.
 */
export const tensorflowServing: Protocol<PredictForm> = {
  name: 'tensorflow-serving',
  root: '/v1/models',
  routes: [
    { method: 'POST', path: PREDICT, call: 'predict' },
    { method: 'GET', path: METADATA, call: 'metadata' },
    { method: 'GET', path: MODEL, call: 'status' },
    { method: 'GET', path: '/v1/models', call: 'list' },
    { path: '/v1/models/NAME…' },
  ],
  paths: { model: MODEL, predict: PREDICT, metadata: METADATA },

  decode: ({ body }, manifest, mostRows = Number.POSITIVE_INFINITY) => {
    const { feeds, form } = new PredictReader(body, manifest, mostRows).readTensors();
    const rows = rowsOf(manifest, feeds);
    if (rows > mostRows) throw tooManyRows(mostRows);
    return { feeds, form, rows };
  },

  /**
   * Writes the answer in the form of the request. Names are left out where there is one output.
   *
   * Outputs that count values do not have the rows of the request. If all outputs have the same length, row
   * form lists their elements, as TensorFlow Serving does. Otherwise everything belongs to the row of a
   * one-row request.
   */
  encode: (outputs, { form, rows }, manifest, mostBytes) => ({
    contentType: JSON_TYPE,
    body:
      form === 'row'
        ? rowsBody('predictions', outputs, { specs: manifest.outputs, rows, mostBytes })
        : columnsBody('outputs', outputs, mostBytes),
  }),

  descriptions: {
    metadata: (model) => jsonMessage(describeSignature(model)),
    status: (model) => jsonMessage(describeStatus(model)),
    list: (models) => jsonMessage({ models: models.filter(isKnown).map(({ name }) => name) }),
  },
  error: jsonError,

  request: (feeds, model) => ({
    contentType: JSON_TYPE,
    body: predictBody(feeds, haveRows(feeds, model.inputs) ? 'row' : 'column', model),
  }),
  readMetadata,
};

/** The body of a predict call in either form. */
export function predictBody(
  feeds: NamedTensors,
  form: PredictForm,
  model?: Pick<ModelManifest, 'inputs'>,
): Uint8Array {
  return form === 'row'
    ? rowsBody('instances', feeds, { specs: model?.inputs })
    : columnsBody('inputs', feeds);
}

/**
 * Reads the tensors of a predict call without asking whether the model takes their shapes.
 *
 * @param model inputs with a batch axis at 0, along which instances are put together
 * @throws InflessError INVALID_INPUT
 */
export function readPredictTensors(
  body: Uint8Array,
  model: Pick<ModelManifest, 'name' | 'inputs'>,
): { readonly feeds: NamedTensors; readonly form: PredictForm } {
  return new PredictReader(body, model).readTensors();
}

/** Whether every input has a row for each instance, so that they can be sent one by one. */
function haveRows(feeds: NamedTensors, specs: readonly TensorSpec[]): boolean {
  const sizes = specs.map(({ name, batchAxis }) => feeds[name]?.shape[batchAxis ?? 0]);
  const counted = specs.findIndex(({ batchAxis }) => batchAxis !== null);
  const rows = counted < 0 ? 1 : sizes[counted];
  return sizes.every((size) => size === rows);
}

const BODY_REMEDY = 'The body has to be JSON like {"instances": […]} or {"inputs": …}.';

/**
 * Reads a predict body in one pass: the numbers go from the text into the tensors, with nothing in between.
 */
class PredictReader {
  readonly #manifest: Pick<ModelManifest, 'name' | 'inputs'>;
  readonly #cursor: JsonCursor;
  readonly #specs: ReadonlyMap<string, TensorSpec>;
  readonly #mostRows: number;

  constructor(
    body: Uint8Array,
    manifest: Pick<ModelManifest, 'name' | 'inputs'>,
    mostRows = Number.POSITIVE_INFINITY,
  ) {
    this.#manifest = manifest;
    this.#mostRows = mostRows;
    this.#cursor = new JsonCursor(body, BODY_REMEDY);
    this.#specs = new Map(manifest.inputs.map((spec) => [spec.name, spec]));
  }

  readTensors(): { readonly feeds: NamedTensors; readonly form: PredictForm } {
    const cursor = this.#cursor;
    let found: { readonly feeds: NamedTensors; readonly form: PredictForm } | undefined;
    cursor.readObject((key) => {
      if (key !== 'instances' && key !== 'inputs') {
        if (key === 'signature_name') this.#readSignature();
        else skipValue(cursor);
        return;
      }
      if (found !== undefined) throw invalid('The request has more than one of "instances" and "inputs"');
      found =
        key === 'instances'
          ? { feeds: this.#readInstances(), form: 'row' }
          : { feeds: this.#readInputs(), form: 'column' };
    });
    cursor.expectEnd();
    if (found === undefined) {
      throw invalid(
        'The request has neither "instances" nor "inputs"',
        'Send {"instances": [...]}, one value a row.',
      );
    }
    return found;
  }

  #readSignature(): void {
    const name = this.#cursor.readString();
    if (name !== '' && name !== 'serving_default') {
      throw invalid(
        `The model has no signature "${name}"`,
        'Leave signature_name out, or send "serving_default".',
      );
    }
  }

  /**
   * As TensorFlow Serving does, passes over names that the model has not, as long as all that it has are
   * there.
   */
  #readInputs(): NamedTensors {
    if (!this.#atNamed()) {
      const spec = this.#onlyInput();
      return { [spec.name]: this.#readTensor(spec, 'inputs', spec.batchAxis === 0) };
    }
    const tensors = new Map<string, Tensor>();
    let unknown: string | undefined;
    this.#cursor.readObject((name) => {
      const spec = this.#specs.get(name);
      if (spec === undefined) {
        unknown ??= name;
        skipValue(this.#cursor);
        return;
      }
      if (tensors.has(name)) throw invalid(`inputs.${name} comes twice`);
      tensors.set(name, this.#readTensor(spec, `inputs.${name}`, spec.batchAxis === 0));
    });
    if (unknown !== undefined && tensors.size < this.#specs.size) {
      throw unknownInput(this.#manifest, unknown); // passed over, but more likely a name misspelt
    }
    return Object.fromEntries(tensors);
  }

  #readInstances(): NamedTensors {
    const cursor = this.#cursor;
    const start = cursor.position;
    cursor.expect(Byte.openBracket);
    if (cursor.peek() === Byte.closeBracket) throw invalid('"instances" is empty', 'Send at least one row.');
    if (this.#atNamed()) return this.#readNamedRows();
    cursor.position = start;
    const spec = this.#onlyInput();
    return { [spec.name]: rowsTensor(spec, this.#readTensor(spec, 'instances', spec.batchAxis !== null)) };
  }

  /** The rows of `instances` as objects, after its opening bracket. */
  #readNamedRows(): NamedTensors {
    const cursor = this.#cursor;
    const columns = new Map(this.#manifest.inputs.map((spec) => [spec.name, new Column(spec)]));
    let row = 0;
    do {
      if (cursor.peek() !== Byte.openBrace)
        throw invalid(`instances[${row}] is not an object, instances[0] is`);
      cursor.readObject((name) => {
        this.#specNamed(name);
        columns.get(name)!.readRow(cursor, row);
      });
      row += 1;
      if (row > this.#mostRows) throw tooManyRows(this.#mostRows);
      for (const [name, column] of columns) {
        if (column.rows < row) {
          throw new InflessError('INVALID_INPUT', `instances[${row - 1}] lacks input "${name}"`, {
            cause: missingInput(this.#manifest, name),
          });
        }
      }
    } while (cursor.take(Byte.comma));
    cursor.expect(Byte.closeBracket);
    const someHaveRows = this.#manifest.inputs.some(({ batchAxis }) => batchAxis !== null);
    return Object.fromEntries([...columns].map(([name, column]) => [name, column.tensor(someHaveRows)]));
  }

  /** @param ofRows whether the outermost array is one of rows */
  #readTensor(spec: TensorSpec, place: string, ofRows: boolean): Tensor {
    const elements = new Elements(spec.dtype, knownSize(spec), scalarReader(spec.dtype));
    const shape = readNested(this.#cursor, elements, place, ofRows ? this.#mostRows : undefined);
    return { dtype: spec.dtype, shape, data: elements.data };
  }

  /** Whether named inputs come next: an object, but not bytes as `{"b64": …}`, which is a value. */
  #atNamed(): boolean {
    const cursor = this.#cursor;
    if (cursor.peek() !== Byte.openBrace) return false;
    const start = cursor.position;
    cursor.position += 1;
    const bytes = cursor.peek() === Byte.quote && cursor.readString() === 'b64' && !this.#specs.has('b64');
    cursor.position = start;
    return !bytes;
  }

  #specNamed(name: string): TensorSpec {
    const spec = this.#specs.get(name);
    if (spec === undefined) throw unknownInput(this.#manifest, name);
    return spec;
  }

  #onlyInput(): TensorSpec {
    const { inputs, name } = this.#manifest;
    if (inputs.length === 1) return inputs[0]!;
    throw invalid(
      `Model ${name} has ${inputs.length} inputs, so they must be named`,
      `Send objects with: ${inputs.map((spec) => spec.name).join(', ')}.`,
    );
  }
}

/** The rows of one named input, gathered from one instance after the other. */
class Column {
  readonly #spec: TensorSpec;
  readonly #elements: Elements;
  #rowShape: readonly number[] = [];
  rows = 0;

  constructor(spec: TensorSpec) {
    this.#spec = spec;
    this.#elements = new Elements(spec.dtype, knownSize(spec), scalarReader(spec.dtype));
  }

  readRow(cursor: JsonCursor, row: number): void {
    const place = `instances[${row}].${this.#spec.name}`;
    if (this.rows > row) throw invalid(`${place} comes twice`);
    const shape = readNested(cursor, this.#elements, place);
    if (row === 0) this.#rowShape = shape;
    else if (shape.join() !== this.#rowShape.join()) {
      throw invalid(
        `${place} has shape [${shape.join(',')}], that of instances[0] is [${this.#rowShape.join(',')}]`,
      );
    }
    this.rows += 1;
  }

  /** @param isShared as {@link rowsTensor} takes it */
  tensor(isShared: boolean): Tensor {
    const { dtype } = this.#spec;
    const shape = [this.rows, ...this.#rowShape];
    return rowsTensor(this.#spec, { dtype, shape, data: this.#elements.data }, isShared);
  }
}

/** Elements of one row as far as the model fixes them: what to make room for. */
function knownSize(spec: TensorSpec): number {
  return spec.shape.reduce<number>((product, size) => product * (size ?? 1), 1);
}

/** Plain JSON scalars, but that texts may also come as bytes. */
function scalarReader(dtype: DType): ScalarReader {
  return dtype === 'string' ? readText : SCALAR_READERS[dtype];
}

/** Texts, and bytes as `{"b64": "…"}`; the bytes must be UTF-8, as all texts of a model are. */
function readText(cursor: JsonCursor): string {
  if (cursor.peek() !== Byte.openBrace) return cursor.readString();
  cursor.expect(Byte.openBrace);
  cursor.peek();
  const start = cursor.position;
  const key = cursor.readString();
  if (key !== 'b64') {
    cursor.position = start;
    throw cursor.unexpected('"b64"');
  }
  cursor.expect(Byte.colon);
  cursor.peek();
  const valueStart = cursor.position;
  const encoded = cursor.readString();
  cursor.expect(Byte.closeBrace);
  return decodeBase64(encoded, valueStart);
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodeBase64(encoded: string, position: number): string {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(encoded)) {
    throw invalid(`The "b64" value at byte ${position} is not base64`);
  }
  try {
    return strictUtf8.decode(Buffer.from(encoded, 'base64'));
  } catch (cause) {
    throw new InflessError('INVALID_INPUT', `The "b64" value at byte ${position} is not UTF-8 text`, {
      cause,
    });
  }
}

function invalid(what: string, remedy?: string): InflessError {
  return new InflessError('INVALID_INPUT', what, remedy === undefined ? {} : { remedy });
}

/**
 * Writes `{key: [row, row, …]}`: a row is a value where there is one tensor, else an object of named values.
 *
 * @param options.rows the expected number of rows, see `rowLists`
 */
function rowsBody(
  key: string,
  tensors: NamedTensors,
  options: {
    readonly specs?: readonly TensorSpec[] | undefined;
    readonly rows?: number;
    readonly mostBytes?: number | undefined;
  },
): Uint8Array {
  const remedy = 'Send the request in column form: {"inputs": ...}.';
  const { rows, lists } = rowLists(tensors, { specs: options.specs, count: options.rows, remedy });
  return objectBody(key, writerFor(tensors, options.mostBytes), (writer) => {
    if (lists.length === 1) return writeValue(writer, ...lists[0]!, 0, 0);
    writer.series(Byte.openBracket, rows, Byte.closeBracket, (row) => {
      writer.series(Byte.openBrace, lists.length, Byte.closeBrace, (index) => {
        const [name, list] = lists[index]!;
        writer.key(name);
        writeValue(writer, name, list, 1, row * elementCount(list.shape.slice(1)));
      });
    });
  });
}

/** Writes `{key: value}` for one tensor, `{key: {name: value, …}}` for several. */
function columnsBody(key: string, tensors: NamedTensors, mostBytes?: number): Uint8Array {
  const entries = Object.entries(tensors);
  return objectBody(key, writerFor(tensors, mostBytes), (writer) => {
    if (entries.length === 1) return writeValue(writer, ...entries[0]!, 0, 0);
    writer.series(Byte.openBrace, entries.length, Byte.closeBrace, (index) => {
      const [name, tensor] = entries[index]!;
      writer.key(name);
      writeValue(writer, name, tensor, 0, 0);
    });
  });
}

function objectBody(key: string, writer: JsonWriter, value: (writer: JsonWriter) => void): Uint8Array {
  writer.byte(Byte.openBrace);
  writer.key(key);
  value(writer);
  writer.byte(Byte.closeBrace);
  return writer.bytes;
}

/** By TensorFlow Serving's convention, a text whose name ends in `_bytes` is binary. */
function writeValue(writer: JsonWriter, name: string, tensor: Tensor, axis: number, offset: number): void {
  const isBinary = tensor.dtype === 'string' && name.endsWith('_bytes');
  writeNested(writer, tensor, axis, offset, isBinary ? writeBytes : SCALAR_WRITERS[tensor.dtype]);
}

const writeBytes: ScalarWriter = (writer, value) => {
  writer.ascii(`{"b64":"${Buffer.from(value as string).toString('base64')}"}`);
};

/** TensorFlow Serving's names of a model's states, as far as ours has them. */
const STATES: Readonly<Record<ServedModel['state'], string>> = {
  loading: 'LOADING',
  ready: 'AVAILABLE',
  draining: 'UNLOADING',
};

function isKnown({ manifest }: ServedModel): boolean {
  return manifest !== undefined;
}

/** TensorFlow Serving's answer, and KServe's v1 beside it: `name` and `ready`. */
function describeStatus({ name, state }: ServedModel) {
  const status = { error_code: 'OK', error_message: '' };
  return {
    name,
    ready: state === 'ready',
    model_version_status: [{ version: MODEL_VERSION, state: STATES[state], status }],
  };
}

/** TensorFlow Serving's signature, with -1 where a size is free. */
function describeSignature(model: ServedModel) {
  const { name, manifest } = requireLoaded(model);
  const signature = {
    inputs: tensorInfos(manifest.inputs),
    outputs: tensorInfos(manifest.outputs),
    method_name: 'tensorflow/serving/predict',
  };
  return {
    model_spec: { name, signature_name: '', version: MODEL_VERSION },
    metadata: {
      signature_def: { signature_def: { serving_default: signature } },
      ...classNames(manifest),
      ...requestNotes(manifest),
      ...batchingOf(manifest),
    },
  };
}

/** What requests are made up like, beside the signature. */
function requestNotes({ inputs }: ModelManifest) {
  const noted = inputs.flatMap((input) => {
    const note = noteOn(input);
    return note === undefined ? [] : [[input.name, note] as const];
  });
  return noted.length === 0 ? {} : { requests: Object.fromEntries(noted) };
}

/** Whether requests share runs, and how that is known. */
function batchingOf({ batching }: ModelManifest) {
  return batching === undefined ? {} : { batching: { state: batching.state, reason: batching.reason } };
}

/** What the columns of outputs are the scores of, beside the signature, which has no room for it. */
function classNames({ outputs }: ModelManifest) {
  const named = outputs.flatMap(({ name, classes }) =>
    classes === undefined ? [] : [[name, classes] as const],
  );
  return named.length === 0 ? {} : { classes: Object.fromEntries(named) };
}

const TF_DTYPE: Readonly<Record<DType, string>> = {
  float32: 'DT_FLOAT',
  float64: 'DT_DOUBLE',
  float16: 'DT_HALF',
  int8: 'DT_INT8',
  uint8: 'DT_UINT8',
  int16: 'DT_INT16',
  uint16: 'DT_UINT16',
  int32: 'DT_INT32',
  uint32: 'DT_UINT32',
  int64: 'DT_INT64',
  uint64: 'DT_UINT64',
  bool: 'DT_BOOL',
  string: 'DT_STRING',
};
const DTYPE_OF = new Map(Object.entries(TF_DTYPE).map(([dtype, name]) => [name, dtype as DType]));

function tensorInfos(specs: readonly TensorSpec[]) {
  return Object.fromEntries(
    specs.map(({ name, dtype, shape }) => [
      name,
      {
        dtype: TF_DTYPE[dtype],
        tensor_shape: {
          dim: shape.map((size) => ({ size: String(size ?? -1), name: '' })),
          unknown_rank: false,
        },
        name,
      },
    ]),
  );
}

// int64 is text in proto JSON
const size = z.union([z.string().regex(/^-?\d+$/), z.number().int()]).transform(Number);
const tensorSchema = z.object({
  dtype: z.string(),
  tensor_shape: z.object({ dim: z.array(z.object({ size })), unknown_rank: z.boolean().optional() }),
});

/** Tensors by name, which may be any: a record would leave out `__proto__`. */
const tensorsSchema = z.preprocess(
  (value) => (value instanceof Object ? new Map(Object.entries(value)) : value),
  z.map(z.string(), tensorSchema),
);

/** The part of TensorFlow Serving's metadata that describes a model's tensors. */
const metadataSchema = z.object({
  metadata: z.object({
    signature_def: z.object({
      signature_def: z.object({
        serving_default: z.object({
          inputs: tensorsSchema,
          outputs: tensorsSchema.default(new Map()),
        }),
      }),
    }),
    requests: z
      .preprocess(
        (value) => (value instanceof Object ? new Map(Object.entries(value)) : new Map()),
        z.map(z.string(), inputNotes),
      )
      .optional(),
  }),
});

function readMetadata(body: Uint8Array, what: string): Signature {
  const { metadata } = parseWith(metadataSchema, parseMetadata(body, what), { what, remedy: GIVE_A_BODY });
  const { inputs, outputs } = metadata.signature_def.signature_def.serving_default;
  return {
    inputs: [...inputs].map(([name, tensor]) => {
      const spec = toSpec(name, tensor, metadata.requests?.get(name));
      if (spec === undefined) throw unknownInputType(name, tensor.dtype);
      return spec;
    }),
    outputs: [...outputs].flatMap(([name, tensor]) => toSpec(name, tensor) ?? []),
  };
}

/** Undefined for a tensor that no values can be made up for. */
function toSpec(
  name: string,
  tensor: z.output<typeof tensorSchema>,
  note?: InputNote,
): TensorSpec | undefined {
  const dtype = DTYPE_OF.get(tensor.dtype);
  if (dtype === undefined || tensor.tensor_shape.unknown_rank === true) return undefined;
  const shape = tensor.tensor_shape.dim.map((dimension) => (dimension.size < 0 ? null : dimension.size));
  return describedSpec({ name, dtype, shape }, note);
}
