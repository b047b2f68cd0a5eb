import type { BatchTiming } from '../../packager/server/instance-protocol.ts';
import type { Config } from '../../profiles/config.ts';
import { configKey } from '../../profiles/config.ts';
import type { Observation } from '../plan/service-times.ts';

interface Running {
  batches: number;
  slowdown: number;
  codecMsPerRow: number;
  transportMs: number;
}

/** Batches of one config before its measurements speak: first ones run on cold caches. */
const FEWEST_BATCHES = 20;
/** Weight of the newest batch: a memory of some 50 batches. */
const WEIGHT = 0.02;
/** A neighbour's burst, or a table of another machine, may shift times this far; beyond it lies a fault, not drift. */
const SLOWEST = 4;
const FASTEST = 0.5;

/**
 * Learns per config how far running differs from the table, as running means. Corrections are handed out in steps,
 * so that noise does not move the plan.
 */
export class ObservedTimes {
  readonly #byConfig = new Map<string, Running>();

  record(config: Config, timing: BatchTiming, roundTripMs: number, tabulatedMs: number): void {
    const slowdown = Math.min(SLOWEST, Math.max(FASTEST, timing.executeMs / tabulatedMs));
    const codecMs = timing.decodeMs + timing.encodeMs;
    const codecMsPerRow = codecMs / Math.max(1, timing.rows);
    const transportMs = Math.max(0, roundTripMs - timing.executeMs - codecMs);
    const key = configKey(config);
    const seen = this.#byConfig.get(key);
    if (seen === undefined) {
      this.#byConfig.set(key, { batches: 1, slowdown, codecMsPerRow, transportMs });
      return;
    }
    seen.batches += 1;
    const weight = Math.max(WEIGHT, 1 / seen.batches); // a plain mean at first
    seen.slowdown += weight * (slowdown - seen.slowdown);
    seen.codecMsPerRow += weight * (codecMsPerRow - seen.codecMsPerRow);
    seen.transportMs += weight * (transportMs - seen.transportMs);
  }

  /** Undefined until enough batches of this config have run. */
  of(config: Config): Observation | undefined {
    const seen = this.#byConfig.get(configKey(config));
    if (seen === undefined || seen.batches < FEWEST_BATCHES) return undefined;
    return {
      slowdown: roundTo(seen.slowdown, 0.1),
      codecMsPerRow: roundTo(seen.codecMsPerRow, 0.1),
      transportMs: roundTo(seen.transportMs, 0.5),
    };
  }
}

function roundTo(value: number, step: number): number {
  return Math.round(value / step) * step;
}
