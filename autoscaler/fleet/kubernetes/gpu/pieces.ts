import type { GpuSharing as ShareKind } from '../../../../profiles/table.ts';
import type { GpuClaim, GpuSharing } from './sharing.ts';

export const GPU_RESOURCE = 'nvidia.com/gpu';

/** A piece of a GPU that one pod has alone. */
export interface Piece {
  readonly resource: string;
  /** Of the GPU's SMs. */
  readonly percent: number;
}

/**
 * GPUs in pieces. A piece is given for a share only if a second such share would not fit in: plans count
 * percents and would put both into a piece that goes to one pod.
 */
export function pieces(kind: ShareKind, free: readonly Piece[], terms: string): GpuSharing {
  return {
    kind,
    percents: free.map(({ percent }) => percent),
    terms,
    claim: (percent, gpu) => {
      const piece = gpu === undefined ? free.find((it) => suits(it, percent)) : free[gpu];
      return piece !== undefined && suits(piece, percent) ? claimOf(piece) : undefined;
    },
  };
}

function suits(piece: Piece, percent: number): boolean {
  return percent <= piece.percent && percent * 2 > piece.percent;
}

function claimOf({ resource }: Piece): GpuClaim {
  return { resources: { [resource]: '1' }, environment: {} };
}
