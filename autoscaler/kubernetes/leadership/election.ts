import {
  type Candidate,
  durationMsOf,
  gatewayUrlOf,
  givenBack,
  heldBy,
  holderOf,
  type Lease,
} from './lease.ts';

export interface ElectionSettings {
  /** A holder that has not renewed for so long may be replaced. */
  readonly durationMs: number;
  /**
   * A holder that has not renewed for so long does not lead any more. Shorter than the other, so that clocks
   * may run at different speeds: at these, one may be half as fast again as the other.
   */
  readonly deposedAfterMs: number;
  readonly renewEveryMs: number;
}

export const DEFAULT_ELECTION_SETTINGS: ElectionSettings = {
  durationMs: 15_000,
  deposedAfterMs: 10_000,
  renewEveryMs: 2_000,
};

/** The lease as it was last seen; no lease is a state like any other. */
interface Sight {
  readonly lease: Lease | undefined;
  /** When it was first seen like this. */
  readonly sinceMs: number;
  /** There is none, and there was one. */
  readonly wasDeleted: boolean;
}

/**
 * One candidate's view of the election: what it has seen of the lease and what follows from that. No two
 * candidates lead at the same time, however long messages take and whichever are lost, because
 * - a lease is written only in place of the version that was seen, so that of two writers one fails;
 * - who leads counts from when it *sent* its last renewal, by its own clock, to a moment before others may
 *   take over;
 * - who takes over counts from when it *saw* that renewal, by its own clock. Clocks are never compared.
 */
export class Election {
  readonly #name: string;
  readonly #candidate: Candidate;
  readonly #settings: ElectionSettings;
  #sight: Sight | undefined;
  /** When the last renewal was sent that is known to have succeeded. */
  #renewedAtMs = -Infinity;

  /** @param name of the lease */
  constructor(name: string, candidate: Candidate, settings: ElectionSettings) {
    this.#name = name;
    this.#candidate = candidate;
    this.#settings = settings;
  }

  isLeader(nowMs: number): boolean {
    return this.#isHolder && nowMs < this.deposedAtMs;
  }

  /** When it leads no more, unless it renews before. */
  get deposedAtMs(): number {
    return this.#renewedAtMs + this.#settings.deposedAfterMs;
  }

  /** Where the gateway of another answers that leads, for all that is known. */
  leaderUrl(nowMs: number): string | undefined {
    const { lease } = this.#sight ?? {};
    if (lease === undefined || this.#isHolder || nowMs >= this.#vacantAtMs) return undefined;
    return gatewayUrlOf(lease);
  }

  /** Whether anything is known of the lease, if only that there is none. */
  get hasSeen(): boolean {
    return this.#sight !== undefined;
  }

  /** The lease is, or is not, as given: by a watch, by asking, or in the answer to a write. */
  saw(lease: Lease | undefined, nowMs: number): void {
    const before = this.#sight;
    const version = lease?.metadata?.resourceVersion;
    if (before !== undefined && before.lease?.metadata?.resourceVersion === version) return;
    const wasDeleted = lease === undefined && before?.lease !== undefined;
    this.#sight = { lease, sinceMs: nowMs, wasDeleted };
  }

  /** A write of {@link bid} has succeeded, which was sent at `sentAtMs`. */
  won(lease: Lease, sentAtMs: number, nowMs: number): void {
    this.#renewedAtMs = Math.max(this.#renewedAtMs, sentAtMs);
    this.saw(lease, nowMs);
  }

  /** When to make the next {@link bid}, if nothing is seen until then; at once, before anything was. */
  get bidAtMs(): number {
    if (this.#isHolder) return this.#renewedAtMs + this.#settings.renewEveryMs;
    return this.#sight === undefined ? -Infinity : this.#vacantAtMs;
  }

  /**
   * What to write to lead, or to go on leading; undefined while another's turn is not over, or before
   * anything is seen.
   */
  bid(nowMs: number): Lease | undefined {
    if (this.#sight === undefined) return undefined;
    if (!this.#isHolder && nowMs < this.#vacantAtMs) return undefined;
    const { durationMs } = this.#settings;
    return heldBy(this.#candidate, this.#name, this.#sight.lease, { durationMs, nowMs });
  }

  /**
   * What to write so that others need not wait; undefined where there is nothing to give back. It leads no
   * more.
   */
  resignation(nowMs: number): Lease | undefined {
    this.#renewedAtMs = -Infinity;
    const lease = this.#sight?.lease;
    return lease === undefined || !this.#isHolder ? undefined : givenBack(lease, nowMs);
  }

  /** Whether its name is on the lease, as far as it has seen: necessary to lead, not sufficient. */
  get #isHolder(): boolean {
    const lease = this.#sight?.lease;
    return lease !== undefined && holderOf(lease) === this.#candidate.identity;
  }

  /**
   * When anybody may take it. One that was deleted may have had a holder, who notices only with its next
   * renewal; where there was none from the beginning, no one has to be waited for.
   */
  get #vacantAtMs(): number {
    const { lease, sinceMs, wasDeleted } = this.#sight!;
    const { durationMs } = this.#settings;
    if (lease === undefined) return wasDeleted ? sinceMs + durationMs : sinceMs;
    if (holderOf(lease) === undefined) return sinceMs;
    return sinceMs + Math.max(durationMsOf(lease) ?? 0, durationMs);
  }
}
