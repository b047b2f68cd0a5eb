import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LayoutSource } from '../../../packager/layout/layout-source.ts';
import { LayoutStore } from '../../../packager/layout/layout-store.ts';
import { writeLayout } from '../../../packager/layout/write-layout.ts';
import { verifyBundle } from '../../../packager/oci/verify-bundle.ts';
import { ProgramRun } from '../../support/program-run.ts';
import { identityGraph, ModelFolder } from '../../support/tiny-models.ts';
import { baseImage, HERE } from '../contents/bases.ts';

const TAGS = ['one', 'two', 'three', 'four'];

let folder: ModelFolder;
beforeEach(async () => {
  folder = await ModelFolder.create();
});
afterEach(() => folder.remove());

/** Processes of `infless-pack` that write their images into one layout at the same time. */
async function packAtOnce(layout: string): Promise<void> {
  const image = await baseImage(HERE);
  const base = join(folder.path, 'base');
  await writeLayout({ root: image.manifest, images: [image], referrers: [] }, base);
  const start = async (tag: string, index: number, output: string) => {
    const model = await folder.write(`${tag}.onnx`, identityGraph('float32', ['N', index + 1]));
    return new ProgramRun('packager/bin', [model, '--base', `oci:${base}`, '-o', `oci:${output}:${tag}`]);
  };
  await succeeds(await start('alone', 0, join(folder.path, 'alone'))); // what all share is made once
  const runs = await Promise.all(TAGS.map((tag, index) => start(tag, index + 1, layout)));
  await Promise.all(runs.map(succeeds));
}

async function succeeds(run: ProgramRun): Promise<void> {
  expect(await run.exited(), run.stderr).toBe(0);
}

async function tagsOf(layout: string): Promise<(string | undefined)[]> {
  const { manifests } = await new LayoutStore(layout).index();
  const tags = manifests.map(({ annotations }) => annotations?.['org.opencontainers.image.ref.name']);
  return tags.filter((tag) => tag !== undefined).sort();
}

it.each([
  ['a new folder', async () => {}],
  ['an empty one', async (layout: string) => mkdir(layout)],
])(
  'processes that write into %s at once all find their images there',
  async (_, prepare) => {
    const layout = join(folder.path, 'images');
    await prepare(layout);
    await packAtOnce(layout);
    expect(await tagsOf(layout)).toEqual([...TAGS].sort());
    for (const tag of TAGS) {
      const bundle = await new LayoutSource({ directory: layout, tag }).open();
      expect(await verifyBundle(bundle, tag)).toMatchObject({ problems: [] });
    }
  },
  120_000,
);

it('images added at once from one process are all named', async () => {
  const layout = join(folder.path, 'images');
  const image = await baseImage(HERE);
  const bundle = { root: image.manifest, images: [image], referrers: [] };
  await writeLayout(bundle, layout, { tag: 'first' });
  const tags = Array.from({ length: 8 }, (_, index) => `tag-${index}`);
  await Promise.all(tags.map((tag) => writeLayout(bundle, layout, { tag })));
  expect(await tagsOf(layout)).toEqual(['first', ...tags]);
});
