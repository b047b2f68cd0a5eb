import { basename } from 'node:path';
import { InflessError } from '../base/errors.ts';
import type { ModelFormat } from '../manifest/manifest.ts';
import type { Engine } from './engine.ts';
import { onnxEngine } from './onnx/engine.ts';
import { tfjsEngine } from './tfjs/engine.ts';

/** None of them loads its runtime before a model of its format is looked at or opened. */
const ENGINES: Readonly<Record<ModelFormat, Engine>> = { onnx: onnxEngine, tfjs: tfjsEngine };

/** The engine that runs a format. */
export function engineFor(format: ModelFormat): Engine {
  return ENGINES[format];
}

/** The format of a model file, told by its name. */
export function formatOfPath(path: string): ModelFormat {
  if (/\.onnx$/i.test(path)) return 'onnx';
  if (basename(path) === 'model.json') return 'tfjs';
  throw new InflessError('MODEL_UNSUPPORTED', `${basename(path)} is not a model file of a known format`, {
    remedy: 'Give an .onnx file, or the model.json of a TF.js model.',
  });
}
