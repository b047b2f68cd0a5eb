/** How much is measured. */
export interface ProofSize {
  /** Of the zoo. */
  readonly model: string;
  /** Its grid. */
  readonly batches: readonly number[];
  readonly cpus: readonly number[];
  readonly gpuPercents: readonly number[];
  readonly sweepTimeMs: number;
  /** Of one cell. */
  readonly cellTimeMs: number;
  /** Runs of a session in one pattern of batch sizes. */
  readonly runs: number;
  readonly loadTimeMs: number;
}

/** On a card. */
export const FULL_SIZE: ProofSize = {
  model: 'mobilenet',
  batches: [1, 8, 32],
  cpus: [1, 4],
  gpuPercents: [0, 25, 50, 100],
  sweepTimeMs: 100_000,
  cellTimeMs: 1500,
  runs: 200,
  loadTimeMs: 20_000,
};

/** Where the card is played by the CPU: enough to walk all the way. */
export const REPLAY_SIZE: ProofSize = {
  model: 'mnist',
  batches: [1, 8],
  cpus: [1],
  gpuPercents: [0, 50, 100],
  sweepTimeMs: 10_000,
  cellTimeMs: 100,
  runs: 100,
  loadTimeMs: 2000,
};
