export type Core = typeof import('@tensorflow/tfjs-core');
export type GraphModel = import('@tensorflow/tfjs-converter').GraphModel;
export type LayersModel = import('@tensorflow/tfjs-layers').LayersModel;
type ModelHandler = import('@tensorflow/tfjs-core').io.IOHandler;

/** TensorFlow.js with the backend that runs its models. */
export interface TfjsRuntime {
  readonly core: Core;
  /** How many share the work of one operator. */
  readonly threads: number;
  loadGraphModel(handler: ModelHandler): Promise<GraphModel>;
  loadLayersModel(handler: ModelHandler): Promise<LayersModel>;
}
