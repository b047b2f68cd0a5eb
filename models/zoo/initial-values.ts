import type { Random } from '../base/random.ts';

/**
 * Initial weights. All are uniform, scaled by nothing but a square root: every operation is exact in IEEE
 * 754, so a model's bytes are the same on every machine (`Math.log` and `Math.cos`, which normal deviates
 * need, are not).
 */
export type InitialValues = (random: Random, length: number) => Float32Array<ArrayBuffer>;

/** Uniform in [center − spread, center + spread). */
export function around(center: number, spread: number): InitialValues {
  return (random, length) => {
    const values = new Float32Array(length);
    for (let i = 0; i < length; i++) values[i] = center + spread * (2 * random() - 1);
    return values;
  };
}

/** He et al. 2015: keeps the variance through a layer followed by a rectifier. */
export function he(fanIn: number): InitialValues {
  return around(0, Math.sqrt(6 / fanIn));
}

/** Glorot and Bengio 2010: keeps the variance through a linear, tanh or sigmoid layer, both ways. */
export function xavier(fanIn: number, fanOut: number): InitialValues {
  return around(0, Math.sqrt(6 / (fanIn + fanOut)));
}
