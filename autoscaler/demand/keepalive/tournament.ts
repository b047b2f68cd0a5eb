import { heldMs, type IdleWindow, isReady } from './idle-window.ts';
import type { KeepAlivePolicy } from './policy.ts';

export interface TournamentOptions {
  /** Who plays; the first one leads until another has proven better. */
  readonly candidates: readonly KeepAlivePolicy[];
  /** How much idle time of an instance a cold start is worth. */
  readonly coldStartPriceMs: number;
}

/** How much the scores remember, and by how much a challenger must be better: in cold starts' worth. */
const MEMORY_PRICES = 50;
const LEAD_PRICES = 3;

interface Player {
  readonly policy: KeepAlivePolicy;
  window: IdleWindow;
  costMs: number;
}

/**
 * Runs all candidates in the shadow on the arrivals of one function and follows the one that would have cost
 * least: idle time of the instance, plus a price for each cold start.
 *
 * Costs are forgotten in proportion to what is being learnt, not to time: an idle period that costs the
 * candidates a cold start on average makes everything before it count 1/50 less. So a function that is asked
 * for once in four hours is remembered for days, and one of every ten minutes for some hours; idle times so
 * short that every candidate is right about them wash nothing away.
 */
export class Tournament implements KeepAlivePolicy {
  readonly #players: readonly Player[];
  readonly #priceMs: number;
  #leader: Player;
  #startupMs: number | undefined;

  constructor({ candidates, coldStartPriceMs }: TournamentOptions) {
    this.#players = candidates.map((policy) => ({
      policy,
      window: { prewarmMs: 0, keepAliveMs: 0 },
      costMs: 0,
    }));
    this.#priceMs = coldStartPriceMs;
    this.#leader = this.#players[0]!;
  }

  /** Whom it follows at present. */
  get leader(): KeepAlivePolicy {
    return this.#leader.policy;
  }

  idleBegan(nowMs: number, startupMs: number): IdleWindow {
    for (const player of this.#players) player.window = player.policy.idleBegan(nowMs, startupMs);
    this.#startupMs = startupMs;
    return this.#leader.window;
  }

  idleEnded(idleMs: number, nowMs: number): void {
    if (this.#startupMs !== undefined) this.#score(idleMs, this.#startupMs);
    for (const { policy } of this.#players) policy.idleEnded(idleMs, nowMs);
  }

  #score(idleMs: number, startupMs: number): void {
    let sumMs = 0;
    let best = this.#leader;
    for (const player of this.#players) {
      const { window } = player;
      const coldMs = isReady(window, idleMs, startupMs) ? 0 : this.#priceMs;
      const costMs = heldMs(window, idleMs, startupMs) + coldMs;
      player.costMs += costMs;
      sumMs += costMs;
      if (player.costMs < best.costMs) best = player;
    }
    if (best.costMs < this.#leader.costMs - LEAD_PRICES * this.#priceMs) this.#leader = best;
    const kept = Math.exp(-sumMs / (this.#players.length * MEMORY_PRICES * this.#priceMs));
    for (const player of this.#players) player.costMs *= kept;
  }
}
