/** How much is measured. */
export interface ProofSize {
  /** Of the zoo. */
  readonly model: string;
  /** Its grid: so many cells that a sparse sweep leaves most of them to be predicted. */
  readonly batches: readonly number[];
  readonly cpus: readonly number[];
  readonly gpuPercents: readonly number[];
  readonly sweepTimeMs: number;
  /** Of one cell. */
  readonly cellTimeMs: number;
  /** Runs of a session in one pattern of batch sizes. */
  readonly runs: number;
  /** For each pool of instances. */
  readonly loadTimeMs: number;
}

/** On a card. */
export const FULL_SIZE: ProofSize = {
  model: 'mobilenet',
  batches: [1, 2, 4, 8, 16, 32],
  cpus: [1, 4],
  gpuPercents: [0, 25, 50, 75, 100],
  sweepTimeMs: 85_000,
  cellTimeMs: 1500,
  runs: 200,
  loadTimeMs: 12_000,
};

/** Where the card is played by the CPU: enough to walk all the way. */
export const REPLAY_SIZE: ProofSize = {
  model: 'mnist',
  batches: [1, 2, 4, 8],
  cpus: [1],
  gpuPercents: [0, 50, 100],
  sweepTimeMs: 40_000,
  cellTimeMs: 100,
  runs: 100,
  loadTimeMs: 2000,
};
