/** What the graph of a model tells of its outputs, whatever a trial shows. */
export interface GraphEvidence {
  /**
   * Whether an output is as long along an axis as a count of values: of boxes that are kept, of elements that are not zero.
   * Then no rows lie along it, even if there happen to be as many.
   */
  isCounted(output: string, axis: number): boolean;
}

export const NO_EVIDENCE: GraphEvidence = { isCounted: () => false };
