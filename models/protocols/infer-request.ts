import { InflessError } from '../base/errors.ts';
import { Elements } from '../codec/elements.ts';
import { Byte, JsonCursor } from '../codec/json-cursor.ts';
import { readNested } from '../codec/nested-array.ts';
import { tooManyRows } from '../codec/rows.ts';
import { SCALAR_READERS } from '../codec/scalars.ts';
import { skipValue } from '../codec/skip-value.ts';
import { formatShape, rowsOf, unknownInput } from '../manifest/feeds.ts';
import type { ModelManifest, TensorSpec } from '../manifest/manifest.ts';
import { type DType, elementCount, type NamedTensors, type Tensor } from '../manifest/tensor.ts';
import { elementsIn, tensorOfBytes } from './binary-tensors.ts';
import type { Decoded, Message } from './protocol.ts';

/** What an answer repeats of its request, and what was asked for. */
export interface InferForm {
  readonly id: string | undefined;
  /** Undefined: all. */
  readonly outputs: readonly AskedOutput[] | undefined;
  /** Whether outputs come as bytes behind the JSON where nothing is said of one. */
  readonly binary: boolean;
}

export interface AskedOutput {
  readonly name: string;
  readonly binary: boolean | undefined;
}

/** How many bytes of the body are JSON; tensors may follow. */
export const JSON_LENGTH = 'inference-header-content-length';
export const BINARY_TYPE = 'application/octet-stream';

export const NO_SHARED_MEMORY = 'Shared memory is not offered here. Send tensors in the request.';

/** Our element types as the protocol calls them. */
export const DATATYPE: Readonly<Record<DType, string>> = {
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

const EXAMPLE = '{"inputs": [{"name": "…", "shape": […], "datatype": "…", "data": […]}]}';

/** Reads a request whose tensors are JSON, bytes behind it, or the whole body. */
export function decodeInfer(
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

function invalid(what: string, remedy?: string): InflessError {
  return new InflessError('INVALID_INPUT', what, remedy === undefined ? {} : { remedy });
}
