import type { Cancel, Clock } from '../../../models/base/clock.ts';

/** Bears a trouble for a while, and gives up when it lasts. */
export class Endurance {
  readonly #clock: Clock;
  readonly #giveUp: (reason: string) => void;
  #cancel: Cancel | undefined;
  #reason = '';

  constructor(clock: Clock, giveUp: (reason: string) => void) {
    this.#clock = clock;
    this.#giveUp = giveUp;
  }

  /** There is trouble, whatever its name by now: the time runs since there was none. */
  bear(reason: string, forMs: number): void {
    this.#reason = reason;
    this.#cancel ??= this.#clock.at(this.#clock.nowMs() + forMs, () => this.#giveUp(this.#reason));
  }

  relieve(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
