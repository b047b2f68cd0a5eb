import { BreakEven } from './break-even.ts';
import { HybridHistogram } from './hybrid-histogram.ts';
import { type IdleWindow, keepFor } from './idle-window.ts';
import { LongShortHistogram } from './long-short-histogram.ts';
import type { KeepAlivePolicy } from './policy.ts';
import { Tournament } from './tournament.ts';

export const KEEP_ALIVE_POLICIES = ['fixed', 'hybrid', 'lsth', 'break-even', 'tournament'] as const;
export type KeepAlivePolicyName = (typeof KEEP_ALIVE_POLICIES)[number];

export const DEFAULT_KEEP_ALIVE_MS = 10 * 60_000;

const LONG_HALF_LIFE_MS = 24 * 3_600_000;
const SHORT_HALF_LIFE_MS = 2 * 3_600_000;

/**
 * A policy for one function.
 *
 * @param keepAliveMs idle time after which to stop while nothing better is known. Whoever accepts paying for
 * so much idle time to save a cold start has said what a cold start is worth: it is also its price.
 */
export function createKeepAlivePolicy(
  name: KeepAlivePolicyName,
  keepAliveMs = DEFAULT_KEEP_ALIVE_MS,
): KeepAlivePolicy {
  const breakEven = (halfLifeMs: number): KeepAlivePolicy =>
    new BreakEven({ coldStartPriceMs: keepAliveMs, halfLifeMs });
  switch (name) {
    case 'fixed':
      return new FixedKeepAlive(keepAliveMs);
    case 'hybrid':
      return new HybridHistogram();
    case 'lsth':
      return new LongShortHistogram(keepAliveMs);
    case 'break-even':
      return breakEven(LONG_HALF_LIFE_MS);
    case 'tournament':
      return new Tournament({
        candidates: [
          breakEven(LONG_HALF_LIFE_MS),
          breakEven(SHORT_HALF_LIFE_MS),
          new LongShortHistogram(keepAliveMs),
          new HybridHistogram(),
          new FixedKeepAlive(keepAliveMs),
        ],
        coldStartPriceMs: keepAliveMs,
      });
  }
}

/** Stops after the same idle time always, as OpenFaaS and Knative do. */
export class FixedKeepAlive implements KeepAlivePolicy {
  readonly #window: IdleWindow;

  constructor(keepAliveMs: number) {
    this.#window = keepFor(keepAliveMs);
  }

  idleBegan(): IdleWindow {
    return this.#window;
  }

  idleEnded(): void {
    // learns nothing
  }
}
