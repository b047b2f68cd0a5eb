/** The native libraries of all platforms: which of them is needed is not for this machine's trace to say. */
export const NATIVE_FOLDER = 'onnxruntime-node/bin/';
