import { InflessError } from '../base/errors.ts';
import { missingInput, rowsOf, unknownInput } from '../manifest/feeds.ts';
import type { ModelManifest, TensorSpec } from '../manifest/manifest.ts';
import type { NamedTensors, Tensor } from '../manifest/tensor.ts';
import { Elements } from './elements.ts';
import { Byte, JsonCursor } from './json-cursor.ts';
import { readNested } from './nested-array.ts';
import { rowsTensor } from './rows.ts';
import { skipValue } from './skip-value.ts';

/** TensorFlow Serving's two ways to write tensors: one value a row (`instances`), or whole (`inputs`). */
export type PredictForm = 'row' | 'column';

export interface PredictRequest {
  readonly feeds: NamedTensors;
  readonly rows: number;
  readonly form: PredictForm;
}

/** Reads a predict body in one pass: the numbers go from the text into the tensors, with nothing in between. */
export class PredictReader {
  readonly #manifest: ModelManifest;
  readonly #cursor: JsonCursor;
  readonly #specs: ReadonlyMap<string, TensorSpec>;

  constructor(body: Uint8Array, manifest: ModelManifest) {
    this.#manifest = manifest;
    this.#cursor = new JsonCursor(body);
    this.#specs = new Map(manifest.inputs.map((spec) => [spec.name, spec]));
  }

  read(): PredictRequest {
    const cursor = this.#cursor;
    let found: { readonly feeds: NamedTensors; readonly form: PredictForm } | undefined;
    readObject(cursor, (key) => {
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
    if (cursor.peek() !== Byte.end || cursor.position < cursor.bytes.length)
      throw cursor.unexpected('the end');
    if (found === undefined) {
      throw invalid(
        'The request has neither "instances" nor "inputs"',
        'Send {"instances": [...]}, one value a row.',
      );
    }
    return {
      ...(found as { feeds: NamedTensors; form: PredictForm }),
      rows: rowsOf(this.#manifest, found.feeds),
    };
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

  #readInputs(): NamedTensors {
    if (!this.#atNamed()) {
      const spec = this.#onlyInput();
      return { [spec.name]: this.#readTensor(spec, 'inputs') };
    }
    const tensors = new Map<string, Tensor>();
    readObject(this.#cursor, (name) => {
      const spec = this.#specNamed(name);
      if (tensors.has(name)) throw invalid(`inputs.${name} comes twice`);
      tensors.set(name, this.#readTensor(spec, `inputs.${name}`));
    });
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
    return { [spec.name]: rowsTensor(spec, this.#readTensor(spec, 'instances')) };
  }

  /** The rows of `instances` as objects, after its opening bracket. */
  #readNamedRows(): NamedTensors {
    const cursor = this.#cursor;
    const columns = new Map(this.#manifest.inputs.map((spec) => [spec.name, new Column(spec)]));
    let row = 0;
    do {
      if (cursor.peek() !== Byte.openBrace)
        throw invalid(`instances[${row}] is not an object, instances[0] is`);
      readObject(cursor, (name) => {
        this.#specNamed(name);
        columns.get(name)!.readRow(cursor, row);
      });
      row += 1;
      for (const [name, column] of columns) {
        if (column.rows < row) {
          throw new InflessError('INVALID_INPUT', `instances[${row - 1}] lacks input "${name}"`, {
            cause: missingInput(this.#manifest, name),
          });
        }
      }
    } while (cursor.take(Byte.comma));
    cursor.expect(Byte.closeBracket);
    return Object.fromEntries([...columns].map(([name, column]) => [name, column.tensor()]));
  }

  #readTensor(spec: TensorSpec, place: string): Tensor {
    const elements = new Elements(spec.dtype, knownSize(spec));
    const shape = readNested(this.#cursor, elements, place);
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
    this.#elements = new Elements(spec.dtype, knownSize(spec));
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

  tensor(): Tensor {
    const { dtype } = this.#spec;
    return rowsTensor(this.#spec, {
      dtype,
      shape: [this.rows, ...this.#rowShape],
      data: this.#elements.data,
    });
  }
}

/** Elements of one row as far as the model fixes them: what to make room for. */
function knownSize(spec: TensorSpec): number {
  return spec.shape.reduce<number>((product, size) => product * (size ?? 1), 1);
}

/** Reads an object, leaving each value to the caller. */
function readObject(cursor: JsonCursor, onKey: (key: string) => void): void {
  cursor.expect(Byte.openBrace);
  if (cursor.take(Byte.closeBrace)) return;
  do {
    const key = cursor.readString();
    cursor.expect(Byte.colon);
    onKey(key);
  } while (cursor.take(Byte.comma));
  cursor.expect(Byte.closeBrace);
}

function invalid(what: string, remedy?: string): InflessError {
  return new InflessError('INVALID_INPUT', what, remedy === undefined ? {} : { remedy });
}
