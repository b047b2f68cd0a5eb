import { type TensorProto, TensorProto_DataType as Type, type ValueInfoProto } from 'onnx-buf';
import { plain, type TensorFacts, vector } from '../../batch-axes/counts/facts.ts';
import { along, NO_ROWS } from '../../batch-axes/counts/rows.ts';

/** A tensor of the file; short integer vectors keep their elements. */
export function constant(tensor: TensorProto): TensorFacts {
  const rank = tensor.dims.length;
  const elements = rank <= 1 ? integers(tensor) : undefined;
  return elements === undefined ? plain(rank, false) : vector(rank as 0 | 1, elements);
}

/** Undefined for other element types, and where the data is in another file. */
function integers({ dims, dataType, int64Data, int32Data, rawData }: TensorProto): number[] | undefined {
  const count = Number(dims[0] ?? 1n);
  if (dataType !== Type.INT64 && dataType !== Type.INT32) return undefined;
  const numbers =
    rawData.byteLength > 0
      ? rawIntegers(rawData, dataType === Type.INT64)
      : [...int64Data.map(Number), ...int32Data];
  return numbers.length === count ? numbers : undefined;
}

function rawIntegers(bytes: Uint8Array, isLong: boolean): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = isLong ? 8 : 4;
  return Array.from({ length: Math.floor(bytes.byteLength / size) }, (_, index) =>
    isLong ? Number(view.getBigInt64(index * size, true)) : view.getInt32(index * size, true),
  );
}

/** An input of the model. @param axis where its rows lie */
export function fedInput({ type }: ValueInfoProto, axis: number | null): TensorFacts {
  const shape = type?.value.case === 'tensorType' ? type.value.value.shape : undefined;
  return { ...plain(shape?.dim.length, true), rows: axis === null ? NO_ROWS : along(axis) };
}
