import { mkdtemp, readdir, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
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

it('a TF.js model comes out of its image with all its weights, and again where one is damaged', async () => {
  const model = await writeTfjsModel(join(folder, 'linear'), LINEAR_GRAPH, {
    shardBytes: 10,
    shardFolder: 'weights',
  });
  const packed = await pack({ model: await locateModel(model), base: smallBase(), platforms: [HERE] });
  await writeLayout(packed, join(folder, 'layout'), { tag: '1' });

  process.env.INFLESS_CACHE_DIR = join(folder, 'cache'); // only now: the runtime layer is better taken from the usual one
  const unpack = () => unpackModel(`oci:${join(folder, 'layout')}:1`);
  const { path, manifestFile } = await unpack();
  expect(path.startsWith(join(cacheDirectory(), 'unpacked'))).toBe(true);
  expect(await readdir(join(dirname(path), 'weights'))).toHaveLength(3);
  const { manifest } = await describedModel(path, manifestFile);
  expect(await digestAt(path)).toBe(manifest.digest);
  expect(manifest.digest).toBe(await digestAt(model));

  await truncate(join(dirname(path), 'weights', 'group1-shard2of3.bin'), 3);
  expect((await unpack()).path).toBe(path);
  expect(await digestAt(path)).toBe(manifest.digest);
}, 180_000); // the first time, the runtime layer is built
