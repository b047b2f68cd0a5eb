import { mkdir, mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { TensorProto_DataLocation } from 'onnx-buf';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { cacheDirectory } from '../../../models/base/files.ts';
import { contentOf, digestModel } from '../../../models/engines/content.ts';
import { engineOf } from '../../../models/engines/index.ts';
import { locateModel } from '../../../models/resolve/locate-model.ts';
import { describedModel } from '../../../models/resolve/manifest-file.ts';
import { writeLayout } from '../../../packager/layout/write-layout.ts';
import { pack } from '../../../packager/pack.ts';
import { unpackModel } from '../../../packager/unpack/unpack-model.ts';
import { LINEAR_GRAPH, writeTfjsModel } from '../../support/tfjs-models.ts';
import { encodeTinyModel, tensorInfo } from '../../support/tiny-models.ts';
import { HERE, smallBase } from '../contents/bases.ts';

const digestAt = async (path: string) => digestModel(await contentOf(engineOf(path), path));

let folder: string;
const usualCache = process.env.INFLESS_CACHE_DIR;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'infless-unpack-'));
});
afterEach(async () => {
  if (usualCache === undefined) delete process.env.INFLESS_CACHE_DIR;
  else process.env.INFLESS_CACHE_DIR = usualCache;
  await rm(folder, { recursive: true, force: true });
});

/** Each writes a model with weights in the folder `weights`, and tells where it is. */
const WRITERS = {
  async 'TF.js'(): Promise<string> {
    return writeTfjsModel(join(folder, 'linear'), LINEAR_GRAPH, { shardBytes: 10, shardFolder: 'weights' });
  },
  async ONNX(): Promise<string> {
    const externalData = [{ key: 'location', value: 'weights/w.bin' }];
    const dataLocation = TensorProto_DataLocation.EXTERNAL;
    const path = join(folder, 'scaled', 'scaled.onnx');
    await mkdir(join(folder, 'scaled', 'weights'), { recursive: true });
    await writeFile(join(folder, 'scaled', 'weights', 'w.bin'), new Float32Array([1, 2, 3]));
    const graph = {
      inputs: [tensorInfo('x', 'float32', ['N', 3])],
      outputs: [tensorInfo('y', 'float32', ['N', 3])],
      nodes: [{ opType: 'Mul', input: ['x', 'w'], output: ['y'] }],
      weights: [{ name: 'w', dims: [3n], dataType: 1, dataLocation, externalData }],
    };
    await writeFile(path, encodeTinyModel(graph));
    return path;
  },
};

it.each(Object.keys(WRITERS) as (keyof typeof WRITERS)[])(
  'a model of %s comes out of its image with all its weights, and again where one is damaged',
  async (format) => {
    const model = await WRITERS[format]();
    const packed = await pack({ model: await locateModel(model), base: smallBase(), platforms: [HERE] });
    await writeLayout(packed, join(folder, 'layout'), { tag: '1' });

    // only now: the runtime layer is better taken from the usual one
    process.env.INFLESS_CACHE_DIR = join(folder, 'cache');
    const unpack = () => unpackModel(`oci:${join(folder, 'layout')}:1`);
    const { path, manifestFile } = await unpack();
    expect(path.startsWith(join(cacheDirectory(), 'unpacked'))).toBe(true);
    const weights = await readdir(join(dirname(path), 'weights'));
    expect(weights).toEqual(await readdir(join(dirname(model), 'weights')));
    const { manifest } = await describedModel(path, manifestFile);
    expect(await digestAt(path)).toBe(manifest.digest);
    expect(manifest.digest).toBe(await digestAt(model));

    await truncate(join(dirname(path), 'weights', weights[0]!), 3);
    expect((await unpack()).path).toBe(path);
    expect(await digestAt(path)).toBe(manifest.digest);
  },
  180_000, // the first time, the runtime layer is built
);
