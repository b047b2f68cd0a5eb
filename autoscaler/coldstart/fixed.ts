import { type IdleWindow, keepFor } from '../demand/keepalive/idle-window.ts';
import type { ColdStartPolicy } from '../demand/keepalive/policy.ts';

/** Stops after the same idle time always, as OpenFaaS and Knative do. */
export class FixedKeepAlive implements ColdStartPolicy {
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
