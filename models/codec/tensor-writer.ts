import { InflessError } from '../base/errors.ts';
import { elementCount, type NamedTensors, type Tensor } from '../manifest/tensor.ts';
import { Byte } from './json-cursor.ts';
import { JsonWriter } from './json-writer.ts';
import { SCALAR_WRITERS, type ScalarWriter } from './scalar-writers.ts';

/** Bytes an element takes with its comma, roughly: what to make room for. */
const BYTES_PER_ELEMENT = 12;

/**
 * A writer with room for these tensors.
 *
 * @param mostBytes that it may write
 * @throws InflessError INFERENCE_FAILED for a tensor with more or fewer elements than its shape says: a
 * missing one would be written as `undefined`, which is not JSON
 */
export function writerFor(tensors: NamedTensors, mostBytes?: number): JsonWriter {
  let elements = 0;
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    elements += data.length;
    if (data.length === elementCount(shape)) continue;
    throw new InflessError(
      'INFERENCE_FAILED',
      `Tensor "${name}" of shape [${shape.join(',')}] has ${data.length} elements`,
    );
  }
  return new JsonWriter(elements * BYTES_PER_ELEMENT, mostBytes);
}

/**
 * Writes the part of a tensor that starts at element `offset` and has the axes from `axis` on, as nested
 * arrays.
 *
 * @param write where a protocol writes this type in another way than as a plain JSON scalar
 */
export function writeNested(
  writer: JsonWriter,
  tensor: Tensor,
  axis = 0,
  offset = 0,
  write: ScalarWriter = SCALAR_WRITERS[tensor.dtype],
): void {
  const size = tensor.shape[axis];
  if (size === undefined) {
    write(writer, tensor.data[offset]!);
  } else if (axis === tensor.shape.length - 1) {
    writeElements(writer, tensor, offset, offset + size, write);
  } else {
    const inner = elementCount(tensor.shape.slice(axis + 1));
    writer.series(Byte.openBracket, size, Byte.closeBracket, (index) => {
      writeNested(writer, tensor, axis + 1, offset + index * inner, write);
    });
  }
}

/** Writes elements `start` to `end` (exclusive) of a tensor as one array, whatever its shape. */
export function writeElements(
  writer: JsonWriter,
  { dtype, data }: Tensor,
  start = 0,
  end = data.length,
  write: ScalarWriter = SCALAR_WRITERS[dtype],
): void {
  writer.byte(Byte.openBracket);
  for (let index = start; index < end; index += 1) {
    if (index > start) writer.byte(Byte.comma);
    write(writer, data[index]!);
  }
  writer.byte(Byte.closeBracket);
}
