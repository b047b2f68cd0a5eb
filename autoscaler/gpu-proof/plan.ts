/** The steps in their order: the most telling ones first, so that a run that is cut off has told most. */
export const STEP_LETTERS = ['c', 'f', 'h', 'g', 'd', 'e', 'i', 'a', 'b'] as const;
export type Letter = (typeof STEP_LETTERS)[number];

export interface StepPlan {
  /** What it shows. */
  readonly title: string;
  /** After which it is ended, whatever it is at. All together are within the eight minutes of a run. */
  readonly limitMs: number;
  /** Whether it says anything without a card. */
  readonly needsCard: boolean;
}

export const STEP_PLANS: Readonly<Record<Letter, StepPlan>> = {
  c: { title: 'the GPU answers as the CPU does, and where operators ran', limitMs: 60_000, needsCard: true },
  f: { title: 'infless-profile in shares of the card', limitMs: 125_000, needsCard: true },
  h: { title: 'infless-autoscaler keeps its promise with a share', limitMs: 90_000, needsCard: true },
  g: { title: 'two instances side by side', limitMs: 45_000, needsCard: true },
  d: { title: 'what changing batch sizes cost', limitMs: 45_000, needsCard: true },
  e: { title: 'MPS comes up, survives a killed client, and goes', limitMs: 40_000, needsCard: true },
  i: { title: 'from which rate on a GPU is cheaper', limitMs: 15_000, needsCard: true },
  a: { title: 'what the card and its driver say of themselves', limitMs: 30_000, needsCard: false },
  b: { title: 'the libraries that the CUDA provider needs', limitMs: 15_000, needsCard: false },
};
