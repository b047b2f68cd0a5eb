import { InflessError } from '../base/errors.ts';
import type { TensorSpec } from '../manifest/manifest.ts';
import { type DType, elementCount, type Tensor, type TensorData } from '../manifest/tensor.ts';

/** Bytes of an element; strings have their length before them. */
const ELEMENT_BYTES: Readonly<Record<Exclude<DType, 'string'>, number>> = {
  float32: 4,
  float64: 8,
  float16: 2,
  int8: 1,
  uint8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  uint64: 8,
  bool: 1,
};

type Numbers = Exclude<TensorData, string[]>;
type View = (buffer: ArrayBufferLike, offset: number, length: number) => Numbers;

const VIEW_OF: Readonly<Record<Exclude<DType, 'string'>, View>> = {
  float32: (buffer, offset, length) => new Float32Array(buffer, offset, length),
  float64: (buffer, offset, length) => new Float64Array(buffer, offset, length),
  float16: (buffer, offset, length) => new Uint16Array(buffer, offset, length),
  int8: (buffer, offset, length) => new Int8Array(buffer, offset, length),
  uint8: (buffer, offset, length) => new Uint8Array(buffer, offset, length),
  int16: (buffer, offset, length) => new Int16Array(buffer, offset, length),
  uint16: (buffer, offset, length) => new Uint16Array(buffer, offset, length),
  int32: (buffer, offset, length) => new Int32Array(buffer, offset, length),
  uint32: (buffer, offset, length) => new Uint32Array(buffer, offset, length),
  int64: (buffer, offset, length) => new BigInt64Array(buffer, offset, length),
  uint64: (buffer, offset, length) => new BigUint64Array(buffer, offset, length),
  bool: (buffer, offset, length) => new Uint8Array(buffer, offset, length),
};

/** Before each string of a tensor, as u32 little-endian. */
const LENGTH_BYTES = 4;

/**
 * A tensor as the Open Inference Protocol's binary extension has it: elements little-endian in row-major
 * order (as all machines have them that we run on), a bool as a byte of 0 or 1, a string as its length and
 * its UTF-8.
 * Nothing of it is a view into `bytes`: a body is given back once it is decoded.
 *
 * @param place names the tensor in complaints
 * @throws InflessError INVALID_INPUT for more or fewer bytes than the shape takes, a bool that is neither,
 * or strings that are no UTF-8
 */
export function tensorOfBytes(
  { dtype }: Pick<TensorSpec, 'dtype'>,
  shape: readonly number[],
  bytes: Uint8Array,
  place: string,
): Tensor {
  const count = elementCount(shape);
  if (dtype === 'string') return { dtype, shape, data: readStrings(bytes, count, place) };
  const expected = count * ELEMENT_BYTES[dtype];
  if (bytes.length !== expected) {
    throw invalid(
      `${place} has ${bytes.length} bytes, its shape [${shape.join(',')}] takes ${expected} of ${dtype}`,
    );
  }
  const { buffer, byteOffset } = new Uint8Array(bytes); // on a boundary that suits every type
  const data = VIEW_OF[dtype](buffer, byteOffset, count);
  if (dtype === 'bool' && (data as Uint8Array).some((value) => value > 1)) {
    throw invalid(`${place} has a byte that is neither 0 nor 1 among its booleans`);
  }
  return { dtype, shape, data };
}

/** How many elements so many bytes are; undefined where they are no whole number, or strings. */
export function elementsIn(dtype: DType, bytes: number): number | undefined {
  if (dtype === 'string') return undefined;
  const count = bytes / ELEMENT_BYTES[dtype];
  return Number.isInteger(count) ? count : undefined;
}

/** The inverse of {@link tensorOfBytes}. Numbers are a view of the tensor's own memory. */
export function bytesOfTensor({ dtype, data }: Tensor): Uint8Array {
  if (dtype === 'string') return writeStrings(data as string[]);
  const { buffer, byteOffset, byteLength } = data as Numbers;
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function readStrings(bytes: Uint8Array, count: number, place: string): string[] {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const strings: string[] = [];
  let offset = 0;
  while (strings.length < count) {
    const end = offset + LENGTH_BYTES;
    const length = end <= bytes.length ? view.getUint32(offset, true) : Infinity;
    if (end + length > bytes.length) {
      throw invalid(`${place} ends within string ${strings.length} of ${count}`);
    }
    try {
      strings.push(decoder.decode(bytes.subarray(end, end + length)));
    } catch (error) {
      throw invalid(`String ${strings.length} of ${place} is not UTF-8`, error);
    }
    offset = end + length;
  }
  if (offset < bytes.length)
    throw invalid(`${place} has ${bytes.length - offset} bytes behind its last string`);
  return strings;
}

function writeStrings(strings: readonly string[]): Uint8Array {
  const encoder = new TextEncoder();
  const encoded = strings.map((text) => encoder.encode(text));
  const bytes = new Uint8Array(encoded.reduce((sum, { length }) => sum + LENGTH_BYTES + length, 0));
  const view = new DataView(bytes.buffer);
  let offset = 0;
  for (const each of encoded) {
    view.setUint32(offset, each.length, true);
    bytes.set(each, offset + LENGTH_BYTES);
    offset += LENGTH_BYTES + each.length;
  }
  return bytes;
}

function invalid(what: string, cause?: unknown): InflessError {
  return new InflessError('INVALID_INPUT', what, {
    remedy:
      'Send the tensors behind the JSON in the order of "inputs", each as long as its "binary_data_size".',
    ...(cause === undefined ? {} : { cause }),
  });
}
