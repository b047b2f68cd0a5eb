import { describe, expect, it } from 'vitest';
import { type DeviceCapacity, givesShare, isNoEasier } from '../../../autoscaler/cluster/node.ts';
import type { GpuSharing } from '../../../profiles/table.ts';
import { node } from '../../support/planning.ts';
import { needsOf, nodeCapacity } from '../../support/resources.ts';

const share = (gpuPercent: number, sharing?: GpuSharing) => ({
  needs: needsOf({ batch: 1, cpuMillicores: 500, gpuPercent }),
  ...(sharing === undefined ? {} : { sharing }),
});
function device(gpuPercent: number, gpuSharing?: GpuSharing): DeviceCapacity {
  const node = { name: 'n', cpuMillicores: 1, memoryBytes: 1, gpuPercents: [gpuPercent] };
  return nodeCapacity({ ...node, ...(gpuSharing === undefined ? {} : { gpuSharing }) }).devices[0]!;
}
const MPS = device(100, 'mps');
const SLICE = device(300 / 7, 'mig');
const TURN = device(25, 'time-slicing');
const TURNS = device(100, 'time-slicing');
const WHOLE = device(100, 'whole');

describe('a GPU', () => {
  it.each([
    ['any percentage by MPS', MPS, share(13, 'mps'), true],
    ['no slice by MPS', MPS, share(100 / 7, 'mig'), false],
    ['the whole of itself, however it is shared', MPS, share(100), true],
    ['a slice of three sevenths to what was measured on one', SLICE, share(300 / 7, 'mig'), true],
    ['a slice to what needs a little less', SLICE, share(200 / 7, 'mig'), true],
    ['no slice to what two of would seem to fit into', SLICE, share(100 / 7, 'mig'), false],
    ['no slice to a percentage of MPS', SLICE, share(40, 'mps'), false],
    ['a turn to what was measured in turns', TURN, share(25, 'time-slicing'), true],
    ['no turn to a percentage of MPS', TURN, share(25, 'mps'), false],
    ['no turn to what is half of one', TURN, share(12.5, 'time-slicing'), false],
    ['turns of any size where it is one for all', TURNS, share(25, 'time-slicing'), true],
    ['itself as a whole to more than a half of it', WHOLE, share(75, 'mps'), true],
    ['itself as a whole to no half', WHOLE, share(50, 'mps'), false],
    ['shares of a table that does not say how they were held', MPS, share(30), true],
    ['all of them where it makes no difference', device(100), share(30, 'mig'), true],
  ] as const)('gives %s', (_, device, instance, gives) => {
    expect(givesShare(device, instance)).toBe(gives);
  });
});

describe('what finds no place where another finds none', () => {
  it('is what needs more, where shares are percents', () => {
    expect(isNoEasier(share(50), share(25), [node('a', 4, { gpuPercents: [100] })])).toBe(true);
    expect(isNoEasier(share(25), share(50), [node('a', 4, { gpuPercents: [100] })])).toBe(false);
  });

  it('is no larger share where GPUs are had in pieces', () => {
    const pieces = [node('a', 4, { gpuPercents: [100], gpuSharing: 'whole' })];
    expect(isNoEasier(share(100), share(25, 'mps'), pieces)).toBe(false);
    expect(isNoEasier(share(25, 'mig'), share(25, 'mps'), pieces)).toBe(false);
    expect(isNoEasier(share(100), share(0), pieces)).toBe(true);
  });
});
