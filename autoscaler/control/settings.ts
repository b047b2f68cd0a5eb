/** How the control loop behaves; the same for all functions. */
export interface ControlSettings {
  readonly tickMs: number;
  /** Capacity over the expected rate that the plan provides: 1.1 = ten percent. */
  readonly headroom: number;
  /** The highest rate of so long ago still counts when capacity is given up. */
  readonly scaleInAfterMs: number;
  /** How long an instance may finish what it runs when it is stopped. */
  readonly drainMs: number;
  /** Most requests that may wait for one function. */
  readonly queueLimit: number;
}

export const DEFAULT_CONTROL_SETTINGS: ControlSettings = {
  tickMs: 500,
  headroom: 1.1,
  scaleInAfterMs: 30_000,
  drainMs: 30_000,
  queueLimit: 2_000,
};
