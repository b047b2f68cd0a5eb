import { formatDuration } from '../../../../models/base/units.ts';
import { quantile } from '../../../../profiles/statistics.ts';

/** How batches follow each other, up to a largest one. */
export type Pattern = (run: number, largest: number, random: () => number) => number;

/** The first is what the others are compared with. */
export const PATTERNS = {
  same: (_, largest) => largest,
  alternating: (run, largest) => (run % 2 === 0 ? largest : 1),
  random: (_run, largest, random) => 1 + Math.floor(random() * largest),
} as const satisfies Record<string, Pattern>;
export type PatternName = keyof typeof PATTERNS;

export interface Timed {
  readonly rows: number;
  readonly ms: number;
}

/** What the runs of one pattern took. */
export interface PatternTimes {
  /** Of more than half of the largest batch, and of a size that had run before; null where none was. */
  readonly medianMs: number | null;
  readonly p95Ms: number | null;
  readonly samples: number;
  /** The first run of each size, which plans. */
  readonly firstMs: Readonly<Record<number, number>>;
}

export type TimesByPattern = Readonly<Record<PatternName, PatternTimes>>;

export function timesOf(runs: readonly Timed[], largest: number): PatternTimes {
  const first = new Map<number, number>();
  const later: number[] = [];
  for (const { rows, ms } of runs) {
    if (!first.has(rows)) first.set(rows, ms);
    else if (rows > largest / 2) later.push(ms);
  }
  const sorted = Float64Array.from(later).sort();
  const at = (share: number): number | null => (sorted.length === 0 ? null : quantile(sorted, share));
  return {
    medianMs: at(0.5),
    p95Ms: at(0.95),
    samples: sorted.length,
    firstMs: Object.fromEntries(first),
  };
}

/**
 * How many times as long as the same batch over and over a pattern takes at most; undefined where not all of
 * them have run often enough to tell.
 */
export function mostTimes({ same, alternating, random }: TimesByPattern): number | undefined {
  if (same.medianMs === null || alternating.medianMs === null || random.medianMs === null) return undefined;
  return Math.max(alternating.medianMs, random.medianMs) / same.medianMs;
}

/** `same 1.2 ms, alternating 362 ms (294 times), random: no size came twice` */
export function describe(times: TimesByPattern): string {
  const { medianMs: usualMs } = times.same;
  return Object.entries(times)
    .map(([pattern, { medianMs, samples }]) => {
      if (medianMs === null) return `${pattern}: no size came twice`;
      if (pattern === 'same' || usualMs === null) return `${pattern} ${formatDuration(medianMs)}`;
      return `${pattern} ${formatDuration(medianMs)} (${formatTimes(medianMs / usualMs)} times, ${samples} run${samples === 1 ? '' : 's'})`;
    })
    .join(', ');
}

function formatTimes(times: number): string {
  return times < 10 ? times.toFixed(2) : times.toFixed(0);
}
