import { describe, expect, it } from 'vitest';
import { axesOfInputs, type GivenAxes, requireKnownAxes } from '../../../models/manifest/batch-axis.ts';
import type { ModelManifest } from '../../../models/manifest/manifest.ts';

type ModelManifestPart = Pick<ModelManifest, 'name' | 'inputs' | 'batching'>;

const IMAGES = { name: 'images', dims: ['N', 3, 'height'] };
const SIZES = { name: 'sizes', dims: [2, 'N'] };

describe('a given batch axis', () => {
  it.each<readonly [GivenAxes, (number | undefined)[]]>([
    [{ images: 2 }, [2, undefined]],
    [{ '': 0 }, [0, undefined]],
    [{ '': 0, sizes: 1 }, [0, 1]],
  ])('%j is of the inputs that are named, or that have it', (given, axes) => {
    expect(axesOfInputs(given, [IMAGES, SIZES])).toEqual(axes);
  });

  it.each<readonly [GivenAxes, RegExp]>([
    [{ image: 0 }, /^There is no input "image" to have a batch axis\. The inputs are: images, sizes\.$/],
    [{ images: 3 }, /^Input "images" has no axis 3 to be the batch\. .*its axes are 0 to 2\.$/],
    [{ images: 1 }, /^Axis 1 of input "images" is always 3 long, so it cannot be the batch\. /],
    [{ '': 7 }, /^No input has an axis 7 of a free size\. /],
  ])('%j is refused where there is none', (given, sentence) => {
    expect(() => axesOfInputs(given, [IMAGES, SIZES])).toThrow(
      expect.objectContaining({ code: 'INVALID_INPUT', sentence: expect.stringMatching(sentence) }),
    );
  });

  it('says of the only input why it is none', () => {
    expect(() => axesOfInputs({ '': 1 }, [IMAGES])).toThrow('Axis 1 of input "images" is always 3 long');
  });

  it('has to be the one that a packed model was tried with', () => {
    const inputs = [{ name: 'x', dtype: 'float32' as const, shape: [null, null], batchAxis: 0 }];
    const proven: ModelManifestPart = { name: 'm', inputs, batching: { state: 'proven', reason: 'so' } };
    const one = [{ ...inputs[0]!, batchAxis: null }];
    const single: ModelManifestPart = {
      name: 'm',
      inputs: one,
      batching: { state: 'refuted', reason: 'so', given: { x: 1 } },
    };
    for (const given of [{ x: 0 }, { '': 0 }]) expect(() => requireKnownAxes(proven, given)).not.toThrow();
    expect(() => requireKnownAxes(single, { x: 1 })).not.toThrow();
    const sentence =
      'Whether the rows of m lie along axis 1 of input "x" was not tried when it was packed. ' +
      'Pack it again with --batch-axis x=1, or leave the axis out.';
    expect(() => requireKnownAxes(proven, { x: 1 })).toThrow(expect.objectContaining({ sentence }));
    expect(() => requireKnownAxes({ ...single, batching: undefined }, { x: 1 })).toThrow(/was not tried/);
  });
});
