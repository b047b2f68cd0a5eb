import type { Cancel, Clock } from '../../models/base/clock.ts';
import { formatDuration } from '../../models/base/units.ts';
import type { InstanceProbe } from './transport.ts';

/** From then on an instance is asked whether it lives: so long, or so many times what was predicted. */
const SUSPECT = { afterMs: 1_000, afterTails: 5 };
/** Without progress for so long the inference thread of one that answers is stuck. */
const STUCK = { afterMs: 5_000, afterTails: 10 };

/** Why a batch is given up before there is an answer. */
export interface GivenUp {
  /** `silent`: the instance says nothing. `stuck`: it answers, but its inference thread does nothing. */
  readonly kind: 'silent' | 'stuck';
  readonly reason: string;
}

/**
 * Watches over one batch: an instance that is stopped, cut off or stuck would hold it for as long as the
 * transport waits. One that is merely slow is left to finish: a batch is never given up without a probe.
 */
export class BatchWatch {
  readonly signal: AbortSignal;
  readonly #abort = new AbortController();
  readonly #clock: Clock;
  readonly #probe: () => Promise<InstanceProbe>;
  readonly #askEveryMs: number;
  readonly #stuckAfterMs: number;
  #progress: number | undefined;
  #progressAtMs: number;
  #cancel: Cancel = () => {};
  #isOver = false;
  #givenUp: GivenUp | undefined;

  /** @param tailMs how long the batch is predicted to take at most */
  constructor(clock: Clock, tailMs: number, probe: () => Promise<InstanceProbe>) {
    this.signal = this.#abort.signal;
    this.#clock = clock;
    this.#probe = probe;
    this.#askEveryMs = Math.max(SUSPECT.afterMs, SUSPECT.afterTails * tailMs);
    this.#stuckAfterMs = Math.max(STUCK.afterMs, STUCK.afterTails * tailMs);
    this.#progressAtMs = clock.nowMs();
    this.#askLater();
  }

  get givenUp(): GivenUp | undefined {
    return this.#givenUp;
  }

  end(): void {
    this.#isOver = true;
    this.#cancel();
  }

  #askLater(): void {
    this.#cancel = this.#clock.at(this.#clock.nowMs() + this.#askEveryMs, () => void this.#ask());
  }

  async #ask(): Promise<void> {
    const { isAlive, progress } = await this.#probe();
    if (this.#isOver) return;
    if (!isAlive) {
      this.#giveUp('silent', 'it gives no answer, and none when it is asked whether it lives');
      return;
    }
    const nowMs = this.#clock.nowMs();
    if (progress !== this.#progress)
      this.#progressAtMs = this.#progress === undefined ? this.#progressAtMs : nowMs;
    this.#progress = progress;
    const stillMs = nowMs - this.#progressAtMs;
    if (progress !== undefined && stillMs >= this.#stuckAfterMs)
      this.#giveUp(
        'stuck',
        `its inference thread has made no progress for ${formatDuration(Math.round(stillMs))}`,
      );
    else this.#askLater();
  }

  #giveUp(kind: GivenUp['kind'], reason: string): void {
    this.#givenUp = { kind, reason };
    this.end();
    this.#abort.abort();
  }
}
