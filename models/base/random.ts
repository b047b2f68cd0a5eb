import { createHash } from 'node:crypto';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus, xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';

/** A stream of uniform numbers in [0, 1) that a seed determines fully; d3-random takes it as a source. */
export type Random = () => number;

/** Where numbers come from: a seed for a stream of one's own, or a stream. */
export type Seed = number | Random;

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

/**
 * One of many streams of a seed, by name: `namedRandom(1, 'arrivals', 'resnet')`. The whole state, 128 bits,
 * is a digest of seed and name: streams of other names or seeds are independent, however alike those are. To
 * meet, two streams would have to begin within reach of each other in a period of 2¹²⁸.
 */
export function namedRandom(seed: number, ...name: readonly string[]): Random {
  const digest = digestOf(seed, name);
  const generator = xoroshiro128plusFromState([0, 4, 8, 12].map((at) => digest.readInt32LE(at)));
  return () => uniformFloat64(generator);
}

/** A seed of 32 bits for those who take a number; see {@link namedRandom}. */
export function namedSeed(seed: number, ...name: readonly string[]): number {
  return digestOf(seed, name).readUInt32LE(0);
}

export function randomOf(seed: Seed): Random {
  return typeof seed === 'number' ? seededRandom(seed) : seed;
}

function digestOf(seed: number, name: readonly string[]): Buffer {
  return createHash('sha256')
    .update(JSON.stringify([seed, ...name]))
    .digest();
}
