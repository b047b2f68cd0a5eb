import { namedRandom, namedSeed, type Random } from '../../models/base/random.ts';

/**
 * The streams of random numbers of a simulation: one for each purpose and function, all from one seed. None
 * touches another, so that every policy meets the same arrivals (and two policies can be compared run by
 * run), and a function's arrivals are the same whatever else is in the run, and in whichever order.
 */
export function arrivalStream(seed: number, functionName: string): Random {
  return namedRandom(seed, 'arrivals', functionName);
}

/** What a function's batches take. */
export function batchTimeStream(seed: number, functionName: string): Random {
  return namedRandom(seed, 'batch times', functionName);
}

/** What the starts of a function's instances take, where that varies. */
export function startUpStream(seed: number, functionName: string): Random {
  return namedRandom(seed, 'start-up', functionName);
}

/** Which instance crashes when. */
export function crashStream(seed: number): Random {
  return namedRandom(seed, 'crashes');
}

/** For the dice of the policy itself. */
export function policySeed(seed: number): number {
  return namedSeed(seed, 'policy');
}
