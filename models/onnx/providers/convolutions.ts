import { WireError, WireFile } from '../wire-file.ts';

/** Field numbers of onnx.proto. */
const GRAPH = 7;
const NODE = 1;
const OP_TYPE = 4;

const CONVOLUTION = /^Conv(Transpose)?$/;

/** Whether a model convolves at its top level: read from the file's structure, without its weights. */
export function hasConvolutions(path: string): boolean {
  const file = new WireFile(path);
  try {
    for (const graph of file.fields(0, file.sizeBytes)) {
      if (graph.number !== GRAPH || !graph.isBytes) continue;
      for (const node of file.fields(graph.start, graph.end)) {
        if (node.number !== NODE || !node.isBytes) continue;
        for (const field of file.fields(node.start, node.end)) {
          if (field.number === OP_TYPE && field.isBytes && CONVOLUTION.test(file.text(field))) return true;
        }
      }
    }
    return false;
  } catch (error) {
    if (error instanceof WireError) return false; // the runtime tells what is wrong with it
    throw error;
  } finally {
    file.close();
  }
}
