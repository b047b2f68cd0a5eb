import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { pushBundle } from '../../../packager/registry/push.ts';
import { parseReference } from '../../../packager/registry/reference.ts';
import { pinImage } from '../../../packager/unpack/pinned-image.ts';
import { cell, table } from '../../profiles/sample-table.ts';
import { pushDescribed } from '../../support/described-image.ts';
import { AMD64, ARM64 } from '../contents/bases.ts';
import { bundleOf, sampleImage } from '../oci/sample-bundle.ts';
import { SmallRegistry } from '../registry/small-registry.ts';

const TABLE = table([cell(1, 1000, 5)]);
const PLAIN_HTTP = { insecure: true };

let cache: string;
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'infless-cache-'));
  vi.stubEnv('INFLESS_CACHE_DIR', cache);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(cache, { recursive: true });
});

describe('an image', () => {
  it('is pinned by what its tag stands for, and says what it is', async () => {
    const registry = await SmallRegistry.start();
    const name = `${registry.host}/team/digits:1`;
    const { root } = await pushDescribed(name, TABLE);
    expect(await pinImage(name, PLAIN_HTTP)).toEqual({
      reference: `${registry.host}/team/digits@${root.descriptor.digest}`,
      platforms: ['linux/amd64'],
      model: TABLE.model,
      profile: TABLE,
    });
  });

  it('for several platforms is pinned by their index', async () => {
    const registry = await SmallRegistry.start();
    const name = `${registry.host}/digits`;
    const { root } = await pushDescribed(name, TABLE, { platforms: [AMD64, ARM64], hasTable: false });
    expect(await pinImage(name, PLAIN_HTTP)).toEqual({
      reference: `${registry.host}/digits@${root.descriptor.digest}`,
      platforms: ['linux/amd64', 'linux/arm64'],
      model: TABLE.model,
    });
  });

  it('that is pinned stays what it is when its tag moves on', async () => {
    const registry = await SmallRegistry.start();
    const name = `${registry.host}/digits:1`;
    await pushDescribed(name, TABLE);
    const first = await pinImage(name, PLAIN_HTTP);
    await pushDescribed(name, TABLE, { version: '2' });
    expect(await pinImage(first.reference, PLAIN_HTTP)).toEqual(first);
    const second = await pinImage(name, PLAIN_HTTP);
    expect(second.reference).not.toBe(first.reference);
    expect({ ...second, reference: first.reference }).toEqual(first);
  });

  it('that is pinned is not asked for again, so that a registry may be down', async () => {
    const registry = await SmallRegistry.start();
    const name = `${registry.host}/digits:1`;
    await pushDescribed(name, TABLE);
    const first = await pinImage(name, PLAIN_HTTP);
    registry.stop();
    expect(await pinImage(first.reference, PLAIN_HTTP)).toEqual(first);
    await expect(pinImage(name, PLAIN_HTTP)).rejects.toThrow(/refuses connections/);
  });

  it('of which what is remembered is damaged is asked for again', async () => {
    const registry = await SmallRegistry.start();
    const name = `${registry.host}/digits:1`;
    const { root } = await pushDescribed(name, TABLE);
    const first = await pinImage(name, PLAIN_HTTP);
    const images = join(cache, 'images');
    expect(await readdir(images)).toEqual([root.descriptor.digest.slice('sha256:'.length)]);
    const file = join(images, root.descriptor.digest.slice('sha256:'.length), 'facts.json');
    for (const damage of ['{"platforms": [', '{}']) {
      await writeFile(file, damage);
      expect(await pinImage(first.reference, PLAIN_HTTP)).toEqual(first);
    }
  });

  it('that another tool has made is refused', async () => {
    const registry = await SmallRegistry.start();
    const name = `${registry.host}/other:1`;
    await pushBundle(bundleOf([await sampleImage()]), parseReference(name), PLAIN_HTTP);
    await expect(pinImage(name, PLAIN_HTTP)).rejects.toThrow(/was not made by infless-pack/);
  });
});
