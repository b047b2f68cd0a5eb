import { InflessError } from '../../models/base/errors.ts';
import { formatDuration } from '../../models/base/units.ts';
import type { RequestSender } from '../load/open-loop.ts';
import type { Slo } from '../load/report.ts';
import type { CapacityReport, IdleReport, TrialReport } from './capacity-report.ts';
import { measureIdle, untilCalm } from './idle.ts';
import { type SearchResult, searchRate } from './search.ts';
import { runTrial, type TrialParts } from './trial.ts';
import { TrialRule } from './trial-rule.ts';

/**
 * The first rate, as a share of what one request after the other gives: a single instance holds it easily.
 */
const START_SHARE = 0.25;
/** Rates lower by more than this take longer to try than anybody wants to know them. */
const LOWEST_SHARE = START_SHARE / 64;
/** An overload's leftovers are waited for so long. */
const CALM_LIMIT_MS = 60_000;

export interface CapacitySettings {
  readonly slo: Slo;
  /** That a full trial's verdict is right. */
  readonly confidence: number;
  /** The search ends when the rates that held and did not hold are this close. */
  readonly tolerance: number;
  readonly maxRate: number;
  readonly seed: number;
  readonly longestWarmUpMs: number;
}

/** A sender with connections of its own. */
export interface Connection extends RequestSender {
  /** Outstanding requests end as errors. */
  close(): Promise<void>;
}

export interface CapacityParts extends Omit<TrialParts, 'sender'> {
  /** How errors call it. */
  readonly target: string;
  readonly connect: () => Connection;
}

export type Capacity = SearchResult & Pick<CapacityReport, 'idle' | 'trials'>;

/** Hears of the idle target, and of each trial when it is over. */
export interface CapacityListener {
  onIdle(idle: IdleReport): void;
  onTrialEnd(trial: TrialReport): void;
}

/**
 * The highest Poisson rate at which the SLO holds (what MLPerf calls the Server scenario). Cut short by the
 * signal, it returns what was measured until then.
 *
 * @throws InflessError SLO_INFEASIBLE when even a lone request misses it; what {@link measureIdle} throws
 */
export async function measureCapacity(
  settings: CapacitySettings,
  parts: CapacityParts,
  listener: CapacityListener,
  signal: AbortSignal,
): Promise<Capacity> {
  const { slo, tolerance, maxRate } = settings;
  const idle = await connected(parts, (trialParts) => measureIdle(parts.target, trialParts, signal));
  listener.onIdle(idle);
  const medianMs = idle.latencyMs.p50;
  if (medianMs > slo.ms) throw infeasible(medianMs, slo);
  const aloneRate = 1000 / Math.max(medianMs, 0.1);
  const trials: TrialReport[] = [];
  const rules = {
    scout: TrialRule.scout(slo),
    full: TrialRule.full(slo, settings.confidence, tolerance),
  };
  const result = await searchRate(
    async (ratePerSecond, kind) => {
      if (signal.aborted) return undefined;
      const request = {
        kind,
        rule: rules[kind],
        ratePerSecond,
        seed: settings.seed + trials.length,
        longestWarmUpMs: settings.longestWarmUpMs,
      };
      const trial = await connected(parts, (trialParts) => runTrial(request, trialParts, signal));
      trials.push(trial);
      listener.onTrialEnd(trial);
      if (trial.verdict === 'cut short') return undefined;
      if (trial.verdict !== 'held') await calm(slo, parts, signal);
      return trial.verdict;
    },
    {
      startRate: START_SHARE * aloneRate,
      minRate: Math.min(LOWEST_SHARE * aloneRate, maxRate),
      maxRate,
      tolerance,
    },
  );
  return { ...result, idle, trials };
}

/** After an overload; connections that are closed take the requests that still wait with them. */
async function calm(slo: Slo, parts: CapacityParts, signal: AbortSignal): Promise<void> {
  await connected(parts, (trialParts) => untilCalm(slo.ms, CALM_LIMIT_MS, trialParts, signal)).catch(
    (error: unknown) => {
      if (!signal.aborted) throw error;
    },
  );
}

async function connected<T>(
  { clock, bodies, connect }: CapacityParts,
  use: (parts: TrialParts) => Promise<T>,
): Promise<T> {
  const sender = connect();
  try {
    return await use({ clock, bodies, sender });
  } finally {
    await sender.close();
  }
}

function infeasible(medianMs: number, slo: Slo): InflessError {
  return new InflessError(
    'SLO_INFEASIBLE',
    `A request alone takes ${formatDuration(medianMs)} (median), longer than the SLO of ${formatDuration(slo.ms)}`,
    { remedy: 'Give a longer --slo, or give the endpoint more CPU.', details: { nearestSloMs: medianMs } },
  );
}
