import type { Value } from '../graph.ts';
import { relu6 } from '../layers/arithmetic.ts';
import { batchNorm, type Convolution, conv, depthwise } from '../layers/convolution.ts';

/** Filters and stride of the 13 separable convolutions of MobileNetV1 (Howard et al. 2017, table 1). */
const SEPARABLE: readonly (readonly [filters: number, stride: number])[] = [
  [64, 1],
  [128, 2],
  [128, 1],
  [256, 2],
  [256, 1],
  [512, 2],
  [512, 1],
  [512, 1],
  [512, 1],
  [512, 1],
  [512, 1],
  [1024, 2],
  [1024, 1],
];

export interface MobileNetFeatures {
  /** 512 channels at a sixteenth of the image's size. */
  readonly sixteenth: Value;
  /** 1024 channels at a thirty-second: the network's last. */
  readonly last: Value;
}

/**
 * The convolutional part of MobileNetV1 1.0, for classifiers and detectors. Takes [batch, 3, height, width].
 */
export function mobileNetFeatures(image: Value): MobileNetFeatures {
  let x = convNormRelu6(image, { filters: 32, kernel: 3, stride: 2 });
  let sixteenth = x;
  for (const [filters, stride] of SEPARABLE) {
    if (filters === 1024 && stride === 2) sixteenth = x;
    x = relu6(normalize(depthwise(x, { kernel: 3, stride })));
    x = convNormRelu6(x, { filters, kernel: 1 });
  }
  return { sixteenth, last: x };
}

/** Convolution, batch normalization and a rectifier bounded at 6: what mobile networks are made of. */
export function convNormRelu6(x: Value, options: Convolution): Value {
  return relu6(normalize(conv(x, { ...options, bias: false })));
}

function normalize(x: Value): Value {
  return batchNorm(x, { epsilon: 1e-3 });
}
