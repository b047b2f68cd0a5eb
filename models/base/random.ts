import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** A stream of uniform numbers in [0, 1) that a seed determines fully; d3-random takes it as a source. */
export type Random = () => number;

/** A seeded generator (xoroshiro128+). The same 32-bit seed gives the same stream on every machine. */
export function seededRandom(seed: number): Random {
  const generator = xoroshiro128plus(seed);
  return () => uniformFloat64(generator);
}
