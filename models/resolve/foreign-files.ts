import { open, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { type ErrorCode, InflessError } from '../base/errors.ts';
import { ENGINES } from '../engines/index.ts';

/** A file that somebody gave as a model, as far as it takes to know it. */
interface GivenFile {
  readonly path: string;
  readonly sizeBytes: number;
  /**
   * Its first bytes; beyond the end of a short file there are zeros, so that no rule needs to ask how long it
   * is.
   */
  readonly start: Buffer;
  /** The same as text. */
  readonly text: string;
  /** Names of the files in an archive, among other bytes; empty for other files. */
  readonly listing: string;
}

/** What people give as models, and are not. */
interface ForeignKind {
  /** By its content, or by its name where the content tells nothing. */
  readonly is: (file: GivenFile) => boolean;
  /** What it is, after `model.pt `. */
  readonly what: string | ((file: GivenFile) => string);
  readonly remedy: string | ((path: string) => string);
  /** Default: MODEL_UNSUPPORTED. */
  readonly code?: ErrorCode;
}

const DAMAGED = { code: 'MODEL_CORRUPT' } as const;

const EXPORT_FROM_TORCH =
  'Load the model in Python and run torch.onnx.export(model, (example,), "model.onnx", input_names=["input"], dynamic_axes={"input": {0: "batch"}}).';

const tf2onnx = (from: string, path: string, rest = '') =>
  `Convert it: python -m tf2onnx.convert --${from} ${path} --output ${join(dirname(path), nameOf(path))}.onnx${rest}`;

/** What stands where a file should be that was never fetched. */
const PLACEHOLDERS: readonly ForeignKind[] = [
  {
    is: startsWith('version https://git-lfs.github.com/spec/'),
    what: 'is a Git LFS pointer, not the file that it stands for',
    remedy: 'Run "git lfs pull" in its repository.',
    ...DAMAGED,
  },
  {
    is: ({ text }) => /^\s*<(?:!doctype|html|head|body|\?xml(?!.*<net\s))/is.test(text),
    what: 'is a web page, not a model: the download went wrong',
    remedy: 'Open it in a browser to see why, then download the file itself.',
    ...DAMAGED,
  },
];

/**
 * Files that can be no model of any engine, whatever they are called: known by their content. First match
 * wins.
 */
const BY_CONTENT: readonly ForeignKind[] = [
  ...PLACEHOLDERS,
  {
    is: startsWith('\x89HDF\r\n\x1a\n'),
    what: 'is an HDF5 file, as Keras writes them',
    remedy: (path) =>
      `Convert it: tensorflowjs_converter --input_format=keras ${path} FOLDER, or in Python keras.models.load_model("${path}").export("model.onnx", format="onnx"). Weights alone are not enough.`,
  },
  {
    is: ({ listing }) => listing.includes('model.weights.h5'),
    what: 'is a Keras 3 archive',
    remedy: (path) =>
      `In Python, run keras.models.load_model("${path}").export("model.onnx", format="onnx").`,
  },
  {
    is: ({ listing }) => /\b(?:data|constants)\.pkl/.test(listing),
    what: 'is a PyTorch file',
    remedy: EXPORT_FROM_TORCH,
  },
  {
    is: ({ start }) => start.includes('\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19', 0, 'latin1'),
    what: 'is a PyTorch file',
    remedy: EXPORT_FROM_TORCH,
  },
  {
    is: ({ path, start }) => isPickle(start) && !TORCH_NAMES.test(path),
    what: 'is a Python pickle',
    remedy:
      'Load it in Python and export the model: skl2onnx.to_onnx(model, X[:1]) for scikit-learn, torch.onnx.export for PyTorch.',
  },
  {
    is: ({ start }) => start[8] === 0x7b && start[9] === 0x22 && start.readUInt16LE(6) === 0,
    what: 'is a safetensors file: weights without the model that computes with them',
    remedy:
      'For a model of Hugging Face, run "optimum-cli export onnx --model FOLDER OUTPUT"; else load the weights in Python and run torch.onnx.export.',
  },
  {
    is: ({ start }) => start.toString('latin1', 4, 8) === 'TFL3' && start.readUInt16LE(2) === 0,
    what: 'is a TensorFlow Lite model',
    remedy: (path) => `${tf2onnx('tflite', path)}`,
  },
  {
    is: isSavedModel,
    what: 'is part of a TensorFlow SavedModel',
    remedy: (path) => tf2onnx('saved-model', dirname(path)),
  },
  {
    is: ({ path, start }) => start[0] === 0x0a && /\.pb$/i.test(path),
    what: 'is a frozen TensorFlow graph',
    remedy: (path) => tf2onnx('graphdef', path, ' --inputs NAME:0 --outputs NAME:0'),
  },
  {
    is: ({ start }) => start.toString('latin1', 4, 8) === 'ORTM',
    what: 'is a model in the format of ONNX Runtime',
    remedy: 'Give the .onnx file that it was made from.',
  },
  {
    is: ({ text }) => /^\s*<\?xml.*<net\s/s.test(text),
    what: 'is an OpenVINO model',
    remedy:
      'Give the ONNX model that it was made from, or export that from the framework it was trained with.',
  },
  {
    is: startsWith('GGUF'),
    what: 'is a GGUF file, for llama.cpp',
    remedy: 'Export the model that it was made from to ONNX: optimum-cli export onnx --model NAME OUTPUT.',
  },
  {
    is: ({ start }) => start[0] === 0x1f && start[1] === 0x8b,
    what: 'is compressed by gzip',
    remedy: 'Unpack it, and give the model that is in it.',
  },
  {
    is: ({ start }) => start.toString('latin1', 0, 4) === 'PK\x03\x04',
    what: 'is a ZIP archive',
    remedy: 'Unpack it, and give the model that is in it.',
  },
];

/** Files that are called like a model. */
const SPOILT: readonly ForeignKind[] = [
  ...BY_CONTENT,
  {
    is: ({ sizeBytes }) => sizeBytes === 0,
    what: 'is empty',
    remedy: 'Export or download it again.',
    ...DAMAGED,
  },
  {
    is: ({ text }) => text.length <= 1024 && /^(?!\s*[[{"])[\x20-\x7e\s]+$/.test(text),
    what: ({ text }) => `holds no model, but the text "${text.trim().split('\n', 1)[0]!.slice(0, 60)}"`,
    remedy: 'Export or download it again.',
    ...DAMAGED,
  },
];

const TORCH_NAMES = /\.(?:pt|pth|pt2|ckpt|bin)$/i;

/** What is left to go by where no engine knows the name and the content says nothing. */
const BY_NAME: readonly ForeignKind[] = [
  {
    is: ({ path }) => /^group\d+-shard\d+of\d+/i.test(basename(path)),
    what: 'holds weights of a TF.js model',
    remedy: 'Give the model.json that lies beside it.',
  },
  {
    is: ({ path }) => /\.(?:onnx_data|onnx\.data)$/i.test(path),
    what: 'holds weights of an ONNX model',
    remedy: 'Give the .onnx file that lies beside it.',
  },
  { is: ({ path }) => TORCH_NAMES.test(path), what: 'looks like a PyTorch file', remedy: EXPORT_FROM_TORCH },
  {
    is: ({ path }) => /\.pb$/i.test(path),
    what: 'looks like a TensorFlow graph',
    remedy: (path) => tf2onnx('graphdef', path, ' --inputs NAME:0 --outputs NAME:0'),
  },
];

/**
 * Refuses a file that is no model that an engine runs, with what it is and how to convert it. The engines are
 * asked first: what one of them knows by its name is refused only for content that can be no model at all, as
 * a page that was saved in its place.
 *
 * @throws InflessError MODEL_UNSUPPORTED, MODEL_CORRUPT
 */
export async function refuseForeign(path: string): Promise<void> {
  const file = await look(path);
  if (file === undefined) return; // why it cannot be read is told by who opens it
  const error = verdictOn(file);
  if (error !== undefined) throw error;
}

/**
 * Refuses a file with weights of a model that stands for the real one.
 *
 * @throws InflessError MODEL_CORRUPT
 */
export async function refusePlaceholder(path: string): Promise<void> {
  const file = await look(path);
  const error = file && errorOf(file, PLACEHOLDERS);
  if (error !== undefined) throw error;
}

/**
 * What the first file of a folder without a model is that we have something to say of; undefined where there
 * is none.
 */
export async function foreignIn(folder: string, names: readonly string[]): Promise<InflessError | undefined> {
  const files: GivenFile[] = [];
  for (const name of names.slice(0, MOST_FILES)) {
    const file = await look(join(folder, name));
    if (file !== undefined && file.sizeBytes > 0 && !/\.html?$/i.test(name)) files.push(file);
  }
  const saved = files.find(isSavedModel);
  if (saved !== undefined) {
    return new InflessError('MODEL_UNSUPPORTED', `Folder ${folder} is a TensorFlow SavedModel`, {
      remedy: tf2onnx('saved-model', folder),
    });
  }
  const misnamed = files.map(misnamedError).find((error) => error !== undefined);
  return misnamed ?? files.map(foreignError).find((error) => error !== undefined);
}

/** A folder of a model has a few files; one of a thousand is no model's. */
const MOST_FILES = 50;

function verdictOn(file: GivenFile): InflessError | undefined {
  const misnamed = misnamedError(file);
  if (misnamed !== undefined) return misnamed;
  return ENGINES.some((engine) => engine.recognizes(file.path)) ? errorOf(file, SPOILT) : foreignError(file);
}

/** It is a model, and only its name keeps its engine from opening it. */
function misnamedError({ path, start }: GivenFile): InflessError | undefined {
  for (const engine of ENGINES) {
    const name = engine.properName?.(path, start);
    if (name === undefined || engine.recognizes(path)) continue;
    return new InflessError(
      'MODEL_UNSUPPORTED',
      `${path} looks like a model, but is not called like ${engine.kind}`,
      {
        remedy: `Rename it: mv ${path} ${join(dirname(path), name)}`,
      },
    );
  }
  return undefined;
}

function foreignError(file: GivenFile): InflessError | undefined {
  return errorOf(file, BY_CONTENT) ?? errorOf(file, BY_NAME);
}

function errorOf(file: GivenFile, kinds: readonly ForeignKind[]): InflessError | undefined {
  const kind = kinds.find(({ is }) => is(file));
  if (kind === undefined) return undefined;
  const { what, remedy, code = 'MODEL_UNSUPPORTED' } = kind;
  return new InflessError(code, `${file.path} ${typeof what === 'string' ? what : what(file)}`, {
    remedy: typeof remedy === 'string' ? remedy : remedy(file.path),
  });
}

/** As much as tells a file's kind: a JSON file says what it is after some metadata. */
const START_BYTES = 64 << 10;

/** Undefined for what is no file, or cannot be read. */
async function look(path: string): Promise<GivenFile | undefined> {
  const status = await stat(path).catch(() => undefined);
  if (status === undefined || !status.isFile()) return undefined;
  const handle = await open(path, 'r').catch(() => undefined);
  if (handle === undefined) return undefined;
  try {
    const piece = async (from: number): Promise<Buffer> => {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(START_BYTES), 0, START_BYTES, from);
      return buffer.subarray(0, bytesRead);
    };
    const read = await piece(0);
    const start = Buffer.concat([read, Buffer.alloc(Math.max(0, LONGEST_MARK - read.byteLength))]);
    const isZip = start.toString('latin1', 0, 2) === 'PK'; // it lists what is in it at its end
    const end = isZip ? await piece(Math.max(0, status.size - START_BYTES)) : Buffer.alloc(0);
    const listing = isZip ? start.toString('latin1') + end.toString('latin1') : '';
    return { path, sizeBytes: status.size, start, text: read.toString('utf8'), listing };
  } catch {
    return undefined;
  } finally {
    await handle.close();
  }
}

/** No rule looks further into bytes. */
const LONGEST_MARK = 32;

function startsWith(mark: string): ForeignKind['is'] {
  return ({ start }) => start.toString('latin1', 0, mark.length) === mark;
}

/** Of protocol 2 or later: a mark, the protocol, and what begins each of them. */
function isPickle(start: Buffer): boolean {
  return start[0] === 0x80 && start[1]! >= 2 && start[1]! <= 5;
}

/**
 * `SavedModel` begins with its schema version, 1, and a graph that begins with what it is about; an ONNX
 * model of IR version 1 has a printable text in that place.
 */
function isSavedModel({ path, start }: GivenFile): boolean {
  if (basename(path) === 'saved_model.pb') return true;
  if (start[0] !== 0x08 || start[1] !== 1 || start[2] !== 0x12) return false;
  let position = 3;
  while (position < LONGEST_MARK - 1 && start[position]! >= 0x80) position += 1;
  return start[position + 1] === 0x0a;
}

function nameOf(path: string): string {
  return basename(path, extname(path)) || 'model';
}
