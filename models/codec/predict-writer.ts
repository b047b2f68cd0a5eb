import { InflessError } from '../base/errors.ts';
import type { TensorSpec } from '../manifest/manifest.ts';
import { elementCount, type NamedTensors, type Tensor } from '../manifest/tensor.ts';
import { Byte } from './json-cursor.ts';
import { JsonWriter } from './json-writer.ts';
import { rowLists } from './rows.ts';
import { SCALAR_WRITERS, type ScalarWriter } from './scalar-writers.ts';

/** Bytes an element takes with its comma, roughly: what to make room for. */
const BYTES_PER_ELEMENT = 12;

/**
 * Writes `{key: [row, row, …]}`: a row is a value where there is one tensor, else an object of named values.
 *
 * @param count the expected number of rows, see `rowLists`
 */
export function writeRows(
  key: string,
  tensors: NamedTensors,
  specs?: readonly TensorSpec[],
  count?: number,
): Uint8Array {
  const { rows, lists } = rowLists(tensors, specs, count);
  return writeObject(key, tensors, (writer) => {
    if (lists.length === 1) return writeValue(writer, lists[0]![0], lists[0]![1], 0, 0);
    writeSeries(writer, Byte.openBracket, rows, Byte.closeBracket, (row) => {
      writeSeries(writer, Byte.openBrace, lists.length, Byte.closeBrace, (index) => {
        const [name, list] = lists[index]!;
        writeKey(writer, name);
        writeValue(writer, name, list, 1, row * elementCount(list.shape.slice(1)));
      });
    });
  });
}

/** Writes `{key: value}` for one tensor, `{key: {name: value, …}}` for several. */
export function writeColumns(key: string, tensors: NamedTensors): Uint8Array {
  const entries = Object.entries(tensors);
  return writeObject(key, tensors, (writer) => {
    if (entries.length === 1) return writeValue(writer, entries[0]![0], entries[0]![1], 0, 0);
    writeSeries(writer, Byte.openBrace, entries.length, Byte.closeBrace, (index) => {
      const [name, tensor] = entries[index]!;
      writeKey(writer, name);
      writeValue(writer, name, tensor, 0, 0);
    });
  });
}

function writeObject(key: string, tensors: NamedTensors, value: (writer: JsonWriter) => void): Uint8Array {
  requireWhole(tensors);
  const elements = Object.values(tensors).reduce((sum, tensor) => sum + tensor.data.length, 0);
  const writer = new JsonWriter(elements * BYTES_PER_ELEMENT);
  writer.byte(Byte.openBrace);
  writeKey(writer, key);
  value(writer);
  writer.byte(Byte.closeBrace);
  return writer.bytes;
}

/** A missing element would be written as `undefined`, which is not JSON. */
function requireWhole(tensors: NamedTensors): void {
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    if (data.length === elementCount(shape)) continue;
    throw new InflessError(
      'INFERENCE_FAILED',
      `Tensor "${name}" of shape [${shape.join(',')}] has ${data.length} elements`,
    );
  }
}

function writeKey(writer: JsonWriter, key: string): void {
  writer.string(key);
  writer.byte(Byte.colon);
}

function writeSeries(
  writer: JsonWriter,
  opener: number,
  count: number,
  closer: number,
  item: (index: number) => void,
): void {
  writer.byte(opener);
  for (let index = 0; index < count; index += 1) {
    if (index > 0) writer.byte(Byte.comma);
    item(index);
  }
  writer.byte(closer);
}

/** The part of a tensor that starts at element `offset` and has the axes from `axis` on, as nested arrays. */
function writeValue(writer: JsonWriter, name: string, tensor: Tensor, axis: number, offset: number): void {
  const size = tensor.shape[axis];
  if (size === undefined) {
    elementWriter(name, tensor)(writer, tensor.data[offset]!);
  } else if (axis === tensor.shape.length - 1) {
    writeInnermost(writer, name, tensor, offset, offset + size);
  } else {
    const inner = elementCount(tensor.shape.slice(axis + 1));
    writeSeries(writer, Byte.openBracket, size, Byte.closeBracket, (index) => {
      writeValue(writer, name, tensor, axis + 1, offset + index * inner);
    });
  }
}

function writeInnermost(writer: JsonWriter, name: string, tensor: Tensor, start: number, end: number): void {
  const { data } = tensor;
  const write = elementWriter(name, tensor);
  writer.byte(Byte.openBracket);
  for (let index = start; index < end; index += 1) {
    if (index > start) writer.byte(Byte.comma);
    write(writer, data[index]!);
  }
  writer.byte(Byte.closeBracket);
}

function elementWriter(name: string, tensor: Tensor): ScalarWriter {
  return tensor.dtype === 'string' && name.endsWith('_bytes') ? writeBytes : SCALAR_WRITERS[tensor.dtype];
}

/** TensorFlow Serving's convention: a name that ends in `_bytes` is binary. */
function writeBytes(writer: JsonWriter, value: number | bigint | string): void {
  writer.ascii(`{"b64":"${Buffer.from(value as string).toString('base64')}"}`);
}
