import type { V1Node } from '@kubernetes/client-node';
import { InflessError } from '../../../../models/base/errors.ts';
import { GPU_SHARING_LABEL } from '../labels.ts';
import type { Amounts } from './amounts.ts';
import { migSharing } from './mig.ts';
import { mpsSharing } from './mps.ts';
import type { GpuClaim, GpuSharing, SharingStrategy } from './sharing.ts';
import { timeSlicing } from './time-slicing.ts';
import { wholeGpus } from './whole.ts';

const STRATEGIES: ReadonlyMap<string, SharingStrategy> = new Map([
  ['mps', mpsSharing],
  ['mig', migSharing],
  ['time-slicing', timeSlicing],
]);

export const NO_GPU: GpuClaim = { resources: {}, environment: {} };

/** As the node's label says; without one GPUs are had whole. */
export function gpuSharingOf(node: V1Node, requested: Amounts): GpuSharing {
  const label = node.metadata?.labels?.[GPU_SHARING_LABEL];
  return (STRATEGIES.get(label ?? '') ?? wholeGpus)(node, requested);
}

/** @throws InflessError PLATFORM_FAILED for a share that the node cannot give. */
export function claimGpu(nodeName: string, sharing: GpuSharing, percent: number, gpu?: number): GpuClaim {
  if (percent === 0) return NO_GPU;
  const claim = sharing.claim(percent, gpu);
  if (claim !== undefined) return claim;
  const what = `${percent} % of a GPU is not available on node ${nodeName}: ${sharing.terms}`;
  throw new InflessError('PLATFORM_FAILED', what, {
    remedy: 'Share the GPUs of that node by MPS, or limit the function to shares that it offers.',
  });
}
