import type { V1Node } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { claimGpu, gpuSharingOf } from '../../../../../autoscaler/fleet/kubernetes/gpu/strategies.ts';

function nodeWith(allocatable: Record<string, string>, labels: Record<string, string> = {}): V1Node {
  return { metadata: { name: 'node', labels }, status: { allocatable } };
}

const sharing = (how: string): Record<string, string> => ({ 'infless.io/gpu-sharing': how });
const NOTHING = new Map<string, number>();

describe('GPUs that are had whole', () => {
  const node = nodeWith({ 'nvidia.com/gpu': '2' });

  it('are given to whom needs more than half of one', () => {
    const gpus = gpuSharingOf(node, NOTHING);
    expect(gpus.percents).toEqual([100, 100]);
    expect(claimGpu('node', gpus, 80)).toEqual({ resources: { 'nvidia.com/gpu': '1' }, environment: {} });
  });

  it('are not there for shares of which a plan would put two on one', () => {
    const refused = (): unknown => claimGpu('node', gpuSharingOf(node, NOTHING), 50);
    expect(refused).toThrow(
      '50 % of a GPU is not available on node node: its GPUs are given to one pod each',
    );
  });

  it('count without those that others have', () => {
    expect(gpuSharingOf(node, new Map([['nvidia.com/gpu', 1]])).percents).toEqual([100]);
  });

  it('may be none, which is enough for who needs none', () => {
    const gpus = gpuSharingOf(nodeWith({ cpu: '4' }), NOTHING);
    expect(gpus.percents).toEqual([]);
    expect(claimGpu('node', gpus, 0)).toEqual({ resources: {}, environment: {} });
    expect(() => claimGpu('node', gpus, 10)).toThrow(
      '10 % of a GPU is not available on node node: it has none',
    );
  });
});

describe('GPUs shared by MPS', () => {
  const labels = { ...sharing('mps'), 'nvidia.com/gpu.replicas': '10' };
  const node = nodeWith({ 'nvidia.com/gpu': '20' }, labels);

  it('give any percentage, held by the daemon, for one replica', () => {
    const gpus = gpuSharingOf(node, NOTHING);
    expect(gpus.percents).toEqual([100, 100]);
    expect(gpus.claim(15, 1)).toEqual({
      resources: { 'nvidia.com/gpu': '1' },
      environment: { CUDA_MPS_ACTIVE_THREAD_PERCENTAGE: '15' },
    });
  });

  it('count replicas of others as an even part each', () => {
    const gpus = gpuSharingOf(node, new Map([['nvidia.com/gpu', 3]]));
    expect(gpus.percents).toEqual([70, 100]);
    expect(gpus.claim(80, 0)).toBeUndefined();
  });

  it('may have their replicas under another name', () => {
    const shared = nodeWith({ 'nvidia.com/gpu.shared': '4' }, { ...labels, 'nvidia.com/gpu.replicas': '4' });
    expect(gpuSharingOf(shared, NOTHING).claim(25, 0)?.resources).toEqual({ 'nvidia.com/gpu.shared': '1' });
  });

  it('are as many as they are said to be where their replicas are not told', () => {
    const counted = nodeWith({ 'nvidia.com/gpu': '8' }, { ...sharing('mps'), 'nvidia.com/gpu.count': '2' });
    expect(gpuSharingOf(counted, NOTHING).percents).toEqual([100, 100]);
  });
});

describe('GPUs shared by time', () => {
  const node = nodeWith(
    { 'nvidia.com/gpu': '4' },
    { ...sharing('time-slicing'), 'nvidia.com/gpu.replicas': '4' },
  );

  it('give even parts, one to a pod', () => {
    const gpus = gpuSharingOf(node, new Map([['nvidia.com/gpu', 1]]));
    expect(gpus.percents).toEqual([25, 25, 25]);
    expect(gpus.claim(20, 2)).toEqual({ resources: { 'nvidia.com/gpu': '1' }, environment: {} });
    expect(gpus.claim(30, 0)).toBeUndefined();
    expect(gpus.claim(12, 0)).toBeUndefined();
    expect(gpus.claim(20, 3)).toBeUndefined();
  });
});

describe('GPUs cut by MIG', () => {
  const slices = { 'nvidia.com/mig-1g.10gb': '3', 'nvidia.com/mig-4g.40gb': '1' };
  const node = nodeWith({ cpu: '8', ...slices }, sharing('mig'));

  it('give the slices that there are', () => {
    const gpus = gpuSharingOf(node, new Map([['nvidia.com/mig-1g.10gb', 1]]));
    expect(gpus.percents.map(Math.round)).toEqual([14, 14, 57]);
    expect(gpus.claim(50, 2)?.resources).toEqual({ 'nvidia.com/mig-4g.40gb': '1' });
    expect(gpus.claim(10, undefined)?.resources).toEqual({ 'nvidia.com/mig-1g.10gb': '1' });
    expect(() => claimGpu('node', gpus, 25)).toThrow('its GPUs are cut by MIG, free are 14 %, 57 %');
  });

  it('are counted by the slices that their kind has', () => {
    const a30 = nodeWith(
      { 'nvidia.com/mig-2g.12gb': '2' },
      { ...sharing('mig'), 'nvidia.com/gpu.product': 'NVIDIA-A30' },
    );
    expect(gpuSharingOf(a30, NOTHING).percents).toEqual([50, 50]);
  });
});
