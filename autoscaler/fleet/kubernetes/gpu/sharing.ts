import type { V1Node } from '@kubernetes/client-node';
import type { GpuSharing as ShareKind } from '../../../../profiles/table.ts';
import type { Amounts } from './amounts.ts';

/** What a pod asks of its node to get its share of a GPU. */
export interface GpuClaim {
  /** Extended resources, in pieces. */
  readonly resources: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string>>;
}

/** One node's GPUs, as they can be shared there. */
export interface GpuSharing {
  /** As tables tell it. */
  readonly kind: ShareKind;
  /**
   * What is free for instances: one entry a GPU, or a piece of one that only one pod can have, in percent of
   * a GPU's SMs.
   */
  readonly percents: readonly number[];
  /** Undefined where this share cannot be had. `gpu` is an index into {@link percents}. */
  claim(percent: number, gpu: number | undefined): GpuClaim | undefined;
  /** How shares can be had there, as a clause. */
  readonly terms: string;
}

/** @param requested what other pods on it have asked for */
export type SharingStrategy = (node: V1Node, requested: Amounts) => GpuSharing;
