/** How the control loop behaves; the same for all functions. */
export interface ControlSettings {
  readonly tickMs: number;
  /**
   * Capacity over the expected rate that the plan provides while it is not known how well a table fits: 1.1 =
   * ten percent. Later no more than batches scatter around what the table says of them.
   */
  readonly headroom: number;
  /** The highest rate of so many start-up times ago still counts when capacity is given up. */
  readonly scaleInAfterStarts: number;
  /** How long an instance may finish what it runs when it is stopped. */
  readonly drainMs: number;
  /** Most requests that may wait for one function. */
  readonly queueLimit: number;
}

export const DEFAULT_CONTROL_SETTINGS: ControlSettings = {
  tickMs: 500,
  headroom: 1.1,
  scaleInAfterStarts: 2,
  drainMs: 30_000,
  queueLimit: 2_000,
};
