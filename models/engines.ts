import { basename } from 'node:path';
import { InflessError } from './base/errors.ts';
import type { Engine } from './engine.ts';
import type { ModelFormat } from './manifest.ts';
import { onnxEngine } from './onnx/engine.ts';

const ENGINES: ReadonlyMap<ModelFormat, Engine> = new Map([[onnxEngine.format, onnxEngine]]);

/** The engine that runs a format. */
export function engineFor(format: ModelFormat): Engine {
  const engine = ENGINES.get(format);
  if (engine === undefined) {
    throw new InflessError('MODEL_UNSUPPORTED', `No engine for models of format ${format} is installed`, {
      remedy: `Convert the model to one of: ${[...ENGINES.keys()].join(', ')}.`,
    });
  }
  return engine;
}

/** The format of a model file, told by its name. */
export function formatOfPath(path: string): ModelFormat {
  if (/\.onnx$/i.test(path)) return 'onnx';
  if (basename(path) === 'model.json') return 'tfjs';
  throw new InflessError('MODEL_UNSUPPORTED', `${basename(path)} is not a model file of a known format`, {
    remedy: 'Give an .onnx file.',
  });
}
