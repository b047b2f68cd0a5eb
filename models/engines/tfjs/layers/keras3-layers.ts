/** A layer of Keras 3 that TensorFlow.js computes alike, and what has to be written differently for it. */
interface KnownLayer {
  /** Where TensorFlow.js gets a setting wrong, or looks past it: the values that it gets right. */
  readonly only?: Readonly<Record<string, readonly unknown[]>>;
  /** What TensorFlow.js calls a setting. */
  readonly settings?: Readonly<Record<string, string>>;
  /** What it calls a weight. */
  readonly weights?: Readonly<Record<string, string>>;
}

const ANY: KnownLayer = {};
const CONV_1D: KnownLayer = { only: { groups: [1], padding: ['valid', 'same'] } };
const CONV_2D: KnownLayer = { only: { groups: [1] } };
const FLAT: KnownLayer = { only: { keepdims: [false] } };

/**
 * Each of these was compared with Keras 3. What is not here is refused: a setting that TensorFlow.js does not
 * know is no error there, and the answers would be wrong.
 */
export const KNOWN_LAYERS: ReadonlyMap<string, KnownLayer> = new Map([
  ['InputLayer', { settings: { batch_shape: 'batch_input_shape' } }],
  ['Dense', ANY],
  ['Activation', ANY],
  ['ReLU', { only: { negative_slope: [0], threshold: [0] } }],
  ['LeakyReLU', { settings: { negative_slope: 'alpha' } }],
  ['Softmax', ANY],
  ['Conv1D', CONV_1D],
  ['Conv2D', CONV_2D],
  ['DepthwiseConv2D', { weights: { kernel: 'depthwise_kernel' } }],
  ['SeparableConv2D', ANY],
  ['MaxPooling1D', ANY],
  ['MaxPooling2D', ANY],
  ['AveragePooling1D', ANY],
  ['AveragePooling2D', ANY],
  ['GlobalAveragePooling1D', FLAT],
  ['GlobalAveragePooling2D', FLAT],
  ['GlobalMaxPooling1D', FLAT],
  ['GlobalMaxPooling2D', FLAT],
  ['Flatten', ANY],
  ['Reshape', ANY],
  ['Dropout', ANY],
  ['SpatialDropout1D', ANY],
  ['GaussianNoise', ANY],
  ['GaussianDropout', ANY],
  ['BatchNormalization', { only: { axis: [-1, 3] } }],
  ['LayerNormalization', { only: { rms_scaling: [false] } }],
  ['Embedding', { only: { mask_zero: [false] } }],
  ['ZeroPadding2D', ANY],
  ['UpSampling2D', { only: { interpolation: ['nearest'] } }],
  ['Rescaling', ANY],
  ['Add', ANY],
  ['Multiply', ANY],
  ['Average', ANY],
  ['Maximum', ANY],
  ['Minimum', ANY],
  ['Concatenate', ANY],
  ['LSTM', ANY],
]);

/** Models among the layers of a model. */
export const MODELS: ReadonlySet<string> = new Set(['Sequential', 'Functional', 'Model']);

/** Activations that both compute alike, by their names there. The slope of `hard_sigmoid` differs. */
export const ACTIVATIONS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    linear: 'linear',
    relu: 'relu',
    relu6: 'relu6',
    elu: 'elu',
    selu: 'selu',
    sigmoid: 'sigmoid',
    tanh: 'tanh',
    softmax: 'softmax',
    log_softmax: 'log_softmax',
    softplus: 'softplus',
    softsign: 'softsign',
    silu: 'swish',
    swish: 'swish',
  }),
);
