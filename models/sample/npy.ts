import { InflessError } from '../base/errors.ts';
import { allocate, type DType, elementCount, type NumericArray, type Tensor } from '../manifest/tensor.ts';

const MAGIC = '\x93NUMPY';
/** Magic and version, before the length of the header. */
const PREFIX_BYTES = 8;

/** NumPy's names of element types, without their order of bytes. */
const DTYPE_OF: Readonly<Record<string, DType>> = {
  f4: 'float32',
  f8: 'float64',
  f2: 'float16',
  i1: 'int8',
  u1: 'uint8',
  i2: 'int16',
  u2: 'uint16',
  i4: 'int32',
  u4: 'uint32',
  i8: 'int64',
  u8: 'uint64',
  b1: 'bool',
};

/** Arrays of more axes are no requests. */
const MOST_AXES = 32;

/**
 * Reads an array as `numpy.save` writes it (versions 1 to 3 of the format): numbers, booleans, and texts of a
 * fixed width.
 *
 * @param what what it is called in sentences: `Sample x.npy`
 * @throws InflessError INVALID_INPUT for what is no such file, or has what a request cannot have
 */
export function readNpy(bytes: Uint8Array, what: string): Tensor {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.toString('latin1', 0, MAGIC.length) !== MAGIC || view.length < PREFIX_BYTES + 2) {
    throw invalid(`${what} is no .npy file`, 'Write it with numpy.save.');
  }
  const version = view[6]!;
  if (version < 1 || version > 3) throw invalid(`${what} is a .npy file of version ${version}`, AS_NUMPY);
  const lengthBytes = version === 1 ? 2 : 4;
  const headerBytes = view.readUIntLE(PREFIX_BYTES, lengthBytes);
  const start = PREFIX_BYTES + lengthBytes + headerBytes;
  if (start > view.length) throw invalid(`${what} ends within its header`, AS_NUMPY);
  const header = view.toString(version === 3 ? 'utf8' : 'latin1', PREFIX_BYTES + lengthBytes, start);
  const { descr, shape } = readHeader(header, what);
  const count = elementCount(shape);
  const data = readElements(view.subarray(start), descr, count, what);
  return { dtype: data.dtype, shape, data: data.values };
}

const AS_NUMPY = 'Write it again with numpy.save.';

interface Header {
  readonly descr: string;
  readonly shape: readonly number[];
}

/** The header is a literal of Python: `{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3), }`. */
function readHeader(text: string, what: string): Header {
  const descr = /'descr':\s*'([^']*)'/.exec(text)?.[1];
  const order = /'fortran_order':\s*(True|False)/.exec(text)?.[1];
  const sizes = /'shape':\s*\(([\d\s,L]*)\)/.exec(text)?.[1];
  if (descr === undefined && /'descr':\s*\[/.test(text)) {
    throw invalid(`${what} has records instead of numbers`, 'Save an array of one element type.');
  }
  if (descr === undefined || order === undefined || sizes === undefined) {
    throw invalid(`${what} has a header that says neither type nor shape`, AS_NUMPY);
  }
  const shape = sizes
    .split(',')
    .map((size) => size.trim())
    .filter((size) => size !== '')
    .map((size) => Number.parseInt(size, 10));
  if (shape.length > MOST_AXES) throw invalid(`${what} has ${shape.length} axes`, 'Save an array of fewer.');
  if (order === 'True' && shape.length > 1) {
    throw invalid(`${what} lies in memory column by column`, 'Save numpy.ascontiguousarray(x).');
  }
  return { descr, shape };
}

function readElements(
  bytes: Buffer,
  descr: string,
  count: number,
  what: string,
): { dtype: DType; values: Tensor['data'] } {
  const [order, name] = [descr[0]!, descr.slice(1)];
  if (order === '>')
    throw invalid(
      `${what} has the highest byte of its numbers first`,
      "Save x.astype(x.dtype.newbyteorder('<')).",
    );
  const width = /^U(\d{1,9})$/.exec(name)?.[1];
  if (width !== undefined) return { dtype: 'string', values: readTexts(bytes, Number(width), count, what) };
  const dtype = DTYPE_OF[name];
  if (dtype === undefined) {
    throw invalid(`${what} has elements of NumPy's type ${descr}, which no request has`, HOW_TO_CAST);
  }
  const data = allocate(dtype, 0) as NumericArray;
  checkLength(bytes, count * data.BYTES_PER_ELEMENT, what);
  const values = allocate(dtype, count) as NumericArray;
  bytes.copy(new Uint8Array(values.buffer));
  return { dtype, values };
}

const HOW_TO_CAST = 'Save it as the type of the input, as in x.astype(numpy.float32).';

/** Texts of four bytes a character, filled up with zeros. */
function readTexts(bytes: Buffer, width: number, count: number, what: string): string[] {
  checkLength(bytes, count * width * 4, what);
  return Array.from({ length: count }, (_, index) => {
    let text = '';
    for (let place = 0; place < width; place += 1) {
      const character = bytes.readUInt32LE((index * width + place) * 4);
      if (character > 0x10_ffff) throw invalid(`${what} has a character that there is not`, AS_NUMPY);
      text += String.fromCodePoint(character);
    }
    return text.replace(/\0+$/, '');
  });
}

function checkLength(bytes: Buffer, expected: number, what: string): void {
  if (bytes.length === expected) return;
  throw invalid(`${what} has ${bytes.length} bytes of elements instead of ${expected}`, AS_NUMPY);
}

function invalid(what: string, remedy: string): InflessError {
  return new InflessError('INVALID_INPUT', what, { remedy });
}
