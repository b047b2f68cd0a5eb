import { basename, extname } from 'node:path';
import { nameByFile } from '../content.ts';
import type { ModelStorage } from '../engine.ts';
import { loadError } from './errors.ts';
import { WireError, WireFile } from './wire-file.ts';

type Message =
  | 'model'
  | 'training'
  | 'graph'
  | 'node'
  | 'function'
  | 'attribute'
  | 'sparse'
  | 'tensor'
  | 'entry';

/**
 * Where, by field number, a message of onnx.proto holds messages on the way to a tensor's `external_data`.
 */
const BELOW: Readonly<Record<Message, Readonly<Record<number, Message>>>> = {
  model: { 7: 'graph', 20: 'training', 25: 'function' },
  training: { 1: 'graph', 2: 'graph' },
  graph: { 1: 'node', 5: 'tensor', 15: 'sparse' },
  node: { 5: 'attribute' },
  function: { 7: 'node', 11: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph', 22: 'sparse', 23: 'sparse' },
  sparse: { 1: 'tensor', 2: 'tensor' },
  tensor: { 13: 'entry' },
  entry: {},
};

const KEY = 1;
const VALUE = 2;

/** Graphs in attributes of nodes of graphs: deeper than any exporter nests them is a file that means harm. */
const DEEPEST = 64;

/** An ONNX model is one file, or several where it keeps weights elsewhere. */
export const ONNX_STORAGE: ModelStorage = {
  format: 'onnx',
  kind: 'an .onnx file',
  recognizes: (path) => /\.onnx$/i.test(path),
  properName: (path, start) => (beginsModel(start) ? `${basename(path, extname(path))}.onnx` : undefined),
  defaultName: nameByFile,
  files: async (path) => [basename(path), ...externalWeights(path)],
};

/**
 * Exporters write the fields in order: the version of the format, which is small, then a text or a message.
 */
function beginsModel(start: Buffer): boolean {
  const [versionTag, version = 0, next = 0] = start;
  return versionTag === 0x08 && version >= 3 && version < 32 && AFTER_VERSION.has(next);
}

/** Tags of the producer, the graph and the operator sets. */
const AFTER_VERSION: ReadonlySet<number> = new Set([0x12, 0x3a, 0x42]);

/**
 * The files that an ONNX model keeps weights in, as it names them: relative to its folder, in order, each
 * once.
 *
 * @throws InflessError MODEL_CORRUPT
 */
export function externalWeights(path: string): readonly string[] {
  const file = new WireFile(path);
  try {
    const locations = new Set<string>();
    collect(file, 'model', 0, file.sizeBytes, locations, 0);
    return [...locations].sort();
  } catch (error) {
    throw loadError(path, error);
  } finally {
    file.close();
  }
}

function collect(
  file: WireFile,
  message: Message,
  start: number,
  end: number,
  locations: Set<string>,
  depth: number,
): void {
  if (depth > DEEPEST) throw new WireError('nested too deep');
  if (message === 'entry') {
    const location = locationOf(file, start, end);
    if (location !== undefined) locations.add(location);
    return;
  }
  for (const field of file.fields(start, end)) {
    const below = BELOW[message][field.number];
    if (below !== undefined && field.isBytes) {
      collect(file, below, field.start, field.end, locations, depth + 1);
    }
  }
}

/** The value of an entry whose key is `location`; other keys tell offsets and lengths. */
function locationOf(file: WireFile, start: number, end: number): string | undefined {
  const fields = [...file.fields(start, end)];
  const key = fields.find(({ number, isBytes }) => number === KEY && isBytes);
  const value = fields.find(({ number, isBytes }) => number === VALUE && isBytes);
  if (key === undefined || value === undefined || file.text(key) !== 'location') return undefined;
  return file.text(value);
}
