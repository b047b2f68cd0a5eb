import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** A stream of uniform numbers in [0, 1) that a seed determines fully; d3-random takes it as a source. */
export type Random = () => number;

/**
 * From seeds that differ in few bits the first numbers come out nearly equal: the state has to mix before it
 * is used.
 */
const MIXING_STEPS = 16;

/** A seeded generator (xoroshiro128+). The same 32-bit seed gives the same stream on every machine. */
export function seededRandom(seed: number): Random {
  const generator = xoroshiro128plus(seed);
  for (let step = 0; step < MIXING_STEPS; step += 1) uniformFloat64(generator);
  return () => uniformFloat64(generator);
}
