/** The engines, one a line. A new one is a folder beside this file and a line here. */
export { onnxEngine } from './onnx/engine.ts';
export { tfjsEngine } from './tfjs/engine.ts';
