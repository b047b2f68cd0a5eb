import type { Engine } from '../engine.ts';
import { TFJS_PROVIDERS, tfjsProviders } from './providers.ts';
import { runtimeVersion } from './runtime.ts';

/** TF.js models on TensorFlow.js. It is loaded when a first model is: who runs ONNX models loads none of it. */
export const tfjsEngine: Engine = {
  format: 'tfjs',
  get version() {
    return runtimeVersion();
  },
  inspect: async (path, name) => (await import('./inspect.ts')).inspectTfjs(path, name),
  providerNames: async () => TFJS_PROVIDERS,
  providers: tfjsProviders,
  open: async (model, resources) => (await import('./session.ts')).TfjsSession.open(model, resources),
};
