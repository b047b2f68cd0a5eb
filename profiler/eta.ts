/** What a cell takes beside its own time: starting a process, loading the model, timing the codec. */
const OVERHEAD_MS = 1000;

/**
 * A guess at how long the rest of a sweep takes. Cells come in random order, so those finished are a fair
 * sample of those to come: their mean counts, with the nominal time of a cell as one more of them, so that the
 * first does not decide alone.
 *
 * @param finishedMs how long each finished cell took, all in
 */
export function remainingMs(finishedMs: readonly number[], remaining: number, cellTimeMs: number): number {
  const total = finishedMs.reduce((sum, cellMs) => sum + cellMs, cellTimeMs + OVERHEAD_MS);
  return (remaining * total) / (finishedMs.length + 1);
}
