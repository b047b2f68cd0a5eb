import type { Engine } from '../engine.ts';
import { inspectOnnx } from './inspect.ts';
import { providerNames } from './providers/provider-names.ts';
import { onnxProviders } from './providers/try-provider.ts';
import { runtimeVersion } from './runtime.ts';
import { OnnxSession } from './session.ts';

/** ONNX models on onnxruntime-node. */
export const onnxEngine: Engine = {
  format: 'onnx',
  get version() {
    return runtimeVersion();
  },
  inspect: inspectOnnx,
  providerNames,
  providers: onnxProviders,
  open: (model, resources) => OnnxSession.open(model.path, model.manifest, resources),
};
