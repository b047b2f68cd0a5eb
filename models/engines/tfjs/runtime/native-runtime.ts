import { createRequire } from 'node:module';
import { type EngineResources, threadRule } from '../../engine.ts';
import type { Core, TfjsRuntime } from './tfjs-runtime.ts';

/** A native binding exports all of TensorFlow.js. */
type NativeModule = Core & Pick<TfjsRuntime, 'loadGraphModel' | 'loadLayersModel'>;

/** TensorFlow reads it once, when its library is loaded. A user's own choice wins. */
const THREADS_VARIABLE = 'TF_NUM_INTRAOP_THREADS';

/** TensorFlow.js on TensorFlow's own library. */
export function loadNative(name: string, { cpuMillicores }: EngineResources): TfjsRuntime {
  const own = process.env[THREADS_VARIABLE] || String(threadRule(cpuMillicores).threads);
  // By a name that no import says: an image is not to have what happens to be installed where it is packed.
  const native = withVariable(THREADS_VARIABLE, own, () =>
    createRequire(import.meta.url)(name),
  ) as NativeModule;
  return {
    core: native,
    threads: Number(own),
    loadGraphModel: (handler) => native.loadGraphModel(handler),
    loadLayersModel: (handler) => native.loadLayersModel(handler),
  };
}

/** Processes that this one starts must not take our choice for a user's: they have quotas of their own. */
function withVariable<T>(name: string, value: string, run: () => T): T {
  const before = process.env[name];
  process.env[name] = value;
  try {
    return run();
  } finally {
    if (before === undefined) delete process.env[name];
    else process.env[name] = before;
  }
}
