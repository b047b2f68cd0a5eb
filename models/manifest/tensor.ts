/** Element types we carry, named as in NumPy. `float16` travels as its 16 raw bits, `bool` as one byte. */
export const DTYPES = [
  'float32',
  'float64',
  'float16',
  'int8',
  'uint8',
  'int16',
  'uint16',
  'int32',
  'uint32',
  'int64',
  'uint64',
  'bool',
  'string',
] as const;
export type DType = (typeof DTYPES)[number];

export type NumericArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;
export type TensorData = NumericArray | string[];

/** A dense array in row-major order; `data.length` is the product of `shape`. */
export interface Tensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

/** Tensors by name: what a model takes, and what it gives. */
export type NamedTensors = Readonly<Record<string, Tensor>>;

const ARRAY_OF: Readonly<Record<DType, (length: number) => TensorData>> = {
  float32: (length) => new Float32Array(length),
  float64: (length) => new Float64Array(length),
  float16: (length) => new Uint16Array(length),
  int8: (length) => new Int8Array(length),
  uint8: (length) => new Uint8Array(length),
  int16: (length) => new Int16Array(length),
  uint16: (length) => new Uint16Array(length),
  int32: (length) => new Int32Array(length),
  uint32: (length) => new Uint32Array(length),
  int64: (length) => new BigInt64Array(length),
  uint64: (length) => new BigUint64Array(length),
  bool: (length) => new Uint8Array(length),
  string: (length) => new Array<string>(length).fill(''),
};

/** Zeroed storage for `length` elements of a type. */
export function allocate(dtype: DType, length: number): TensorData {
  return ARRAY_OF[dtype](length);
}

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
