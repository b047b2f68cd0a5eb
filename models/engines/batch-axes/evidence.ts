import type { AxisGuess } from './axis-guesses.ts';

/** How exactly a graph computes: with what precision its numbers are kept. */
export type Precision = 'single' | 'half' | 'quantised';

/** What the graph of a model tells about its outputs, whatever a trial shows. */
export interface GraphEvidence {
  /**
   * Whether the size of an output along an axis depends on values, such as the number of boxes kept. Then the
   * axis has no rows, even if a trial finds as many elements as rows.
   */
  isCounted(output: string, axis: number): boolean;
  /**
   * Why rows of an output depend on each other, if the batch is where the guess has it: the operator that
   * makes one number of several rows. Undefined where the graph shows none.
   */
  mixing(guess: AxisGuess, output: string): string | undefined;
  /**
   * Whether the size of some tensor depends on values. Operators of runtimes break, and whole processes with
   * them, where nothing at all is left of it.
   */
  readonly countsValues: boolean;
  /** The coarsest precision of its numbers. */
  readonly precision: Precision;
  /** The step between two neighbouring values of an output, where the graph ends by dequantising it. */
  stepOf(output: string): number | undefined;
}

/** Of a model whose graph cannot be read. */
export const NO_EVIDENCE: GraphEvidence = {
  isCounted: () => false,
  mixing: () => undefined,
  countsValues: false,
  precision: 'single',
  stepOf: () => undefined,
};
