import { createRequire } from 'node:module';
import type { EngineResources } from '../../engine.ts';
import type { Core, TfjsRuntime } from './tfjs-runtime.ts';

/** A native binding exports all of TensorFlow.js. */
type NativeModule = Core & Pick<TfjsRuntime, 'loadGraphModel' | 'loadLayersModel'>;

/** TensorFlow reads it once, when its library is loaded. A user's own choice wins. */
const THREADS_VARIABLE = 'TF_NUM_INTRAOP_THREADS';

/** TensorFlow.js on TensorFlow's own library. */
export function loadNative(name: string, { cpuMillicores }: EngineResources): TfjsRuntime {
  process.env[THREADS_VARIABLE] ||= String(Math.max(1, Math.ceil(cpuMillicores / 1000)));
  // By a name that no import says: an image is not to have what happens to be installed where it is packed.
  const native = createRequire(import.meta.url)(name) as NativeModule;
  return {
    core: native,
    threads: Number(process.env[THREADS_VARIABLE]),
    loadGraphModel: (handler) => native.loadGraphModel(handler),
    loadLayersModel: (handler) => native.loadLayersModel(handler),
  };
}
