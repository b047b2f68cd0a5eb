/** What the graph of a model tells about its outputs, whatever a trial shows. */
export interface GraphEvidence {
  /**
   * Whether the size of an output along an axis depends on values, such as the number of boxes kept. Then the
   * axis has no rows, even if a trial finds as many elements as rows.
   */
  isCounted(output: string, axis: number): boolean;
}

export const NO_EVIDENCE: GraphEvidence = { isCounted: () => false };
