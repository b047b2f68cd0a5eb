import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { InflessError, messageOf, systemCode } from '../base/errors.ts';
import { formatBytes } from '../base/units.ts';
import { type InputType, type Sample, severalRows } from '../manifest/example.ts';
import type { NamedTensors, Tensor } from '../manifest/tensor.ts';
import { readPredictTensors } from '../protocols/tensorflow-serving.ts';
import { readNpy } from './npy.ts';
import { readNpz } from './npz.ts';

/** No request is larger. */
const MOST_BYTES = 256 << 20;

type Read = (bytes: Uint8Array, inputs: readonly InputType[], title: string) => NamedTensors;

/** How a sample is read, by the ending of its name; all others are JSON. */
const FORMATS: Readonly<Record<string, Read>> = {
  '.npy': (bytes, inputs, title) => {
    const [only] = inputs;
    if (inputs.length === 1) return { [only!.name]: readNpy(bytes, title) };
    throw new InflessError('INVALID_INPUT', `${title} has one array, and the model ${inputs.length} inputs`, {
      remedy: `Give an .npz file with the arrays ${names(inputs)}.`,
    });
  },
  '.npz': (bytes, _inputs, title) => readNpz(bytes, title),
};

/**
 * A request that the user has in a file: TensorFlow Serving's JSON with one instance, or NumPy's arrays.
 *
 * @throws InflessError INVALID_INPUT where it cannot be read; {@link Sample.read} tells the rest
 */
export async function loadSample(path: string): Promise<Sample> {
  const bytes = await readBytes(path);
  const read = FORMATS[extname(path).toLowerCase()] ?? readJson;
  return { path, ...sampleOf(bytes, `Sample ${path}`, read) };
}

/** A request that somebody has written down where a file would be named, as an object. */
export function inlineSample(request: object, title: string): Sample {
  return sampleOf(new TextEncoder().encode(JSON.stringify(request)), title, readJson);
}

function sampleOf(bytes: Uint8Array, title: string, read: Read): Sample {
  return {
    title,
    digest: createHash('sha256').update(bytes).digest('hex'),
    read(inputs) {
      const tensors = read(bytes, inputs, title);
      for (const input of inputs) check(tensors, input, inputs, title);
      const unknown = Object.keys(tensors).find((name) => !inputs.some((input) => input.name === name));
      if (unknown === undefined) return tensors;
      throw new InflessError('INVALID_INPUT', `${title} has "${unknown}", which is no input of the model`, {
        remedy: `Its inputs are: ${names(inputs)}.`,
      });
    },
  };
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size <= MOST_BYTES) return await readFile(path);
    throw new InflessError('INVALID_INPUT', `Sample ${path} has ${formatBytes(size)}`, {
      remedy: `Give a request of one row, of at most ${formatBytes(MOST_BYTES)}.`,
    });
  } catch (error) {
    if (error instanceof InflessError) throw error;
    const code = systemCode(error);
    const why = code === 'ENOENT' ? 'does not exist' : `cannot be read (${code ?? messageOf(error)})`;
    throw new InflessError('INVALID_INPUT', `Sample ${path} ${why}`, {
      remedy: 'Give a JSON file as TensorFlow Serving takes it, or an .npy or .npz file.',
      cause: error,
    });
  }
}

/** Without the first axis of row form, which counts instances. */
function readJson(bytes: Uint8Array, inputs: readonly InputType[], title: string): NamedTensors {
  const { form, feeds } = readPredict(bytes, inputs, title);
  if (form === 'column') return feeds;
  return Object.fromEntries(
    Object.entries(feeds).map(([name, tensor]) => {
      const [rows, ...shape] = tensor.shape as [number, ...number[]];
      if (rows !== 1) throw severalRows(title, `${rows} instances`);
      return [name, { ...tensor, shape }];
    }),
  );
}

function readPredict(bytes: Uint8Array, inputs: readonly InputType[], title: string) {
  const specs = inputs.map(({ name, dtype, rank }) => ({
    name,
    dtype,
    shape: new Array<null>(rank).fill(null),
    batchAxis: 0,
  }));
  try {
    return readPredictTensors(bytes, { name: 'of it', inputs: specs });
  } catch (error) {
    if (!(error instanceof InflessError)) throw error;
    throw new InflessError('INVALID_INPUT', `${title} cannot be used: ${error.message}`, {
      remedy: error.remedy ?? `Write it like {"instances": [ONE ROW]}, with the inputs ${names(inputs)}.`,
      cause: error,
    });
  }
}

/** @throws InflessError INVALID_INPUT */
function check(
  tensors: NamedTensors,
  { name, dtype, rank }: InputType,
  inputs: readonly InputType[],
  title: string,
): void {
  const tensor: Tensor | undefined = Object.hasOwn(tensors, name) ? tensors[name] : undefined;
  if (tensor === undefined) {
    throw new InflessError('INVALID_INPUT', `${title} lacks input "${name}"`, {
      remedy: `The inputs are: ${names(inputs)}.`,
    });
  }
  if (tensor.dtype !== dtype) {
    const remedy =
      dtype === 'string' ? 'Give it in JSON.' : `Save it as that, as in x.astype(numpy.${numpyName(dtype)}).`;
    throw new InflessError(
      'INVALID_INPUT',
      `${title} has element type ${tensor.dtype} for input "${name}", the model takes ${dtype}`,
      { remedy },
    );
  }
  if (tensor.shape.length !== rank && tensor.shape.length !== rank - 1) {
    throw new InflessError(
      'INVALID_INPUT',
      `${title} has shape [${tensor.shape.join(',')}] for input "${name}", which has ${rank} ${rank === 1 ? 'axis' : 'axes'}`,
      { remedy: 'Give its whole shape with one row, or the shape of a row.' },
    );
  }
}

function numpyName(dtype: string): string {
  return dtype === 'bool' ? 'bool_' : dtype;
}

function names(inputs: readonly InputType[]): string {
  return inputs.map(({ name }) => name).join(', ');
}
