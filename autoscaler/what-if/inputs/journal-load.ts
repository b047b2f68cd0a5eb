import { InflessError } from '../../../models/base/errors.ts';
import { type RateCurve, type RatePiece, scaleRate } from '../../../profiler/load/arrivals/rates.ts';
import type { RecordedArrivals } from '../../journal/journal-line.ts';
import { readJournal } from '../../journal/read-journal.ts';
import type { Load } from './load.ts';

/**
 * The requests that a function has had, by the journal of an autoscaler. While that did not run there were
 * none, as far as is known.
 *
 * @param path a file of a journal, or the folder of one
 * @throws InflessError INVALID_INPUT where it has no requests of this function
 */
export async function readJournalLoad(path: string, functionName: string, scale: number): Promise<Load> {
  const { arrivals } = await readJournal(path);
  const curve = rateOf(arrivals, functionName);
  if (curve.length > 0) return { type: 'rate', curve: scaleRate(curve, scale) };
  throw new InflessError(
    'INVALID_INPUT',
    `The journal ${path} has no requests of function "${functionName}"`,
    {
      remedy: 'Name another one, or give the function another load.',
    },
  );
}

/** From its first request to the last of anybody. */
export function rateOf(arrivals: readonly RecordedArrivals[], functionName: string): RateCurve {
  const first = arrivals.find(({ counts }) => (counts[functionName] ?? 0) > 0);
  if (first === undefined) return [];
  const sinceMs = first.atMs - first.intervalMs;
  const pieces: RatePiece[] = [];
  let endMs = 0;
  const hold = (toMs: number, rate: number): void => {
    if (toMs <= endMs) return; // two autoscalers in turns may have counted the same moment
    const last = pieces.at(-1);
    if (last?.fromRate === rate) pieces[pieces.length - 1] = { ...last, toMs };
    else pieces.push({ fromMs: endMs, toMs, fromRate: rate, toRate: rate });
    endMs = toMs;
  };
  for (const { atMs, intervalMs, counts } of arrivals) {
    const toMs = atMs - sinceMs;
    hold(toMs - intervalMs, 0);
    hold(toMs, ((counts[functionName] ?? 0) * 1000) / intervalMs);
  }
  return pieces;
}
