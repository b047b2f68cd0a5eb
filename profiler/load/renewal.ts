import { randomGamma } from 'd3-random';
import type { Random } from '../../models/base/random.ts';

/** How arrivals spread around their rate. `cv`: the coefficient of variation of the intervals, above zero. */
export type ArrivalProcess =
  | { readonly type: 'constant' }
  | { readonly type: 'poisson' }
  | { readonly type: 'gamma'; readonly cv: number };

/**
 * Independent intervals of mean 1. The first one, from time zero, is drawn so that the process looks as if it
 * had been running for ever: otherwise bursty arrivals would start every test with a burst.
 */
export interface Renewal {
  first(): number;
  next(): number;
}

export function renewal(process: ArrivalProcess, random: Random): Renewal {
  switch (process.type) {
    case 'constant':
      return { first: () => 0.5, next: () => 1 };
    case 'poisson':
      return gammaRenewal(1, random);
    case 'gamma':
      return gammaRenewal(process.cv, random);
  }
}

/**
 * Gamma-distributed intervals. The interval that an arbitrary moment falls into is found with a probability in
 * proportion to its length, which for a gamma distribution means one more in shape; the moment is anywhere in it.
 */
function gammaRenewal(cv: number, random: Random): Renewal {
  const gamma = randomGamma.source(random);
  const scale = cv * cv;
  const shape = 1 / scale;
  const covering = gamma(shape + 1, scale);
  return { first: () => random() * covering(), next: gamma(shape, scale) };
}
