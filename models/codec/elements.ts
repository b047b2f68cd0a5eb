import { allocate, type DType, type TensorData } from '../manifest/tensor.ts';
import { Byte, type JsonCursor } from './json-cursor.ts';
import { readFloat32, SCALAR_READERS, type ScalarReader } from './scalars.ts';

const LEAST_CAPACITY = 16;

/** The elements of one tensor while they are read: storage that grows, and the way to read one more. */
export class Elements {
  readonly dtype: DType;
  length = 0;
  #data: TensorData;
  readonly #read: ScalarReader;

  /**
   * @param expected how many elements will probably come
   * @param read where a protocol writes this type in another way than as a plain JSON scalar
   */
  constructor(dtype: DType, expected: number, read: ScalarReader = SCALAR_READERS[dtype]) {
    this.dtype = dtype;
    this.#data = allocate(dtype, Math.max(LEAST_CAPACITY, expected));
    this.#read = read;
  }

  /** What has been read; a view, without copying. */
  get data(): TensorData {
    const data = this.#data;
    return Array.isArray(data) ? data.slice(0, this.length) : data.subarray(0, this.length);
  }

  /** Reads one element. */
  readOne(cursor: JsonCursor): void {
    if (this.length === this.#data.length) this.#grow();
    (this.#data as (number | bigint | string)[])[this.length] = this.#read(cursor);
    this.length += 1;
  }

  /** Reads elements and the commas between them, up to what is not a comma. */
  readRun(cursor: JsonCursor): void {
    if (this.dtype === 'float32') this.#readFloat32Run(cursor);
    else this.#readAnyRun(cursor);
  }

  #readAnyRun(cursor: JsonCursor): void {
    do {
      cursor.peek();
      this.readOne(cursor);
    } while (cursor.take(Byte.comma));
  }

  /** The same loop, for the type that images and most else come in, with nothing in it that varies. */
  #readFloat32Run(cursor: JsonCursor): void {
    let data = this.#data as Float32Array;
    do {
      cursor.peek();
      if (this.length === data.length) {
        this.#grow();
        data = this.#data as Float32Array;
      }
      data[this.length] = readFloat32(cursor);
      this.length += 1;
    } while (cursor.take(Byte.comma));
  }

  #grow(): void {
    const old = this.#data;
    const grown = allocate(this.dtype, old.length * 2);
    if (Array.isArray(grown)) for (const [index, text] of (old as string[]).entries()) grown[index] = text;
    else (grown as Uint8Array).set(old as Uint8Array);
    this.#data = grown;
  }
}
