/** Equal stretches of time into which what happens is counted, so that a long run takes no more memory than a short one. */
export interface Bins {
  readonly fromMs: number;
  /** Where the last one ends, which may be shorter. */
  readonly toMs: number;
  readonly binMs: number;
  readonly count: number;
}

const MOST_BINS = 400;
const SECOND_MS = 1000;
/** Lengths that people like to read, in seconds. */
const NICE_SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200];

export function binsOf(fromMs: number, durationMs: number): Bins {
  const leastMs = durationMs / MOST_BINS;
  const niceMs = NICE_SECONDS.map((seconds) => seconds * SECOND_MS).find((binMs) => binMs >= leastMs);
  const binMs = niceMs ?? Math.ceil(leastMs / 86_400_000) * 86_400_000;
  return { fromMs, toMs: fromMs + durationMs, binMs, count: Math.max(1, Math.ceil(durationMs / binMs)) };
}

/** The bin of a moment; undefined before the first and after the last. */
export function binAt({ fromMs, toMs, binMs }: Bins, atMs: number): number | undefined {
  return atMs >= fromMs && atMs < toMs ? Math.floor((atMs - fromMs) / binMs) : undefined;
}
