import type { ProofSize } from './size.ts';

/**
 * `passed`: as promised. `failed`: not so, or it broke. `no-card`: there is nothing here to show it on.
 * `skipped`: it was not come to.
 */
export type Outcome = 'passed' | 'failed' | 'no-card' | 'skipped';

export interface Verdict {
  readonly outcome: Outcome;
  /** One sentence, with its figures. */
  readonly sentence: string;
}

/** What a step has at hand. */
export interface StepContext {
  /** Where files go that are kept beside the report; later steps find them there. */
  readonly out: string;
  /** For what is not kept. */
  readonly work: string;
  readonly size: ProofSize;
  /** What it is at: told, should it be ended there. */
  doing(what: string): void;
  /** Figures, kept at once; of the same name replace each other. */
  record(figures: Readonly<Record<string, unknown>>): void;
}

/** Shows one thing. What it throws is told as its failure. */
export type Step = (context: StepContext) => Promise<Verdict>;

/** What the process of a step tells its parent. */
export type StepMessage =
  | { readonly type: 'doing'; readonly what: string }
  | { readonly type: 'figures'; readonly figures: Readonly<Record<string, unknown>> }
  | { readonly type: 'verdict'; readonly verdict: Verdict };

/** How the process of a step learns what it is to do. */
export interface StepOrder {
  readonly out: string;
  readonly work: string;
  readonly size: ProofSize;
}
